package mien_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// failingWriter is a writer that always fails.
type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

// What fails in the caller's own part of a handshake says nothing of the origin:
// it is not tried again, and the origin does not count as down.
func TestLocalFailuresOfHandshakes(t *testing.T) {
	mine := errors.New("the key store is locked")
	for _, p := range protocols {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			origin := newOrigin(t, mientest.Config{Protocols: p.alpn, TLS: &tls.Config{MaxVersion: version, ClientAuth: tls.RequestClientCert}})
			for field, cfg := range map[string]*tls.Config{
				"GetClientCertificate": {GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return nil, mine }},
				"KeyLogWriter":         {KeyLogWriter: failingWriter{mine}},
			} {
				cfg.RootCAs = origin.CertPool()
				seen := &retries{}
				s := newSession(t, mien.Config{TLS: cfg, Hooks: mien.Hooks{Retry: seen.add}})
				_, err := s.Get(t.Context(), origin.URL)
				var e *mien.Error
				if !errors.As(err, &e) || !errors.Is(err, mine) {
					t.Fatalf("%s, %s: %v", field, tls.VersionName(version), err)
				}
				if e.Phase != retry.PhaseTLS || e.Class != retry.Invalid || e.Attempt != 1 || e.Sent || e.Reason != "" || len(seen.list) > 0 {
					t.Errorf("%s, %s: %+v, retries %v", field, tls.VersionName(version), e, seen.list)
				}
				settled(t, s)
			}
		}
	}
}

// The first attempt of a request is its first, whatever became of requests
// before it.
func TestAttemptsAreTheRequests(t *testing.T) {
	origin := newOrigin(t, mientest.Config{})
	for _, fresh := range []bool{false, true} {
		s := newSession(t, mien.Config{TLS: &tls.Config{}, Hooks: mien.Hooks{}}) // it knows nothing of the origin's authority
		for range 3 {
			req, err := http.NewRequestWithContext(mien.WithOptions(t.Context(), mien.Options{FreshConnection: fresh}), http.MethodGet, origin.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Do(req)
			var e *mien.Error
			if !errors.As(err, &e) || e.Class != retry.Certificate || e.Attempt != 1 {
				t.Errorf("fresh %v: %+v", fresh, err)
			}
		}
	}
}

// A request that gives up after its attempts leaves none of them to the next.
func TestAttemptsAfterOneThatGaveUp(t *testing.T) {
	dials := 0
	var cancel context.CancelFunc
	seen := &retries{}
	s := newSession(t, mien.Config{
		Retry: retry.Policy{MaxConnectAttempts: 6, ConnectBase: time.Millisecond, ConnectCap: time.Millisecond},
		Hooks: mien.Hooks{Retry: seen.add},
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			if dials++; dials == 3 {
				cancel()
			}
			return nil, io.EOF
		},
	})
	var ctx context.Context
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	if _, err := s.Get(ctx, "https://127.0.0.1:1/"); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	settled(t, s)
	seen.clear()
	for range 2 { // the second begins after the origin was found down
		_, err := s.Get(t.Context(), "https://127.0.0.1:1/")
		var e *mien.Error
		if !errors.As(err, &e) || e.Attempt > 6 || e.Reason != retry.OriginDown {
			t.Errorf("%+v", err)
		}
		list := seen.list
		seen.clear()
		for i, r := range list {
			if r.Attempt != i+1 {
				t.Errorf("retry %d is of attempt %d", i+1, r.Attempt)
			}
		}
		if e != nil && e.Attempt != len(list)+1 {
			t.Errorf("attempt %d after %d retries", e.Attempt, len(list))
		}
	}
}
