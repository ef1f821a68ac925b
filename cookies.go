package mien

import (
	"encoding/base64"
	"net/http"
	"strings"
)

// exchange sends one hop with the session's cookies and keeps those that come back.
func (s *Session) exchange(req *http.Request) (*http.Response, error) {
	if req == nil || req.URL == nil {
		return s.RoundTrip(req)
	}
	out := s.withCookies(req)
	resp, err := s.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	resp.Request = req
	if set := resp.Cookies(); len(set) > 0 {
		s.cfg.Jar.SetCookies(req.URL, set)
	}
	return resp, nil
}

// withCookies returns req with the jar's cookies, unless the caller set a
// Cookie field, and with the user information of its URL as credentials. req
// itself is not changed.
func (s *Session) withCookies(req *http.Request) *http.Request {
	own := false
	for name := range req.Header {
		own = own || strings.EqualFold(name, "Cookie")
	}
	var cookie string
	if !own {
		cookie = cookieField(s.cfg.Jar.Cookies(req.URL))
	}
	basic := req.URL.User != nil && req.Header.Get("Authorization") == ""
	if cookie == "" && !basic {
		return req
	}
	out := *req
	out.Header = req.Header.Clone()
	if out.Header == nil {
		out.Header = make(http.Header, 2)
	}
	if cookie != "" {
		out.Header["Cookie"] = []string{cookie}
	}
	if basic {
		password, _ := req.URL.User.Password()
		out.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(req.URL.User.Username()+":"+password)))
	}
	return &out
}

// cookieField joins cookies as one Cookie field (RFC 6265 §5.4).
func cookieField(cookies []*http.Cookie) string {
	if len(cookies) == 0 {
		return ""
	}
	var b strings.Builder
	for i, c := range cookies {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(c.Name)
		b.WriteByte('=')
		if c.Quoted {
			b.WriteString(`"` + c.Value + `"`)
		} else {
			b.WriteString(c.Value)
		}
	}
	return b.String()
}

// cookieTransport is the RoundTripper of Session.Client: http.Client follows
// the redirects, the session keeps the cookies.
type cookieTransport struct{ session *Session }

func (t *cookieTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if crossedOrigin(req) {
		// The caller's own Cookie does not follow to another origin.
		out := *req
		out.Header = req.Header.Clone()
		for name := range out.Header {
			if strings.EqualFold(name, "Cookie") {
				delete(out.Header, name)
			}
		}
		resp, err := t.session.exchange(&out)
		if resp != nil {
			resp.Request = req
		}
		return resp, err
	}
	return t.session.exchange(req)
}

// CloseIdleConnections lets http.Client.CloseIdleConnections work.
func (t *cookieTransport) CloseIdleConnections() { t.session.CloseIdleConnections() }
