package mien_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/retry"
)

// malformedFaults are answers that are not HTTP/1.1's.
func malformedFaults() []fault {
	const (
		breach = "HTTP/1.1 peer breaks the protocol"
		ok     = "HTTP/1.1 200 OK\r\n"
	)
	answered := outcome{phase: retry.PhaseHeaders, class: retry.Protocol, sent: true}
	inBody := answered
	inBody.phase = retry.PhaseBody
	row := func(variant, answer string, want outcome, decision retry.Decision) fault {
		return fault{row: breach, variant: variant, wire: "h1", want: want, decision: decision, seen: true,
			start: func(t *testing.T, p place, times int) *broken {
				return scriptedH1(t, p, times, func(c *tls.Conn, _ *http.Request) {
					_, _ = io.WriteString(c, answer)
					gone(c) // the client ends it
				})
			}}
	}
	return []fault{
		row("no status line", "what do you want?", answered, retry.Idempotent),
		row("line without a colon", ok+"no field\r\n\r\n", answered, retry.Idempotent),
		row("two lengths", ok+"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", answered, retry.Idempotent),
		row("HTTP/2", serverSettings, answered, retry.Idempotent),
		row("chunk size", ok+"Transfer-Encoding: chunked\r\n\r\nzz\r\n", inBody, retry.Never),
		row("trailer section", ok+"Transfer-Encoding: chunked\r\n\r\n0\r\nno field\r\n\r\n", inBody, retry.Never),
	}
}

const (
	serverSettings = "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64"
	protocolAlert  = "\x15\x03\x03\x00\x02\x02\x46"
)

// A peer that speaks something else to a request in the clear, and a head that
// is too long, are named in words of this package's, and the connection closes.
func TestMalformedAnswer(t *testing.T) {
	for _, tt := range []struct {
		name, answer string
		text, not    string
	}{
		{"HTTP/2", serverSettings, "looks like HTTP/2", "malformed"},
		{"TLS", protocolAlert, "looks like TLS; is the scheme right?", "malformed"},
		{"garbage", "what?\r\n", "malformed HTTP/1.1 response: ", "net/http"},
		{"too long", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 9000) + "\r\n\r\n", "response head is longer than 4096 bytes", "net/http"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			addr := scripted(t, place{}, func(_ int, nc net.Conn) {
				if _, err := http.ReadRequest(bufio.NewReader(nc)); err == nil {
					_, _ = io.WriteString(nc, tt.answer)
					gone(nc)
				}
			})
			s := newSession(t, mien.Config{Retry: retry.Policy{MaxAttempts: -1}, Limits: mien.Limits{HeaderBytes: 4096}})
			resp, err := s.Get(t.Context(), "http://"+addr+"/")
			if err == nil {
				_ = resp.Body.Close()
				t.Fatal("no error")
			}
			var e *mien.Error
			if !errors.As(err, &e) || e.Class != retry.Protocol || !e.Sent {
				t.Errorf("%+v", e)
			}
			if text := err.Error(); !strings.Contains(text, tt.text) || strings.Contains(text, tt.not) {
				t.Errorf("%q, want %q in it", text, tt.text)
			}
			settled(t, s)
		})
	}
}

// An answer that cannot be parsed and repeats what the proxy was told keeps its
// class and loses the credentials.
func TestMalformedAnswerOfAProxy(t *testing.T) {
	for _, answer := range []string{
		"%s\r\n",
		"%s",
		"HTTP/1.1 200 OK\r\n%s\r\n\r\n",
	} {
		addr := scripted(t, place{}, func(_ int, nc net.Conn) {
			if r, err := http.ReadRequest(bufio.NewReader(nc)); err == nil {
				_, _ = io.WriteString(nc, strings.ReplaceAll(answer, "%s", r.Header.Get("Proxy-Authorization")))
				gone(nc)
			}
		})
		s := newSession(t, mien.Config{Retry: retry.Policy{MaxAttempts: -1}, Proxy: http.ProxyURL(&url.URL{Scheme: "http", User: url.UserPassword("user", "letmein"), Host: addr})})
		_, err := s.Get(t.Context(), "http://example.test/")
		var e *mien.Error
		if !errors.As(err, &e) || e.Class != retry.Protocol {
			t.Errorf("%q: %+v", answer, err)
		} else if text := err.Error(); strings.Contains(text, "letmein") || strings.Contains(text, "dXNlcjpsZXRtZWlu") {
			t.Errorf("%q: %s", answer, text)
		}
		settled(t, s)
	}
}
