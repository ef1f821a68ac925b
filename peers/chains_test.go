package peers_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/retry"
)

// TestLiveProxyChains goes through every pair of programs in both orders, and
// through all kinds at once. The origin sees the last one's address.
func TestLiveProxyChains(t *testing.T) {
	secondAddresses(t)
	running := make([]*url.URL, len(proxies))
	for i, p := range proxies {
		running[i] = p.running(t, true)
	}
	o := newOrigins(t)
	chain := func(t *testing.T, order ...int) {
		var names []string
		var urls []*url.URL
		for _, i := range order {
			names, urls = append(names, proxies[i].name), append(urls, running[i])
		}
		t.Run(strings.Join(names, ", "), func(t *testing.T) {
			x := trip{proxies[order[len(order)-1]], o.config(t, browsers[order[0]%len(browsers)], nil), o}
			for _, origin := range []string{o.secure, o.plain} {
				c := newClient(t, x.config)
				c.options.ProxyChain = urls
				if from, _, _ := strings.Cut(x.who(c, origin), " "); from != x.from {
					t.Errorf("the origin saw %s", from)
				}
				if len(order) > 2 {
					x.bodies(t, c, origin)
				}
				echo(t, c, "ws"+strings.TrimPrefix(origin, "http")+"/app/ws")
			}
			for i := range urls {
				x.fails(t, urls, i, proxies[order[i]])
			}
		})
	}
	for first := range proxies {
		for second := range proxies {
			if proxies[first].from != proxies[second].from { // two programs
				chain(t, first, second)
			}
		}
	}
	chain(t, 0, 1, 2, 3)
	chain(t, 3, 2, 1, 0)
}

// fails goes through the chain with a wrong password for the proxy at index: it
// is this one that is named.
func (x trip) fails(t *testing.T, chain []*url.URL, index int, p proxy) {
	t.Helper()
	wrong := *chain[index]
	wrong.User = url.UserPassword(proxyUser, "guess")
	c := newClient(t, x.config)
	c.options.ProxyChain = append(append(append([]*url.URL{}, chain[:index]...), &wrong), chain[index+1:]...)
	_, err := c.send(http.MethodGet, x.origins.secure+"/small", nil)
	var e *mien.Error
	if !errors.As(err, &e) || e.Class != retry.ProxyRefused || e.Proxy != wrong.Host || e.Attempt != 1 {
		t.Errorf("wrong password for %s: %v (%+v)", p.name, err, e)
		return
	}
	status, _ := e.ProxyStatus()
	reply, _ := e.SOCKSReply()
	if status+int(reply) != p.wrong {
		t.Errorf("%s answered %d%d, want %d", p.name, status, reply, p.wrong)
	}
}
