package h2

import (
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/net/http2/hpack"
)

// maxNames bounds the names that a connection remembers, and maxNameBytes each
// of them.
const maxNames, maxNameBytes = 512, 64

// nameCache turns field names into their canonical form. A name that it holds
// is valid. Its owner is the reading goroutine.
type nameCache map[string]string

// canonical returns the canonical form of name, or an error if it may not
// stand in HTTP/2 (RFC 9113 §8.2).
func (n *nameCache) canonical(name string) (string, error) {
	if c, ok := commonNames[name]; ok {
		return c, nil
	}
	if c, ok := (*n)[name]; ok {
		return c, nil
	}
	if strings.HasPrefix(name, ":") {
		return "", errPseudo
	}
	if !validName(name) {
		return "", fmt.Errorf("invalid field name %s", quote(name))
	}
	switch name {
	case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade":
		return "", fmt.Errorf("field %s does not belong in HTTP/2", name)
	}
	c := http.CanonicalHeaderKey(name)
	if *n == nil {
		*n = make(nameCache)
	}
	if len(*n) < maxNames && len(name) <= maxNameBytes {
		(*n)[name] = c
	}
	return c, nil
}

// known is what a response's header section says of its framing.
type known struct {
	length  int64 // content-length, or -1
	trailer http.Header
}

// header builds a header from fields. The values share one array.
func (r *reader) header(fields []hpack.HeaderField) (http.Header, known, error) {
	k := known{length: -1}
	h := make(http.Header, len(fields))
	values := make([]string, len(fields))
	for i, f := range fields {
		name, err := r.names.canonical(f.Name)
		if err != nil {
			return nil, k, err
		}
		if !validValue(f.Value) {
			return nil, k, fmt.Errorf("invalid value of field %s", quote(f.Name))
		}
		switch name {
		case "Content-Length":
			n, err := contentLength(f.Value)
			if err != nil || k.length >= 0 && k.length != n {
				return nil, k, errLength
			}
			k.length = n
		case "Trailer":
			// As net/http: announced names become keys of Response.Trailer.
			k.trailer = announce(k.trailer, f.Value)
			continue
		}
		values[i] = f.Value
		if old, ok := h[name]; ok {
			h[name] = append(old, f.Value)
		} else {
			h[name] = values[i : i+1 : i+1]
		}
	}
	return h, k, nil
}

// check validates fields that nobody asked for.
func (r *reader) check(fields []hpack.HeaderField) error {
	for _, f := range fields {
		if _, err := r.names.canonical(f.Name); err != nil {
			return err
		}
	}
	return nil
}

// trailer builds a trailer section.
func (r *reader) trailer(fields []hpack.HeaderField) (http.Header, error) {
	h, _, err := r.header(fields)
	return h, err
}

// announce adds the names in a Trailer field to t.
func announce(t http.Header, names string) http.Header {
	for name := range strings.SplitSeq(names, ",") {
		name = http.CanonicalHeaderKey(strings.TrimSpace(name))
		switch name {
		case "", "Transfer-Encoding", "Trailer", "Content-Length":
			continue
		}
		if t == nil {
			t = make(http.Header)
		}
		t[name] = nil
	}
	return t
}

// validName reports whether s is a token without upper-case letters.
func validName(s string) bool {
	for i := range len(s) {
		if !nameBytes[s[i]] {
			return false
		}
	}
	return s != ""
}

// validValue reports whether s holds no NUL, CR or LF, which RFC 9113 §8.2.1
// forbids.
func validValue(s string) bool {
	for i := range len(s) {
		if b := s[i]; b < ' ' && (b == 0 || b == '\n' || b == '\r') {
			return false
		}
	}
	return true
}

var nameBytes = tokenBytes()

func tokenBytes() (t [256]bool) {
	for _, b := range []byte("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") {
		t[b] = true
	}
	return t
}

// commonNames are response fields that need no work to recognise.
var commonNames = canonicalNames(
	"accept-ranges", "access-control-allow-credentials", "access-control-allow-headers",
	"access-control-allow-methods", "access-control-allow-origin", "access-control-expose-headers",
	"access-control-max-age", "age", "allow", "alt-svc", "cache-control", "content-disposition",
	"content-encoding", "content-language", "content-length", "content-location", "content-range",
	"content-security-policy", "content-type", "cross-origin-opener-policy", "date", "etag", "expires",
	"last-modified", "link", "location", "permissions-policy", "pragma", "referrer-policy", "retry-after",
	"server", "server-timing", "set-cookie", "strict-transport-security", "trailer", "vary", "via",
	"www-authenticate", "x-cache", "x-content-type-options", "x-frame-options", "x-powered-by",
	"x-request-id", "x-xss-protection",
)

func canonicalNames(names ...string) map[string]string {
	m := make(map[string]string, len(names))
	for _, name := range names {
		m[name] = http.CanonicalHeaderKey(name)
	}
	return m
}
