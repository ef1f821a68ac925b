package mien_test

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
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
