package mien_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// answerFaults are the rows in which the answer itself is what goes wrong, or
// nothing does.
func answerFaults() []fault {
	const (
		redirect = "redirect loop, over the limit, vetoed, unparsable Location"
		limits   = "header section over the limit; floods"
	)
	redirected := outcome{phase: retry.PhaseHeaders, class: retry.Redirect, sent: true}
	tooMuch := outcome{phase: retry.PhaseHeaders, class: retry.Protocol, sent: true, limit: true}
	return []fault{
		{row: "final response while the upload still runs", run: earlyAnswer},
		{row: "421 Misdirected Request", run: misdirected},
		{row: "425 Too Early", run: tooEarly},
		{row: "429, 503 with Retry-After", run: retryAfter},
		{row: redirect, variant: "loop", start: redirecting("/", mien.Redirect{}), want: redirected, decision: retry.Never, seen: true, hops: 20},
		{row: redirect, variant: "over the limit", start: redirecting("/", mien.Redirect{Max: 2}), want: redirected, decision: retry.Never, seen: true, hops: 2},
		{row: redirect, variant: "vetoed", want: redirected, decision: retry.Never, seen: true,
			start: redirecting("/", mien.Redirect{Check: func(*http.Request, []*http.Request) error { return errors.New("no further") }})},
		{row: redirect, variant: "unparsable Location", start: redirecting("https://[::1", mien.Redirect{}), want: redirected, decision: retry.Never, seen: true},
		{row: limits, variant: "header section, h1", wire: "h1", want: tooMuch, decision: retry.Never, seen: true,
			start: func(t *testing.T, p place, times int) *broken {
				b := scriptedH1(t, p, times, func(c *tls.Conn, _ *http.Request) {
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX-Large: "+strings.Repeat("x", 10_000)+"\r\n\r\n")
					fin(c)
				})
				b.cfg.Limits.HeaderBytes = 4096
				return b
			}},
		{row: limits, variant: "1xx flood, h1", wire: "h1", want: tooMuch, decision: retry.Never, seen: true,
			start: func(t *testing.T, p place, times int) *broken {
				b := scriptedH1(t, p, times, func(c *tls.Conn, _ *http.Request) {
					for {
						if _, err := io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"); err != nil {
							return
						}
					}
				})
				b.cfg.Limits.HeaderBytes = 4096
				return b
			}},
	}
}

func redirecting(location string, rules mien.Redirect) func(*testing.T, place, int) *broken {
	return func(t *testing.T, p place, _ int) *broken {
		b := bodied(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && r.ContentLength != 0 {
				t.Errorf("a GET with %d bytes of content", r.ContentLength)
			}
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusFound)
		})(t, p, 0)
		b.cfg.Redirect = rules
		return b
	}
}

// endless is a body that goes on until it is closed.
type endless struct{ closed chan struct{} }

func (e *endless) Read(p []byte) (int, error) {
	select {
	case <-e.closed:
		return 0, io.ErrClosedPipe
	default:
		return len(p), nil
	}
}

func (e *endless) Close() error {
	select {
	case <-e.closed:
	default:
		close(e.closed)
	}
	return nil
}

// earlyAnswer: the origin answers before it has read the request's body, which
// never ends. The answer wins, and the upload stops.
func earlyAnswer(t *testing.T, p protocol) {
	for _, status := range []int{http.StatusOK, http.StatusRequestEntityTooLarge} {
		b := bodied(func(w http.ResponseWriter, r *http.Request) {
			_, _ = r.Body.Read(make([]byte, 1))
			w.Header().Set("Connection", "close")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "enough")
		})(t, place{protocol: p}, 0)
		heard := &retries{}
		s := newSession(t, mien.Config{Hooks: mien.Hooks{Retry: heard.add}})
		body := &endless{closed: make(chan struct{})}
		resp, err := s.Do(request(t, http.MethodPost, b.url, body))
		if err != nil {
			t.Fatal(err)
		}
		if got := readAll(t, resp); resp.StatusCode != status || got != "enough" {
			t.Errorf("%s %q", resp.Status, got)
		}
		select {
		case <-body.closed:
		case <-time.After(time.Minute):
			t.Error("the upload goes on")
		}
		if b.seen() != 1 || len(heard.list) != 0 {
			t.Errorf("seen %d times, %d retries", b.seen(), len(heard.list))
		}
		settled(t, s)
	}
}

