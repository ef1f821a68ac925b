package otel_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/observe/otel"
	"github.com/mien-http/mien/retry"
)

// TestRedirect: each hop has a span, and the second says that it is one.
func TestRedirect(t *testing.T) {
	origin := newOrigin(t, mientest.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/from" {
			http.Redirect(w, r, "/to?sig=secret&q=a%20b#part", http.StatusFound)
		}
	})})
	b := newBackend(t, otel.Options{})
	s := newSession(t, b, mien.Config{TLS: origin.ClientTLS()})
	if err := send(s, request(t.Context(), t, "GET", strings.Replace(origin.URL, "//", "//me:secret@", 1)+"/from")); err != nil {
		t.Fatal(err)
	}
	spans := b.exported()
	if len(spans) != 2 {
		t.Fatalf("%d spans", len(spans))
	}
	first, second := texts(spans[0].Attributes), texts(spans[1].Attributes)
	if got, want := first["url.full"], strings.Replace(origin.URL, "//", "//REDACTED:REDACTED@", 1)+"/from"; got != want {
		t.Errorf("url.full = %s, want %s", got, want)
	}
	// A relative reference keeps the authority, user information included (RFC 3986 §5.2.2).
	if got, want := second["url.full"], strings.Replace(origin.URL, "//", "//REDACTED:REDACTED@", 1)+"/to?sig=REDACTED&q=a%20b"; got != want {
		t.Errorf("url.full = %s, want %s", got, want)
	}
	if first["http.response.status_code"] != "302" || first["http.request.resend_count"] != "" || second["http.request.resend_count"] != "1" {
		t.Errorf("%v, then %v", first, second)
	}
	noSecrets(t, spans)
}

func noSecrets(t *testing.T, spans []tracetest.SpanStub) {
	t.Helper()
	for _, s := range spans {
		if text := fmt.Sprintf("%+v", s); strings.Contains(text, "secret") {
			t.Errorf("the span tells a secret: %s", text)
		}
	}
}

// TestFailures: what a failed hop's span says.
func TestFailures(t *testing.T) {
	origin := newOrigin(t, mientest.Config{
		Protocols: []string{"http/1.1"},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/cut":
				w.Header().Set("Content-Length", "100")
				_, _ = w.Write([]byte("0123456789"))
				_ = http.NewResponseController(w).Flush()
				mientest.EndConnection(r, mientest.FIN)
			case "/lost":
				mientest.EndConnection(r, mientest.RST)
			default:
				w.WriteHeader(http.StatusNotFound)
			}
		}),
	})
	refused := newOrigin(t, mientest.Config{Faults: mientest.Faults{
		Handshake: mientest.HandshakeFaults{First: 1 << 30},
	}})
	type facts map[string]string
	for _, c := range []struct {
		name, url, method string
		status            string // of the span
		want              facts
	}{
		{"status", origin.URL, "GET", "", facts{"http.response.status_code": "404", "error.type": "404", "mien.response.bytes_read": "0", "network.protocol.version": "1.1", "network.protocol.name": "http"}},
		{"cut body", origin.URL + "/cut", "GET", retry.BodyCut.Describe(), facts{"http.response.status_code": "200", "error.type": "BodyCut", "mien.response.bytes_read": "10", "network.protocol.version": "1.1", "network.protocol.name": "http", "mien.phase": "body", "mien.request.sent": "true"}},
		{"lost", origin.URL + "/lost", "POST", retry.ConnectionLost.Describe(), facts{"error.type": "ConnectionLost", "mien.phase": "headers", "mien.request.sent": "true", "mien.retry.reason": string(retry.NotIdempotent)}},
		{"handshake", refused.URL, "GET", retry.HandshakeReset.Describe(), facts{"error.type": "HandshakeReset", "mien.phase": "tls", "mien.request.sent": "false"}},
		{"method", origin.URL, "secretmethod", "", facts{"http.response.status_code": "404", "error.type": "404", "mien.response.bytes_read": "0", "network.protocol.version": "1.1", "network.protocol.name": "http", "http.request.method_original": "secretmethod"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBackend(t, otel.Options{})
			cfg := mien.Config{TLS: origin.ClientTLS()}
			if c.name == "handshake" {
				cfg.Retry.MaxAttempts = -1
			}
			s := newSession(t, b, cfg)
			err := send(s, request(t.Context(), t, c.method, c.url))
			var e *mien.Error
			if errors.As(err, &e) != (c.want["mien.phase"] != "") {
				t.Fatal(err)
			}
			spans := b.exported()
			if len(spans) != 1 {
				t.Fatalf("%d spans", len(spans))
			}
			span, got := spans[0], texts(spans[0].Attributes)
			if span.Status.Code != codes.Error || span.Status.Description != c.status {
				t.Errorf("status %v, want %q", span.Status, c.status)
			}
			name := c.method
			if c.name == "method" {
				name = "HTTP"
				if got["http.request.method"] != "_OTHER" {
					t.Errorf("method %q", got["http.request.method"])
				}
			}
			if span.Name != name {
				t.Errorf("named %q, want %q", span.Name, name)
			}
			for _, always := range []string{"http.request.method", "url.full", "url.scheme", "server.address", "server.port"} {
				if got[always] == "" {
					t.Errorf("no %s", always)
				}
				delete(got, always)
			}
			wantAll(t, got, c.want)
			for name, n := range b.read() {
				if strings.HasPrefix(name, "http.client.active_requests") && n != 0 {
					t.Errorf("%s = %v", name, n)
				}
				if strings.HasPrefix(name, "http.client.request.duration") && !strings.Contains(name, "error.type="+c.want["error.type"]) {
					t.Error(name)
				}
				if strings.Contains(name, "secretmethod") {
					t.Errorf("%s has a method of the caller's making", name)
				}
			}
		})
	}
}

