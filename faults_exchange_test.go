package mien_test

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// exchangeFaults are the rows between a sent request and its response, on both
// protocols.
func exchangeFaults() []fault {
	const (
		stale = "reused idle connection closed"
		lost  = "FIN or RST after the request, fresh connection"
		slow  = "time-out waiting for headers"
	)
	staleEnd := outcome{phase: retry.PhaseHeaders, class: retry.StaleConnection, sent: true}
	lostEnd := outcome{phase: retry.PhaseHeaders, class: retry.ConnectionLost, sent: true}
	return []fault{
		{row: stale, variant: "FIN", start: warmed(mientest.FIN), want: staleEnd, decision: retry.Idempotent, seen: true, once: true},
		{row: stale, variant: "RST", start: warmed(mientest.RST), want: staleEnd, decision: retry.Idempotent, seen: true, once: true},
		{row: stale, variant: "unsolicited 408", wire: "h1", start: unsolicited, want: staleEnd, decision: retry.Idempotent, seen: true, once: true},
		{row: lost, variant: "FIN", start: answering(mientest.RequestAction{End: mientest.FIN}), want: lostEnd, decision: retry.Idempotent, seen: true},
		{row: lost, variant: "RST", start: answering(mientest.RequestAction{End: mientest.RST}), want: lostEnd, decision: retry.Idempotent, seen: true},
		{row: lost, variant: "FIN inside the head", wire: "h1", want: lostEnd, decision: retry.Idempotent, seen: true,
			start: func(t *testing.T, p place, times int) *broken {
				return scriptedH1(t, p, times, func(c *tls.Conn, _ *http.Request) {
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Le")
					fin(c)
				})
			}},
		{row: slow, start: slowHeaders, bubble: true, decision: retry.IdempotentOnce, seen: true,
			want: outcome{phase: retry.PhaseHeaders, class: retry.HeaderTimeout, sent: true, timeout: true, deadline: true}},
		{row: "context cancelled", variant: "after the request", start: canceledLater, bubble: true, decision: retry.Never, seen: true, once: true,
			want: outcome{phase: retry.PhaseHeaders, class: retry.Canceled, over: true, sent: true, canceled: true}},
		{row: "context cancelled", variant: "deadline after the request", start: expiredLater, bubble: true, decision: retry.Never, seen: true, once: true,
			want: outcome{over: true, phase: retry.PhaseHeaders, class: retry.HeaderTimeout, sent: true, timeout: true, deadline: true}},
	}
}

// answering does a in place of answering the first requests.
func answering(a mientest.RequestAction) func(*testing.T, place, int) *broken {
	return func(t *testing.T, p place, times int) *broken {
		return breaking(t, p, mientest.Config{}, times, func(*http.Request) mientest.RequestAction { return a })
	}
}

// warmed ends the connection, which has carried a request before, as the request comes.
func warmed(how mientest.Ending) func(*testing.T, place, int) *broken {
	return func(t *testing.T, p place, times int) *broken {
		b := answering(mientest.RequestAction{End: how})(t, p, times)
		b.before = warm(b)
		return b
	}
}

// warm opens a connection and leaves it idle.
func warm(b *broken) func(*testing.T, *mien.Session) {
	return func(t *testing.T, s *mien.Session) { get(t, s, strings.TrimSuffix(b.url, "/")+warming) }
}

