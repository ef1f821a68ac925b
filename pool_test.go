package mien_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// A thousand requests at once over connections of fifty streams need twenty
// connections, and no more are opened.
func TestNoMoreConnectionsThanStreamsNeed(t *testing.T) {
	const requests, streams = 1000, 50
	var inFlight atomic.Int64
	all := make(chan struct{})
	origin := newOrigin(t, mientest.Config{
		Protocols:            []string{"h2"},
		MaxConcurrentStreams: streams,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if inFlight.Add(1) == requests {
				close(all)
			}
			<-all // until every request is in flight
		}),
	})
	s := newSession(t, mien.Config{})
	getAll(t, s, origin.URL, requests)
	// Until the SETTINGS of a connection come it is taken to allow 100 streams;
	// those beyond the real limit are refused and move on.
	if n := origin.Counters().Connections; n != requests/streams {
		t.Errorf("%d connections", n)
	}
}

func getAll(t *testing.T, s *mien.Session, url string, requests int) {
	t.Helper()
	var wg sync.WaitGroup
	for range requests {
		wg.Go(func() {
			resp, err := s.Get(context.Background(), url)
			if err != nil {
				t.Error(err)
				return
			}
			readAll(t, resp)
		})
	}
	wg.Wait()
}

// Most handshakes die, no request is lost.
func TestMostHandshakesReset(t *testing.T) {
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			const requests = 300
			origin := newOrigin(t, mientest.Config{
				Protocols: p.alpn,
				Faults:    mientest.Faults{Handshake: mientest.HandshakeFaults{Share: 0.6}},
				Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.ProtoMajor == 1 {
						w.Header().Set("Connection", "close")
					}
				}),
			})
			s := newSession(t, mien.Config{})
			getAll(t, s, origin.URL, requests)
			c := origin.Counters()
			if c.Requests != requests {
				t.Errorf("delivered %d times", c.Requests)
			}
			if p.name == "h1" && c.HandshakesKilled < requests*6/4-1 {
				t.Errorf("%d handshakes killed", c.HandshakesKilled)
			}
		})
	}
}

// Every handshake dies: all who wait get the same clear error after the
// attempts that the policy allows, and nothing hangs.
func TestEveryHandshakeReset(t *testing.T) {
	const requests = 200
	var s *mien.Session
	waiting := func() bool {
		origins := s.Stats().Origins
		return len(origins) == 1 && origins[0].Waiting == requests
	}
	var all atomic.Bool // wait: one that came when the others had their error would begin anew
	origin := newOrigin(t, mientest.Config{Faults: mientest.Faults{Script: func(n int, _ *fingerprint.ClientHello) mientest.Action {
		if n == 1 {
			all.Store(soon(waiting))
		}
		return mientest.Action{End: []mientest.Ending{mientest.FIN, mientest.RST}[n%2]}
	}}})
	s = newSession(t, mien.Config{Timeouts: mien.Timeouts{TLS: -1}})
	var wg sync.WaitGroup
	for range requests {
		wg.Go(func() {
			_, err := s.Get(context.Background(), origin.URL)
			var e *mien.Error
			if !errors.As(err, &e) || e.Class != retry.HandshakeReset || e.Sent || e.Attempt != 24 {
				t.Errorf("%v", err)
				return
			}
			if !strings.Contains(err.Error(), "attempt 24, nothing sent") {
				t.Errorf("text %q", err)
			}
		})
	}
	wg.Wait()
	if !all.Load() {
		t.Fatal("the requests did not come together")
	}
	// At most four attempts run side by side.
	if n := origin.Counters().Handshakes; n < 24 || n > 24+3 {
		t.Errorf("%d handshakes", n)
	}
}
