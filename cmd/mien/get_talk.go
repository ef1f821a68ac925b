package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"

	"github.com/mien-http/mien"
)

// talk tells on w what happens to a request. A nil w says nothing. Its callbacks
// come from several goroutines: a dial runs beside the request that waits for it.
type talk struct {
	w io.Writer

	mu                  sync.Mutex
	start               time.Time // guarded by mu, as all below
	lookup, connect     time.Time
	lookedUp, connected time.Duration
	handshake           time.Duration
	sent                time.Time
	waited              time.Duration
	head                time.Time
}

func newTalk(w io.Writer, verbose bool) *talk {
	if !verbose {
		w = nil
	}
	return &talk{w: w}
}

// sayf prints a line.
func (t *talk) sayf(format string, args ...any) {
	if t.w == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.w, "* "+format+"\n", args...)
}

func (t *talk) hooks() mien.Hooks {
	if t.w == nil {
		return mien.Hooks{}
	}
	return mien.Hooks{
		Handshake: func(h mien.HandshakeInfo) {
			t.mu.Lock()
			t.handshake += h.Duration
			t.mu.Unlock()
			if h.Err != nil {
				t.sayf("TLS handshake with %s failed after %v: %s (%v)", h.Origin, round(h.Duration), h.Class, h.Err)
			}
		},
		Retry: func(r mien.RetryInfo) {
			what := "connection"
			if r.Request != nil {
				what = "request"
			}
			t.sayf("%s, attempt %d: %s; again in %v", what, r.Attempt, r.Class, round(r.Wait))
		},
	}
}

// trace returns ctx with callbacks that take the time of each phase.
func (t *talk) trace(ctx context.Context) context.Context {
	if t.w == nil {
		return ctx
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart:     func(httptrace.DNSStartInfo) { t.mark(&t.lookup) },
		DNSDone:      func(httptrace.DNSDoneInfo) { t.took(&t.lookedUp, &t.lookup) },
		ConnectStart: func(string, string) { t.mark(&t.connect) },
		ConnectDone:  func(string, string, error) { t.took(&t.connected, &t.connect) },
		GotConn: func(c httptrace.GotConnInfo) {
			how := "connected"
			if c.Reused {
				how = "same connection"
			}
			t.sayf("%s, %v -> %v", how, c.Conn.LocalAddr(), c.Conn.RemoteAddr())
		},
		WroteRequest:         func(httptrace.WroteRequestInfo) { t.mark(&t.sent) },
		GotFirstResponseByte: func() { t.took(&t.waited, &t.sent) },
	})
}

func (t *talk) mark(at *time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	*at = time.Now()
}

// took adds the time since a mark, which it takes away.
func (t *talk) took(d *time.Duration, since *time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !since.IsZero() {
		*d += time.Since(*since)
		*since = time.Time{}
	}
}

func (t *talk) started(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.start = now
}

// answered tells of the head of the last response.
func (t *talk) answered(resp *http.Response) {
	t.mark(&t.head)
	t.redirects(resp.Request.Response)
	if s := resp.TLS; s != nil {
		alpn := s.NegotiatedProtocol
		if alpn == "" {
			alpn = "none"
		}
		resumed := "no"
		if s.DidResume {
			resumed = "yes"
		}
		t.sayf("%s, %s, ALPN %s, resumed: %s", tls.VersionName(s.Version), tls.CipherSuiteName(s.CipherSuite), alpn, resumed)
		if len(s.PeerCertificates) > 0 {
			c := s.PeerCertificates[0]
			t.sayf("certificate: %s, by %s, until %s", c.Subject, c.Issuer, c.NotAfter.Format(time.DateOnly))
		}
	} else {
		t.sayf("no TLS: everybody in between can read and change this")
	}
	t.sayf("%s %s", resp.Proto, resp.Status)
}

// redirects tells of the responses that led on, oldest first.
func (t *talk) redirects(resp *http.Response) {
	if resp == nil {
		return
	}
	t.redirects(resp.Request.Response)
	t.sayf("%s from %s, to %s", resp.Status, resp.Request.URL.Redacted(), resp.Header.Get("Location"))
}

// finished tells the time of each phase, once the body is read.
func (t *talk) finished(s mien.Stats) {
	now := time.Now()
	t.mu.Lock()
	body, all := now.Sub(t.head), now.Sub(t.start)
	lookedUp, connected, handshake, waited := t.lookedUp, t.connected, t.handshake, t.waited
	t.mu.Unlock()
	t.sayf("lookup %v, connect %v, TLS %v, answer %v, body %v; in all %v, %d handshakes, %d retries",
		round(lookedUp), round(connected), round(handshake), round(waited), round(body), round(all), s.Handshakes, s.Retries)
}

func round(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }
