package retry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// interceptor is a listener whose connections pass through do, which may end
// them: it gets the number of the connection, from 1, and reports whether the
// server behind may have it.
type interceptor struct {
	net.Listener
	n  atomic.Int64
	do func(n int64, c net.Conn) bool
}

func (l *interceptor) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil || l.do(l.n.Add(1), c) {
			return c, err
		}
	}
}

// fin reads the first bytes of the hello and closes; rst does so rudely.
func fin(c net.Conn) bool {
	_, _ = io.ReadFull(c, make([]byte, 5))
	_ = c.(*net.TCPConn).CloseWrite()
	go func() { _, _ = io.Copy(io.Discard, c); _ = c.Close() }()
	return false
}

func rst(c net.Conn) bool {
	_, _ = io.ReadFull(c, make([]byte, 5))
	_ = c.(*net.TCPConn).SetLinger(0)
	_ = c.Close()
	return false
}

// origin is a TLS server behind an interceptor, and a client that trusts it.
func origin(t *testing.T, h2 bool, h http.HandlerFunc, do func(n int64, c net.Conn) bool) (*httptest.Server, *Transport) {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Listener = &interceptor{Listener: srv.Listener, do: do}
	srv.EnableHTTP2 = h2
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	base := srv.Client().Transport.(*http.Transport).Clone()
	t.Cleanup(base.CloseIdleConnections)
	return srv, &Transport{Base: base, Policy: Policy{Base: time.Millisecond, ConnectBase: time.Millisecond}}
}

func pass(int64, net.Conn) bool { return true }

// FIN and RST in the handshake, over both protocols: a POST is retried until it
// is delivered, once, even from a stream that cannot be rewound.
func TestNetHTTPHandshakesCut(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		for name, cut := range map[string]func(net.Conn) bool{"FIN": fin, "RST": rst} {
			var delivered atomic.Int64
			srv, tr := origin(t, h2, func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				if string(b) == "stream" {
					delivered.Add(1)
				}
			}, func(n int64, c net.Conn) bool { return n > 5 || cut(c) })
			var seen []Event
			tr.OnRetry = func(e Event) { seen = append(seen, e) }
			req, _ := http.NewRequestWithContext(t.Context(), "POST", srv.URL, io.NopCloser(strings.NewReader("stream")))
			resp, err := tr.RoundTrip(req)
			if err != nil {
				t.Errorf("%s, h2 %v: %v", name, h2, err)
				continue
			}
			_ = resp.Body.Close()
			if delivered.Load() != 1 || len(seen) != 5 {
				t.Errorf("%s, h2 %v: delivered %d times after %d retries", name, h2, delivered.Load(), len(seen))
			}
			for _, e := range seen {
				if e.Class != HandshakeReset || e.Failure.Phase != PhaseTLS || e.Failure.Sent {
					t.Errorf("%s, h2 %v: retry %+v", name, h2, e)
				}
			}
		}
	}
}

