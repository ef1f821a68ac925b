package capture

import (
	"slices"
	"strconv"
	"strings"

	"github.com/mien-http/mien/fingerprint"
)

// facts are what a page's request is, beyond what its fields say.
type facts struct {
	variants    []fingerprint.Variant // the one it is, or those that it may be: timing decides
	credentials string
	redirected  bool
	submitted   bool
}

// pageKinds says what the requests of the recording pages are, by the last part
// of their path. Others are the commonest of their destination.
var pageKinds = map[string]facts{
	"sse":                       {variants: []fingerprint.Variant{fingerprint.EventSource}},
	"beacon":                    {variants: []fingerprint.Variant{fingerprint.Beacon}},
	"keepalive":                 {variants: []fingerprint.Variant{fingerprint.Keepalive}},
	"prio-high":                 {variants: []fingerprint.Variant{fingerprint.HighPriority}},
	"prio-low":                  {variants: []fingerprint.Variant{fingerprint.LowPriority}},
	"async.js":                  {variants: []fingerprint.Variant{fingerprint.Async}},
	"flow.js":                   {variants: []fingerprint.Variant{fingerprint.Async}}, // defer
	"script-js.js":              {variants: []fingerprint.Variant{fingerprint.Async}},
	"x-script.js":               {variants: []fingerprint.Variant{fingerprint.Async}},
	"x-script-cors.js":          {variants: []fingerprint.Variant{fingerprint.Async}},
	"module.js":                 {variants: []fingerprint.Variant{fingerprint.Module}},
	"preload.png":               {variants: []fingerprint.Variant{fingerprint.Preload}},
	"css-bg.png":                {variants: []fingerprint.Variant{fingerprint.Background}},
	"favicon.ico":               {variants: []fingerprint.Variant{fingerprint.Icon}},
	"img-js.png":                {variants: []fingerprint.Variant{fingerprint.Inserted}},
	"etag.png?2":                {variants: []fingerprint.Variant{fingerprint.Inserted, ""}}, // laid out before it is asked for, or not
	"x-img.png":                 {variants: []fingerprint.Variant{fingerprint.Inserted, ""}},
	"x-fetch-preflight":         {credentials: "include"},
	"after-form-post-302":       {redirected: true, submitted: true},
	"after-redir307-form":       {redirected: true, submitted: true},
	"after-redir302-fetch-get":  {redirected: true},
	"after-redir302-fetch-post": {redirected: true, submitted: true},
	"after-redir307-fetch-post": {redirected: true, submitted: true},
}

// kindName is the last part of the path: with the query where that tells kinds apart.
func (r *Request) kindName() string {
	name := r.Path[strings.LastIndexByte(strings.SplitN(r.Path, "?", 2)[0], '/')+1:]
	if _, ok := pageKinds[name]; ok {
		return name
	}
	name, _, _ = strings.Cut(name, "?")
	if name == "" {
		return "/"
	}
	return name
}

func (r *Request) facts() facts {
	name := r.kindName()
	f, ok := pageKinds[name]
	switch {
	case ok:
	case strings.HasPrefix(name, "xhr-"):
		f.variants = []fingerprint.Variant{fingerprint.XHR}
	case strings.HasPrefix(name, "after-redir"), strings.HasPrefix(name, "after-xredir"):
		f.redirected = true
	}
	if r.Reload {
		f.variants = []fingerprint.Variant{fingerprint.Reload}
	}
	if len(f.variants) == 0 {
		f.variants = []fingerprint.Variant{""}
	}
	return f
}

// preflight reports whether this is the CORS-preflight of another request: a
// client that is no browser has no use for it.
func (r *Request) preflight() bool {
	return r.Method == "OPTIONS" && r.has("access-control-request-method")
}

// hinted reports whether the server had asked for further client hints.
func (r *Request) hinted() bool {
	for _, f := range r.Fields {
		name := strings.ToLower(f.Name)
		switch name {
		case "device-memory", "dpr", "viewport-width":
			return true
		case "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform":
			continue
		}
		if strings.HasPrefix(name, "sec-ch-") {
			return true
		}
	}
	return false
}

// usable reports whether a profile describes this kind of request.
func (r *Request) usable() bool { return !r.preflight() && !r.hinted() }

