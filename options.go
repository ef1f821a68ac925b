package mien

import (
	"context"
	"net/url"

	"github.com/mien-http/mien/fingerprint"
)

// Options are the choices for one request. They travel in its context, see
// [WithOptions]. The zero value lets the Session infer what kind of request it is:
// a GET or an HTML form POST is a navigation, everything else a fetch.
type Options struct {
	// Destination is the Fetch standard's request destination: what in the page
	// would have asked for this. "": inferred.
	Destination fingerprint.Destination
	// Mode is the Fetch standard's request mode, as Sec-Fetch-Mode spells it;
	// "": what goes with Destination.
	Mode string
	// Variant tells requests of one destination apart: XMLHttpRequest from fetch(),
	// a script that does not block from one that does. "": the commonest, or
	// XMLHttpRequest where X-Requested-With says so.
	Variant fingerprint.Variant
	// Initiator is the URL of the page that the request comes from, "" for
	// none (typed into the address bar). It decides Sec-Fetch-Site, Referer and
	// Origin.
	Initiator string
	// UserActivation says that a user set this navigation off, by a click for
	// instance. One without Initiator is taken to be typed and needs no such word.
	UserActivation bool
	// Proxy, if set, is the proxy of this request in place of Config.Proxy's.
	Proxy *url.URL
	// ProxyChain, if set, is a chain of proxies from the nearest to the
	// farthest, in place of Proxy.
	ProxyChain []*url.URL
	// FreshConnection opens a connection for this request alone: through a
	// gateway that gives each tunnel another exit, a new exit. Only with an
	// Isolation of its own does it resume no TLS session either, by which a server
	// could tell that two exits are one client.
	FreshConnection bool
	// Isolation separates connections, tickets, answers of name servers and,
	// unless Config.Jar is set, cookies: requests with different keys never share
	// any.
	Isolation string
	// HeaderOrder is the order of the request's fields by name; fields that it
	// does not name keep the profile's order behind them.
	HeaderOrder []string
	// Idempotent says that this request may be sent twice, whatever its method.
	Idempotent bool
}

type optionsKey struct{}

// WithOptions returns a context that carries o for the requests made with it.
func WithOptions(ctx context.Context, o Options) context.Context {
	return context.WithValue(ctx, optionsKey{}, &o)
}

var defaultOptions = &Options{}

// optionsOf never returns nil. The result is not to be changed.
func optionsOf(ctx context.Context) *Options {
	if o, ok := ctx.Value(optionsKey{}).(*Options); ok {
		return o
	}
	return defaultOptions
}
