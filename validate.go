package mien

import (
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/idna"

	"github.com/mien-http/mien/internal/h1"
)

// validate checks the whole of req before any layer below sees it, and returns
// the origin it is for. Its error says which part is wrong.
func validate(req *http.Request) (originKey, error) {
	var none originKey
	if req == nil {
		return none, invalidf("it is nil")
	}
	if req.URL == nil {
		return none, invalidf("its URL is nil")
	}
	if req.Method != "" && !httpguts.ValidHeaderFieldName(req.Method) {
		return none, invalidf("method %q is not a token (RFC 9110 §9.1)", req.Method)
	}
	if req.Method == http.MethodConnect {
		return none, invalidf("method CONNECT is for tunnels, which Config.Proxy opens")
	}
	key, err := originOf(req)
	if err != nil {
		return none, err
	}
	if err := checkTarget(req); err != nil {
		return none, err
	}
	size := 0
	for name, values := range req.Header {
		if err := checkField("invalid header", name, values); err != nil {
			return none, &invalidError{err}
		}
		for _, v := range values {
			size += len(name) + len(v)
		}
	}
	if size > h1.MaxHeadBytes { // over HTTP/2 it would cost all others their connection
		return none, invalidf("its header fields have %d bytes, and no server known takes more than %d", size, h1.MaxHeadBytes)
	}
	for name, values := range req.Trailer {
		if err := checkField("trailer", name, values); err != nil {
			return none, &invalidError{err}
		}
		if !httpguts.ValidTrailerHeader(http.CanonicalHeaderKey(name)) {
			return none, invalidf("%s may not be a trailer field (RFC 9110 §6.5.1)", name)
		}
	}
	if req.ContentLength < 0 && req.ContentLength != -1 {
		return none, invalidf("ContentLength is %d", req.ContentLength)
	}
	if req.ContentLength > 0 && req.Body == nil {
		return none, invalidf("ContentLength is %d and Body is nil", req.ContentLength)
	}
	if err := checkLength(req); err != nil {
		return none, &invalidError{err}
	}
	if err := checkOptions(optionsOf(req.Context())); err != nil {
		return none, err
	}
	if len(req.TransferEncoding) > 0 && (len(req.TransferEncoding) > 1 || (req.TransferEncoding[0] != "chunked" && req.TransferEncoding[0] != "identity")) {
		return none, invalidf("TransferEncoding %q is not supported", req.TransferEncoding)
	}
	return key, nil
}

// originOf is scheme, host and port of req's URL, the host in ASCII lower case.
// Libraries that retry know a wrong scheme, like an invalid header, by the words
// that net/http has for it.
func originOf(req *http.Request) (originKey, error) {
	u := req.URL
	key := originKey{scheme: strings.ToLower(u.Scheme), host: u.Hostname(), port: u.Port()}
	switch key.scheme {
	case "https":
		if key.port == "" {
			key.port = "443"
		}
	case "http":
		if key.port == "" {
			key.port = "80"
		}
	case "":
		return key, invalidf("unsupported protocol scheme: URL %q has none; https:// is missing?", u.Redacted())
	default:
		return key, invalidf("unsupported protocol scheme %q; https and http are supported", u.Scheme)
	}
	if key.host == "" {
		return key, invalidf("URL %q has no host", u.Redacted())
	}
	if !validPort(key.port) {
		return key, invalidf("port %q is not a number from 1 to 65535", key.port)
	}
	host, err := asciiHost(key.host)
	if err != nil {
		return key, invalidf("host %q: %v", key.host, err)
	}
	key.host = host
	if req.Host != "" {
		if h, err := httpguts.PunycodeHostPort(req.Host); err != nil || !httpguts.ValidHostHeader(h) {
			return key, invalidf("Host %q holds a byte that no host may hold", req.Host)
		}
	}
	return key, nil
}

// checkOptions looks at those options that become part of a field.
func checkOptions(o *Options) error {
	if o.Mode != "" && !httpguts.ValidHeaderFieldName(o.Mode) {
		return invalidf("Options.Mode %q is not a token", o.Mode)
	}
	if o.Destination != "" && !httpguts.ValidHeaderFieldName(string(o.Destination)) {
		return invalidf("Options.Destination %q is not a token", o.Destination)
	}
	if o.Variant != "" && !httpguts.ValidHeaderFieldName(string(o.Variant)) {
		return invalidf("Options.Variant %q is not a token", o.Variant)
	}
	if o.Initiator != "" {
		if u, err := url.Parse(o.Initiator); err != nil || u.Host == "" {
			return invalidf("Options.Initiator is not the URL of a page")
		}
	}
	return nil
}

func validPort(p string) bool {
	if p == "" || len(p) > 5 {
		return false
	}
	n := 0
	for i := range len(p) {
		if p[i] < '0' || p[i] > '9' {
			return false
		}
		n = n*10 + int(p[i]-'0')
	}
	return n >= 1 && n <= 65535
}

// asciiHost lowers an ASCII host and converts another one as browsers do (UTS 46).
func asciiHost(host string) (string, error) {
	ascii := true
	for i := range len(host) {
		c := host[i]
		switch {
		case c >= 0x80:
			ascii = false
		case c <= ' ' || c == 0x7f || strings.IndexByte("\"#/<>?@\\^`{|}", c) >= 0:
			return "", invalidf("byte %q at %d", string(rune(c)), i)
		}
	}
	if ascii {
		return strings.ToLower(host), nil
	}
	return idna.Lookup.ToASCII(host)
}

// checkTarget refuses a path or query that could end the request line early.
func checkTarget(req *http.Request) error {
	target := req.URL.RequestURI()
	for i := range len(target) {
		if c := target[i]; c <= ' ' || c == 0x7f {
			return invalidf("the URL's path or query holds byte 0x%02x at %d", c, i)
		}
	}
	return nil
}
