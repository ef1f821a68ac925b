package peers_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/retry"
)

// trip is what is done through a proxy.
type trip struct {
	proxy
	config mien.Config
	origins
}

// secure goes to the origin over HTTP/2, in a tunnel.
func (x trip) secure(t *testing.T) {
	c := newClient(t, x.config)
	from := strings.Fields(x.who(c, x.origins.secure))
	if len(from) != 2 || from[0] != x.from || from[1] != "HTTP/2.0" {
		t.Errorf("the origin saw %q", from)
	}
	x.bodies(t, c, x.origins.secure)
	var all sync.WaitGroup
	for range together {
		all.Go(func() {
			resp, err := c.send(http.MethodGet, x.origins.secure+"/app/hold", nil)
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
		})
	}
	all.Wait()
	if n := c.opened.Load(); n != x.fewest() { // of 250 streams
		t.Errorf("%d connections", n)
	}
	c.CloseIdleConnections()
	if resp, _ := c.fetch(http.MethodGet, x.origins.secure+"/small", nil); !resp.TLS.DidResume {
		t.Error("the second connection is not resumed")
	}
}

// plain asks the proxy for a resource in cleartext where it forwards such
// requests, and goes through a tunnel where it does not.
func (x trip) plain(t *testing.T) {
	c := newClient(t, x.config)
	from, via, _ := strings.Cut(x.who(c, x.origins.plain), " HTTP/1.1 ")
	if from != x.from || (via != "") != x.forwards {
		t.Errorf("the origin saw %q and Via %q", from, via)
	}
	const rounds = 12
	for range rounds {
		x.who(c, x.origins.plain)
	}
	// A proxy may end a connection whenever it likes.
	if n := c.opened.Load(); n > rounds/2 && !x.closes {
		t.Errorf("%d connections", n)
	}
	x.bodies(t, c, x.origins.plain)
}

// fewest is how many connections will do.
func (x trip) fewest() int64 {
	if x.named {
		return 2 // by name and by address
	}
	return 1
}

// who is what the origin saw.
func (x trip) who(c *client, origin string) string {
	if x.named {
		origin = strings.Replace(origin, "127.0.0.1", siteName, 1)
	}
	_, b := c.fetch(http.MethodGet, origin+"/app/who", nil)
	return string(b)
}

// bodies sends and fetches bodies. In cleartext each POST has a connection of its
// own where the proxy is on that: one that meets the end of a connection on its
// way is not sent twice, and proxies do not always say that they will close.
func (x trip) bodies(t *testing.T, c *client, origin string) {
	t.Helper()
	if _, b := c.fetch(http.MethodGet, origin+"/large", nil); digest(b) != digest(large()) {
		t.Errorf("down: %s", digest(b))
	}
	c.options.FreshConnection = x.forwards && strings.HasPrefix(origin, "http:")
	defer func() { c.options.FreshConnection = false }()
	for _, body := range [][]byte{nil, []byte("name=value"), large()} {
		if _, b := c.fetch(http.MethodPost, origin+"/app/sum", bytes.NewReader(body)); string(b) != digest(body) {
			t.Errorf("up: %s, want %s", b, digest(body))
		}
		// The same with a length that is not told.
		if _, b := c.fetch(http.MethodPost, origin+"/app/sum", io.MultiReader(bytes.NewReader(body))); string(b) != digest(body) {
			t.Errorf("up in chunks: %s, want %s", b, digest(body))
		}
	}
}

func (x trip) websocket(t *testing.T, origin string) {
	echo(t, newClient(t, x.config), "ws"+strings.TrimPrefix(origin, "http")+"/app/ws")
}

// refused sends other credentials.
func (x trip) refused(t *testing.T, credentials *url.Userinfo, code int) {
	via, err := x.config.Proxy(nil)
	if err != nil {
		t.Fatal(err)
	}
	stranger := *via
	stranger.User = credentials
	cfg := x.config
	cfg.Proxy = func(*http.Request) (*url.URL, error) { return &stranger, nil }
	c := newClient(t, cfg)
	x.refuses(t, c, x.origins.secure, code, 1)
	if !x.forwards {
		x.refuses(t, c, x.origins.plain, code, 1)
		return
	}
	resp, err := c.send(http.MethodGet, x.origins.plain, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != code {
		t.Errorf("status %s, want %d", resp.Status, code)
	}
}

// unreachable asks for an origin that is not there.
func (x trip) unreachable(t *testing.T) {
	cfg := x.config
	cfg.Retry.MaxConnectAttempts = 2
	c := newClient(t, cfg)
	attempts := 2
	if x.proxy.unreachable == http.StatusInternalServerError {
		attempts = 1 // that may be anything
	}
	x.refuses(t, c, "https://127.0.0.1:"+freePorts(t, 1)[0], x.proxy.unreachable, attempts)
}

// refuses sends a request that the proxy does not carry.
func (x trip) refuses(t *testing.T, c *client, origin string, code, attempts int) {
	t.Helper()
	_, err := c.send(http.MethodPost, origin, strings.NewReader("secret"))
	var e *mien.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v", err)
	}
	status, isStatus := e.ProxyStatus()
	reply, isReply := e.SOCKSReply()
	if e.Class != retry.ProxyRefused || e.Phase != retry.PhaseProxy || e.Sent || e.Attempt != attempts {
		t.Errorf("%v (%+v)", err, e)
	}
	if isStatus == isReply || isReply != (x.scheme == "socks5") || status+int(reply) != code {
		t.Errorf("status %d, reply %d, want %d", status, reply, code)
	}
	if strings.Contains(err.Error(), x.password) || strings.Contains(err.Error(), "guess") {
		t.Errorf("the text holds a password: %v", err)
	}
	if via, err := x.config.Proxy(nil); err != nil || e.Proxy != via.Host {
		t.Errorf("proxy %q: %v", e.Proxy, err)
	}
}
