package egress

import (
	"crypto/tls"
	"net/url"
	"strings"
)

// A Route is a way out: proxies from the nearest to the farthest, credentials
// in their URLs. The zero value goes straight to the origin.
type Route struct {
	Proxies []*url.URL // not nil, and not changed while the Route is in use

	// TLS is for https proxies; nil verifies them against the system's roots.
	// Each proxy is verified by its own name, unless TLS.ServerName gives
	// another. Session caches and protocols in it are not used.
	TLS *tls.Config
}

// Key tells routes apart: two routes share connections, tickets and addresses
// only if their keys are equal. The whole chain is in it, with credentials, and
// no matter how either is spelled in a URL. Never print it.
func (r Route) Key() string {
	if len(r.Proxies) == 0 {
		return ""
	}
	var b strings.Builder
	for _, u := range r.Proxies {
		if p, reason := parseProxy(u); reason != "" {
			b.WriteString(u.String()) // goes nowhere
		} else {
			user, password, _ := p.credentials()
			b.WriteString(p.Scheme + "://" + url.UserPassword(user, password).String() + "@" + strings.ToLower(p.Addr()))
		}
		b.WriteByte(' ')
	}
	return b.String()
}

// Validate checks every proxy of the route, and that each can be reached
// through the one before it. Its error is a *RouteError.
func (r Route) Validate() error {
	_, err := r.parse()
	return err
}

// Forwards reports whether the farthest proxy takes plain http requests as they
// are, in absolute form (RFC 9112 §3.2.2), on a connection from
// [Dialer.DialProxy].
func (r Route) Forwards() bool {
	if len(r.Proxies) == 0 {
		return false
	}
	p, err := ParseProxy(r.Proxies[len(r.Proxies)-1])
	return err == nil && p.http()
}

// ProxyAuthorization is the value of the field of that name on requests that
// the farthest proxy forwards; "" if it wants none or does not forward. It is
// a credential.
func (r Route) ProxyAuthorization() string {
	if !r.Forwards() {
		return ""
	}
	p, _ := ParseProxy(r.Proxies[len(r.Proxies)-1])
	return p.basic()
}

// parse gives the proxies of a route that Validate accepts.
func (r Route) parse() ([]Proxy, error) {
	proxies := make([]Proxy, len(r.Proxies))
	for i, u := range r.Proxies {
		p, reason := parseProxy(u)
		if reason != "" {
			return nil, &RouteError{Index: i, Reason: reason}
		}
		if i > 0 {
			if reason := proxies[i-1].cannotReach(p.Host, p.Port); reason != "" {
				return nil, &RouteError{Index: i, Reason: reason}
			}
		}
		proxies[i] = p
	}
	return proxies, nil
}
