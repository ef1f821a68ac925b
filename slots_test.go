package mien_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

func share(e mientest.Ending) float64 {
	if e == "" {
		return 0
	}
	return 1
}

// However requests end, none keeps its place.
func TestSlotsNeverLeak(t *testing.T) {
	for _, limit := range []int{1, 20} {
		bubble(t, func(t *testing.T, alpn []string) {
			pause := func(ctx context.Context) {
				select {
				case <-time.After(time.Duration(rand.IntN(10)) * time.Millisecond):
				case <-ctx.Done():
				}
			}
			_, s := inMemory(t, mientest.Config{Protocols: alpn,
				Faults: mientest.Faults{Delay: 3 * time.Millisecond, Handshake: mientest.HandshakeFaults{Share: 0.2, How: mientest.FIN}},
				Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					pause(r.Context())
					_, _ = io.WriteString(w, "half")
					_ = http.NewResponseController(w).Flush()
					pause(r.Context())
					_, _ = io.WriteString(w, "half")
				})}, mien.Config{Limits: mien.Limits{InFlight: limit, InFlightPerHost: limit}})
			var wg sync.WaitGroup
			var ok atomic.Int32
			for range 1000 {
				wg.Go(func() {
					o := mien.Options{FreshConnection: rand.IntN(10) == 0}
					most := 60
					if limit == 1 {
						most = 3000
					}
					ctx, cancel := context.WithTimeout(mien.WithOptions(t.Context(), o), time.Duration(rand.IntN(most))*time.Millisecond)
					defer cancel()
					resp, err := s.Get(ctx, example)
					if err != nil {
						return
					}
					if rand.IntN(3) == 0 {
						// Its owner forgets it, for a while: one that kept the only place
						// to the end of the test would leave nothing to see.
						defer time.AfterFunc(20*time.Millisecond, cancel).Stop()
						<-ctx.Done()
						return
					}
					if _, err := io.Copy(io.Discard, resp.Body); err == nil {
						ok.Add(1)
					}
					_ = resp.Body.Close()
				})
			}
			wg.Wait()
			synctest.Wait()
			if ok.Load() == 0 || ok.Load() == 1000 {
				t.Fatalf("%d succeeded: the test shows nothing", ok.Load())
			}
			if st := s.Stats(); st.InFlight != 0 || st.Queued != 0 {
				t.Errorf("limit %d: %+v", limit, st)
			}
			var all []<-chan result
			for range limit {
				all = append(all, start(t.Context(), s, example))
			}
			for _, o := range all {
				if o := <-o; o.err != nil {
					t.Errorf("limit %d: %v", limit, o.err)
				} else {
					defer o.resp.Body.Close()
				}
			}
		})
	}
}

// When a request gives its place back.
func TestSlotEnds(t *testing.T) {
	bubble(t, func(t *testing.T, alpn []string) {
		_, s := inMemory(t, mientest.Config{Protocols: alpn, Handler: http.HandlerFunc(stages)}, mien.Config{Limits: mien.Limits{InFlight: 1, InFlightPerHost: 1}})
		held := func(what string, want int) {
			t.Helper()
			synctest.Wait()
			if n := s.Stats().InFlight; n != want {
				t.Errorf("%s: %d places held, want %d", what, n, want)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		open := func(method, path string) *http.Response {
			t.Helper()
			resp, err := s.Do(request(t, method, example+path, nil).WithContext(ctx))
			if err != nil {
				t.Fatal(err)
			}
			return resp
		}
		resp := open("GET", "")
		held("unread", 1)
		if _, err := io.ReadAll(resp.Body); err != nil {
			t.Fatal(err)
		}
		held("end of the body", 0)
		_ = resp.Body.Close()
		resp = open("GET", "body")
		held("half read", 1)
		_ = resp.Body.Close()
		held("Close", 0)
		open("GET", "204")
		held("204", 0)
		open("HEAD", "")
		held("HEAD", 0)
		defer open("GET", "events").Body.Close()
		held("event stream", 0)
		conn := upgrade(t, s)
		defer conn.Close()
		held("101", 0)
		open("GET", "body")
		held("forgotten", 1)
		cancel()
		held("end of the context", 0)
	})
}

// Who waits in vain learns for what.
func TestQueueErrorTellsWhy(t *testing.T) {
	bubble(t, func(t *testing.T, alpn []string) {
		_, s := inMemory(t, mientest.Config{Protocols: alpn, Handler: http.HandlerFunc(stages)}, mien.Config{Limits: mien.Limits{InFlight: 2}})
		for range 2 {
			resp, err := s.Get(t.Context(), example)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			time.Sleep(30 * time.Second)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		_, err := s.Get(ctx, example)
		var e *mien.Error
		if !errors.As(err, &e) || e.Class != retry.Queue || e.Phase != retry.PhaseQueue {
			t.Fatalf("%v", err)
		}
		if text := err.Error(); !strings.Contains(text, "2") || !strings.Contains(text, "1m30s") {
			t.Errorf("%q tells neither how many nor how old", text)
		}
		if st := s.Stats(); st.Oldest != 90*time.Second {
			t.Errorf("oldest %v", st.Oldest)
		}
	})
}
