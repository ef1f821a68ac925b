package mien_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// off is a policy under which the first failure is the last.
var off = retry.Policy{MaxAttempts: -1}

// timedOut checks an error of Config.Timeouts that came after want.
func timedOut(t *testing.T, err error, took, want time.Duration, phase retry.Phase, class retry.Class) {
	t.Helper()
	if took != want {
		t.Errorf("after %v, want %v", took, want)
	}
	var e *mien.Error
	if !errors.As(err, &e) {
		t.Fatalf("%T: %v", err, err)
	}
	if e.Phase != phase || e.Class != class || !e.Timeout() || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("phase %q, class %q, timeout %v: %v", e.Phase, e.Class, e.Timeout(), err)
	}
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Error("it is no net.Error that times out")
	}
}

func TestTimeoutDial(t *testing.T) {
	for set, want := range map[time.Duration]time.Duration{0: 30 * time.Second, 2 * time.Second: 2 * time.Second} {
		for _, fresh := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				_, s := inMemory(t, mientest.Config{}, mien.Config{Retry: off, Timeouts: mien.Timeouts{Dial: set},
					DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }})
				before := time.Now()
				_, err := s.Get(options(t, mien.Options{FreshConnection: fresh}), example)
				timedOut(t, err, time.Since(before), want, retry.PhaseDial, retry.HandshakeTimeout)
			})
		}
	}
}

func TestTimeoutTLS(t *testing.T) {
	for set, want := range map[time.Duration]time.Duration{0: 15 * time.Second, 3 * time.Second: 3 * time.Second} {
		for _, fresh := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				origin, s := inMemory(t, mientest.Config{Faults: mientest.Faults{Handshake: mientest.HandshakeFaults{Share: 1, How: mientest.Stall}}},
					mien.Config{Retry: off, Timeouts: mien.Timeouts{TLS: set}})
				before := time.Now()
				_, err := s.Get(options(t, mien.Options{FreshConnection: fresh}), example)
				timedOut(t, err, time.Since(before), want, retry.PhaseTLS, retry.HandshakeTimeout)
				synctest.Wait()
				if st := s.Stats(); st.Sockets != 0 || st.HandshakesFailed[retry.HandshakeTimeout] != 1 || origin.Counters().Open != 0 {
					t.Errorf("%+v", st)
				}
			})
		}
	}
}

func TestTimeoutHeaders(t *testing.T) {
	const limit = 4 * time.Second
	for _, tt := range []struct {
		method string
		policy retry.Policy
		tries  int
	}{
		{http.MethodGet, off, 1},
		{http.MethodGet, retry.Policy{Rand: func() float64 { return 0.5 }}, 2}, // once more, after half of 100 ms
		{http.MethodPost, retry.Policy{}, 1},
	} {
		bubble(t, func(t *testing.T, alpn []string) {
			origin, s := inMemory(t, mientest.Config{Protocols: alpn, Handler: http.HandlerFunc(stages)}, mien.Config{Retry: tt.policy, Timeouts: mien.Timeouts{Headers: limit}})
			before := time.Now()
			_, err := s.Do(request(t, tt.method, example+"headers", nil))
			want := time.Duration(tt.tries)*limit + time.Duration(tt.tries-1)*50*time.Millisecond
			timedOut(t, err, time.Since(before), want, retry.PhaseHeaders, retry.HeaderTimeout)
			if n := len(origin.Requests()); n != tt.tries {
				t.Errorf("%s was sent %d times, want %d", tt.method, n, tt.tries)
			}
			synctest.Wait()
			if n := s.Stats().InFlight; n != 0 {
				t.Errorf("%d places are held", n)
			}
		})
	}
}

// Timeouts.Headers speaks of the time between the request and the header
// fields of its response: neither of the upload before nor of the body after.
func TestTimeoutHeadersOnly(t *testing.T) {
	bubble(t, func(t *testing.T, alpn []string) {
		_, s := inMemory(t, mientest.Config{Protocols: alpn, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			time.Sleep(3 * time.Second)
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Minute)
			_, _ = io.WriteString(w, "late")
		})}, mien.Config{Retry: off, Timeouts: mien.Timeouts{Headers: 4 * time.Second}})
		resp, err := s.Do(request(t, http.MethodPost, example, nil))
		if err != nil {
			t.Fatal(err)
		}
		if got := readAll(t, resp); got != "late" {
			t.Errorf("%q", got)
		}
		resp, err = s.Do(request(t, http.MethodPost, example, &slowReader{left: 10, every: time.Second}))
		if err != nil {
			t.Fatalf("an upload of ten seconds: %v", err)
		}
		if got := readAll(t, resp); got != "late" {
			t.Errorf("%q", got)
		}
	})
}

// slowReader gives a byte at a time.
type slowReader struct {
	left  int
	every time.Duration
}

func (r *slowReader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	r.left--
	time.Sleep(r.every)
	p[0] = 'x'
	return 1, nil
}

