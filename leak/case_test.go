package leak_test

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/retry"
)

// enough wrong cases end a run: each may take all of its time.
const enough = 4

// leakCase is one way that a request can go.
type leakCase struct {
	name  string
	proxy string // what the faulty proxy does; "": none, see proxies
	// refused says that not even a proxy may hear of it.
	refused bool
	// change, if not nil, changes what the way chose. False: the case does not
	// concern it.
	change func(p *place, w *way, proxies []*url.URL, cfg *mien.Config, o *mien.Options) bool
	run    func(c *client) error
}

func (k *leakCase) fault() string {
	if k.proxy == "" {
		return "none"
	}
	return k.proxy
}

// each runs all on one session, and stops at the first that is wrong.
func each(all ...func(c *client) error) func(c *client) error {
	return func(c *client) error {
		for _, run := range all {
			if err := run(c); err != nil {
				return err
			}
		}
		return nil
	}
}

func get(kind, label, path string) func(*client) error {
	return func(c *client) error { return c.get(c.url(kind, label, path)) }
}

func fails(kind, label string, classes ...retry.Class) func(*client) error {
	return func(c *client) error { return c.fails(c.url(kind, label, "/"), classes...) }
}

// redirect leads from a site of one kind to another host of another.
func redirect(from, to string) func(*client) error {
	return func(c *client) error {
		return c.get(c.url(from, "from", "/to?url="+url.QueryEscape(c.url(to, "to", "/"))))
	}
}

func cases() []leakCase {
	all := []leakCase{
		{name: "https over h2", run: get("h2", "a", "/")},
		{name: "https over h1", run: get("h1", "a", "/")},
		{name: "http", run: get("plain", "a", "/")},
		{name: "POST", run: each(post("h2"), post("h1"), post("plain"))},
		{name: "redirect https to https", run: each(redirect("h2", "h1"), redirect("h2", "h2"))},
		{name: "redirect https to http", run: redirect("h2", "plain")},
		{name: "redirect http to https", run: redirect("plain", "h2")},
		{name: "handshake reset once", run: get("h2", "reset", "/")},
		{name: "handshakes reset", run: fails("h2", "dead", retry.HandshakeReset)},
		{name: "connection lost once", run: each(get("h2", "a", "/lost"), get("h1", "a", "/lost"), get("plain", "a", "/lost"))},
		{name: "proxy closes once", proxy: "close-once", run: get("h2", "a", "/")},
		{name: "proxy closes once, http", proxy: "close-once", run: get("plain", "a", "/")},
		{name: "proxy closes", proxy: "close", run: each(fails("h2", "a", retry.ProxyReset), fails("plain", "a", retry.ProxyReset, retry.ConnectionLost))},
		{name: "proxy answers garbage", proxy: "garbage", run: each(fails("h2", "a", retry.Protocol), fails("plain", "a"))},
		{name: "proxy answers with what it was told", proxy: "raw", run: each(fails("h2", "a", retry.Protocol), fails("plain", "a"))},
		{name: "proxy tells in a trailer", proxy: "trailer", run: each(fails("h2", "a"), fails("plain", "a"))},
		{name: "proxy drops its tunnel once", proxy: "drop-once", run: get("h2", "a", "/")},
		{name: "proxy drops its tunnels", proxy: "drop", run: each(fails("h2", "a"), fails("plain", "a"))},
		{name: "proxy stalls until our own limit", proxy: "stall", change: impatient, run: fails("h2", "a", retry.HandshakeTimeout)},
		{name: "fresh connections", change: fresh, run: each(get("h2", "a", "/"), get("h2", "a", "/"), get("plain", "a", "/"))},
		{name: "name that does not exist", run: each(fails("h2", "nx", retry.ProxyRefused), fails("plain", "nx", retry.ProxyRefused))},
		{name: "final dot", run: func(c *client) error { return c.get(c.at("h1", "a-"+c.id+".test.", "/")) }},
		{name: "localhost", run: func(c *client) error {
			return errors.Join(c.get(c.at("plain", "localhost", "/")), c.get(c.at("plain", "a.localhost", "/")))
		}},
		{name: "loopback address", proxy: "literal", run: literal("127.0.0.1")},
		{name: "address", proxy: "literal", run: literal("")},
		{name: "IPv6 address", proxy: "literal", run: literal6},
		{name: "Upgrade over https", run: upgrade("h1")},
		{name: "Upgrade over http", run: upgrade("plain")},
		{name: "proxy not listening", change: elsewhere(func(p *place) string { return p.Closed }), run: each(fails("h2", "a", retry.Refused), fails("plain", "a", retry.Refused))},
		{name: "proxy unreachable", change: elsewhere(func(p *place) string { return p.Nowhere }), run: each(fails("h2", "a", retry.Refused), fails("plain", "a", retry.Refused))},
		{name: "proxy stalls until the deadline", proxy: "stall", run: each(deadline("h2"), deadline("plain"))},
		{name: "proxy stalls until the caller leaves", proxy: "stall", run: each(leave("h2"), leave("plain"))},
		{name: "proxy stalls until Close", proxy: "stall", run: closeWhileConnecting},
		{name: "Close in the middle of a body", run: closeInBody},
		{name: "idle connections closed", run: each(get("h2", "a", "/"), get("plain", "a", "/"), closeIdle, get("h2", "a", "/"), get("plain", "a", "/"))},
		{name: "Session.Client", run: byClient(func(c *client) *http.Client { return c.session.Client() })},
		{name: "http.Client of the caller's", run: byClient(func(c *client) *http.Client { return &http.Client{Transport: c.session} })},
		{name: "reverse proxy of the caller's", run: reverse},
		{name: "100 at once", run: many},
		{name: "unknown scheme", refused: true, change: unknownScheme, run: each(fails("h2", "a", retry.Invalid), fails("plain", "a", retry.Invalid))},
		{name: "Config.Proxy fails", refused: true, change: choiceFails, run: each(choiceFailed("h2"), choiceFailed("plain"))},
		{name: "a bad Options.Proxy before a good Config.Proxy", refused: true, change: badBeforeGood, run: each(fails("h2", "a", retry.Invalid), fails("plain", "a", retry.Invalid))},
		{name: "Config.Proxy fails after its proxy", proxy: "close", change: failsSecondTime, run: fails("h2", "a")},
	}
	for _, does := range []string{"auth", "deny", "gateway"} {
		all = append(all,
			leakCase{name: "proxy refuses, " + does, proxy: does, run: fails("h2", "a", retry.ProxyRefused)},
			leakCase{name: "proxy refuses http, " + does, proxy: does, run: fails("plain", "a", retry.ProxyRefused)})
	}
	return all
}