// unsolicited answers the first of its connections' second requests with the 408
// of a server that had given up before the request came.
func unsolicited(t *testing.T, p place, times int) *broken {
	b := scriptedH1(t, p, times, func(c *tls.Conn, _ *http.Request) {
		_, _ = io.WriteString(c, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		fin(c)
	})
	b.before = warm(b)
	return b
}

// slowHeaders keeps the first requests waiting.
func slowHeaders(t *testing.T, p place, times int) *broken {
	b := answering(mientest.RequestAction{Delay: time.Minute})(t, p, times)
	b.cfg.Timeouts.Headers = 150 * time.Millisecond
	return b
}

func canceledLater(t *testing.T, p place, _ int) *broken {
	ctx, cancel := context.WithCancel(context.Background())
	b := breaking(t, p, mientest.Config{}, -1, func(*http.Request) mientest.RequestAction {
		cancel()
		return mientest.RequestAction{Delay: time.Minute}
	})
	b.ctx = func() (context.Context, context.CancelFunc) { return ctx, cancel }
	return b
}

func expiredLater(t *testing.T, p place, _ int) *broken {
	b := answering(mientest.RequestAction{Delay: time.Minute})(t, p, -1)
	b.ctx = func() (context.Context, context.CancelFunc) {
		return context.WithTimeout(context.Background(), 100*time.Millisecond)
	}
	b.before = warm(b) // so that the deadline finds the request sent
	return b
}

// bodyFaults are the rows after the response's header section, on both protocols.
func bodyFaults() []fault {
	const (
		cut      = "body cut"
		encoding = "decoded body over the limit, broken coding"
	)
	bodyCut := outcome{phase: retry.PhaseBody, class: retry.BodyCut, sent: true}
	coding := outcome{phase: retry.PhaseBody, class: retry.Encoding, sent: true}
	long := func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, strings.Repeat("x", 5000)) }
	all := []fault{
		{row: cut, variant: "content-length not reached, FIN", start: cutBody("100", mientest.FIN), want: bodyCut, seen: true},
		{row: cut, variant: "content-length not reached, RST", start: cutBody("100", mientest.RST), want: bodyCut, seen: true},
		{row: cut, variant: "chunk", start: cutBody("", mientest.FIN), want: bodyCut, seen: true},
		{row: "body silent longer than BodyStall", start: silentBody, bubble: true, seen: true,
			want: outcome{phase: retry.PhaseBody, class: retry.BodyTimeout, sent: true, timeout: true, deadline: true}},
		{row: encoding, variant: "limit", seen: true, want: coding, start: func(t *testing.T, p place, times int) *broken {
			b := bodied(long)(t, p, times)
			b.cfg.Limits.BodyBytes = 4999
			return b
		}},
		{row: encoding, variant: "limit of the decoded", seen: true, want: coding, start: func(t *testing.T, p place, times int) *broken {
			b := bodied(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				z := gzip.NewWriter(w)
				_, _ = io.WriteString(z, strings.Repeat("x", 5000))
				_ = z.Close()
			})(t, p, times)
			b.cfg.Limits.BodyBytes = 4999
			return b
		}},
	}
	for _, c := range []string{"gzip", "br", "zstd", "deflate"} {
		all = append(all, fault{row: encoding, variant: c, seen: true, want: coding,
			start: bodied(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Encoding", c)
				_, _ = io.WriteString(w, "this is no compressed content, whatever the field says")
			})})
	}
	for i := range all {
		all[i].decision = retry.Never
	}
	return all
}

// bodied answers every request but those that warm by handler.
func bodied(handler http.HandlerFunc) func(*testing.T, place, int) *broken {
	return func(t *testing.T, p place, _ int) *broken {
		return breaking(t, p, mientest.Config{Handler: handler}, 0, nil)
	}
}

// cutBody begins a body and ends the connection once the client has seen the
// header section: a RST would overtake it.
func cutBody(length string, how mientest.Ending) func(*testing.T, place, int) *broken {
	return func(t *testing.T, p place, _ int) *broken {
		begun := make(chan struct{}, 1)
		b := bodied(func(w http.ResponseWriter, r *http.Request) {
			if length != "" {
				w.Header().Set("Content-Length", length)
			}
			_, _ = io.WriteString(w, "begun")
			_ = http.NewResponseController(w).Flush()
			<-begun
			mientest.EndConnection(r, how)
		})(t, p, 0)
		trace := &httptrace.ClientTrace{GotFirstResponseByte: func() { begun <- struct{}{} }}
		b.ctx = func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(httptrace.WithClientTrace(context.Background(), trace), time.Minute)
		}
		return b
	}
}

func silentBody(t *testing.T, p place, _ int) *broken {
	b := bodied(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "begun")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})(t, p, 0)
	b.cfg.Timeouts.BodyStall = 150 * time.Millisecond
	return b
}
