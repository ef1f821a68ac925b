package egress

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mien-http/mien/retry"
)

// stalls are proxies that fall silent, each at another step.
func stalls(t *testing.T) map[string]func(w *world) Route {
	route := func(setup func(w *world), proxies ...string) func(w *world) Route {
		return func(w *world) Route {
			setup(w)
			return routeOf(t, proxies...)
		}
	}
	log := func() chan asked { return make(chan asked, 8) }
	return map[string]func(w *world) Route{
		"TLS with the proxy":   route(func(w *world) { w.serve("p:443", linger) }, "https://p"),
		"CONNECT":              route(func(w *world) { w.serve("p:80", linger) }, "http://p"),
		"half an answer":       route(func(w *world) { w.serve("p:80", answer("HTTP/1.1 200 OK\r\nA: ")) }, "http://p"),
		"SOCKS method":         route(func(w *world) { w.serve("p:1080", linger) }, "socks5://p"),
		"SOCKS authentication": route(func(w *world) { w.serve("p:1080", answer("\x05\x02")) }, "socks5://u:p@p"),
		"SOCKS reply":          route(func(w *world) { w.serve("p:1080", answer("\x05\x00")) }, "socks5://p"),
		"SOCKS reply address": route(func(w *world) {
			w.serve("p:1080", func(c net.Conn) {
				read(c, 3)
				io.WriteString(c, "\x05\x00")
				answer("\x05\x00\x00\x03\x40")(c)
			})
		}, "socks5://p"),
		"SOCKS4": route(func(w *world) { w.serve("p:1080", linger) }, "socks4://p"),
		"second proxy": route(func(w *world) {
			w.serve("p:80", w.httpProxy(log()))
			w.serve("q:1080", linger)
		}, "http://p", "socks5://q"),
	}
}

func TestCancelAtEachStep(t *testing.T) {
	for name, setup := range stalls(t) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, Config{Timeout: time.Minute, ProxyTimeout: time.Minute})
				defer w.close()
				route := setup(w)
				cause := errors.New("the caller's reason")
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(time.Second, func() { cancel(cause) })
				start := time.Now()
				_, err := w.dialer.Dial(ctx, route, "origin.test", "443")
				if took := time.Since(start); took != time.Second {
					t.Errorf("took %v", took)
				}
				if f := failureOf(t, err); !errors.Is(err, cause) || f.Phase != retry.PhaseProxy {
					t.Errorf("phase %q: %v", f.Phase, err)
				}
				if n := w.registry.Len(); n != 0 {
					t.Errorf("%d sockets left", n)
				}
			})
		})
	}
}

func TestProxyTimeout(t *testing.T) {
	for name, setup := range stalls(t) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, Config{ProxyTimeout: 5 * time.Second})
				defer w.close()
				start := time.Now()
				_, err := w.dialer.Dial(t.Context(), setup(w), "origin.test", "443")
				if took := time.Since(start); took != 5*time.Second {
					t.Errorf("took %v", took)
				}
				var timeout interface{ Timeout() bool }
				if !errors.As(err, &timeout) || !timeout.Timeout() || !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
			})
		})
	}
}

// The registry's Close ends what is under way as well as what stands.
func TestRegistryClose(t *testing.T) {
	for name, setup := range stalls(t) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, Config{})
				defer w.close()
				time.AfterFunc(time.Second, w.registry.Close)
				start := time.Now()
				_, err := w.dialer.Dial(t.Context(), setup(w), "origin.test", "443")
				if took := time.Since(start); took != time.Second {
					t.Errorf("took %v", took)
				}
				if f := failureOf(t, err); retry.Classify(f) != retry.Canceled || !errors.Is(err, net.ErrClosed) {
					t.Errorf("%q: %v", retry.Classify(f), err)
				}
			})
		})
	}
}

