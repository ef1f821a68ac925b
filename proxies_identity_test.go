package mien_test

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// gateway is a proxy in memory that opens every tunnel and notes whose it is.
type gateway struct {
	network *mientest.Network
	addr    string

	mu    sync.Mutex
	users []string // guarded by mu; of each tunnel in turn, "" for nobody
}

// newGateway runs until the end of the test's bubble.
func newGateway(t *testing.T, network *mientest.Network, addr string) *gateway {
	t.Helper()
	g := &gateway{network: network, addr: addr}
	l, err := network.Listen(addr)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { g.tunnel(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	return g
}

func (g *gateway) tunnel(c net.Conn) {
	defer c.Close()
	line, user, err := readConnect(c)
	if err != nil {
		return
	}
	g.mu.Lock()
	g.users = append(g.users, user)
	g.mu.Unlock()
	far, err := g.network.DialContext(context.Background(), "tcp", line)
	if err != nil {
		return
	}
	_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
	splice(c, far)
}

// readConnect reads a CONNECT: its target and whose it is.
func readConnect(c net.Conn) (target, user string, err error) {
	// A client says nothing more before it is answered.
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return "", "", err
	}
	if basic := r.Header.Get("Proxy-Authorization"); basic != "" {
		r.Header.Set("Authorization", basic)
		user, _, _ = r.BasicAuth()
	}
	return r.RequestURI, user, nil
}

// identity is a way out as a caller writes it. Those with the same who are one.
type identity struct {
	who  string
	opts func() mien.Options
}

func identities() []identity {
	chain := func(proxies ...string) func() mien.Options {
		return func() mien.Options {
			var o mien.Options
			for _, p := range proxies {
				u, err := url.Parse(p)
				if err != nil {
					panic(err) // the table is wrong
				}
				o.ProxyChain = append(o.ProxyChain, u)
			}
			if len(o.ProxyChain) == 1 {
				o.Proxy, o.ProxyChain = o.ProxyChain[0], nil
			}
			return o
		}
	}
	isolated := func(key string, of func() mien.Options) func() mien.Options {
		return func() mien.Options {
			o := of()
			o.Isolation = key
			return o
		}
	}
	return []identity{
		{"direct", chain()},
		{"direct a", isolated("a", chain())},
		{"proxy", chain("http://one.test:1")},
		{"proxy ann", chain("http://ann:x@one.test:1")},
		{"proxy ann", chain("HTTP://%61nn:%78@ONE.test:1/")},
		{"proxy ann, another password", chain("http://ann:y@one.test:1")},
		{"proxy bob", chain("http://bob:x@one.test:1")},
		{"proxy ann a", isolated("a", chain("http://ann:x@one.test:1"))},
		{"proxy ann a", isolated("a", chain("http://a%6en:x@one.test:1"))},
		{"proxy ann b", isolated("b", chain("http://ann:x@one.test:1"))},
		{"another proxy ann", chain("http://ann:x@two.test:1")},
		{"chain", chain("http://ann:x@one.test:1", "http://two.test:1")},
		{"chain backwards", chain("http://two.test:1", "http://ann:x@one.test:1")},
		{"chain, known to the second", chain("http://ann:x@one.test:1", "http://ann:x@two.test:1")},
		{"chain, known to the second as bob", chain("http://ann:x@one.test:1", "http://bob:x@two.test:1")},
		{"chain, known to the first as bob", chain("http://bob:x@one.test:1", "http://ann:x@two.test:1")},
	}
}

// Whatever of an identity differs, nothing is shared: no connection, no ticket.
// Written differently it is the same one. Whether it comes with the request or
// from Config.Proxy makes no difference.
func TestIdentitiesApart(t *testing.T) {
	bubble(t, func(t *testing.T, alpn []string) {
		var network mientest.Network
		newGateway(t, &network, "one.test:1")
		newGateway(t, &network, "two.test:1")
		anyCase := func(ctx context.Context, _, addr string) (net.Conn, error) {
			if addr == "ONE.test:1" {
				addr = "one.test:1"
			}
			return network.DialContext(ctx, "tcp", addr)
		}
		listener, err := network.Listen(":443")
		if err != nil {
			t.Fatal(err)
		}
		origin := newOrigin(t, mientest.Config{Protocols: alpn, Listener: listener})
		all := identities()
		var current *url.URL
		s := newSession(t, mien.Config{DialContext: anyCase, Hooks: noRetries(t), Proxy: func(*http.Request) (*url.URL, error) { return current, nil }})
		ask := func(id identity, byFunction bool) (conn int, resumed bool) {
			o := id.opts()
			if byFunction {
				current, o.Proxy = o.Proxy, nil
			}
			mustGet(t, options(t, o), s, example)
			current = nil
			synctest.Wait()
			requests := origin.Requests()
			conn = requests[len(requests)-1].Conn
			return conn, origin.Connections()[conn-1].Resumed
		}
		conns := map[string]int{} // of each identity
		for i, id := range all {
			conn, resumed := ask(id, i%2 == 1)
			if known, again := conns[id.who]; again {
				if conn != known {
					t.Errorf("%s, written differently, has a connection of its own", id.who)
				}
				continue
			}
			for other, c := range conns {
				if c == conn {
					t.Errorf("%s and %s share a connection", id.who, other)
				}
			}
			if resumed {
				t.Errorf("%s resumes the session of another", id.who)
			}
			conns[id.who] = conn
			if again, _ := ask(id, i%2 == 0); again != conn {
				t.Errorf("%s: its connection is not used again", id.who)
			}
		}
		// What was learnt of each stays with it.
		s.CloseIdleConnections()
		for who := range conns {
			i := slices.IndexFunc(all, func(id identity) bool { return id.who == who })
			conn, resumed := ask(all[i], false)
			if !resumed || conn <= len(conns) {
				t.Errorf("%s again: connection %d, resumed %v", who, conn, resumed)
			}
		}
	})
}

// A gateway that gives each tunnel another exit is asked for a tunnel for each
// request that wants one, with its credentials; others go on sharing theirs.
func TestRotatingGateway(t *testing.T) {
	bubble(t, func(t *testing.T, alpn []string) {
		var network mientest.Network
		g := newGateway(t, &network, "one.test:1")
		listener, err := network.Listen(":443")
		if err != nil {
			t.Fatal(err)
		}
		origin := newOrigin(t, mientest.Config{Protocols: alpn, Listener: listener})
		proxy := &url.URL{Scheme: "http", Host: "one.test:1", User: url.UserPassword("ann", "x")}
		s := newSession(t, mien.Config{DialContext: network.DialContext, Proxy: http.ProxyURL(proxy), Hooks: noRetries(t)})
		for range 3 {
			mustGet(t, options(t, mien.Options{FreshConnection: true}), s, example)
		}
		for range 3 {
			mustGet(t, t.Context(), s, example)
		}
		// Isolation as well: not even a ticket tells that the exits are one client.
		for i := range 3 {
			mustGet(t, options(t, mien.Options{FreshConnection: true, Isolation: strconv.Itoa(i)}), s, example)
		}
		synctest.Wait()
		for i, c := range origin.Connections() {
			if i > 3 && c.Resumed {
				t.Errorf("connection %d is resumed", c.ID)
			}
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		if want := slices.Repeat([]string{"ann"}, 7); !slices.Equal(g.users, want) || len(origin.Connections()) != 7 {
			t.Errorf("tunnels for %q, %d connections", g.users, len(origin.Connections()))
		}
	})
}

// Sessions share nothing, with the same proxy and credentials.
func TestSessionsApart(t *testing.T) {
	bubble(t, func(t *testing.T, alpn []string) {
		var network mientest.Network
		newGateway(t, &network, "one.test:1")
		listener, err := network.Listen(":443")
		if err != nil {
			t.Fatal(err)
		}
		origin := newOrigin(t, mientest.Config{Protocols: alpn, Listener: listener})
		proxy := &url.URL{Scheme: "http", Host: "one.test:1", User: url.UserPassword("ann", "x")}
		for i := range 3 {
			s := newSession(t, mien.Config{DialContext: network.DialContext, Proxy: http.ProxyURL(proxy), Retry: retry.Policy{MaxAttempts: -1}})
			mustGet(t, t.Context(), s, example)
			synctest.Wait()
			all := origin.Connections()
			if last := all[len(all)-1]; len(all) != i+1 || last.Resumed {
				t.Errorf("%d connections, resumed %v", len(all), last.Resumed)
			}
		}
	})
}
