package mien

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/internal/cookie"
)

// ExportCookies writes the session's cookies as JSON, those that end with the
// session included, for [Session.ImportCookies] of this or another session. It
// holds secrets: who has it is logged in.
//
// The document is {"version": 1, "cookies": [...]}, oldest cookie first. Each has
// name, value and domain; hostOnly, secure and httpOnly if true; path; sameSite
// ("lax", "strict" or "none") if the origin said so; partition, the
// Options.Isolation it belongs to, if any; created, used and expires as RFC 3339
// times, the last absent for a cookie of the session. A name, value, path or
// partition that is not UTF-8 is {"base64": "..."} in place of a string.
//
// It is an error if Config.Jar is set: the cookies are in that jar. Requests may
// run meanwhile.
func (s *Session) ExportCookies(w io.Writer) error {
	if s.cookies == nil {
		return errForeignJar
	}
	return s.cookies.Export(w, calendar())
}

// ImportCookies adds the cookies that [Session.ExportCookies] wrote; one that the
// session has too is replaced, one that has expired is left out. Written by hand,
// name, value and domain suffice: the cookie then goes to the domain and all its
// subdomains, under every path, until the session ends.
//
// An error names the cookie and the field, and nothing was added. It is an error
// if Config.Jar is set. Requests may run meanwhile.
func (s *Session) ImportCookies(r io.Reader) error {
	if s.cookies == nil {
		return errForeignJar
	}
	return s.cookies.Import(r, calendar())
}

var errForeignJar = errors.New("mien: Config.Jar is set: the session has no cookies of its own")

// calendar is the time that cookies go by: they expire while the machine sleeps,
// which the monotonic clock does not see.
func calendar() time.Time { return time.Now().Round(0) }

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
	s.keepCookies(req, resp.Header["Set-Cookie"])
	return resp, nil
}

// keepCookies stores what the lines of a response to req set.
func (s *Session) keepCookies(req *http.Request, lines []string) {
	switch {
	case len(lines) == 0:
	case s.cookies != nil:
		s.cookies.Set(s.cookieRequest(req), lines, calendar())
	default:
		var set []*http.Cookie
		for _, line := range lines {
			// An http.Cookie cannot be without a name.
			if c, err := cookie.Parse(line); err == nil && c.Name != "" {
				set = append(set, foreign(&c, line))
			}
		}
		if len(set) > 0 {
			s.cfg.Jar.SetCookies(req.URL, set)
		}
	}
}

// cookieRequest is req as the rules for cookies see it: where it comes from is
// what Sec-Fetch-Site says.
func (s *Session) cookieRequest(req *http.Request) *cookie.Request {
	o := optionsOf(req.Context())
	k := kindOf(req, o, s.cfg.Profile)
	cross := k.site == "cross-site"
	if cross && s.cfg.Profile.Browser.Engine != "gecko" {
		// Chromium compares the page with this hop alone, so a login that goes
		// through another site and back finds its Strict cookies; Firefox, like
		// Sec-Fetch-Site, looks at every hop.
		cross = relation(initiatorOf(req, o), req.URL) == "cross-site"
	}
	unsafe := true
	switch methodOf(req) {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		unsafe = false
	}
	return &cookie.Request{
		URL:       req.URL,
		Partition: o.Isolation,
		CrossSite: cross,
		TopLevel:  k.destination == fingerprint.Document,
		Unsafe:    unsafe,
	}
}

// foreign is c for a jar of the caller's. Quotes around the value are told by
// Quoted, as net/http does it; all other bytes are as received.
func foreign(c *cookie.SetCookie, line string) *http.Cookie {
	f := &http.Cookie{
		Name: c.Name, Value: c.Value, Domain: c.Domain, Path: c.Path,
		Expires: c.Expires, MaxAge: c.MaxAge,
		Secure: c.Secure, HttpOnly: c.HTTPOnly, Partitioned: c.Partitioned,
		Raw: line,
	}
	if n := len(f.Value); n > 1 && f.Value[0] == '"' && f.Value[n-1] == '"' {
		f.Value, f.Quoted = f.Value[1:n-1], true
	}
	switch c.SameSite {
	case cookie.None:
		f.SameSite = http.SameSiteNoneMode
	case cookie.Lax:
		f.SameSite = http.SameSiteLaxMode
	case cookie.Strict:
		f.SameSite = http.SameSiteStrictMode
	}
	return f
}

// cookieField is the Cookie field of req, "" for none.
func (s *Session) cookieField(req *http.Request) string {
	if s.cookies != nil {
		return s.cookies.Header(s.cookieRequest(req), calendar())
	}
	var b strings.Builder
	for i, c := range s.cfg.Jar.Cookies(req.URL) {
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

// withCookies returns req with the jar's cookies, unless the caller set a
// Cookie field, and with the user information of its URL as credentials. req
// itself is not changed.
func (s *Session) withCookies(req *http.Request) *http.Request {
	var field string
	if !(s.cookies != nil && s.cookies.Len() == 0) && !hasField(req.Header, "Cookie") {
		field = s.cookieField(req)
	}
	basic := req.URL.User != nil && !hasField(req.Header, "Authorization")
	if field == "" && !basic {
		return req
	}
	out := *req
	out.Header = req.Header.Clone()
	if out.Header == nil {
		out.Header = make(http.Header, 2)
	}
	if field != "" {
		out.Header["Cookie"] = []string{field}
	}
	if basic {
		password, _ := req.URL.User.Password()
		out.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(req.URL.User.Username()+":"+password)))
	}
	return &out
}

// cookieTransport is the RoundTripper of Session.Client: http.Client follows
// the redirects, the session keeps the cookies.
type cookieTransport struct{ session *Session }

func (t *cookieTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	sent := req
	if crossedOrigin(req) {
		// The caller's own Cookie does not follow to another origin.
		sent = withoutCookie(req)
	}
	resp, err := t.session.exchange(sent)
	if err != nil {
		return nil, err
	}
	resp.Request = req
	if t.session.cfg.Redirect.Max > 0 {
		rewriteLocation(resp)
	}
	return resp, nil
}

func withoutCookie(req *http.Request) *http.Request {
	out := *req
	out.Header = req.Header.Clone()
	for name := range out.Header {
		if strings.EqualFold(name, "Cookie") {
			delete(out.Header, name)
		}
	}
	return &out
}

// CloseIdleConnections lets http.Client.CloseIdleConnections work.
func (t *cookieTransport) CloseIdleConnections() { t.session.CloseIdleConnections() }
