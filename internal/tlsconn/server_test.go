package tlsconn

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/mien-http/mien/fingerprint"
)

const testHost = "www.shop.test"

// An authority signs test certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{key: newKey(t), pool: x509.NewCertPool()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test root"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1000 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert = sign(t, template, template, &a.key.PublicKey, a.key)
	a.pool.AddCert(a.cert)
	return a
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t testing.TB, template, parent *x509.Certificate, public any, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// issue makes a certificate, valid for an hour unless change says otherwise.
func (a *authority) issue(t testing.TB, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "leaf"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{testHost}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(template)
	}
	key := newKey(t)
	leaf := sign(t, template, a.cert, &key.PublicKey, a.key)
	return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
}

// A server accepts TLS connections on loopback with crypto/tls, answers the
// first byte of each with "hello" and echoes what follows.
type server struct {
	addr string
	auth *authority

	mu    sync.Mutex
	bytes []*teeConn // what each connection received, in order of accept
	errs  []error    // of handshakes
}

type teeConn struct {
	net.Conn
	mu  sync.Mutex
	buf bytes.Buffer
}

func (c *teeConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	if c.buf.Len() < 1<<16 {
		c.buf.Write(b[:n])
	}
	c.mu.Unlock()
	return n, err
}

func newServer(t testing.TB, change func(*tls.Config)) *server {
	t.Helper()
	s := &server{auth: newAuthority(t)}
	config := &tls.Config{
		Certificates: []tls.Certificate{s.auth.issue(t, nil)},
		NextProtos:   []string{"h2", "http/1.1"},
	}
	if change != nil {
		change(config)
	}
	s.serve(t, func(c net.Conn) {
		conn := tls.Server(c, config)
		if err := conn.Handshake(); err != nil {
			s.mu.Lock()
			s.errs = append(s.errs, err)
			s.mu.Unlock()
			return
		}
		conn.Write([]byte("hello"))
		io.Copy(conn, conn)
	})
	return s
}

// serve runs handle for each connection until the test ends.
func (s *server) serve(t testing.TB, handle func(net.Conn)) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = ln.Addr().String()
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			tee := &teeConn{Conn: c}
			s.mu.Lock()
			s.bytes = append(s.bytes, tee)
			s.mu.Unlock()
			wg.Go(func() {
				defer c.Close()
				handle(tee)
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		s.mu.Lock()
		for _, c := range s.bytes {
			c.Close()
		}
		s.mu.Unlock()
		wg.Wait()
	})
}

// hello returns the first ClientHello of the n-th connection.
func (s *server) hello(t testing.TB, n int) *fingerprint.ClientHello {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.bytes[n]
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.buf.Bytes()
	size := 5 + int(b[3])<<8 + int(b[4])
	h, err := fingerprint.ParseClientHelloRecords(b[:size])
	if err != nil {
		t.Fatalf("hello %d: %v", n, err)
	}
	return h
}

func profile(t testing.TB, name string) *fingerprint.Profile {
	t.Helper()
	p, err := fingerprint.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (s *server) config(p *fingerprint.Profile) Config {
	return Config{Profile: p, ServerName: testHost, TLS: &tls.Config{RootCAs: s.auth.pool}}
}

// dial connects and handshakes.
func (s *server) dial(t testing.TB, cfg Config) (*Conn, error) {
	t.Helper()
	nc, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return Client(ctx, nc, cfg)
}

// mustDial connects, reads the greeting (and with it the tickets) and closes
// when the test ends.
func (s *server) mustDial(t testing.TB, cfg Config) *Conn {
	t.Helper()
	c, err := s.dial(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	greeting := make([]byte, 5)
	if _, err := io.ReadFull(c, greeting); err != nil || string(greeting) != "hello" {
		t.Fatalf("greeting %q, %v", greeting, err)
	}
	return c
}
