package mien

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/mien-http/mien/retry"
)

// follow sends req and the requests that redirects lead to.
func (s *Session) follow(req *http.Request) (*http.Response, error) {
	if req != nil && req.RequestURI != "" {
		closeBody(req)
		return nil, s.t.refused(req, invalidf("RequestURI %q is set; it belongs to servers", req.RequestURI))
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
		throwAway(resp)
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

// checkClient is the CheckRedirect of the http.Client that Client gives.
func (s *Session) checkClient(next *http.Request, via []*http.Request) error {
	err := s.checkRedirect(next, via)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, http.ErrUseLastResponse):
		return http.ErrUseLastResponse // net/http does not unwrap
	}
	hop := via[len(via)-1].URL
	return fail(via[0], retry.Failure{Phase: retry.PhaseHeaders, Sent: true, Err: &redirectError{err}}, hop.Scheme+"://"+hop.Host, 1)
}

// checkRedirect applies Config.Redirect.
func (s *Session) checkRedirect(next *http.Request, via []*http.Request) error {
	r := &s.cfg.Redirect
	if r.Max == 0 {
		return http.ErrUseLastResponse
	}
	if len(via) > r.Max {
		return fmt.Errorf("stopped after %d redirects", r.Max) // net/http's words: libraries look for them
	}
	if err := s.checkDowngrade(via[len(via)-1].URL, next.URL); err != nil {
		return err
	}
	if r.Check != nil {
		if err := r.Check(next, via); err != nil {
			return err
		}
	}
	return checkScheme(next.URL)
}

func (s *Session) checkDowngrade(from, to *url.URL) error {
	if s.cfg.Redirect.NoDowngrade && strings.EqualFold(from.Scheme, "https") && !strings.EqualFold(to.Scheme, "https") {
		return fmt.Errorf("from https to %.200s is not allowed", to.Redacted())
	}
	return nil
}

// checkScheme refuses what no redirect of a browser leads to (Fetch standard,
// HTTP-redirect fetch, step 6): javascript:, file:, data:, about: and the like.
func checkScheme(to *url.URL) error {
	if to.Scheme != "https" && to.Scheme != "http" {
		return fmt.Errorf("to scheme %q, which is not followed", to.Scheme)
	}
	return nil
}

// validHop is validate, and what Do would have stopped at for a hop that an
// http.Client reads from a Location by itself.
func (s *Session) validHop(req *http.Request) (originKey, error) {
	key, err := validate(req)
	if req == nil || req.Response == nil || req.Response.Request == nil || req.Response.Request.URL == nil {
		return key, err
	}
	if err == nil {
		if _, _, err = follows(req.Response); err == nil {
			err = s.checkDowngrade(req.Response.Request.URL, req.URL)
		}
	}
	if err != nil {
		err = &redirectError{err}
	}
	return key, err
}

// redirected is the request that resp redirects hop to, nil if it is not a redirect
// that can be followed (RFC 9110 §15.4; Fetch standard, HTTP-redirect fetch).
func redirected(first, hop *http.Request, resp *http.Response) (*http.Request, error) {
	if !isRedirect(resp.StatusCode) {
		return nil, nil
	}
	to, fresh, err := follows(resp)
	if err != nil || to == nil {
		return nil, err
	}
	out := &http.Request{
		Method:   methodOf(hop),
		URL:      to,
		Proto:    hop.Proto,
		Header:   hop.Header.Clone(),
		Response: resp,
	}
	if out.Header == nil {
		out.Header = make(http.Header)
	}
	if !fresh && hop.Host != hop.URL.Host {
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
	if !sameOrigin(hop.URL, to) {
		for name := range out.Header { // in whatever case the caller wrote them
			if isCredential(name) {
				delete(out.Header, name)
			}
		}
	}
	return out, nil
}

// throwAway drains the body of a redirect and closes it. It is read as it came:
// nothing is decoded for nobody, and one that would not decode costs no connection.
func throwAway(resp *http.Response) {
	b, ok := resp.Body.(*responseBody)
	if !ok {
		discard(resp, func() { _ = resp.Body.Close() })
		return
	}
	discard(&http.Response{Body: &unreadBody{b}}, b.abort)
}

// unreadBody is a body of which the caller will see nothing.
type unreadBody struct{ b *responseBody }

func (u *unreadBody) Read(p []byte) (int, error) { return u.b.raw.Read(p) }
func (u *unreadBody) Close() error               { return u.b.Close() }

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
