package mien

import (
	"net/http"
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
	referer     string // "": none
	origin      string // "": none
}

// kindOf infers what the caller's Options leave open: a GET and an HTML form
// POST are navigations, anything else is a fetch from a page of the same origin.
func kindOf(req *http.Request, o *Options) kind {
	k := kind{destination: o.Destination, mode: o.Mode}
	first := firstHop(req) // a redirect changes the method, but not what asked for it
	if k.destination == "" {
		k.destination = inferDestination(first)
	}
	navigation := k.destination == fingerprint.Document || k.destination == fingerprint.Iframe
	typed := o.Initiator == "" && k.destination == fingerprint.Document && methodOf(first) == http.MethodGet
	k.activated = typed || o.UserActivation
	if typed {
		k.site = "none"
		return k
	}
	from := initiatorOf(req, o)
	k.site = siteOf(from, req)
	k.referer = refererFor(from, req.URL)
	if m := methodOf(req); m != http.MethodGet && m != http.MethodHead {
		k.origin = serializeOrigin(from)
	} else if !navigation && k.site != "same-origin" && k.mode != "no-cors" && k.destination == fingerprint.Empty {
		k.origin = serializeOrigin(from)
	}
	return k
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
	if a.Scheme == b.Scheme && sameSite(a.Hostname(), b.Hostname()) {
		return "same-site"
	}
	return "cross-site"
}

func sameSite(a, b string) bool {
	if strings.EqualFold(a, b) {
		return true
	}
	x, err := publicsuffix.EffectiveTLDPlusOne(strings.ToLower(a))
	if err != nil {
		return false
	}
	y, err := publicsuffix.EffectiveTLDPlusOne(strings.ToLower(b))
	return err == nil && x == y
}

func sameOrigin(a, b *url.URL) bool {
	return strings.EqualFold(a.Scheme, b.Scheme) && strings.EqualFold(a.Hostname(), b.Hostname()) && portOf(a) == portOf(b)
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

// refererFor follows strict-origin-when-cross-origin, the default policy of
// browsers (Referrer Policy §3.7).
func refererFor(from, to *url.URL) string {
	if strings.EqualFold(from.Scheme, "https") && strings.EqualFold(to.Scheme, "http") {
		return ""
	}
	if !sameOrigin(from, to) {
		return serializeOrigin(from) + "/"
	}
	bare := *from
	bare.User, bare.Fragment, bare.RawFragment = nil, "", ""
	return bare.String()
}

func serializeOrigin(u *url.URL) string {
	return strings.ToLower(u.Scheme) + "://" + strings.ToLower(u.Host)
}
