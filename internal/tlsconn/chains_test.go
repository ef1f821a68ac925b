package tlsconn

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// issueCA makes an authority whose certificate a signed.
func (a *authority) issueCA(t testing.TB, name string, change func(*x509.Certificate)) *authority {
	t.Helper()
	sub := &authority{key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: name},
		NotBefore: a.cert.NotBefore, NotAfter: a.cert.NotAfter,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	if change != nil {
		change(template)
	}
	sub.cert = sign(t, template, a.cert, &sub.key.PublicKey, a.key)
	return sub
}

// A chainCase is a root, two intermediates and a leaf, valid for an hour but for
// the root, and a verifier of connections that show them.
type chainCase struct {
	root  *authority
	certs []*x509.Certificate // leaf, its issuer, the issuer's
	cfg   *tls.Config
	known *Chains
	clock time.Time
}

func newChainCase(t testing.TB) *chainCase {
	t.Helper()
	if platformVerifies() {
		t.Skip("nothing is remembered on this system")
	}
	root := newAuthority(t)
	upper := root.issueCA(t, "upper", nil)
	lower := upper.issueCA(t, "lower", nil)
	leaf := lower.issue(t, func(c *x509.Certificate) {
		c.NotAfter = root.cert.NotAfter
		c.DNSNames = append(c.DNSNames, "second.test")
	})
	return &chainCase{
		root:  root,
		certs: []*x509.Certificate{leaf.Leaf, lower.cert, upper.cert},
		cfg:   &tls.Config{RootCAs: root.pool},
		known: &Chains{}, clock: time.Now(),
	}
}

func (c *chainCase) verify(host string, certs []*x509.Certificate) ([][]*x509.Certificate, error) {
	v := &verifier{cfg: c.cfg, host: host, known: c.known, now: func() time.Time { return c.clock }}
	return v.chain(certs)
}

func (c *chainCase) must(t testing.TB, host string, certs []*x509.Certificate) [][]*x509.Certificate {
	t.Helper()
	chains, err := c.verify(host, certs)
	if err != nil {
		t.Fatal(err)
	}
	return chains
}

// entry is what the cache holds for host; it is another one after each store.
func (c *chainCase) entry(host string) *knownChain {
	for e := c.known.order.Back(); e != nil; e = e.Prev() {
		if k := e.Value.(*knownChain); k.key.host == host {
			return k
		}
	}
	return nil
}

func TestChainIsRemembered(t *testing.T) {
	c := newChainCase(t)
	first := c.must(t, testHost, c.certs)
	known := c.entry(testHost)
	if known == nil {
		t.Fatal("not remembered")
	}
	again := make([]*x509.Certificate, len(c.certs))
	for i, cert := range c.certs {
		again[i], _ = x509.ParseCertificate(cert.Raw)
	}
	second := c.must(t, testHost, again)
	if c.entry(testHost) != known || c.known.Len() != 1 {
		t.Error("built again")
	}
	if len(first) != 1 || len(first[0]) != 4 || len(second) != 1 || !slices.EqualFunc(first[0], second[0], (*x509.Certificate).Equal) {
		t.Errorf("chains %v, then %v", first, second)
	}
	if second[0][0] != again[0] {
		t.Error("the leaf is another connection's")
	}
	// The same certificates in a pool of their own are the same roots.
	c.cfg = &tls.Config{RootCAs: c.root.pool.Clone()}
	if c.must(t, testHost, c.certs); c.entry(testHost) != known {
		t.Error("built again for an equal pool")
	}
	// What a caller does to the slices stays with the caller.
	want := slices.Clone(first[0])
	first[0][1], second[0][1], second[0] = nil, nil, nil
	if third := c.must(t, testHost, c.certs); !slices.EqualFunc(want, third[0], (*x509.Certificate).Equal) {
		t.Error("a caller changed what is remembered")
	}
}

