package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
)

// talk is what --verbose tells and --write-out measures. Connections report from
// goroutines of their own.
type talk struct {
	w       io.Writer // nil: nothing is told
	secrets bool      // are told too
	profile *fingerprint.Profile

	forwards func(*http.Request) bool // to a proxy that gets the whole URL

	mu      sync.Mutex
	first   string        // guarded by mu, as all below: the URL that was asked
	hop     *http.Request // the request that is sent now
	start   time.Time
	lookup  time.Time
	connect time.Time
	sent    time.Time
	head    time.Time
	spent   phases
	t       times
	fields  [][2]string // of the head that is being written
	name    string      // being looked up
}

// phases are how long each took, over all attempts.
type phases struct{ lookup, connect, handshake, wait time.Duration }

// times are when things were done, since the start; the last time for each.
type times struct {
	lookedUp, connected, shaken, gotConn, firstByte, total time.Duration

	connects, redirects int
	local, remote       net.Addr
}

func newTalk(w io.Writer, o *getOptions, p *fingerprint.Profile) *talk {
	if !o.verbose {
		w = nil
	}
	return &talk{w: w, secrets: o.showSecrets, profile: p}
}

// sayf prints a line behind the mark of its kind: * news, > sent, < received.
func (t *talk) sayf(mark, format string, args ...any) {
	if t.w == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintln(t.w, strings.TrimRight(mark+" "+visible(fmt.Sprintf(format, args...)), " "))
}

// visible has no control characters, with which a server could write over what is
// on the terminal.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, s)
}

// begin starts the clock for a URL.
func (t *talk) begin(now time.Time, req *http.Request, assumed bool) {
	t.mu.Lock()
	t.first, t.hop = req.URL.String(), req
	t.start, t.spent, t.t, t.fields = now, phases{}, times{}, nil
	t.lookup, t.connect, t.sent, t.head = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	t.mu.Unlock()
	if assumed {
		t.sayf("*", "no scheme: %s is taken", req.URL.Redacted())
	}
	t.sayf("*", "profile %s", t.profile.Name)
}

// redirected tells of the response that leads to next, the nth such.
func (t *talk) redirected(next *http.Request, n int) {
	t.mu.Lock()
	t.hop = next
	t.t.redirects = n
	t.mu.Unlock()
	if next.Response != nil {
		t.response(next.Response)
	}
	t.sayf("*", "redirect %d, to %s", n, next.URL.Redacted())
}

// answered tells of the head of the last response.
func (t *talk) answered(resp *http.Response) {
	t.mu.Lock()
	t.head = time.Now()
	t.mu.Unlock()
	t.response(resp)
}

func (t *talk) response(resp *http.Response) {
	t.sayf("<", "%s", statusLine(resp))
	for _, f := range responseFields(resp) {
		t.sayf("<", "%s: %s", f[0], t.shown(f[0], f[1]))
	}
	t.sayf("<", "")
}

// request tells of the head that has been written, and forgets it.
func (t *talk) request() {
	t.mu.Lock()
	fields, hop := t.fields, t.hop
	t.fields = nil
	t.mu.Unlock()
	if len(fields) > 0 && !strings.HasPrefix(fields[0][0], ":") {
		target := hop.URL.RequestURI()
		if t.forwards(hop) {
			target = "http://" + hop.URL.Host + target
		}
		t.sayf(">", "%s %s HTTP/1.1", hop.Method, target)
	}
	for _, f := range fields {
		t.sayf(">", "%s: %s", f[0], t.shown(f[0], f[1]))
	}
	t.sayf(">", "")
	if n := hop.ContentLength; n > 0 {
		t.sayf("*", "%d bytes of content follow", n)
	}
}

// handshake tells of TLS as it was agreed on.
func (t *talk) handshake(s *tls.ConnectionState) {
	alpn := s.NegotiatedProtocol
	if alpn == "" {
		alpn = "none"
	}
	ja4, resumed := t.profile.Digests.JA4, "no"
	if s.DidResume {
		ja4, resumed = t.profile.Digests.JA4Resumed, "yes"
	}
	t.sayf("*", "%s, %s, ALPN %s, resumed: %s", tls.VersionName(s.Version), tls.CipherSuiteName(s.CipherSuite), alpn, resumed)
	if ja4 != "" {
		if s.ServerName == "" || net.ParseIP(s.ServerName) != nil {
			ja4 = strings.Replace(ja4, "d", "i", 1) // no name in the hello
		}
		t.sayf("*", "the profile's hello: JA4 %s", ja4)
	}
	if len(s.PeerCertificates) > 0 {
		c := s.PeerCertificates[0]
		t.sayf("*", "certificate: %s, by %s, until %s", c.Subject, c.Issuer, c.NotAfter.Format(time.DateOnly))
	}
	if alpn == "h2" {
		t.sayf("*", "the profile's SETTINGS|WINDOW_UPDATE|PRIORITY|pseudo-header fields: %s", t.profile.HTTP2.Akamai())
	}
}

func (t *talk) hooks() mien.Hooks {
	if t.w == nil {
		return mien.Hooks{}
	}
	return mien.Hooks{
		Handshake: func(h mien.HandshakeInfo) {
			t.mu.Lock()
			t.spent.handshake += h.Duration
			t.mu.Unlock()
			if h.Err != nil {
				t.sayf("*", "TLS handshake with %s failed after %v: %s (%v)", h.Origin, round(h.Duration), h.Class, h.Err)
			}
		},
		Phase: func(p mien.PhaseInfo) {
			if p.Request != nil {
				return
			}
			switch {
			case p.Err != nil && p.Phase != "tls":
				t.sayf("*", "%s for %s failed after %v: %v", p.Phase, p.Origin, round(p.Duration), p.Err)
			case p.Err == nil && p.Proxy != "" && p.Phase == "dial":
				t.sayf("*", "through the proxy %s in %v", p.Proxy, round(p.Duration))
			}
		},
		Retry: func(r mien.RetryInfo) {
			what := "connection"
			if r.Request != nil {
				what = "request"
			}
			t.sayf("*", "%s, attempt %d: %s; again in %v", what, r.Attempt, r.Class, round(r.Wait))
		},
	}
}

// finished tells the time of each phase, once the body is read.
func (t *talk) finished(s mien.Stats) {
	now := time.Now()
	t.mu.Lock()
	body, all, spent := now.Sub(t.head), now.Sub(t.start), t.spent
	t.mu.Unlock()
	t.sayf("*", "lookup %v, connect %v, TLS %v, answer %v, body %v; in all %v, %d handshakes, %d retries",
		round(spent.lookup), round(spent.connect), round(spent.handshake), round(spent.wait), round(body), round(all), s.Handshakes, s.Retries)
}

// measured is what was measured until now.
func (t *talk) measured() times {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := t.t
	m.total = time.Since(t.start)
	return m
}

func round(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }

func secondsOf(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 6, 64) }