// trickle writes n bytes, one every pause, and is silent then.
func trickle(n int, pause time.Duration, contentType string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			return
		}
		w.Header().Set("Content-Type", contentType)
		flush := http.NewResponseController(w).Flush
		_ = flush()
		for range n {
			time.Sleep(pause)
			_, _ = io.WriteString(w, "x")
			_ = flush()
		}
		<-r.Context().Done()
	})
}

func TestTimeoutBodyStall(t *testing.T) {
	for set, want := range map[time.Duration]time.Duration{0: 5 * time.Minute, 5 * time.Second: 5 * time.Second} {
		bubble(t, func(t *testing.T, alpn []string) {
			origin, s := inMemory(t, mientest.Config{Protocols: alpn, Handler: trickle(10, want-time.Millisecond, "text/plain")}, mien.Config{Timeouts: mien.Timeouts{BodyStall: set}})
			ctx, cancel := context.WithTimeout(t.Context(), 20*want) // or a stall that is not seen blocks the bubble
			defer cancel()
			resp, err := s.Get(ctx, example)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			before := time.Now()
			if _, err := io.ReadFull(resp.Body, make([]byte, 10)); err != nil {
				t.Fatalf("slow, but never silent for long: %v", err)
			}
			if took := time.Since(before); took != 10*(want-time.Millisecond) {
				t.Errorf("ten bytes took %v", took)
			}
			before = time.Now()
			_, err = io.ReadAll(resp.Body)
			timedOut(t, err, time.Since(before), want, retry.PhaseBody, retry.BodyTimeout)
			if _, again := resp.Body.Read(make([]byte, 1)); again == nil || again == io.EOF {
				t.Errorf("the next read: %v", again)
			}
			synctest.Wait()
			if n := s.Stats().InFlight; n != 0 {
				t.Errorf("%d places are held", n)
			}
			mustGet(t, t.Context(), s, example+"next")
			connections := int64(1)
			if alpn[0] == "http/1.1" {
				connections = 2
			}
			if n := origin.Counters().Connections; n != connections {
				t.Errorf("%d connections", n)
			}
		})
	}
}

