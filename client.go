package mien

import (
	"context"
	"net/http"
	"time"

	"github.com/mien-http/mien/internal/cookie"
	"github.com/mien-http/mien/retry"
)

// Session is a browser-like identity: a profile, cookies, connections, limits
// and a retry policy. Make one with [New] and share it: all methods are safe
// for concurrent use, and thousands of requests at once are what it is for.
// Sessions share nothing with each other.
//
// It is an http.RoundTripper, so an http.Client can use it; [Session.Client]
// makes one that keeps the session's cookies and redirect rules.
type Session struct {
	cfg     Config      // not changed after New
	cookies *cookie.Jar // nil if Config.Jar is set; not changed after New
	t       *transport
}

var _ http.RoundTripper = (*Session)(nil)

// New returns a Session for cfg. A cfg that contradicts itself is an error
// that names the field.
func New(cfg Config) (*Session, error) {
	full, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Session{cfg: full}
	if full.Jar == nil {
		s.cookies = cookie.New(cookie.Config{LaxByDefault: full.Profile.Browser.Engine != "gecko"})
	}
	s.t = newTransport(&s.cfg)
	return s, nil
}

// Get sends a GET for url, as a navigation of the browser, and follows
// redirects. The caller closes the response's body.
func (s *Session) Get(ctx context.Context, url string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fail(nil, retry.Failure{Err: &invalidError{err}}, "", 0)
	}
	return s.Do(req)
}

// Do sends req with the session's cookies and follows redirects by the rules of
// browsers. A non-2xx status is no error. The caller closes the response's body;
// req.Body is closed by Do. An error is an *[Error].
//
// If a redirect is refused (Config.Redirect, or a Location that cannot be
// parsed), Do returns both the redirecting response, its body closed, and the error.
func (s *Session) Do(req *http.Request) (*http.Response, error) {
	return s.follow(req)
}

// RoundTrip sends req alone: no redirect is followed and no cookie is added or
// kept. An error is an *[Error]. It makes a Session an http.RoundTripper.
//
// Under an http.Client that follows redirects, the caller's Authorization and
// Cookie are dropped for good once the origin changed. A foreign jar's cookies
// cannot be told from the caller's there, so those that the first request
// carried go too, but for the step from http to https of one host; Client and Do
// know them apart.
func (s *Session) RoundTrip(req *http.Request) (*http.Response, error) {
	key, err := s.validHop(req)
	if err != nil {
		if req != nil {
			closeBody(req)
		}
		return nil, s.t.refused(req, err)
	}
	return s.t.roundTrip(req, key)
}

// Client returns an http.Client that works through the session, for SDKs that
// take one. It keeps the session's identity, retries, limits, cookies and
// redirect rules. Its errors are *url.Error around *[Error]. A Location that package
// url reads otherwise than browsers do is replaced by the URL that it stands for.
func (s *Session) Client() *http.Client {
	return &http.Client{Transport: &cookieTransport{s}, CheckRedirect: s.checkClient}
}

// CloseIdleConnections closes the connections that no request is using, and
// forgets the addresses that names had.
func (s *Session) CloseIdleConnections() {
	s.t.forgetNames()
	for _, o := range s.t.all() {
		o.closeIdle()
	}
}

// Stats returns what the session did and is doing now.
func (s *Session) Stats() Stats {
	now := time.Now()
	var whole OriginStats
	s.t.stats.all.fill(&whole, now)
	slots := s.t.inFlight.Stats()
	return Stats{
		Requests: s.t.stats.requests.Load(),
		Failed:   s.t.stats.failed.Load(),
		Retries:  s.t.stats.retries.Load(),

		InFlight: slots.Held,
		Queued:   slots.Waiting,
		Oldest:   slots.Oldest,

		Sockets:              s.t.registry.Len(),
		Handshakes:           whole.Handshakes,
		Resumed:              whole.Resumed,
		HandshakesFailed:     whole.HandshakesFailed,
		HandshakeFailureRate: whole.HandshakeFailureRate,

		Origins: s.t.originStats(now),
	}
}

// Close ends the session: new requests fail with net.ErrClosed, so do queued
// and running ones, every socket is closed, those of upgraded connections
// included, and the session's goroutines have ended when it returns, but for one
// in a Resolver or DialContext that ignores its context for more than a second.
// It is idempotent and always returns nil.
func (s *Session) Close() error {
	s.t.close()
	return nil
}
