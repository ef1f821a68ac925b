package mien

import (
	"context"
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/retry"
)

// outgoing is the request that goes to a connection: the caller's, with the
// authority in ASCII and, from the second attempt on, a new copy of its body.
func (c *call) outgoing(ctx context.Context, wire fingerprint.Wire) (*http.Request, error) {
	host := authority(c.req, c.key)
	body := c.req.Body
	if body == http.NoBody {
		body = nil
	}
	replayable := retry.Replayable(c.req)
	if replayable && c.attempt == 1 && host == c.req.Host && c.wait == nil && !c.traced {
		if body == nil || known(body) {
			return c.req, nil // as it stands: connections do not write to it
		}
	}
	out := c.req.WithContext(ctx)
	out.Host = host
	if !replayable {
		return c.lend(out, wire)
	}
	if c.attempt > 1 {
		var err error
		if out, err = rewound(out); err != nil {
			return nil, err
		}
	}
	if body != nil {
		out.Body = owned(out.Body, out.ContentLength)
	}
	return out, nil
}

// authority is what Host and :authority say: the caller's Host if set, else
// the URL's without a default port.
func authority(req *http.Request, key originKey) string {
	if req.Host != "" && req.Host != req.URL.Host {
		if h, err := httpguts.PunycodeHostPort(req.Host); err == nil {
			return h
		}
	}
	if key.standard() && !strings.Contains(key.host, ":") {
		return key.host
	}
	if h := req.URL.Host; len(h) == len(key.host)+1+len(key.port) && strings.HasPrefix(h, key.host) && strings.HasSuffix(h, ":"+key.port) && !key.standard() {
		return h // as it stands, without a copy
	}
	key.host = key.name()
	s := key.String()
	return s[len(key.scheme)+len("://"):]
}

// head is the field section of this request on wire.
func (c *call) head(wire fingerprint.Wire) *fingerprint.Head {
	if len(c.header) == 0 && len(c.opts.HeaderOrder) == 0 && contentLength(c.req) == 0 {
		return c.t.heads.get(headKey{
			wire:        wire,
			destination: c.kind.destination,
			variant:     c.variant(),
			method:      methodOf(c.req),
			site:        c.kind.site,
			mode:        c.kind.mode,
			activated:   c.kind.activated,
			redirected:  c.req.Response != nil,
			submitted:   methodOf(firstHop(c.req)) == http.MethodPost,
		}, func() fingerprint.Head { return c.write(wire) })
	}
	head := c.write(wire)
	return &head
}

func (c *call) write(wire fingerprint.Wire) fingerprint.Head {
	return c.t.cfg.Profile.Head(fingerprint.HeadRequest{
		Wire:           wire,
		Destination:    c.kind.destination,
		Variant:        c.variant(),
		Method:         methodOf(c.req),
		UserActivation: c.kind.activated,
		Site:           c.kind.site,
		Mode:           c.kind.mode,
		Redirected:     c.req.Response != nil,
		Submitted:      methodOf(firstHop(c.req)) == http.MethodPost,
		ContentLength:  contentLength(c.req),
		Header:         c.header,
		Order:          c.opts.HeaderOrder,
	})
}

// contentLength is -1 where unknown and 0 for a request without content.
func contentLength(req *http.Request) int64 {
	if req.Body == nil || req.Body == http.NoBody {
		return 0
	}
	if req.ContentLength != 0 {
		return req.ContentLength
	}
	return -1
}

// fields are the caller's header fields, those of Config.Header that it did not
// set, and those that follow from the kind of request. The caller's map is not
// changed.
func (c *call) fields() http.Header {
	if len(c.req.Header) == 0 && len(c.t.cfg.Header) == 0 && c.kind.referer == "" && c.kind.origin == "" {
		return nil
	}
	h := make(http.Header, len(c.req.Header)+len(c.t.cfg.Header)+2)
	crossed := crossedOrigin(c.req)
	for name, values := range merged(c.t.cfg.Header) {
		if !(crossed && isCredential(name)) {
			h[http.CanonicalHeaderKey(name)] = values
		}
	}
	for name, values := range merged(c.req.Header) {
		key := http.CanonicalHeaderKey(name)
		if crossed && isCredential(key) {
			if key != "Cookie" {
				continue
			}
			if !onlyUpgraded(c.req) {
				if values = foreignCookies(c.req, values); len(values) == 0 {
					continue
				}
			}
		}
		if key == "Referer" && (addedByClient(c.req) || leaksReferer(c.req, values)) {
			continue
		}
		h[key] = values
	}
	if _, set := h["Referer"]; !set && c.kind.referer != "" {
		h["Referer"] = []string{c.kind.referer}
	}
	if _, set := h["Origin"]; !set && c.kind.origin != "" {
		h["Origin"] = []string{c.kind.origin}
	}
	if _, part := h["Range"]; part { // a part of an encoded body cannot be decoded (Fetch standard, HTTP-network-or-cache fetch)
		if _, set := h["Accept-Encoding"]; !set {
			h["Accept-Encoding"] = []string{"identity"}
		}
	}
	return h
}

// foreignCookies are the cookies of values that the first request of req's
// chain did not carry: an http.Client copies the caller's own Cookie to another
// port of the same host, and adds what its jar has for the new origin.
func foreignCookies(req *http.Request, values []string) []string {
	first := firstHop(req)
	own := make(map[string]bool)
	for name, lines := range first.Header {
		if strings.EqualFold(name, "Cookie") {
			for _, line := range lines {
				for crumb := range strings.SplitSeq(line, ";") {
					own[strings.TrimSpace(crumb)] = true
				}
			}
		}
	}
	var kept []string
	for _, line := range values {
		for crumb := range strings.SplitSeq(line, ";") {
			if crumb = strings.TrimSpace(crumb); crumb != "" && !own[crumb] {
				kept = append(kept, crumb)
			}
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return []string{strings.Join(kept, "; ")}
}

// onlyUpgraded reports whether the redirects that led to req changed the origin
// only from http://host to https://host. The cookies of an http.Client's jar,
// which cannot be told from the caller's, must survive that.
func onlyUpgraded(req *http.Request) bool {
	to := req.URL
	for r := req.Response; r != nil && r.Request != nil; r = r.Request.Response {
		from := r.Request.URL
		upgrade := strings.EqualFold(from.Hostname(), to.Hostname()) &&
			from.Scheme == "http" && to.Scheme == "https" && portOf(from) == "80" && portOf(to) == "443"
		if !upgrade && !sameOrigin(from, to) {
			return false
		}
		to = from
	}
	return true
}
