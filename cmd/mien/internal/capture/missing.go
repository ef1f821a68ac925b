package capture

import (
	"slices"
	"strings"
)

// wanted are the requests that a visit of every part brings, by method and the
// last part of their path, and what they are in words.
var wanted = []struct{ method, name, says string }{
	{"GET", "", "document, typed"},
	{"GET", "link-click", "document, by a link"},
	{"GET", "nav-b", "document, by a script"},
	{"GET", "after-redir302-nav", "document, after a redirect"},
	{"POST", "form-urlenc", "document, form POST"},
	{"POST", "form-multipart", "document, form POST with a file"},
	{"GET", "iframe", "iframe"},
	{"GET", "fetch-get", "fetch GET"},
	{"POST", "fetch-post-json", "fetch POST of JSON"},
	{"POST", "fetch-post-json-accept", "fetch with fields of the caller"},
	{"GET", "x-fetch-cors", "fetch across origins"},
	{"POST", "x-fetch-preflight", "fetch after a CORS preflight"},
	{"GET", "x-fetch-nocors", "fetch without CORS"},
	{"GET", "xhr-get", "XMLHttpRequest GET"},
	{"POST", "xhr-post-json", "XMLHttpRequest POST of JSON"},
	{"GET", "img1.png", "image"},
	{"GET", "sync.js", "script"},
	{"GET", "async.js", "script, async"},
	{"GET", "module.js", "script, module"},
	{"GET", "page.css", "style"},
	{"GET", "font.woff2", "font"},
	{"GET", "v.mp4", "media"},
	{"GET", "sse", "EventSource"},
	{"GET", "ws", "WebSocket"},
	{"POST", "beacon", "beacon"},
	{"POST", "keepalive", "fetch that outlives its page"},
	{"GET", "favicon.ico", "icon"},
}

// Missing names what no browser has sent yet, by part and in words.
func (s *Site) Missing() []string {
	var out []string
	for _, o := range s.origins {
		switch {
		case o.wire != "":
			out = append(out, o.missing()...)
		case o.name == nameResumed && o.Counters().Resumed == 0:
			out = append(out, "connections: resumed")
		case o.name == nameRetry && o.Counters().HelloRetries == 0:
			out = append(out, "connections: after a HelloRetryRequest")
		case o.name == nameFresh && o.Counters().Connections == 0:
			out = append(out, "connections: fresh")
		}
	}
	return out
}

func (o *origin) missing() []string {
	seen := map[string]bool{}
	for _, r := range o.Requests() {
		method := r.Method
		if method == "CONNECT" {
			method = "GET" // a WebSocket over HTTP/2
		}
		seen[method+" "+kindName(r.Path)] = true
	}
	var out []string
	for _, w := range wanted {
		if !seen[w.method+" "+w.name] {
			out = append(out, string(o.wire)+": "+w.says)
		}
	}
	if len(out) == len(wanted) {
		return []string{string(o.wire) + ": everything"}
	}
	return out
}

// Summary groups what Missing names by its part, in one line.
func Summary(missing []string) string {
	var order []string
	groups := map[string][]string{}
	for _, m := range missing {
		part, what, _ := strings.Cut(m, ": ")
		if !slices.Contains(order, part) {
			order = append(order, part)
		}
		groups[part] = append(groups[part], what)
	}
	for i, part := range order {
		order[i] = part + ": " + strings.Join(groups[part], ", ")
	}
	return strings.Join(order, "; ")
}