// A caller that reads slowly is not a silent origin.
func TestBodyStallIsNotTheCallers(t *testing.T) {
	bubble(t, func(t *testing.T, alpn []string) {
		const size = 256 << 10
		_, s := inMemory(t, mientest.Config{Protocols: alpn, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write(make([]byte, size))
		})}, mien.Config{Timeouts: mien.Timeouts{BodyStall: time.Second}})
		resp, err := s.Get(t.Context(), example)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		for range 4 {
			time.Sleep(time.Hour)
			if _, err := io.ReadFull(resp.Body, make([]byte, size/4)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// Event streams and upgraded connections may be silent as long as they like.
func TestBodyStallExemptions(t *testing.T) {
	for _, contentType := range []string{"text/event-stream", "text/event-stream; charset=utf-8", "Text/Event-Stream"} {
		bubble(t, func(t *testing.T, alpn []string) {
			_, s := inMemory(t, mientest.Config{Protocols: alpn, Handler: trickle(2, time.Hour, contentType)}, mien.Config{Limits: mien.Limits{InFlight: 1}, Timeouts: mien.Timeouts{BodyStall: time.Second}})
			ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
			defer cancel()
			resp, err := s.Get(ctx, example)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if n := s.Stats().InFlight; n != 0 {
				t.Errorf("%s holds %d places", contentType, n)
			}
			if _, err := io.ReadFull(resp.Body, make([]byte, 2)); err != nil {
				t.Errorf("%s: %v", contentType, err)
			}
		})
	}
	bubble(t, func(t *testing.T, alpn []string) {
		_, s := inMemory(t, mientest.Config{Protocols: alpn, Handler: http.HandlerFunc(stages)}, mien.Config{Timeouts: mien.Timeouts{BodyStall: time.Second, Headers: time.Second, Idle: time.Second}})
		conn := upgrade(t, s)
		defer conn.Close()
		time.AfterFunc(time.Hour, func() { _, _ = io.WriteString(conn, "late\n") })
		if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || line != "late\n" {
			t.Errorf("%q, %v", line, err)
		}
	})
}

func TestTimeoutIdle(t *testing.T) {
	for set, want := range map[time.Duration]time.Duration{0: 90 * time.Second, 10 * time.Second: 10 * time.Second} {
		bubble(t, func(t *testing.T, alpn []string) {
			origin, s := inMemory(t, mientest.Config{Protocols: alpn, Handler: trickle(1, time.Hour, "text/plain")}, mien.Config{Timeouts: mien.Timeouts{Idle: set, BodyStall: -1}})
			open := func(what string, sockets int) {
				t.Helper()
				synctest.Wait()
				if n := s.Stats().Sockets; n != sockets || origin.Counters().Open != int64(sockets) {
					t.Errorf("%s: %d sockets are open, want %d", what, n, sockets)
				}
			}
			for range 3 { // each use begins the time anew
				mustGet(t, t.Context(), s, example+"short")
				time.Sleep(want - time.Millisecond)
				open("just before", 1)
			}
			time.Sleep(time.Millisecond)
			open("at the end of the idle time", 0)

			resp, err := s.Get(t.Context(), example)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(resp.Body, make([]byte, 1)); err != nil {
				t.Errorf("in use for an hour: %v", err)
			}
			open("in use", 1)
			_ = resp.Body.Close()
			time.Sleep(want)
			open("after use", 0)
			if n := origin.Counters().Connections; n != 2 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

// Without an idle time a connection stays, but is not trusted for ever, and
// those that are not trusted do not pile up.
func TestIdleWithoutLimit(t *testing.T) {
	bubble(t, func(t *testing.T, alpn []string) {
		origin, s := inMemory(t, mientest.Config{Protocols: alpn}, mien.Config{Timeouts: mien.Timeouts{Idle: -1}})
		for range 5 {
			mustGet(t, t.Context(), s, example)
			time.Sleep(200 * time.Second)
		}
		if n := origin.Counters().Connections; n != 1 {
			t.Errorf("%d connections for requests 200 s apart", n)
		}
		for range 5 {
			time.Sleep(250 * time.Second)
			mustGet(t, t.Context(), s, example)
		}
		synctest.Wait()
		if n := origin.Counters().Connections; n != 6 {
			t.Errorf("%d connections: one idle for over four minutes was used again", n)
		}
		if n := s.Stats().Sockets; n != 1 {
			t.Errorf("%d sockets are kept", n)
		}
	})
}

// Pauses between attempts to connect: full jitter under a ceiling that doubles
// from 20 ms to 500 ms; 24 failures in a row are the end.
func TestBackoffOfConnecting(t *testing.T) {
	for _, fresh := range []bool{false, true} {
		for _, draw := range []float64{0, 0.5, 0.999} {
			synctest.Test(t, func(t *testing.T) {
				var waits []time.Duration
				origin, s := inMemory(t, mientest.Config{Faults: mientest.Faults{Handshake: mientest.HandshakeFaults{Share: 1}}}, mien.Config{
					Retry: retry.Policy{Rand: func() float64 { return draw }},
					Hooks: mien.Hooks{Retry: func(i mien.RetryInfo) { waits = append(waits, i.Wait) }},
				})
				before := time.Now()
				_, err := s.Get(options(t, mien.Options{FreshConnection: fresh}), example)
				var e *mien.Error
				if !errors.As(err, &e) || e.Class != retry.HandshakeReset || e.Attempt != 24 || e.Sent {
					t.Errorf("%v", err)
				}
				var sum time.Duration
				ceiling := 20 * time.Millisecond
				for i, w := range waits {
					if want := time.Duration(draw * float64(ceiling)); w != want {
						t.Errorf("pause %d is %v, want %v", i+1, w, want)
					}
					ceiling = min(2*ceiling, 500*time.Millisecond)
					sum += w
				}
				if took := time.Since(before); took != sum || len(waits) != 23 || origin.Counters().Handshakes != 24 {
					t.Errorf("%v for %d pauses of %v together, %d handshakes", took, len(waits), sum, origin.Counters().Handshakes)
				}
			})
		}
	}
}

// Pauses between attempts of a request: the same from 100 ms, four attempts.
func TestBackoffOfRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var waits []time.Duration
		origin, s := inMemory(t, mientest.Config{Faults: mientest.Faults{Request: mientest.RequestFaults{
			Script: func(int, *http.Request) mientest.RequestAction {
				return mientest.RequestAction{Reset: true, ResetCode: 2}
			},
		}}}, mien.Config{
			Retry: retry.Policy{Rand: func() float64 { return 0.5 }},
			Hooks: mien.Hooks{Retry: func(i mien.RetryInfo) { waits = append(waits, i.Wait) }},
		})
		before := time.Now()
		_, err := s.Get(t.Context(), example)
		var e *mien.Error
		if !errors.As(err, &e) || e.Class != retry.StreamReset || e.Attempt != 4 || !e.Sent {
			t.Errorf("%v", err)
		}
		if took := time.Since(before); took != 350*time.Millisecond || len(waits) != 3 || waits[0] != 50*time.Millisecond || waits[2] != 200*time.Millisecond {
			t.Errorf("%v, pauses %v", took, waits)
		}
		if n := len(origin.Requests()); n != 4 {
			t.Errorf("%d requests", n)
		}
	})
}

// The end of the context ends a pause, at once.
func TestContextEndsPause(t *testing.T) {
	for _, fresh := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			_, s := inMemory(t, mientest.Config{Faults: mientest.Faults{Handshake: mientest.HandshakeFaults{Share: 1}}}, mien.Config{
				Retry: retry.Policy{ConnectBase: time.Hour, ConnectCap: time.Hour, Rand: func() float64 { return 0.5 }},
			})
			ctx, cancel := context.WithTimeout(options(t, mien.Options{FreshConnection: fresh}), time.Second)
			defer cancel()
			before := time.Now()
			_, err := s.Get(ctx, example)
			if took := time.Since(before); took != time.Second || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("fresh %v: after %v: %v", fresh, took, err)
			}
			var e *mien.Error
			if !errors.As(err, &e) || e.Sent || !e.Timeout() || !e.Phase.Connecting() {
				t.Errorf("fresh %v: %+v", fresh, e)
			}
		})
	}
}