func TestChainIsBuiltAgain(t *testing.T) {
	other := newAuthority(t)
	for name, change := range map[string]func(*chainCase) (host string, certs []*x509.Certificate){
		"another host of the certificate": func(c *chainCase) (string, []*x509.Certificate) { return "second.test", c.certs },
		"another order": func(c *chainCase) (string, []*x509.Certificate) {
			return testHost, []*x509.Certificate{c.certs[0], c.certs[2], c.certs[1]}
		},
		"one more certificate": func(c *chainCase) (string, []*x509.Certificate) { return testHost, append(c.certs, other.cert) },
		"a root added": func(c *chainCase) (string, []*x509.Certificate) {
			c.root.pool.AddCert(other.cert)
			return testHost, c.certs
		},
		"other roots": func(c *chainCase) (string, []*x509.Certificate) {
			c.cfg.RootCAs = x509.NewCertPool()
			c.cfg.RootCAs.AddCert(c.certs[2])
			return testHost, c.certs
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newChainCase(t)
			c.must(t, testHost, c.certs)
			known := c.entry(testHost)
			host, certs := change(c)
			c.must(t, host, certs)
			if now := c.entry(host); now == known || now == nil {
				t.Error("not built again")
			}
		})
	}
}

// A root that is added makes a chain that nobody trusted before, and a pool that
// is emptied ends the trust in one that is remembered.
func TestChainFollowsThePool(t *testing.T) {
	c := newChainCase(t)
	c.cfg.RootCAs = x509.NewCertPool()
	var unknown x509.UnknownAuthorityError
	for range 2 {
		if _, err := c.verify(testHost, c.certs); !errors.As(err, &unknown) {
			t.Fatalf("error %v", err)
		}
	}
	if c.known.Len() != 0 {
		t.Error("a chain was remembered that leads nowhere")
	}
	c.cfg.RootCAs.AddCert(c.root.cert)
	c.must(t, testHost, c.certs)
	c.must(t, testHost, c.certs)
	*c.cfg.RootCAs = *x509.NewCertPool()
	if _, err := c.verify(testHost, c.certs); !errors.As(err, &unknown) {
		t.Errorf("error %v", err)
	}
	c.cfg.RootCAs = nil // the system's
	if _, err := c.verify(testHost, c.certs); err == nil {
		t.Error("remembered for other roots")
	}
}

func TestRememberedChainIsChecked(t *testing.T) {
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	for at, who := range []string{"leaf", "lower", "upper", "root"} {
		c := newChainCase(t)
		short := func(i int) func(*x509.Certificate) {
			return func(cert *x509.Certificate) {
				if i == at {
					cert.NotBefore, cert.NotAfter = c.clock.Add(-time.Minute), c.clock.Add(time.Minute)
				} else {
					cert.NotBefore, cert.NotAfter = c.clock.Add(-48*time.Hour), c.clock.Add(48*time.Hour)
				}
			}
		}
		long := c.root.issueCA(t, "long", short(3)) // self-made root: trusted, though another signed it
		upper := long.issueCA(t, "upper", short(2))
		lower := upper.issueCA(t, "lower", short(1))
		leaf := lower.issue(t, short(0))
		certs := []*x509.Certificate{leaf.Leaf, lower.cert, upper.cert}
		c.cfg.RootCAs = x509.NewCertPool()
		c.cfg.RootCAs.AddCert(long.cert)
		c.must(t, testHost, certs)
		c.must(t, testHost, certs)
		start := c.clock
		for _, later := range []time.Duration{time.Hour, -time.Hour} {
			c.clock = start.Add(later)
			if _, err := c.verify(testHost, certs); !errors.As(err, &invalid) || invalid.Reason != x509.Expired {
				t.Errorf("%s, %v later: error %v", who, later, err)
			}
		}
		c.clock = start
		if _, err := c.verify("other.test", certs); !errors.As(err, &name) {
			t.Errorf("error %v", err)
		}
		// Even where the host is that of what is remembered.
		known := *c.entry(testHost)
		known.key.host = "other.test"
		c.known.store(known.key, c.cfg.RootCAs, known.chains)
		if _, err := c.verify("other.test", certs); !errors.As(err, &name) {
			t.Errorf("remembered: error %v", err)
		}
	}
}

// Whoever else decides on chains is asked each time.
func TestChainIsNotRemembered(t *testing.T) {
	for name, change := range map[string]func(*chainCase){
		"VerifyConnection": func(c *chainCase) { c.cfg.VerifyConnection = func(tls.ConnectionState) error { return nil } },
		"VerifyPeerCertificate": func(c *chainCase) {
			c.cfg.VerifyPeerCertificate = func([][]byte, [][]*x509.Certificate) error { return nil }
		},
		"constraint": func(c *chainCase) {
			c.cfg.RootCAs = x509.NewCertPool()
			c.cfg.RootCAs.AddCertWithConstraint(c.root.cert, func([]*x509.Certificate) error { return nil })
		},
		"no cache": func(c *chainCase) { c.known = nil },
	} {
		t.Run(name, func(t *testing.T) {
			c := newChainCase(t)
			change(c)
			c.must(t, testHost, c.certs)
			if c.known != nil && c.known.Len() != 0 {
				t.Error("remembered")
			}
		})
	}
}

