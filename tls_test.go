package mien_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// A signer is a CA of one test.
type signer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool // of it alone
}

func newSigner(t testing.TB) *signer {
	t.Helper()
	ca := &signer{pool: x509.NewCertPool()}
	made := ca.issue(t, func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
		c.ExtKeyUsage, c.DNSNames, c.IPAddresses = nil, nil, nil
	})
	ca.cert, ca.key = made.Leaf, made.PrivateKey.(*ecdsa.PrivateKey)
	ca.pool.AddCert(ca.cert)
	return ca
}

// issue makes a certificate for 127.0.0.1, localhost and *.test that is good for
// a day, but for what change changes.
func (ca *signer) issue(t testing.TB, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "a test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{"localhost", "*.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(template)
	}
	parent, by := ca.cert, ca.key
	if parent == nil {
		parent, by = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func (ca *signer) origin(t testing.TB, cfg mientest.Config) *mientest.Origin {
	t.Helper()
	if cfg.TLS == nil {
		cfg.TLS = &tls.Config{}
	}
	cfg.TLS.Certificates = []tls.Certificate{ca.issue(t, nil)}
	return newOrigin(t, cfg)
}

// anew sends a GET on a connection that is opened for it.
func anew(t testing.TB, s *mien.Session, ctx context.Context, url string) (*http.Response, error) {
	t.Helper()
	// One whose response has just been read may be about to become idle.
	if !soon(func() bool { s.CloseIdleConnections(); return s.Stats().Sockets == 0 }) {
		t.Fatalf("connections are left: %+v", s.Stats())
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.Do(req)
	if err == nil {
		readAll(t, resp)
	}
	return resp, err
}

func mustAnew(t testing.TB, s *mien.Session, ctx context.Context, url string) *http.Response {
	t.Helper()
	resp, err := anew(t, s, ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// uncertified reports what is not as it is when a certificate is refused.
func uncertified(t testing.TB, err error, cause any) {
	t.Helper()
	var e *mien.Error
	if !errors.As(err, &e) || e.Class != retry.Certificate || e.Phase != retry.PhaseTLS || e.Sent {
		t.Fatalf("error %+v", err)
	}
	if cause != nil && !errors.As(err, cause) {
		t.Errorf("cause %T: %v", e.Err, e.Err)
	}
}

// Roots that are added to the caller's pool count from then on, and roots that
// are gone do not, whatever was resumed or remembered.
func TestRootsAddedAfterUse(t *testing.T) {
	for _, p := range protocols {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(p.name+"/"+tls.VersionName(version), func(t *testing.T) {
				one, two := newSigner(t), newSigner(t)
				first := one.origin(t, mientest.Config{Protocols: p.alpn, TLS: &tls.Config{MaxVersion: version}})
				second := two.origin(t, mientest.Config{Protocols: p.alpn, TLS: &tls.Config{MaxVersion: version}})
				pool := x509.NewCertPool()
				s := newSession(t, mien.Config{TLS: &tls.Config{RootCAs: pool}})
				ctx := t.Context()
				_, err := anew(t, s, ctx, first.URL)
				uncertified(t, err, new(x509.UnknownAuthorityError))
				pool.AddCert(one.cert)
				mustAnew(t, s, ctx, first.URL)
				_, err = anew(t, s, ctx, second.URL)
				uncertified(t, err, new(x509.UnknownAuthorityError))
				pool.AddCert(two.cert)
				mustAnew(t, s, ctx, second.URL)
				if resp := mustAnew(t, s, ctx, first.URL); !resp.TLS.DidResume || len(resp.TLS.VerifiedChains) != 1 {
					t.Errorf("resumed: %v, chains %v", resp.TLS.DidResume, resp.TLS.VerifiedChains)
				}
				settled(t, s)
				*pool = *two.pool.Clone()
				_, err = anew(t, s, ctx, first.URL)
				uncertified(t, err, new(x509.UnknownAuthorityError))
			})
		}
	}
}

// A ticket does not outlive the certificate that it was given under.
func TestLeafExpiresWhileTicketIsHeld(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, anewChain := range []bool{false, true} {
			ca := newSigner(t)
			origin := ca.origin(t, mientest.Config{TLS: &tls.Config{MaxVersion: version}})
			var ahead atomic.Int64
			s := newSession(t, mien.Config{NoChainCache: anewChain, TLS: &tls.Config{
				RootCAs: ca.pool,
				Time:    func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) },
			}})
			mustAnew(t, s, t.Context(), origin.URL)
			if !mustAnew(t, s, t.Context(), origin.URL).TLS.DidResume {
				t.Fatal("not resumed")
			}
			ahead.Store(int64(25 * time.Hour))
			var invalid x509.CertificateInvalidError
			_, err := anew(t, s, t.Context(), origin.URL)
			uncertified(t, err, &invalid)
			if invalid.Reason != x509.Expired {
				t.Errorf("reason %v", invalid.Reason)
			}
		}
	}
}

