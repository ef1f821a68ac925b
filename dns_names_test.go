package mien_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

var loopback = netip.MustParseAddr("127.0.0.1")

// nameServer is a Resolver that knows loopback alone, and counts.
type nameServer struct {
	mu    sync.Mutex
	asked []string // guarded by mu
}

func (s *nameServer) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, host)
	return []netip.Addr{loopback}, nil
}

func (s *nameServer) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// at is the origin's URL with another host.
func at(t *testing.T, origin *mientest.Origin, host string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(origin.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	scheme, _, _ := strings.Cut(origin.URL, ":")
	return scheme + "://" + host + ":" + port + "/"
}

func plainOrigin(t *testing.T) *mientest.Origin {
	return newOrigin(t, mientest.Config{Plain: true, Protocols: []string{"http/1.1"}})
}

// New says which entry of which field is wrong.
func TestNamesAreChecked(t *testing.T) {
	hosts := func(name string, addrs ...netip.Addr) mien.Config {
		return mien.Config{Hosts: map[string][]netip.Addr{name: addrs}}
	}
	inMemory := hosts("a.test", loopback)
	inMemory.DialContext = (&net.Dialer{}).DialContext
	for want, cfg := range map[string]mien.Config{
		`Config.Hosts: "": the host is missing`:                    hosts("", loopback),
		`Config.Hosts: "a.test:443": it is not a name alone`:       hosts("a.test:443", loopback),
		`Config.Hosts: "*.test": it holds an asterisk`:             hosts("*.test", loopback),
		`Config.Hosts: "192.0.2.1": it is an address`:              hosts("192.0.2.1", loopback),
		`Config.Hosts: "a.test": it has no address`:                hosts("a.test"),
		`Config.Hosts: "b.test": one of its addresses is the zero`: hosts("b.test", netip.Addr{}),
		`Config.Hosts and Config.DialContext exclude each other`:   inMemory,
		`Config.DNSCache is 1m0.000000001s`:                        {DNSCache: time.Minute + 1},
		`Config.LocalAddr: nothing can come from the multicast`:    {LocalAddr: netip.MustParseAddr("224.0.0.1")},
	} {
		if _, err := mien.New(cfg); err == nil || !strings.HasPrefix(err.Error(), "mien: "+want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// What Hosts says of a name nobody else is asked about, however it is spelled.
func TestHosts(t *testing.T) {
	origin := plainOrigin(t)
	var names nameServer
	hosts := map[string][]netip.Addr{"A.test": {loopback}, "bücher.test": {loopback}}
	s := newSession(t, mien.Config{Hosts: hosts, Resolver: &names})
	delete(hosts, "A.test") // the caller's own
	for _, host := range []string{"a.test", "a.TEST", "bücher.test", "xn--bcher-kva.test"} {
		get(t, s, at(t, origin, host))
	}
	if got := names.names(); len(got) != 0 {
		t.Errorf("looked up %q", got)
	}
	get(t, s, at(t, origin, "sub.a.test"))
	if got := names.names(); !slices.Equal(got, []string{"sub.a.test"}) {
		t.Errorf("looked up %q", got)
	}
}

// Behind a proxy Hosts says nothing: the proxy gets the name. Its own name is
// looked for there.
func TestHostsAndProxies(t *testing.T) {
	origin := newOrigin(t, mientest.Config{Hosts: []string{"origin.test"}})
	for _, scheme := range []string{"http", "socks5"} {
		var cfg mien.Config
		var target string
		var mu sync.Mutex
		throughProxy(t, place{protocol: protocols[0]}, scheme, &cfg, func(nc net.Conn, to string) bool {
			mu.Lock()
			defer mu.Unlock()
			target = to
			return to != origin.Addr().String() // closes: it cannot know the name
		})
		proxy, err := cfg.Proxy(nil)
		if err != nil {
			t.Fatal(err)
		}
		proxy.Host = "Proxy.test:" + proxy.Port()
		cfg.Proxy = http.ProxyURL(proxy)
		cfg.Hosts = map[string][]netip.Addr{"proxy.test": {loopback}, "origin.test": {loopback}}
		cfg.Resolver = new(nameServer)
		cfg.Retry = retry.Policy{MaxAttempts: -1}
		s := newSession(t, cfg)
		want := strings.TrimSuffix(strings.TrimPrefix(at(t, origin, "origin.test"), "https://"), "/")
		_, err = s.Get(t.Context(), "https://"+want)
		if o := outcomeOf(err); o.class != retry.ProxyReset || o.phase != retry.PhaseProxy {
			t.Errorf("%s: %v", scheme, err)
		}
		mu.Lock()
		if target != want {
			t.Errorf("%s: the proxy was asked for %q, want %q", scheme, target, want)
		}
		mu.Unlock()
		get(t, s, origin.URL)
		if got := cfg.Resolver.(*nameServer).names(); len(got) != 0 {
			t.Errorf("%s: looked up %q", scheme, got)
		}
	}
}

// An answer serves one identity, until it is told to forget.
func TestDNSCache(t *testing.T) {
	origin := plainOrigin(t)
	for _, tt := range []struct {
		name  string
		cache time.Duration
		want  []int // lookups after each step
	}{
		{"on", 0, []int{1, 1, 2, 2, 3, 4}},
		{"off", -1, []int{1, 2, 3, 4, 5, 6}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var names nameServer
			s := newSession(t, mien.Config{Resolver: &names, DNSCache: tt.cache})
			other := newSession(t, mien.Config{Resolver: &names, DNSCache: tt.cache})
			ask := func(s *mien.Session, o mien.Options) func() {
				return func() {
					o.FreshConnection = true
					mustGet(t, options(t, o), s, at(t, origin, "origin.test"))
				}
			}
			for i, step := range []func(){
				ask(s, mien.Options{}),
				ask(s, mien.Options{}),
				ask(s, mien.Options{Isolation: "a"}),
				ask(s, mien.Options{Isolation: "a"}),
				ask(other, mien.Options{}),
				func() { s.CloseIdleConnections(); ask(s, mien.Options{})() },
			} {
				if step(); len(names.names()) != tt.want[i] {
					t.Errorf("step %d: %d lookups, want %d", i+1, len(names.names()), tt.want[i])
				}
			}
		})
	}
}

// The proxy's name, too, is looked up by each identity for itself.
func TestDNSCacheOfProxies(t *testing.T) {
	origin := newOrigin(t, mientest.Config{})
	var cfg mien.Config
	throughProxy(t, place{protocol: protocols[0]}, "http", &cfg, nil)
	proxy, err := cfg.Proxy(nil)
	if err != nil {
		t.Fatal(err)
	}
	var names nameServer
	s := newSession(t, mien.Config{Resolver: &names})
	for i, user := range []string{"ann", "bob", "ann"} {
		o := mien.Options{FreshConnection: true, Proxy: &url.URL{Scheme: "http", Host: "proxy.test:" + proxy.Port(), User: url.UserPassword(user, "x")}}
		mustGet(t, options(t, o), s, origin.URL)
		if got := names.names(); len(got) != min(i+1, 2) || got[0] != "proxy.test" {
			t.Errorf("for %s: looked up %q", user, got)
		}
	}
}

// Connections leave from LocalAddr, of either family.
func TestLocalAddr(t *testing.T) {
	four := "127.0.0.1"
	if runtime.GOOS == "linux" {
		four = "127.0.0.7" // all of 127/8 is loopback there
	}
	for listen, local := range map[string]string{"127.0.0.1:0": four, "[::1]:0": "::1"} {
		t.Run(local, func(t *testing.T) {
			l, err := net.Listen("tcp", listen)
			if err != nil {
				t.Skip(err)
			}
			origin := newOrigin(t, mientest.Config{Plain: true, Protocols: []string{"http/1.1"}, Listener: l})
			s := newSession(t, mien.Config{LocalAddr: netip.MustParseAddr(local)})
			for _, host := range []string{"localhost", listen[:strings.LastIndexByte(listen, ':')]} {
				get(t, s, at(t, origin, host))
			}
			for _, c := range origin.Connections() {
				if from, _, _ := net.SplitHostPort(c.Remote); from != local {
					t.Errorf("came from %s, want %s", from, local)
				}
			}
		})
	}
}

// An address that cannot reach the host is an error that names the field, at
// once and once.
func TestLocalAddrOfTheOtherFamily(t *testing.T) {
	for _, tt := range []struct {
		local, host, want string
		proxy             string
	}{
		{"::1", "127.0.0.1", "Config.LocalAddr is ::1, and 127.0.0.1 has no IPv6 address", ""},
		{"127.0.0.1", "[::1]", "Config.LocalAddr is 127.0.0.1, and ::1 has no IPv4 address", ""},
		{"::1", "four.test", "Config.LocalAddr is ::1, and four.test has no IPv6 address", ""},
		{"::1", "origin.test", "Config.LocalAddr is ::1, and four.test has no IPv6 address", "http://four.test:1"},
	} {
		tried := 0
		cfg := mien.Config{LocalAddr: netip.MustParseAddr(tt.local), Resolver: new(nameServer), Hooks: mien.Hooks{Phase: func(i mien.PhaseInfo) {
			if i.Request == nil {
				tried++
			}
		}}}
		want := outcome{phase: retry.PhaseDial, class: retry.Invalid}
		if tt.proxy != "" {
			u, err := url.Parse(tt.proxy)
			if err != nil {
				t.Fatal(err)
			}
			cfg.Proxy, want.phase = http.ProxyURL(u), retry.PhaseProxy
		}
		_, err := newSession(t, cfg).Get(t.Context(), "http://"+tt.host+":1/")
		if got := outcomeOf(err); got != want || !strings.Contains(err.Error(), tt.want) || tried != 1 {
			t.Errorf("%+v, tried %d times: %v", got, tried, err)
		}
	}
}

// An address that is not this machine's is the machine's own failure, and says
// which field it came from.
func TestLocalAddrOfNobody(t *testing.T) {
	s := newSession(t, mien.Config{LocalAddr: netip.MustParseAddr("192.0.2.1"), Retry: retry.Policy{MaxAttempts: -1}})
	_, err := s.Get(t.Context(), plainOrigin(t).URL)
	if got, want := outcomeOf(err), (outcome{phase: retry.PhaseDial, class: retry.LocalLimit}); got != want || !strings.Contains(err.Error(), ": Config.LocalAddr: ") {
		t.Errorf("%+v, want %+v: %v", got, want, err)
	}
}

// Who began a lookup and went away takes nothing from those who share it.
func TestLookupOutlivesWhoBeganIt(t *testing.T) {
	origin := plainOrigin(t)
	asked, answer := make(chan struct{}, 2), make(chan struct{})
	s := newSession(t, mien.Config{Resolver: resolverFunc(func(ctx context.Context, _ string) ([]netip.Addr, error) {
		asked <- struct{}{}
		select {
		case <-answer:
			return []netip.Addr{loopback}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})})
	first, cancel := context.WithCancel(t.Context())
	url := at(t, origin, "origin.test")
	gone := start(mien.WithOptions(first, mien.Options{FreshConnection: true}), s, url)
	<-asked
	joined := start(options(t, mien.Options{FreshConnection: true}), s, url)
	for s.Stats().InFlight < 2 {
		runtime.Gosched()
	}
	cancel()
	if r := <-gone; !errors.Is(r.err, context.Canceled) {
		t.Errorf("%v", r.err)
	}
	close(answer)
	r := <-joined
	if r.err != nil {
		t.Fatal(r.err)
	}
	_, _ = io.Copy(io.Discard, r.resp.Body)
	_ = r.resp.Body.Close()
}

type resolverFunc func(ctx context.Context, host string) ([]netip.Addr, error)

func (f resolverFunc) LookupNetIP(ctx context.Context, _, host string) ([]netip.Addr, error) {
	return f(ctx, host)
}