// destination is the list that the request belongs to.
func (r *Request) destination() fingerprint.Destination {
	if r.Method == "CONNECT" || r.has("sec-websocket-version") {
		return fingerprint.WebSocket
	}
	if d := r.get("sec-fetch-dest"); d != "" {
		return fingerprint.Destination(d)
	}
	// Cleartext has no such field.
	switch accept := r.get("accept"); {
	case r.has("upgrade-insecure-requests"):
		if strings.Contains(r.kindName(), "iframe") {
			return fingerprint.Iframe
		}
		return fingerprint.Document
	case strings.HasPrefix(accept, "image/"):
		return fingerprint.Image
	case strings.HasPrefix(accept, "text/css"):
		return fingerprint.Style
	case strings.HasSuffix(r.kindName(), ".js"):
		return fingerprint.Script
	case strings.HasSuffix(r.kindName(), ".woff2"):
		return fingerprint.Font
	case strings.HasSuffix(r.kindName(), ".mp4"):
		return fingerprint.Video
	}
	return fingerprint.Empty
}

// navigation reports whether the browser process itself writes the request.
func navigation(d fingerprint.Destination) bool {
	return d == fingerprint.Document || d == fingerprint.Iframe
}

// pageFields are fields that a page, a cookie jar, a cache or a redirect gives to
// a request, and that no profile has a value for.
var pageFields = []string{
	"referer", "origin", "content-type", "if-none-match", "if-modified-since", "pragma", "cache-control", "cookie",
	"range", "authorization", "x-requested-with", "sec-websocket-version", "sec-websocket-key",
	"sec-websocket-extensions", "sec-websocket-protocol",
}

// given reports whether the field of r was given to the browser rather than
// made by it.
func (r *Request) given(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "pragma", "cache-control":
		// Streams of events, handshakes and forms have these by themselves.
		d := r.destination()
		f := r.facts()
		return !(d == fingerprint.WebSocket || slices.Contains(f.variants, fingerprint.EventSource) ||
			d == fingerprint.Document && (r.Method == "POST" || f.submitted || r.Reload))
	case "range":
		return r.destination() != fingerprint.Video && r.destination() != fingerprint.Audio
	case "accept":
		return strings.HasPrefix(r.get("accept"), "application/json")
	}
	return strings.HasPrefix(name, "x-") || slices.Contains(pageFields, name)
}

// site is Sec-Fetch-Site, or, over cleartext, what it would be.
func (r *Request) site() string {
	name := r.kindName()
	switch site := r.get("sec-fetch-site"); {
	case site != "" || r.Wire != fingerprint.OverCleartext:
		return site
	case strings.HasPrefix(name, "x-"), strings.Contains(name, "xredir"), strings.HasSuffix(name, "-cross"):
		return "cross-site"
	case strings.HasPrefix(name, "samesite"):
		return "same-site"
	case name == "/":
		return "none"
	}
	return "same-origin"
}

// HeadRequest is what a client has to know to send r, as v: the facts of the
// request, and the fields that were given to the browser.
func (r *Request) HeadRequest(v fingerprint.Variant) fingerprint.HeadRequest {
	f := r.facts()
	h := fingerprint.HeadRequest{
		Wire: r.Wire, Method: r.Method, Destination: r.destination(), Variant: v,
		Mode: r.get("sec-fetch-mode"), Site: r.site(),
		UserActivation: r.has("sec-fetch-user"), Redirected: f.redirected, Submitted: f.submitted,
		Credentials: f.credentials,
		Header:      map[string][]string{},
	}
	if h.Destination == fingerprint.WebSocket {
		h.Mode = ""
	}
	h.ContentLength, _ = strconv.ParseInt(r.get("content-length"), 10, 64)
	for _, field := range r.Fields {
		if strings.HasPrefix(field.Name, ":") || !r.given(field.Name) {
			continue
		}
		name := field.Name
		if strings.EqualFold(name, "cookie") && len(h.Header[name]) > 0 {
			h.Header[name][0] += "; " + field.Value
			continue
		}
		h.Header[name] = []string{field.Value}
		h.Given = append(h.Given, name)
	}
	return h
}

// Variants are those that r may be, by its path: more than one where the timing in
// the browser decides. The first is the usual one.
func (r *Request) Variants() []fingerprint.Variant { return r.facts().variants }