func TestRegistry(t *testing.T) {
	var r Registry
	below := make([]*fakeConn, 3)
	conns := make([]net.Conn, 3)
	for i := range below {
		below[i] = &fakeConn{}
		c, err := r.add(below[i])
		if err != nil {
			t.Fatal(err)
		}
		conns[i] = c
	}
	if c, ok := conns[0].(interface{ NetConn() net.Conn }); !ok || c.NetConn() != net.Conn(below[0]) {
		t.Error("NetConn is not the socket")
	}
	_, _ = conns[0].Close(), conns[0].Close()
	if r.Len() != 2 || !below[0].closed {
		t.Errorf("%d open after one was closed", r.Len())
	}
	r.Close()
	r.Close()
	if r.Len() != 0 || !below[1].closed || !below[2].closed {
		t.Errorf("%d open after Close", r.Len())
	}
	late := &fakeConn{}
	if _, err := r.add(late); !errors.Is(err, net.ErrClosed) || !late.closed || r.Len() != 0 {
		t.Errorf("after Close: %v", err)
	}
}

func TestDialAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		w.serve("origin.test:443", linger)
		w.serve("p:80", linger)
		w.registry.Close()
		for _, proxies := range [][]string{nil, {"http://p"}} {
			_, err := w.dial(proxies...)
			if f := failureOf(t, err); !errors.Is(err, net.ErrClosed) || retry.Classify(f) != retry.Canceled {
				t.Errorf("%q: %v", proxies, err)
			}
		}
		w.close()
	})
}

// Over real sockets: only the proxy's own name is looked up.
func TestNamesGoToTheProxy(t *testing.T) {
	w := &world{t: t}
	defer w.close()
	w.serve("origin.test:443", echo)
	log := make(chan asked, 8)
	for scheme, handler := range map[string]func(net.Conn){"http": w.httpProxy(log), "socks5": w.socksProxy(log), "socks5h": w.socksProxy(log)} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		w.closers = append(w.closers, l)
		w.wg.Go(func() {
			if c, err := l.Accept(); err == nil {
				defer c.Close()
				handler(c)
			}
		})
		d := New(Config{Registry: &w.registry, Resolver: noResolver{t}})
		c, err := d.Dial(t.Context(), routeOf(t, scheme+"://"+l.Addr().String()), "origin.test", "443")
		if err != nil {
			t.Fatal(err)
		}
		checkEcho(t, c)
		if a := <-log; a.target != "origin.test:443" {
			t.Errorf("%s: the proxy was asked for %q", scheme, a.target)
		}
		_ = c.Close()
	}
}

// lookups records what was looked up.
type lookups struct{ names []string }

func (l *lookups) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	l.names = append(l.names, network+" "+host)
	return []netip.Addr{netip.MustParseAddr("192.0.2.1")}, nil
}

func TestProxyNameIsLookedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &internet{t: t, start: time.Now(), answer: map[string]answerOf{"192.0.2.1": {0, refused()}}}
		var l lookups
		_, err := n.dialer(Config{Resolver: &l}).Dial(t.Context(), routeOf(t, "http://proxy.test", "http://second.test"), "origin.test", "443")
		if f := failureOf(t, err); retry.Classify(f) != retry.Refused || f.Phase != retry.PhaseProxy {
			t.Error(err)
		}
		if !slices.Equal(l.names, []string{"ip proxy.test"}) {
			t.Errorf("looked up %q", l.names)
		}
	})
}