func TestChainsAreBounded(t *testing.T) {
	c := newChainCase(t)
	hosts := make([]string, maxChains+10)
	for i := range hosts {
		hosts[i] = fmt.Sprintf("h%d.test", i)
	}
	wild := c.root.issue(t, func(cert *x509.Certificate) { cert.DNSNames = []string{"*.test"} })
	for _, host := range hosts {
		c.must(t, host, []*x509.Certificate{wild.Leaf})
	}
	if c.known.Len() != maxChains || len(c.known.held) != maxChains {
		t.Errorf("%d held, %d by key", c.known.Len(), len(c.known.held))
	}
	if c.entry(hosts[0]) != nil || c.entry(hosts[len(hosts)-1]) == nil {
		t.Error("not the oldest went")
	}
}

func TestChainsAreForgotten(t *testing.T) { synctest.Test(t, testChainsAreForgotten) }

func testChainsAreForgotten(t *testing.T) {
	c := newChainCase(t)
	c.must(t, testHost, c.certs)
	known := c.entry(testHost)
	time.Sleep(chainLife - 1)
	if c.must(t, testHost, c.certs); c.entry(testHost) != known {
		t.Error("built again within the hour")
	}
	time.Sleep(time.Nanosecond)
	if c.must(t, testHost, c.certs); c.entry(testHost) == known {
		t.Error("remembered for longer than an hour")
	}
}

// impostor shows a certificate whose key it does not have.
type impostor struct {
	crypto.Signer
	shown crypto.PublicKey
}

func (i impostor) Public() crypto.PublicKey { return i.shown }

// A chain may be remembered; that the peer has its key is proved anew each time.
func TestKeyIsProvedEachTime(t *testing.T) {
	if platformVerifies() {
		t.Skip("nothing is remembered on this system")
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		var config *tls.Config
		s := newServer(t, func(c *tls.Config) { c.MaxVersion, config = version, c })
		cfg := s.config(profile(t, "chrome-156-linux"))
		cfg.Chains = &Chains{}
		s.mustDial(t, cfg)
		s.mustDial(t, cfg)
		if cfg.Chains.Len() != 1 {
			t.Fatalf("%d chains remembered", cfg.Chains.Len())
		}
		cert := config.Certificates[0]
		cert.PrivateKey = impostor{newKey(t), cert.PrivateKey.(*ecdsa.PrivateKey).Public()}
		config.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &cert, nil }
		config.Certificates = nil
		if c, err := s.dial(t, cfg); err == nil {
			_, err = io.ReadFull(c, make([]byte, 5))
			c.Close()
			t.Errorf("%s: no proof asked for, then %v", tls.VersionName(version), err)
		}
	}
}

func TestVerifiedIsAskedEachTime(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		s := newServer(t, func(c *tls.Config) { c.MaxVersion = version })
		cfg := s.config(profile(t, "chrome-156-linux"))
		cfg.Tickets, cfg.Chains = NewTickets(0), &Chains{}
		var states []tls.ConnectionState
		var no error
		cfg.Verified = func(state tls.ConnectionState) error {
			states = append(states, state)
			return no
		}
		s.mustDial(t, cfg)
		s.mustDial(t, cfg)
		if len(states) != 2 || states[0].DidResume || !states[1].DidResume {
			t.Fatalf("asked %d times: %+v", len(states), states)
		}
		for _, state := range states {
			if len(state.VerifiedChains) != 1 || state.VerifiedChains[0][0] != state.PeerCertificates[0] {
				t.Errorf("chains %v", state.VerifiedChains)
			}
		}
		no = errors.New("no")
		held := cfg.Tickets.Len()
		if _, err := s.dial(t, cfg); !refused(err, no) {
			t.Errorf("error %v", err)
		}
		if cfg.Tickets.Len() > held {
			t.Error("a refused connection left a session")
		}
	}
}

func BenchmarkChain(b *testing.B) {
	c := newChainCase(b)
	for _, known := range []*Chains{nil, {}} {
		c.known = known
		b.Run(fmt.Sprintf("remembered=%v", known != nil), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.must(b, testHost, c.certs)
			}
		})
	}
}