// What net/http and crypto/tls really return, told apart.
func TestNetHTTPFailures(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	ok := func(http.ResponseWriter, *http.Request) {}
	hangUp := func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }

	for _, c := range []struct {
		name  string
		setup func() (string, *Transport)
		class Class
		phase Phase
		sent  bool
	}{
		{"port closed", func() (string, *Transport) {
			_, tr := origin(t, false, ok, pass)
			return "https://" + closed.Addr().String(), tr
		}, Refused, PhaseDial, false},
		{"plain HTTP on a TLS port", func() (string, *Transport) {
			_, tr := origin(t, false, ok, pass)
			return strings.Replace(plain.URL, "http:", "https:", 1), tr
		}, NotTLS, PhaseTLS, false},
		{"untrusted", func() (string, *Transport) {
			srv, tr := origin(t, false, ok, pass)
			tr.Base.(*http.Transport).TLSClientConfig.RootCAs = x509.NewCertPool()
			return srv.URL, tr
		}, Certificate, PhaseTLS, false},
		{"wrong name", func() (string, *Transport) {
			srv, tr := origin(t, false, ok, pass)
			tr.Base.(*http.Transport).TLSClientConfig.ServerName = "other.test"
			return srv.URL, tr
		}, Certificate, PhaseTLS, false},
		{"no common version", func() (string, *Transport) {
			srv, tr := origin(t, false, ok, pass)
			srv.TLS.MinVersion = tls.VersionTLS13
			tr.Base.(*http.Transport).TLSClientConfig.MaxVersion = tls.VersionTLS12
			return srv.URL, tr
		}, Alert, PhaseTLS, false},
		{"handshake stalls", func() (string, *Transport) {
			srv, tr := origin(t, false, ok, func(_ int64, c net.Conn) bool {
				go func() { _, _ = io.Copy(io.Discard, c); _ = c.Close() }()
				return false
			})
			tr.Base.(*http.Transport).TLSHandshakeTimeout = 10 * time.Millisecond
			return srv.URL, tr
		}, HandshakeTimeout, PhaseTLS, false},
		{"connection closed after the request", func() (string, *Transport) {
			srv, tr := origin(t, false, hangUp, pass)
			return srv.URL, tr
		}, ConnectionLost, PhaseHeaders, true},
		{"stream reset after the request", func() (string, *Transport) {
			srv, tr := origin(t, true, hangUp, pass)
			return srv.URL, tr
		}, StreamReset, "", true}, // net/http may hear of the reset before it reports the write
		{"no such proxy", func() (string, *Transport) {
			srv, tr := origin(t, false, ok, pass)
			tr.Base.(*http.Transport).Proxy = func(*http.Request) (*url.URL, error) { return url.Parse("http://" + closed.Addr().String()) }
			return srv.URL, tr
		}, Refused, PhaseDial, false},
		{"proxy hangs up", func() (string, *Transport) {
			srv, tr := origin(t, false, ok, pass)
			proxy := httptest.NewServer(http.HandlerFunc(hangUp))
			t.Cleanup(proxy.Close)
			tr.Base.(*http.Transport).Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(proxy.URL) }
			return srv.URL, tr
		}, ProxyReset, PhaseProxy, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			target, tr := c.setup()
			tr.Policy.MaxAttempts = -1
			req, _ := http.NewRequestWithContext(t.Context(), "POST", target, strings.NewReader("x"))
			_, err := tr.RoundTrip(req)
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("%T: %v", err, err)
			}
			if e.Class != c.class || c.phase != "" && e.Phase != c.phase || e.Sent != c.sent || e.Attempt != 1 {
				t.Errorf("class %v, phase %q, sent %v, attempt %d; want %v, %q, %v\n%v", e.Class, e.Phase, e.Sent, e.Attempt, c.class, c.phase, c.sent, err)
			}
			if c.class == HandshakeTimeout && !e.Timeout() {
				t.Error("Timeout() is false")
			}
		})
	}
}

// A TLS 1.3 server judges the client's certificate after the handshake: the
// alert comes on the first read, when the request may have been read too.
func TestNetHTTPClientCertificateWanted(t *testing.T) {
	srv, tr := origin(t, false, func(http.ResponseWriter, *http.Request) {}, pass)
	srv.TLS.ClientAuth = tls.RequireAnyClientCert
	srv.TLS.MinVersion = tls.VersionTLS13
	_, err := tr.RoundTrip(mustRequest(t, "GET", srv.URL))
	var e *Error
	if !errors.As(err, &e) || e.Attempt != 1 {
		t.Fatalf("%v", err)
	}
	if e.Class != Alert && e.Class != ConnectionLost { // the write may fail first, on the closed connection
		t.Errorf("class %v: %v", e.Class, err)
	}
}

// An unsafe request that reached the server is sent once, whatever happens
// then; a safe one is sent again.
func TestNetHTTPDelivery(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		for method, want := range map[string]int64{"POST": 1, "PUT": 4} {
			var delivered atomic.Int64
			srv, tr := origin(t, h2, func(http.ResponseWriter, *http.Request) {
				delivered.Add(1)
				panic(http.ErrAbortHandler)
			}, pass)
			req, _ := http.NewRequestWithContext(t.Context(), method, srv.URL, strings.NewReader("x"))
			if _, err := tr.RoundTrip(req); err == nil {
				t.Fatal("no error")
			}
			if delivered.Load() != want {
				t.Errorf("%s, h2 %v: delivered %d times, want %d", method, h2, delivered.Load(), want)
			}
		}
	}
}

func TestNetHTTPCancelDuringHandshake(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	srv, tr := origin(t, false, nil, func(_ int64, c net.Conn) bool {
		go func() {
			_, _ = io.ReadFull(c, make([]byte, 5))
			cancel()
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		}()
		return false
	})
	_, err := tr.RoundTrip(mustRequest(t, "GET", srv.URL).WithContext(ctx))
	var e *Error
	if !errors.Is(err, context.Canceled) || errors.As(err, &e) {
		t.Errorf("%T: %v", err, err)
	}
}

func mustRequest(t *testing.T, method, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}
