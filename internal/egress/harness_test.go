package egress

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// noResolver fails the test when a name is looked up.
type noResolver struct{ t *testing.T }

func (r noResolver) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	r.t.Errorf("%q was looked up", host)
	return nil, errors.New("no resolver")
}

// world is a network in memory, servers on it and a Dialer that reaches them.
type world struct {
	t        *testing.T
	network  mientest.Network
	registry Registry
	dialer   *Dialer
	wg       sync.WaitGroup // the servers' goroutines
	closers  []io.Closer
}

func newWorld(t *testing.T, cfg Config) *world {
	w := &world{t: t}
	cfg.Registry = &w.registry
	cfg.Resolver = noResolver{t}
	cfg.DialContext = w.network.DialContext
	w.dialer = New(cfg)
	return w
}

// close ends everything and holds the registry to be empty.
func (w *world) close() {
	w.registry.Close()
	if n := w.registry.Len(); n != 0 {
		w.t.Errorf("%d sockets left in the registry", n)
	}
	for _, c := range w.closers {
		_ = c.Close()
	}
	w.wg.Wait()
}

// serve runs handler, which need not close its connection, for each one to addr.
func (w *world) serve(addr string, handler func(net.Conn)) {
	l, err := w.network.Listen(addr)
	if err != nil {
		w.t.Fatal(err)
	}
	w.closers = append(w.closers, l)
	w.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			w.wg.Go(func() {
				defer c.Close()
				handler(c)
			})
		}
	})
}

// dial dials origin.test:443 through the proxies.
func (w *world) dial(proxies ...string) (net.Conn, error) {
	return w.dialer.Dial(w.t.Context(), routeOf(w.t, proxies...), "origin.test", "443")
}

func routeOf(t *testing.T, proxies ...string) Route {
	t.Helper()
	var r Route
	for _, p := range proxies {
		u, err := url.Parse(p)
		if err != nil {
			t.Fatal(err)
		}
		r.Proxies = append(r.Proxies, u)
	}
	return r
}

func echo(c net.Conn) { _, _ = io.Copy(c, c) }

// checkEcho sends a line through c and wants it back.
func checkEcho(t *testing.T, c net.Conn) {
	t.Helper()
	if _, err := io.WriteString(c, "ping\n"); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "ping\n" {
		t.Fatalf("echo: %q, %v", got, err)
	}
}

// asked is what a proxy was asked for.
type asked struct{ target, auth string }

// httpProxy is a CONNECT proxy that opens every tunnel.
func (w *world) httpProxy(log chan<- asked) func(net.Conn) {
	return func(c net.Conn) {
		br := bufio.NewReader(c)
		req, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		log <- asked{req.RequestURI, req.Header.Get("Proxy-Authorization")}
		io.WriteString(c, "HTTP/1.1 200 Connection established\r\n\r\n")
		w.splice(c, br, req.RequestURI)
	}
}

// socksProxy is a SOCKS5 proxy that opens every tunnel.
func (w *world) socksProxy(log chan<- asked) func(net.Conn) {
	return func(c net.Conn) {
		var a asked
		head := read(c, 2)
		if methods := read(c, int(head[1])); methods[len(methods)-1] == 2 {
			c.Write([]byte{5, 2})
			user := string(read(c, int(read(c, 2)[1])))
			a.auth = user + ":" + string(read(c, int(read(c, 1)[0])))
			c.Write([]byte{1, 0})
		} else {
			c.Write([]byte{5, 0})
		}
		var host string
		switch read(c, 4)[3] {
		case 1:
			host = net.IP(read(c, 4)).String()
		case 4:
			host = net.IP(read(c, 16)).String()
		case 3:
			host = string(read(c, int(read(c, 1)[0])))
		}
		a.target = net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(read(c, 2)))))
		log <- a
		c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
		w.splice(c, c, a.target)
	}
}

func (w *world) splice(c net.Conn, from io.Reader, target string) {
	up, err := w.network.DialContext(context.Background(), "tcp", target)
	if err != nil {
		return
	}
	defer up.Close()
	w.wg.Go(func() {
		_, _ = io.Copy(c, up)
		_ = c.Close()
	})
	_, _ = io.Copy(up, from)
}

// read gives n bytes, zeros where there are none.
func read(r io.Reader, n int) []byte {
	b := make([]byte, n)
	_, _ = io.ReadFull(r, b)
	return b
}

// certificates of a proxy with the given names, and the pool that trusts them.
func certificates(t *testing.T, names ...string) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: names,
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: []string{"h2", "http/1.1"}}, pool
}

// overTLS puts handler behind TLS.
func overTLS(config *tls.Config, handler func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		tc := tls.Server(c, config)
		if tc.Handshake() == nil {
			handler(tc)
		}
	}
}

// failureOf is what the layer above makes of err.
func failureOf(t *testing.T, err error) retry.Failure {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%v (%T) is no *Error", err, err)
	}
	return retry.Failure{Phase: e.Phase, Err: e.Err}
}

// checkSecret looks for secret in everything that err may be printed as.
func checkSecret(t *testing.T, secret string, err error) {
	t.Helper()
	for e := err; e != nil; e = errors.Unwrap(e) {
		for _, format := range []string{"%v", "%+v", "%q"} {
			if s := fmt.Sprintf(format, e); strings.Contains(s, secret) {
				t.Errorf("%s of %T shows the credentials: %s", format, e, s)
			}
		}
	}
}
