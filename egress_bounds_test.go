package mien

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mien-http/mien/fingerprint"
)

// inMemory is a session whose every connection is answered by serve.
func inMemory(t *testing.T, serve func(net.Conn)) *Session {
	t.Helper()
	s, err := New(Config{Timeouts: Timeouts{Headers: time.Minute}, DialContext: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go serve(server)
		return client, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// answerAll answers every request on c with 200.
func answerAll(c net.Conn) {
	defer c.Close()
	buf := make([]byte, 16<<10)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		if strings.HasSuffix(string(buf[:n]), "\r\n\r\n") {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	}
}

// Identities that rotate leave neither egresses nor their idle connections.
func TestEgressesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := inMemory(t, answerAll)
		defer s.Close()
		for i := range 3 * maxEgresses {
			ctx := WithOptions(t.Context(), Options{Isolation: fmt.Sprint(i)})
			resp, err := s.Get(ctx, "http://example.test/")
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			time.Sleep(2 * time.Millisecond)
			s.t.mu.Lock()
			n := len(s.t.egresses)
			s.t.mu.Unlock()
			if n > maxEgresses || s.t.registry.Len() > maxEgresses {
				t.Fatalf("%d egresses, %d sockets after %d identities", n, s.t.registry.Len(), i+1)
			}
		}
	})
}

func TestOriginsAreBounded(t *testing.T) {
	s := inMemory(t, answerAll)
	e, err := s.t.egressFor(httptest.NewRequest(http.MethodGet, "/", nil), defaultOptions)
	if err != nil {
		t.Fatal(err)
	}
	key := func(i int) originKey { return originKey{"http", fmt.Sprint(i), "80"} }
	held := e.origin(key(0))
	for i := range 2 * maxOrigins {
		o := e.origin(key(i))
		e.mu.Lock()
		if o != held && i%100 != 0 {
			o.lookedUp = o.lookedUp.Add(-settling)
		}
		e.mu.Unlock()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if n := len(e.origins); n > maxOrigins {
		t.Errorf("%d origins", n)
	}
	if e.origins[key(0)] != held {
		t.Error("an origin was forgotten while somebody may have been about to use it")
	}
}

// A proxy's URL belongs to the caller, who may change it.
func TestRouteIsKept(t *testing.T) {
	s := inMemory(t, answerAll)
	proxy := &url.URL{Scheme: "http", User: url.UserPassword("user", "one"), Host: "proxy.test:1"}
	o := &Options{Proxy: proxy}
	req := httptest.NewRequest(http.MethodGet, "/", nil)
	e, err := s.t.egressFor(req, o)
	if err != nil {
		t.Fatal(err)
	}
	proxy.Host, proxy.User = "other.test:1", nil
	if got := e.route.Proxies[0].String(); got != "http://user:one@proxy.test:1" {
		t.Errorf("the route became %s", got)
	}
}

// With an HTTP/2 connection in the pool that may not be used, those of HTTP/1.1
// are.
func TestReserveAmongBothKinds(t *testing.T) {
	s := inMemory(t, answerAll)
	e, err := s.t.egressFor(httptest.NewRequest(http.MethodGet, "/", nil), defaultOptions)
	if err != nil {
		t.Fatal(err)
	}
	o := e.origin(originKey{"https", "example.test", "443"})
	h2 := &pooled{clientConn: &fakeConn{}, origin: o, wire: fingerprint.OverHTTP2}
	h1 := &pooled{clientConn: &fakeConn{}, origin: o, wire: fingerprint.OverHTTP1}
	now := time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.conns = []*pooled{h2, h1}
	defer func() { o.conns = nil }()
	if pc := o.reserve(now); pc != h2 {
		t.Error("HTTP/2 does not come first")
	}
	o.h1Until = now.Add(time.Minute)
	if pc := o.reserve(now); pc != h1 {
		t.Errorf("%+v in place of the HTTP/1.1 connection", pc)
	}
}

// fakeConn has room for everything.
type fakeConn struct{ clientConn }

func (*fakeConn) Available() int { return 1 }
func (*fakeConn) Reserve() error { return nil }
func (*fakeConn) InFlight() int  { return 0 }
func (*fakeConn) Close() error   { return nil }
func (*fakeConn) Release()       {}

// A place that was reserved and not used starts the idle time again and serves
// who waits.
func TestPlaceGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := inMemory(t, answerAll)
		defer s.Close()
		e, err := s.t.egressFor(httptest.NewRequest(http.MethodGet, "/", nil), defaultOptions)
		if err != nil {
			t.Fatal(err)
		}
		o := e.origin(originKey{"http", "example.test", "80"})
		pc, cerr := o.get(t.Context())
		if cerr != nil {
			t.Fatal(cerr)
		}
		o.giveBack(pc)
		time.Sleep(2 * time.Minute)
		if n := s.Stats().Sockets; n != 0 {
			t.Errorf("%d sockets open long after they were last used", n)
		}
	})
}

// A waiter that came while Close went through the others is told as well.
func TestConnectedAfterClose(t *testing.T) {
	s := inMemory(t, answerAll)
	e, err := s.t.egressFor(httptest.NewRequest(http.MethodGet, "/", nil), defaultOptions)
	if err != nil {
		t.Fatal(err)
	}
	o := e.origin(originKey{"http", "example.test", "80"})
	_ = s.Close()
	w := &waiter{ready: make(chan struct{}), ctx: t.Context()}
	o.waiters.PushBack(w)
	o.connected(&dial{}, &pooled{clientConn: &fakeConn{}, origin: o})
	select {
	case <-w.ready:
		if w.err == nil {
			t.Error("no error")
		}
	default:
		t.Error("the waiter waits on")
	}
}

// foreignContext is one that package context can only watch with a goroutine.
type foreignContext struct {
	context.Context
	done chan struct{}
}

func (c foreignContext) Done() <-chan struct{} { return c.done }
func (c foreignContext) Value(any) any         { return nil }

// A context that outlives its requests keeps nothing of them: the bubble could
// not end with the goroutine of one that it still knows.
func TestContextForgetsRequests(t *testing.T) {
	for name, serve := range map[string]func(net.Conn){
		"no body": answerAll,
		"failure": func(c net.Conn) {
			_, _ = c.Read(make([]byte, 16<<10))
			_ = c.Close()
		},
		"refused and tried again": func(c net.Conn) {
			_, _ = c.Read(make([]byte, 16<<10))
			_, _ = io.WriteString(c, "HTTP/1.1 421 Misdirected\r\nContent-Length: 2\r\n\r\nno")
			_ = c.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := inMemory(t, serve)
				ctx := foreignContext{t.Context(), make(chan struct{})}
				resp, err := s.Get(ctx, "http://example.test/")
				if err == nil {
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
				_ = s.Close()
			})
		})
	}
}
