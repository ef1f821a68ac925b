package mien_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// A proxy that forwards is asked for the same resource as the origin would be.
func TestAbsoluteFormOfAnyTarget(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.RequestURI) }))
	t.Cleanup(proxy.Close)
	at, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	s := newSession(t, mien.Config{Proxy: http.ProxyURL(at)})
	for _, tt := range []struct {
		url  url.URL
		want string
	}{
		{url.URL{}, "/"},
		{url.URL{RawQuery: "q=/"}, "/?q=/"},
		{url.URL{Path: "/a b", RawPath: "/a%20b", ForceQuery: true}, "/a%20b?"},
		{url.URL{Path: "//x//y"}, "//x//y"},
		{url.URL{Opaque: "/a%2fb", RawQuery: "q"}, "/a%2fb?q"},
		{url.URL{Opaque: "//example.com/a%2fb", RawQuery: "q"}, "/a%2fb?q"},
		{url.URL{Opaque: "//example.com", RawQuery: "q=/"}, "/?q=/"},
		{url.URL{Opaque: "@example.net/x"}, "/@example.net/x"},
		{url.URL{Path: "*"}, ""},
	} {
		u := tt.url
		u.Scheme, u.Host = "http", "example.com"
		req := (&http.Request{Method: http.MethodGet, URL: &u}).WithContext(t.Context())
		if u.Path == "*" {
			req.Method = http.MethodOptions
		}
		resp, err := s.Do(req)
		if err != nil {
			t.Errorf("%+v: %v", tt.url, err)
			continue
		}
		if got := readAll(t, resp); got != "http://example.com"+tt.want {
			t.Errorf("%+v: asked for %s", tt.url, got)
		}
	}
}

// A proxy that is not there is no reason to lose a request, nor to wait, while the
// caller has another.
func TestNextProxyWhenOneIsDown(t *testing.T) {
	origin := newOrigin(t, mientest.Config{})
	var good mien.Config
	p := place{protocol: protocols[0]}
	throughProxy(t, p, "http", &good, nil)
	var asked atomic.Int32
	var dialer net.Dialer
	s := newSession(t, mien.Config{
		Proxy: func(r *http.Request) (*url.URL, error) {
			if asked.Add(1) == 1 {
				return &url.URL{Scheme: "http", Host: "down.test:3128"}, nil
			}
			return good.Proxy(r)
		},
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if addr == "down.test:3128" {
				return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
			}
			return dialer.DialContext(ctx, network, addr)
		},
	})
	resp, err := s.Do(request(t, http.MethodPost, origin.URL, strings.NewReader("once")))
	if err != nil {
		t.Fatal(err)
	}
	readAll(t, resp)
	if n := asked.Load(); n != 2 {
		t.Errorf("asked for a proxy %d times", n)
	}
	if n := origin.Counters().Requests; n != 1 {
		t.Errorf("delivered %d times", n)
	}
}

// A head that no server takes is refused before it ends the connection of others.
func TestHeadTooLarge(t *testing.T) {
	for _, p := range protocols {
		origin := newOrigin(t, mientest.Config{Protocols: p.alpn})
		s := newSession(t, mien.Config{})
		req := request(t, http.MethodGet, origin.URL, nil)
		req.Header["X-Wide"] = []string{strings.Repeat("w", 1<<19), strings.Repeat("w", 1<<19)}
		_, err := s.Do(req)
		var e *mien.Error
		if !errors.As(err, &e) || e.Class != retry.Invalid || e.Sent {
			t.Errorf("%s: %v", p.name, err)
		}
		if n := origin.Counters().Connections; n != 0 {
			t.Errorf("%s: %d connections were made", p.name, n)
		}
	}
}

// No request leaves anything that waits for the end of its context.
func TestNothingStaysOnContext(t *testing.T) {
	handler := http.NewServeMux()
	handler.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	handler.HandleFunc("/204", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	})
	handler.HandleFunc("/101", func(w http.ResponseWriter, r *http.Request) {
		nc, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(nc, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_, _ = io.CopyN(nc, nc, 4)
		_ = nc.Close()
	})
	for _, p := range protocols {
		for _, tt := range []struct{ method, path, content string }{
			{"GET", "/", ""}, {"HEAD", "/", ""}, {"POST", "/", "text"}, {"POST", "/204", "text"}, {"GET", "/101", ""},
		} {
			if tt.path == "/101" && p.name == "h2" {
				continue
			}
			t.Run(p.name+" "+tt.method+" "+tt.path, func(t *testing.T) {
				origin := newOrigin(t, mientest.Config{Protocols: p.alpn, Handler: handler})
				s := newSession(t, mien.Config{Timeouts: mien.Timeouts{Headers: time.Minute}})
				ctx := watchedContext{t.Context(), make(chan struct{}), new(atomic.Int64)}
				req := request(t, tt.method, origin.URL+tt.path, strings.NewReader(tt.content)).WithContext(ctx)
				if tt.content == "" {
					req.Body = nil
				}
				if tt.path == "/101" {
					req.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"echo"}}
				}
				resp, err := s.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				if conn, ok := resp.Body.(io.ReadWriter); ok {
					if _, err := io.WriteString(conn, "ping"); err != nil {
						t.Error(err)
					}
				}
				if got := readAll(t, resp); tt.path == "/101" && got != "ping" {
					t.Errorf("the upgraded connection gave %q", got)
				}
				for late := time.After(time.Minute); ctx.n.Load() != 0; { // what wrote the request may be about to tell of it
					select {
					case <-late:
						t.Fatalf("%d functions wait for the context's end", ctx.n.Load())
					default:
						runtime.Gosched()
					}
				}
			})
		}
	}
}
