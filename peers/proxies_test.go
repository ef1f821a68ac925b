package peers_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/mien-http/mien"
)

// proxyUser is known to every proxy that wants a password.
const proxyUser = "alice"

// proxy is a kind of proxy.
type proxy struct {
	name   string
	scheme string // of its URL
	from   string // the address that it connects from; no two kinds share one
	// start starts it, to take requests from anybody or with a password from
	// proxyUser alone, and returns its port.
	start    func(t *testing.T, p proxy, password string) string
	password string // where it wants one
	// named: it alone knows the address of siteName.
	named bool
	// forwards: it takes requests for http URLs in absolute form.
	forwards bool
	// closes: it ends the connection after each of these, and does not say so before.
	closes bool
	// missing and wrong are what it answers to who has no password or another
	// one: a status, or a SOCKS reply.
	missing, wrong int
	// unreachable is the same for an origin that refuses connections.
	unreachable int
}

// awkward is a password that needs escapes in a URL.
const awkward = "p@ss:w0rd/%"

var proxies = []proxy{
	{name: "squid", scheme: "http", from: "127.0.0.2", start: startSquid, named: true, password: awkward, forwards: true, missing: 407, wrong: 407, unreachable: 503},
	{name: "squid over TLS", scheme: "https", from: "127.0.0.2", start: startSquidTLS, named: true, password: awkward, forwards: true, missing: 407, wrong: 407, unreachable: 503},
	{name: "tinyproxy", scheme: "http", from: "127.0.0.3", start: startTinyproxy, password: "pass-w.0rd", forwards: true, closes: true, missing: 407, wrong: 401, unreachable: 500},
	{name: "microsocks", scheme: "socks5", from: "127.0.0.4", start: startMicrosocks, password: awkward, missing: 255, wrong: 255, unreachable: 5},
}

// running is the URL of the proxy that it starts.
func (p proxy) running(t *testing.T, password bool) *url.URL {
	t.Helper()
	u := &url.URL{Scheme: p.scheme}
	if password {
		u.User = url.UserPassword(proxyUser, p.password)
	} else {
		p.password = ""
	}
	u.Host = "127.0.0.1:" + p.start(t, p, p.password)
	return u
}

// origins are where proxies lead to: the application over HTTP/2 and cleartext.
type origins struct {
	id            *identity
	secure, plain string // URLs
}

func newOrigins(t *testing.T) origins {
	a, id := newApplication(), made(t, ecdsaIdentity)
	return origins{id, a.secure(t, id), a.plain(t)}
}

// config goes by way of via and knows no names.
func (o origins) config(t *testing.T, browser string, via *url.URL) mien.Config {
	return mien.Config{
		Profile: profile(t, browser), TLS: o.id.trust(), ProxyTLS: o.id.trust(), Resolver: noNames{t},
		Proxy: func(*http.Request) (*url.URL, error) { return via, nil },
	}
}

func TestLiveProxies(t *testing.T) {
	secondAddresses(t)
	for _, p := range proxies {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			o := newOrigins(t)
			for _, password := range []bool{false, true} {
				via := p.running(t, password)
				for _, browser := range chosen() {
					name := browser
					if password {
						name += " with password"
					}
					t.Run(name, func(t *testing.T) {
						tr := trip{p, o.config(t, browser, via), o}
						t.Run("https", tr.secure)
						t.Run("http", tr.plain)
						t.Run("wss", func(t *testing.T) { tr.websocket(t, o.secure) })
						t.Run("ws", func(t *testing.T) { tr.websocket(t, o.plain) })
						t.Run("unreachable", tr.unreachable)
						if password {
							t.Run("wrong password", func(t *testing.T) { tr.refused(t, url.UserPassword(proxyUser, "guess"), p.wrong) })
							t.Run("no password", func(t *testing.T) { tr.refused(t, nil, p.missing) })
						}
					})
				}
			}
		})
	}
}
