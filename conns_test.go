package mien_test

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// Connections per origin are bounded where the caller says so; requests queue
// for them and none is lost.
func TestConnectionsPerOrigin(t *testing.T) {
	for _, tt := range []struct {
		name   string
		alpn   string
		limits mien.Limits
		want   int64
	}{
		{"three", "http/1.1", mien.Limits{ConnsPerOrigin: 3}, 3},
		{"three of 2 streams", "h2", mien.Limits{ConnsPerOrigin: 3}, 3},
		{"as browsers, h1", "http/1.1", mien.Limits{BrowserConns: true}, 6},
		{"as browsers, h2", "h2", mien.Limits{BrowserConns: true}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var handled atomic.Int64
			origin := newOrigin(t, mientest.Config{
				Protocols:            []string{tt.alpn},
				MaxConcurrentStreams: 2,
				Handler:              http.HandlerFunc(func(http.ResponseWriter, *http.Request) { handled.Add(1) }),
			})
			s := newSession(t, mien.Config{Limits: tt.limits})
			getAll(t, s, origin.URL, 100)
			if n := origin.Counters().Connections; n > tt.want || n == 0 {
				t.Errorf("%d connections", n)
			}
			// Streams beyond the limit, sent before the SETTINGS came, were refused
			// and reached no handler.
			if n := handled.Load(); n != 100 {
				t.Errorf("%d requests were handled", n)
			}
		})
	}
}

// A TLS 1.3 server judges the client's certificate after the handshake. However
// its alert races with the request, it is an alert and final.
func TestClientCertificateWanted(t *testing.T) {
	for _, p := range protocols {
		for _, fresh := range []bool{false, true} {
			origin := newOrigin(t, mientest.Config{Protocols: p.alpn, RequireClientCert: true})
			seen := &retries{}
			s := newSession(t, mien.Config{Hooks: mien.Hooks{Retry: seen.add}})
			for range 50 {
				ctx := mien.WithOptions(t.Context(), mien.Options{FreshConnection: fresh})
				_, err := s.Do(request(t, http.MethodGet, origin.URL, nil).WithContext(ctx))
				var e *mien.Error
				if !errors.As(err, &e) || e.Class != retry.Alert || e.Alert != 116 || e.Phase == retry.PhaseTLS {
					t.Fatalf("%s, fresh %v: %v", p.name, fresh, err)
				}
			}
			// One that ends without having shown its alert is lost, which is told,
			// and made again.
			seen.mu.Lock()
			if n, again := origin.Counters().Handshakes, int64(len(seen.list)); n != 50+again {
				t.Errorf("%s, fresh %v: %d handshakes and %d retries", p.name, fresh, n, again)
			}
			seen.mu.Unlock()
		}
	}
}
