package mien

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/mien-http/mien/retry"
)

// follow sends req and the requests that redirects lead to.
func (s *Session) follow(req *http.Request) (*http.Response, error) {
	if req != nil && req.RequestURI != "" {
		closeBody(req)
		return nil, fail(req, retry.Failure{Err: invalidf("RequestURI %q is set; it belongs to servers", req.RequestURI)}, "", 0)
	}
	var via []*http.Request
	hop := req
	for {
		resp, err := s.exchange(hop)
		if err != nil {
			var e *Error
			if errors.As(err, &e) {
				e.Request = req
			}
			return nil, err
		}
		if s.cfg.Redirect.Max == 0 {
			return resp, nil
		}
		next, err := redirected(req, hop, resp)
		if err == nil && next == nil {
			return resp, nil
		}
		if err == nil {
			via = append(via, hop)
			if err = s.checkRedirect(next, via); err != nil {
				closeBody(next)
			}
		}
		if errors.Is(err, http.ErrUseLastResponse) {
			return resp, nil
		}
		discard(resp, aborter(resp.Body))
		if err != nil {
			return resp, fail(req, retry.Failure{Phase: retry.PhaseHeaders, Sent: true, Err: &redirectError{err}}, hop.URL.Scheme+"://"+hop.URL.Host, 1)
		}
		hop = next
	}
}

// redirectError is a redirect that was not followed.
type redirectError struct{ err error }

func (e *redirectError) Error() string        { return "redirect: " + e.err.Error() }
func (e *redirectError) Unwrap() error        { return e.err }
func (e *redirectError) FailureClass() string { return string(retry.Redirect) }

// checkRedirect applies Config.Redirect; it is http.Client's CheckRedirect too.
func (s *Session) checkRedirect(next *http.Request, via []*http.Request) error {
	r := &s.cfg.Redirect
	if r.Max == 0 {
		return http.ErrUseLastResponse
	}
	if len(via) > r.Max {
		return fmt.Errorf("more than %d", r.Max)
	}
	if r.NoDowngrade && via[len(via)-1].URL.Scheme == "https" && next.URL.Scheme == "http" {
		return fmt.Errorf("from https to %s is not allowed", next.URL.Redacted())
	}
	if r.Check != nil {
		return r.Check(next, via)
	}
	return nil
}

// redirected is the request that resp redirects hop to, nil if it is not a redirect
// that can be followed (RFC 9110 §15.4; Fetch standard, HTTP-redirect fetch).
func redirected(first, hop *http.Request, resp *http.Response) (*http.Request, error) {
	switch resp.StatusCode {
	case 301, 302, 303, 307, 308:
	default:
		return nil, nil
	}
	loc := strings.TrimSpace(resp.Header.Get("Location"))
	if loc == "" {
		return nil, nil
	}
	target, err := hop.URL.Parse(escapeQuery(loc))
	if err != nil {
		return nil, fmt.Errorf("Location %q cannot be parsed: %w", loc, err)
	}
	if target.Fragment == "" {
		target.Fragment, target.RawFragment = hop.URL.Fragment, hop.URL.RawFragment
	}
	out := &http.Request{
		Method:   methodOf(hop),
		URL:      target,
		Proto:    hop.Proto,
		Header:   hop.Header.Clone(),
		Response: resp,
	}
	if out.Header == nil {
		out.Header = make(http.Header)
	}
	if ref, err := url.Parse(loc); err == nil && ref.Host == "" && hop.Host != hop.URL.Host {
		out.Host = hop.Host // a relative reference stays with the caller's name for the origin
	}
	if toGet(resp.StatusCode, out.Method) {
		out.Method = http.MethodGet
		dropBodyFields(out.Header)
	} else if hop.Body != nil && hop.Body != http.NoBody { // a hop that became a GET stays one
		if first.GetBody == nil {
			return nil, nil // as in net/http: the caller decides
		}
		if out.Body, err = first.GetBody(); err != nil {
			return nil, fmt.Errorf("rewinding the body: %w", err)
		}
		out.GetBody, out.ContentLength, out.TransferEncoding = first.GetBody, first.ContentLength, first.TransferEncoding
		out.Trailer = first.Trailer
	}
	out = out.WithContext(first.Context())
	if !sameOrigin(hop.URL, target) {
		for name := range out.Header { // in whatever case the caller wrote them
			if isCredential(name) {
				delete(out.Header, name)
			}
		}
	}
	return out, nil
}

// aborter gives what ends a Read of body that another goroutine is in.
func aborter(body io.Closer) func() {
	if b, ok := body.(*responseBody); ok {
		return b.abort
	}
	return func() { _ = body.Close() }
}

// escapeQuery writes the query of a Location as browsers do (URL standard, the
// special-query percent-encode set); package url leaves it as it is.
func escapeQuery(loc string) string {
	_, query, ok := strings.Cut(loc, "?")
	if !ok || strings.Contains(loc[:len(loc)-len(query)], "#") {
		return loc
	}
	query, fragment, hash := strings.Cut(query, "#")
	var b strings.Builder
	b.WriteString(loc[:strings.IndexByte(loc, '?')+1])
	for i := range len(query) {
		if c := query[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"'<>", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	if hash {
		b.WriteString("#" + fragment)
	}
	return b.String()
}

// toGet: 303 turns everything but GET and HEAD into a GET without content, 301
// and 302 only a POST.
func toGet(status int, method string) bool {
	switch status {
	case 303:
		return method != http.MethodGet && method != http.MethodHead
	case 301, 302:
		return method == http.MethodPost
	}
	return false
}

// dropBodyFields removes the request-body-header names of the Fetch standard.
func dropBodyFields(h http.Header) {
	for name := range h {
		switch http.CanonicalHeaderKey(name) {
		case "Content-Encoding", "Content-Language", "Content-Location", "Content-Type", "Content-Length":
			delete(h, name)
		}
	}
}

// crossedOrigin reports whether any redirect that led to req changed the origin.
func crossedOrigin(req *http.Request) bool {
	to := req.URL
	for r := req.Response; r != nil && r.Request != nil; r = r.Request.Response {
		from := r.Request.URL
		if from != nil && !sameOrigin(from, to) {
			return true
		}
		to = from
	}
	return false
}

// isCredential names the fields that never follow a redirect to another origin.
func isCredential(name string) bool {
	for _, c := range [...]string{"Authorization", "Proxy-Authorization", "Cookie"} {
		if strings.EqualFold(name, c) {
			return true
		}
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
	return first != req && len(first.Header["Referer"]) == 0
}