// misdirected: a 421 is tried again once, whatever the method, on a connection
// of its own; the second is the caller's.
func misdirected(t *testing.T, p protocol) {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		for times, want := range map[int]int{1: http.StatusOK, 2: http.StatusMisdirectedRequest} {
			b := answering(mientest.RequestAction{Status: http.StatusMisdirectedRequest})(t, place{protocol: p}, times)
			heard := &retries{}
			s := newSession(t, mien.Config{Hooks: mien.Hooks{Retry: heard.add}})
			resp, err := s.Do(request(t, method, b.url, nil))
			if err != nil {
				t.Fatal(err)
			}
			readAll(t, resp)
			if resp.StatusCode != want || b.seen() != 2 || len(heard.list) != 1 || heard.list[0].Class != retry.NotProcessed || heard.list[0].Err != nil {
				t.Errorf("%s %d: %s, seen %d times, retries %+v", method, times, resp.Status, b.seen(), heard.list)
			}
			if n := s.Stats().Handshakes; n != 2 {
				t.Errorf("%d connections", n)
			}
			settled(t, s)
		}
	}
}

func tooEarly(t *testing.T, p protocol) {
	for times, want := range map[int]int{2: http.StatusOK, -1: http.StatusTooEarly} {
		b := answering(mientest.RequestAction{Status: http.StatusTooEarly})(t, place{protocol: p}, times)
		s := newSession(t, mien.Config{Retry: retry.Policy{Base: time.Millisecond}})
		resp, err := s.Do(request(t, http.MethodPost, b.url, nil))
		if err != nil {
			t.Fatal(err)
		}
		readAll(t, resp)
		seen := times + 1
		if times < 0 {
			seen = retry.DefaultMaxAttempts
		}
		if resp.StatusCode != want || b.seen() != seen {
			t.Errorf("%s, seen %d times", resp.Status, b.seen())
		}
		settled(t, s)
	}
}

// retryAfter: 429 and 503 are the caller's unless the policy lists them; then
// the wait is the origin's, if it is not too long.
func retryAfter(t *testing.T, p protocol) {
	for _, tt := range []struct {
		method, after string
		listed        bool
		status        int
		wait          time.Duration // 0: not retried
	}{
		{http.MethodGet, "2", false, 503, 0},
		{http.MethodGet, "2", true, 503, 2 * time.Second},
		{http.MethodGet, "2", true, 429, 2 * time.Second},
		{http.MethodGet, "date", true, 429, 3 * time.Second},
		{http.MethodPost, "2", true, 503, 0},
		{http.MethodGet, "61", true, 503, 0},
	} {
		t.Run(fmt.Sprint(tt), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var network mientest.Network
				listener, err := network.Listen("origin.test:443")
				if err != nil {
					t.Fatal(err)
				}
				var seen atomic.Int32
				newOrigin(t, mientest.Config{Protocols: p.alpn, Listener: listener, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					if seen.Add(1) > 1 {
						return
					}
					after := tt.after
					if after == "date" {
						after = time.Now().Add(3 * time.Second).UTC().Format(http.TimeFormat)
					}
					w.Header().Set("Retry-After", after)
					w.WriteHeader(tt.status)
				})})
				cfg := mien.Config{DialContext: network.DialContext}
				if tt.listed {
					cfg.Retry.Statuses = []int{429, 503}
				}
				s := newSession(t, cfg)
				begun := time.Now()
				resp, err := s.Do(request(t, tt.method, "https://origin.test/", nil))
				if err != nil {
					t.Fatal(err)
				}
				readAll(t, resp)
				want := tt.status
				if tt.wait > 0 {
					want = http.StatusOK
				}
				if took := time.Since(begun); took != tt.wait || resp.StatusCode != want {
					t.Errorf("%s after %v, want %d after %v", resp.Status, took, want, tt.wait)
				}
				settled(t, s)
			})
		})
	}
}
