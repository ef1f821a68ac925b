package leak_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// world is all servers: the proxies and the origins behind them.
type world struct {
	place   place
	proxies proxies
	sites   []*site
}

// startWorld starts them. The place says at which addresses; ports are filled
// in. close must be called, also if that failed.
func startWorld(p place, listen string) (*world, error) {
	w := &world{place: p}
	w.proxies.place = &w.place
	var err error
	if w.proxies.certs, w.place.ProxyCA, err = selfSigned(p.Near, p.Far); err != nil {
		return w, err
	}
	if err := w.proxies.start(listen); err != nil {
		return w, err
	}
	w.place.Sites = make(map[string]string)
	for _, kind := range []string{"h2", "h1", "plain", "six"} {
		host := p.Origin
		if kind == "six" {
			host = p.Origin6
		}
		if host == "" {
			continue
		}
		s, err := startSite(kind, host)
		if err != nil {
			return w, err
		}
		w.sites = append(w.sites, s)
		w.place.CA = s.origin.CertPEM()
		_, w.place.Sites[kind], _ = net.SplitHostPort(s.origin.Addr().String())
	}
	return w, nil
}

func (w *world) close() {
	w.proxies.close()
	for _, s := range w.sites {
		s.origin.Close()
	}
}

// verdict is what is wrong with what the servers saw; welcome says whether an
// origin may be connected to from an address that no proxy dialled from.
func (w *world) verdict(welcome func(remote string) bool) []string {
	x := &w.proxies
	x.mu.Lock()
	defer x.mu.Unlock()
	problems := slices.Clone(x.problems)
	if x.tunnels == 0 {
		problems = append(problems, "no proxy was asked for anything: this proves nothing")
	}
	secrets := []string{secretUser[:telling], secretPassword[:telling], "Proxy-Authorization", "proxy-authorization"}
	for basic := range x.basics {
		secrets = append(secrets, basic[:telling])
	}
	for _, s := range w.sites {
		for _, t := range s.tapes() {
			if _, ok := x.outgoing[t.remote]; !ok && !welcome(t.remote) {
				problems = append(problems, fmt.Sprintf("the origin %s was connected to from %s, which is no proxy", s.kind, t.remote))
			}
			heard := t.bytes()
			for _, secret := range secrets {
				if bytes.Contains(heard, []byte(secret)) {
					problems = append(problems, fmt.Sprintf("the origin %s received %q", s.kind, secret))
				}
			}
		}
		s.mu.Lock()
		for _, secret := range secrets {
			if bytes.Contains(s.text, []byte(secret)) {
				problems = append(problems, fmt.Sprintf("the origin %s received %q in a request's content", s.kind, secret))
			}
		}
		s.mu.Unlock()
		for _, r := range s.origin.Requests() {
			text := string(r.Raw)
			for _, f := range r.Fields {
				text += f.Name + ": " + f.Value + "\n"
			}
			for _, secret := range secrets {
				if strings.Contains(text, secret) {
					problems = append(problems, fmt.Sprintf("the origin %s received %q in the request %s %s%s", s.kind, secret, r.Method, r.Host, r.Path))
				}
			}
		}
	}
	return problems
}

// selfSigned makes the https proxy's certificate.
func selfSigned(hosts ...string) (tls.Certificate, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0)}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

// tapedListener keeps what its connections receive.
type tapedListener struct {
	net.Listener

	mu    sync.Mutex
	tapes []*tape // guarded by mu
}

func (l *tapedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	t := &tape{TCPConn: c.(*net.TCPConn), remote: c.RemoteAddr().String()}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tapes = append(l.tapes, t)
	return t, nil
}

// tape is a connection that keeps what it reads.
type tape struct {
	*net.TCPConn
	remote string

	mu   sync.Mutex
	read []byte // guarded by mu
}

func (t *tape) Read(p []byte) (int, error) {
	n, err := t.TCPConn.Read(p)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.read = append(t.read, p[:n]...)
	return n, err
}

func (t *tape) bytes() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.read)
}