// The callbacks run when crypto/tls runs them: VerifyPeerCertificate in full
// handshakes, VerifyConnection in all. What they return is the cause, of class
// Certificate, and nothing is tried again.
func TestVerifyCallbacks(t *testing.T) {
	for _, p := range protocols {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(p.name+"/"+tls.VersionName(version), func(t *testing.T) {
				ca := newSigner(t)
				origin := ca.origin(t, mientest.Config{Protocols: p.alpn, TLS: &tls.Config{MaxVersion: version}})
				mine := errors.New("mine")
				var peers, all, resumed int
				var refusePeer, refuse bool
				s := newSession(t, mien.Config{TLS: &tls.Config{
					RootCAs: ca.pool,
					VerifyPeerCertificate: func(_ [][]byte, chains [][]*x509.Certificate) error {
						if peers++; refusePeer || len(chains) != 1 {
							return mine
						}
						return nil
					},
					VerifyConnection: func(state tls.ConnectionState) error {
						if all++; state.DidResume {
							resumed++
						}
						if refuse || len(state.VerifiedChains) != 1 {
							return mine
						}
						return nil
					},
				}})
				for range 3 {
					mustAnew(t, s, t.Context(), origin.URL)
				}
				if peers != 1 || all != 3 || resumed != 2 {
					t.Errorf("%d full handshakes, %d in all, %d resumed", peers, all, resumed)
				}
				refuse = true
				_, err := anew(t, s, t.Context(), origin.URL)
				uncertified(t, err, nil)
				if !errors.Is(err, mine) || all != 4 || resumed != 3 {
					t.Errorf("error %v after %d, %d resumed", err, all, resumed)
				}
				refuse, refusePeer = false, true
				ctx := mien.WithOptions(t.Context(), mien.Options{Isolation: "no ticket"})
				_, err = anew(t, s, ctx, origin.URL)
				uncertified(t, err, nil)
				if !errors.Is(err, mine) || peers != 2 || all != 4 {
					t.Errorf("error %v after %d", err, peers)
				}
			})
		}
	}
}

// A client certificate is the session's own: given outright or by a function, in
// both versions, resumed or not.
func TestClientCertificates(t *testing.T) {
	for _, p := range protocols {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(p.name+"/"+tls.VersionName(version), func(t *testing.T) {
				ca := newSigner(t)
				origin := ca.origin(t, mientest.Config{Protocols: p.alpn,
					TLS: &tls.Config{MaxVersion: version, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.pool},
					Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						_, _ = io.WriteString(w, r.TLS.PeerCertificates[0].Subject.CommonName)
					}),
				})
				called := func(name string) tls.Certificate {
					return ca.issue(t, func(c *x509.Certificate) { c.Subject.CommonName = name })
				}
				anna, ben := called("anna"), called("ben")
				list := []tls.Certificate{anna}
				for name, cfg := range map[string]*tls.Config{
					"anna": {RootCAs: ca.pool, Certificates: list},
					"ben": {RootCAs: ca.pool, GetClientCertificate: func(i *tls.CertificateRequestInfo) (*tls.Certificate, error) {
						return &ben, i.SupportsCertificate(&ben)
					}},
				} {
					s := newSession(t, mien.Config{TLS: cfg})
					list[0] = ben // New took what it needs
					for i := range 2 {
						settled(t, s)
						resp, body := get(t, s, origin.URL)
						if body != name || resp.TLS.DidResume != (i == 1) {
							t.Errorf("%s is taken for %q, resumed: %v", name, body, resp.TLS.DidResume)
						}
					}
					list[0] = anna
				}
			})
		}
	}
}

// Secrets are written where Config says, and nowhere else.
func TestKeyLogIsExplicit(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys")
	t.Setenv("SSLKEYLOGFILE", file)
	origin := newOrigin(t, mientest.Config{})
	get(t, newSession(t, mien.Config{}), origin.URL)
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("SSLKEYLOGFILE was heeded: %v", err)
	}
	var log bytes.Buffer
	s := newSession(t, mien.Config{TLS: &tls.Config{RootCAs: origin.CertPool(), KeyLogWriter: &log}})
	get(t, s, origin.URL)
	_ = s.Close()
	for _, label := range []string{"CLIENT_HANDSHAKE_TRAFFIC_SECRET ", "CLIENT_TRAFFIC_SECRET_0 ", "SERVER_TRAFFIC_SECRET_0 "} {
		if strings.Count(log.String(), label) != 1 {
			t.Errorf("no %sin %q", label, log.String())
		}
	}
}