// TestRetryEvent: an attempt that was made again is an event and counts as a resend.
func TestRetryEvent(t *testing.T) {
	origin := newOrigin(t, mientest.Config{Faults: mientest.Faults{Request: mientest.RequestFaults{
		Script: func(n int, _ *http.Request) mientest.RequestAction {
			if n == 1 {
				return mientest.RequestAction{End: mientest.RST}
			}
			return mientest.RequestAction{}
		},
	}}})
	b := newBackend(t, otel.Options{})
	s := newSession(t, b, mien.Config{TLS: origin.ClientTLS()})
	if err := send(s, request(t.Context(), t, "GET", origin.URL)); err != nil {
		t.Fatal(err)
	}
	spans := b.exported()
	if len(spans) != 1 {
		t.Fatalf("%d spans", len(spans))
	}
	if n := texts(spans[0].Attributes)["http.request.resend_count"]; n != "1" {
		t.Errorf("resend_count %q", n)
	}
	i := slices.IndexFunc(spans[0].Events, func(e sdktrace.Event) bool { return e.Name == "mien.retry" })
	if i < 0 {
		t.Fatalf("no event of the retry among %v", spans[0].Events)
	}
	if e := texts(spans[0].Events[i].Attributes); e["mien.retry.attempt"] != "1" || e["error.type"] == "" || e["mien.retry.wait"] == "" {
		t.Errorf("%v", e)
	}
}

// TestClosed: a request that a closed session refused has a span too.
func TestClosed(t *testing.T) {
	b := newBackend(t, otel.Options{})
	s := newSession(t, b, mien.Config{})
	s.Close()
	if err := send(s, request(t.Context(), t, "GET", "https://[::1]:8443/?sig=secret")); err == nil {
		t.Fatal("no error")
	}
	spans := b.exported()
	if len(spans) != 1 || spans[0].Status.Code != codes.Error {
		t.Fatalf("%v", spans)
	}
	if got := texts(spans[0].Attributes); got["server.address"] != "::1" || got["server.port"] != "8443" {
		t.Errorf("%v", got)
	}
	noSecrets(t, spans)
}

// TestUnsampled: what a sampler drops is not exported, and still measured.
func TestUnsampled(t *testing.T) {
	exporter := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter), sdktrace.WithSampler(sdktrace.NeverSample()))
	defer provider.Shutdown(context.Background())
	origin := newOrigin(t, mientest.Config{Handler: answering})
	o, err := otel.New(otel.Options{TracerProvider: provider})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	var over []time.Duration
	s, err := mien.New(mien.Config{TLS: origin.ClientTLS(), Hooks: mien.ChainHooks(o.Hooks(), mien.Hooks{
		Done: func(i mien.RequestInfo) { over = append(over, i.Duration) },
	})})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := send(s, request(t.Context(), t, "GET", origin.URL)); err != nil {
		t.Fatal(err)
	}
	if n := len(exporter.GetSpans()); n != 0 || len(over) != 1 {
		t.Errorf("%d spans, the other hook was called %d times", n, len(over))
	}
}
