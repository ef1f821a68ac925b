package mien

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/mien-http/mien/fingerprint"
)

// kind is what a request is in the Fetch standard's terms: what a browser would
// have called it, and the fields that follow from that.
type kind struct {
	destination fingerprint.Destination
	mode        string
	site        string
	activated   bool
	ajax        bool   // by XMLHttpRequest, as the request itself says
	referer     string // "": none
	origin      string // "": none
	policy      string // of referrers, as the redirects so far left it
}

// kindOf infers what the caller's Options leave open: a GET and an HTML form
// POST are navigations, anything else is a fetch from a page of the same origin.
func kindOf(req *http.Request, o *Options, p *fingerprint.Profile) kind {
	k := kind{destination: o.Destination, mode: o.Mode}
	first := firstHop(req) // a redirect changes the method, but not what asked for it
	if k.destination == "" {
		k.destination = inferDestination(first)
	}
	k.ajax = k.destination == fingerprint.Empty && first.Header.Get("X-Requested-With") == "XMLHttpRequest"
	typed := o.Initiator == "" && k.destination == fingerprint.Document && methodOf(first) == http.MethodGet
	k.activated = typed || o.UserActivation
	if typed {
		k.site = "none"
		return k
	}
	from := initiatorOf(req, o)
	k.site = siteOf(from, req)
	if k.destination == fingerprint.WebSocket { // always an Origin, never a Referer (WebSockets standard §3.2)
		k.origin = serializeOrigin(from)
		return k
	}
	gecko := p.Browser.Engine == "gecko"
	k.referer, k.policy = referrerOver(from, req, gecko)
	// What a script fetches from its own origin goes without; Chromium says it of
	// elements that use CORS wherever they load from.
	foreign := k.site != "same-origin" || !gecko && k.destination != fingerprint.Empty
	if m := methodOf(req); m != http.MethodGet && m != http.MethodHead || foreign && k.cors(o.Variant) {
		k.origin = originFor(from, req, &k, gecko)
	}
	return k
}

// cors reports whether the request's mode is "cors": fetches, fonts and modules
// have it where nobody says otherwise.
func (k *kind) cors(v fingerprint.Variant) bool {
	if k.mode != "" {
		return k.mode == "cors"
	}
	switch k.destination {
	case fingerprint.Empty, fingerprint.Font:
		return true
	}
	return k.destination == fingerprint.Script && v == fingerprint.Module
}

// navigates reports whether the response becomes a page, in a tab or a frame.
func (k *kind) navigates() bool {
	return k.destination == fingerprint.Document || k.destination == fingerprint.Iframe
}

// firstHop is the request that the redirects leading to req began with.
func firstHop(req *http.Request) *http.Request {
	for req.Response != nil && req.Response.Request != nil {
		req = req.Response.Request
	}
	return req
}

func methodOf(req *http.Request) string {
	if req.Method == "" {
		return http.MethodGet
	}
	return req.Method
}

func inferDestination(req *http.Request) fingerprint.Destination {
	if isUpgrade(req) {
		return fingerprint.WebSocket
	}
	switch methodOf(req) {
	case http.MethodGet:
		// No page can change what a navigation accepts: an Accept of the
		// caller's own without HTML in it is a fetch.
		if a := req.Header.Get("Accept"); a != "" && !strings.Contains(a, "text/html") {
			return fingerprint.Empty
		}
		if req.Body == nil || req.Body == http.NoBody {
			return fingerprint.Document
		}
	case http.MethodPost:
		ct, _, _ := strings.Cut(req.Header.Get("Content-Type"), ";")
		switch strings.ToLower(strings.TrimSpace(ct)) {
		case "application/x-www-form-urlencoded", "multipart/form-data":
			return fingerprint.Document
		}
	}
	return fingerprint.Empty
}

// initiatorOf is the page that the request comes from: the one the caller
// named, the page the redirects began on, or the front page of the same origin.
func initiatorOf(req *http.Request, o *Options) *url.URL {
	if o.Initiator != "" {
		if u, err := url.Parse(o.Initiator); err == nil && u.Host != "" {
			return u
		}
	}
	first := firstHop(req).URL
	return &url.URL{Scheme: first.Scheme, Host: first.Host, Path: "/"}
}

// siteOf is Sec-Fetch-Site over the whole chain of redirects (Fetch Metadata
// §2.3): the farthest that any hop was from the initiator.
func siteOf(from *url.URL, req *http.Request) string {
	worst := relation(from, req.URL)
	for r := req.Response; r != nil && r.Request != nil; r = r.Request.Response {
		worst = farther(worst, relation(from, r.Request.URL))
	}
	return worst
}

func farther(a, b string) string {
	for _, s := range [...]string{"cross-site", "same-site"} {
		if a == s || b == s {
			return s
		}
	}
	return "same-origin"
}

func relation(a, b *url.URL) string {
	if sameOrigin(a, b) {
		return "same-origin"
	}
	if strings.EqualFold(a.Scheme, b.Scheme) && sameSite(a.Hostname(), b.Hostname()) {
		return "same-site"
	}
	return "cross-site"
}

func sameSite(a, b string) bool {
	if sameHost(a, b) {
		return true
	}
	a, b = canonicalHost(a), canonicalHost(b)
	if isAddress(a) || isAddress(b) {
		return false
	}
	x, err := publicsuffix.EffectiveTLDPlusOne(strings.ToLower(a))
	if err != nil {
		return false
	}
	y, err := publicsuffix.EffectiveTLDPlusOne(strings.ToLower(b))
	return err == nil && x == y
}

func sameOrigin(a, b *url.URL) bool {
	return strings.EqualFold(a.Scheme, b.Scheme) && sameHost(a.Hostname(), b.Hostname()) && portOf(a) == portOf(b)
}

func sameHost(a, b string) bool {
	return strings.EqualFold(a, b) || canonicalHost(a) == canonicalHost(b)
}

// canonicalHost is host as it goes on the wire, or in lower case if it cannot.
func canonicalHost(host string) string {
	if h, err := asciiHost(host); err == nil {
		return h
	}
	return strings.ToLower(host)
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if strings.EqualFold(u.Scheme, "https") {
		return "443"
	}
	return "80"
}

// serializeOrigin is the origin of u as the HTML standard writes it: the host in
// ASCII, no default port.
func serializeOrigin(u *url.URL) string {
	key := originKey{scheme: strings.ToLower(u.Scheme), host: canonicalHost(u.Hostname()), port: portOf(u)}
	key.host = key.name()
	return key.String()
}

// variant is Options.Variant, or what the request says in its place.
func (c *call) variant() fingerprint.Variant {
	if c.opts.Variant == "" && c.kind.ajax {
		return fingerprint.XHR
	}
	return c.opts.Variant
}

// covered says that the profile holds what the browser sends for this request.
func (c *call) covered(wire fingerprint.Wire) error {
	return c.t.cfg.Profile.Covers(fingerprint.HeadRequest{Wire: wire, Destination: c.kind.destination, Variant: c.variant()})
}
