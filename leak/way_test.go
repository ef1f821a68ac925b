package leak_test

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/mien-http/mien"
)

// The credentials. None of these bytes may be found anywhere but at a proxy.
const (
	secretUser     = "u5er-7Q4x"
	secretPassword = "pa55word-Zk93"
)

// telling is how many bytes of a credential are too many to be found.
const telling = 8

// way is one kind of proxy, and how the session is told of it.
type way struct {
	name    string
	schemes []string // from the nearest proxy to the farthest
	faulty  int      // which of them does what the case wants
	choose  func(cfg *mien.Config, proxies []*url.URL) mien.Options
}

// direct is the way of the controls.
var direct = way{name: "direct", choose: func(*mien.Config, []*url.URL) mien.Options { return mien.Options{} }}

// ways are every scheme by Config and by Options, and chains.
func ways() []way {
	byConfig := func(cfg *mien.Config, proxies []*url.URL) mien.Options {
		cfg.Proxy = http.ProxyURL(proxies[0])
		return mien.Options{}
	}
	byOptions := func(_ *mien.Config, proxies []*url.URL) mien.Options { return mien.Options{Proxy: proxies[0]} }
	byChain := func(_ *mien.Config, proxies []*url.URL) mien.Options { return mien.Options{ProxyChain: proxies} }
	var all []way
	for _, scheme := range []string{"http", "https", "socks4", "socks4a", "socks5", "socks5h"} {
		all = append(all,
			way{name: scheme + " by Config", schemes: []string{scheme}, choose: byConfig},
			way{name: scheme + " by Options", schemes: []string{scheme}, choose: byOptions})
	}
	return append(all,
		way{name: "chain of one", schemes: []string{"socks5h"}, choose: byChain},
		way{name: "chain http, socks5", schemes: []string{"http", "socks5"}, faulty: 1, choose: byChain},
		way{name: "chain socks5, https", schemes: []string{"socks5", "https"}, choose: byChain},
		way{name: "chain https, http", schemes: []string{"https", "http"}, faulty: 1, choose: byChain})
}

// forwards reports whether plain http goes to the farthest proxy in absolute form.
func (w *way) forwards() bool { return strings.HasPrefix(w.schemes[len(w.schemes)-1], "http") }

// urls are the proxies with their credentials. The user name tells the faulty
// one what to do: fault, number of the run, secret, joined by dots.
func (w *way) urls(p *place, fault, id string) []*url.URL {
	var all []*url.URL
	for i, scheme := range w.schemes {
		does := "none"
		if i == w.faulty || fault == "literal" {
			does = fault
		}
		host := p.Near
		if i > 0 {
			host = p.Far
		}
		u := &url.URL{Scheme: scheme, Host: host + ":" + p.Ports[family(scheme)]}
		name := strings.Join([]string{does, id, secretUser}, ".")
		if u.User = url.UserPassword(name, secretPassword); family(scheme) == "socks4" {
			u.User = url.User(name)
		}
		all = append(all, u)
	}
	return all
}

// family is the proxy server that speaks scheme.
func family(scheme string) string {
	return strings.TrimRight(scheme, "ah")
}