func TestResolve(t *testing.T) {
	for _, tt := range []struct {
		name, host, port string
		zone             zone
		local            string
		want             []string
		class            retry.Class
		phase            retry.Phase
	}{
		{"literal", "192.0.2.9", "1", nil, "", []string{"192.0.2.9:1"}, "", ""},
		{"IPv6 literal", "2001:db8::1", "443", nil, "", []string{"[2001:db8::1]:443"}, "", ""},
		{"localhost", "localhost", "443", nil, "", []string{"127.0.0.1:443", "[::1]:443"}, "", ""},
		{"below localhost", "A.LocalHost.", "443", nil, "", []string{"127.0.0.1:443", "[::1]:443"}, "", ""},
		{"not localhost", "notlocalhost", "443", nil, "", nil, retry.NameNotFound, retry.PhaseDNS},
		{"families alternate", "a.test", "1", zone{"192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1"}, "",
			[]string{"192.0.2.1:1", "[2001:db8::1]:1", "192.0.2.2:1", "192.0.2.3:1"}, "", ""},
		{"doubles and mapped", "a.test", "1", zone{"192.0.2.1", "::ffff:192.0.2.1"}, "", []string{"192.0.2.1:1"}, "", ""},
		{"of the local address's family", "a.test", "1", zone{"2001:db8::1", "192.0.2.1"}, "127.0.0.1", []string{"192.0.2.1:1"}, "", ""},
		{"none of that family", "a.test", "1", zone{"192.0.2.1"}, "::1", nil, retry.Invalid, retry.PhaseDial},
		{"bad port", "a.test", "http", zone{"192.0.2.1"}, "", nil, retry.Unknown, retry.PhaseDial},
		{"no such name", "a.test", "1", nil, "", nil, retry.NameNotFound, retry.PhaseDNS},
	} {
		cfg := Config{Resolver: tt.zone, Registry: &Registry{}}
		if tt.local != "" {
			cfg.LocalAddr = netip.MustParseAddr(tt.local)
		}
		to, err := New(cfg).resolve(t.Context(), tt.host, tt.port)
		var texts []string
		for _, a := range to.addrs {
			texts = append(texts, a.String())
		}
		if !slices.Equal(texts, tt.want) || (err == nil) != (tt.want != nil) {
			t.Errorf("%s: %q, %v, want %q", tt.name, texts, err, tt.want)
			continue
		}
		if err != nil {
			if f := failureOf(t, err); retry.Classify(f) != tt.class || f.Phase != tt.phase {
				t.Errorf("%s: %q in phase %q: %v", tt.name, retry.Classify(f), f.Phase, err)
			}
		}
	}
}

// silent is a Resolver that waits for the end of its context.
type silent struct{}

func (silent) LookupNetIP(ctx context.Context, _, host string) ([]netip.Addr, error) {
	<-ctx.Done()
	return nil, &net.DNSError{Err: "cancelled", Name: host}
}

// nothing is a Resolver that finds neither an address nor an error.
type nothing struct{}

func (nothing) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) { return nil, nil }

func TestResolverFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := New(Config{Resolver: silent{}, Timeout: time.Second, Registry: &Registry{}}).Dial(t.Context(), Route{}, "origin.test", "443")
		if f := failureOf(t, err); retry.Classify(f) != retry.NameTemporary || f.Phase != retry.PhaseDNS || time.Since(start) != time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		_, err = New(Config{Resolver: nothing{}, Registry: &Registry{}}).Dial(t.Context(), Route{}, "origin.test", "443")
		if f := failureOf(t, err); retry.Classify(f) != retry.NameNotFound || f.Phase != retry.PhaseDNS {
			t.Error(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err = New(Config{Resolver: silent{}, Registry: &Registry{}}).Dial(ctx, Route{}, "origin.test", "443")
		if f := failureOf(t, err); retry.Classify(f) != retry.Canceled {
			t.Error(err)
		}
	})
}

func TestCallersDialContext(t *testing.T) {
	var got string
	d := New(Config{Registry: &Registry{}, Resolver: noResolver{t}, DialContext: func(_ context.Context, network, addr string) (net.Conn, error) {
		got = network + " " + addr
		return nil, nil
	}})
	for _, route := range []Route{{}, routeOf(t, "http://origin.test:443")} {
		if _, err := d.Dial(t.Context(), route, "origin.test", "443"); err == nil || got != "tcp origin.test:443" {
			t.Errorf("%q: %v", got, err)
		}
	}
}

// Over real sockets: LocalAddr is where connections come from, a cancelled
// context ends a dial, and Close is seen by the other end.
func TestSockets(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	var r Registry
	d := New(Config{Registry: &r, LocalAddr: netip.MustParseAddr("127.0.0.1"), Resolver: noResolver{t}})
	c, err := d.Dial(t.Context(), Route{}, "localhost", port)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if addr := s.RemoteAddr().(*net.TCPAddr); !addr.IP.IsLoopback() || c.LocalAddr().String() != addr.String() {
		t.Errorf("%v and %v", c.LocalAddr(), addr)
	}
	r.Close()
	if n, err := s.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the other end read %d, %v", n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Dial(ctx, Route{}, "localhost", port); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
