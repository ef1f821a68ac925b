package mien

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// referrer is a page as a Referer names it. It only ever gets shorter over a chain
// of redirects: each hop starts from what the one before it sent (Fetch standard,
// main fetch, step 9).
type referrer struct {
	page   *url.URL
	origin bool // no more than the origin of page
	none   bool
}

// The policies of Referrer Policy §3. Any other word is none.
const (
	noReferrer      = "no-referrer"
	noDowngrade     = "no-referrer-when-downgrade"
	sameOriginOnly  = "same-origin"
	originOnly      = "origin"
	strictOrigin    = "strict-origin"
	originWhenCross = "origin-when-cross-origin"
	strictWhenCross = "strict-origin-when-cross-origin" // browsers' default
	unsafeURL       = "unsafe-url"
)

// referrerOver gives the Referer of req, "" for none, and the referrer policy
// that the redirects which led to it left: a redirect's Referrer-Policy counts from
// the next hop on (Fetch standard, HTTP-redirect fetch, step 19).
func referrerOver(from *url.URL, req *http.Request, gecko bool) (field, policy string) {
	r := referrer{page: from}
	r.over(req, gecko, &policy)
	return r.String(), policy
}

// over walks the chain from its first request to req.
func (r *referrer) over(req *http.Request, gecko bool, policy *string) {
	*policy = strictWhenCross
	if req.Response != nil && req.Response.Request != nil && req.Response.Request.URL != nil {
		r.over(req.Response.Request, gecko, policy)
		if said := referrerPolicy(req.Response.Header["Referrer-Policy"]); said != "" {
			*policy = said
		}
	}
	r.send(req.URL, *policy, gecko)
}

// referrerPolicy is the last word of lines that is a policy (Referrer Policy §8.1).
func referrerPolicy(lines []string) (policy string) {
	for _, line := range lines {
		for word := range strings.SplitSeq(line, ",") {
			switch word = strings.ToLower(strings.Trim(word, " \t")); word {
			case noReferrer, noDowngrade, sameOriginOnly, originOnly, strictOrigin, originWhenCross, strictWhenCross, unsafeURL:
				policy = word
			}
		}
	}
	return policy
}

// send cuts r down to what policy lets to know (Referrer Policy §8.3). Firefox
// takes no policy of another site that tells more than the default one does.
func (r *referrer) send(to *url.URL, policy string, gecko bool) {
	lax := policy == unsafeURL || policy == noDowngrade || policy == originWhenCross
	if gecko && lax && relation(r.page, to) == "cross-site" {
		policy = strictWhenCross
	}
	same, down := sameOrigin(r.page, to), downgrades(r.page, to)
	switch policy {
	case noReferrer:
		r.none = true
	case sameOriginOnly:
		r.none = r.none || !same
	case noDowngrade:
		r.none = r.none || down
	case originOnly:
		r.origin = true
	case strictOrigin:
		r.none, r.origin = r.none || down, true
	case originWhenCross:
		r.origin = r.origin || !same
	case strictWhenCross:
		r.none, r.origin = r.none || down, r.origin || !same
	}
}

// String is r as a field value. More than maxReferer bytes become the origin.
func (r *referrer) String() string {
	if r.none {
		return ""
	}
	s := serializeOrigin(r.page)
	if !r.origin {
		if whole := s + r.page.RequestURI(); len(whole) <= maxReferer {
			return whole
		}
	}
	return s + "/"
}

// maxReferer is where Referrer Policy §8.3 cuts a referrer down to its origin.
const maxReferer = 4096

// downgrades reports whether what went over https goes in the clear from now on.
func downgrades(from, to *url.URL) bool {
	return strings.EqualFold(from.Scheme, "https") && !strings.EqualFold(to.Scheme, "https")
}

// originFor is the Origin field (Fetch standard, "serializing a request origin"
// and "append a request Origin header"): null once a redirect led from a foreign
// origin to another. Without CORS, which navigations are and requests of mode
// no-cors, the referrer policy has a say; for navigations Chromium does not ask it
// and says null after any redirect to another origin.
func originFor(from *url.URL, req *http.Request, k *kind, gecko bool) string {
	navigation := k.navigates()
	withoutCORS := navigation || k.mode == "no-cors"
	switch chromium := navigation && !gecko; {
	case withoutCORS && downgrades(from, req.URL),
		chromium && crossedOrigin(req),
		withoutCORS && !chromium && k.policy == noReferrer,
		withoutCORS && !chromium && k.policy == sameOriginOnly && !sameOrigin(from, req.URL),
		tainted(from, req):
		return "null"
	}
	return serializeOrigin(from)
}

// tainted reports whether a redirect that led to req left an origin that is not
// from's for another (Fetch standard, redirect-tainted origin).
func tainted(from *url.URL, req *http.Request) bool {
	to := req.URL
	for r := req.Response; r != nil && r.Request != nil && r.Request.URL != nil; r = r.Request.Response {
		if by := r.Request.URL; !sameOrigin(by, to) && !sameOrigin(by, from) {
			return true
		}
		to = r.Request.URL
	}
	return false
}

// addedByClient reports whether req's Referer is one that an http.Client added
// on a redirect, rather than the caller.
func addedByClient(req *http.Request) bool {
	if req.Response == nil {
		return false
	}
	first := firstHop(req)
	return first != req && !hasField(first.Header, "Referer")
}

// leaksReferer reports whether the Referer of the caller's own names a page of
// https to a hop in the clear that a redirect led to.
func leaksReferer(req *http.Request, values []string) bool {
	return req.Response != nil && !strings.EqualFold(req.URL.Scheme, "https") &&
		slices.ContainsFunc(values, func(v string) bool { return len(v) > 6 && strings.EqualFold(v[:6], "https:") })
}
