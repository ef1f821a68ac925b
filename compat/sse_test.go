package compat_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tmaxmax/go-sse"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
)

// ticker sends events numbered from Last-Event-ID on, every so often.
type ticker struct {
	every time.Duration
	ends  func(r *http.Request, n int) bool // with the stream, after event n
}

func (h ticker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush()
	n, _ := strconv.Atoi(r.Header.Get("Last-Event-ID"))
	tick := time.NewTicker(h.every)
	defer tick.Stop()
	for n++; ; n++ {
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
		_, _ = fmt.Fprintf(w, "id: %d\ndata: event %d\n\n", n, n)
		_ = http.NewResponseController(w).Flush()
		if h.ends(r, n) {
			return
		}
	}
}

// TestSSE: streams that end, well or badly, are taken up again where they were,
// and the end of the context ends it all.
func TestSSE(t *testing.T) {
	h := ticker{time.Millisecond, func(r *http.Request, n int) bool {
		if n == 6 {
			mientest.EndConnection(r, mientest.RST)
		}
		return n%3 == 0
	}}
	onEachWire(t, h, func(t *testing.T, s *mien.Session, o *mientest.Origin) {
		ctx, cancel := context.WithCancel(timeout(t))
		req, err := http.NewRequestWithContext(ctx, "GET", named(o), nil)
		check(t, err)
		client := sse.Client{HTTPClient: s.Client(), Backoff: sse.Backoff{InitialInterval: time.Millisecond, Multiplier: 1}}
		var cut *mien.Error
		client.OnRetry = func(err error, _ time.Duration) { errors.As(err, &cut) }
		conn := client.NewConnection(req)
		n := 0
		conn.SubscribeToAll(func(e sse.Event) {
			if n++; e.Data != fmt.Sprint("event ", n) {
				t.Errorf("event %d is %+v", n, e)
			}
			if n == 20 {
				cancel()
			}
		})
		if err := conn.Connect(); !errors.Is(err, context.Canceled) {
			t.Errorf("Connect ended with %v", err)
		}
		if n < 20 || cut == nil {
			t.Errorf("%d events, the cut connection was told as %v", n, cut)
		}
	})
}

// TestSSESilence: an event stream may be silent for hours. It holds no place
// among the requests in flight, and the time-outs of bodies and of idle
// connections are not for it.
func TestSSESilence(t *testing.T) {
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { testSSESilence(t, w.origin) }) })
	}
}

func testSSESilence(t *testing.T, cfg mientest.Config) {
	var network mientest.Network
	l, err := network.Listen(":1234")
	check(t, err)
	cfg.Listener = l
	cfg.Handler = ticker{time.Hour, func(*http.Request, int) bool { return false }}
	scheme := "https"
	if cfg.Plain {
		scheme = "http"
	}
	newOrigin(t, cfg)
	s := newSession(t, mien.Config{DialContext: network.DialContext, Limits: mien.Limits{InFlight: 1}})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", scheme+"://example.com:1234/", nil)
	check(t, err)
	conn := (&sse.Client{HTTPClient: s.Client(), Backoff: sse.Backoff{MaxRetries: -1}}).NewConnection(req)
	start, n := time.Now(), 0
	conn.SubscribeToAll(func(sse.Event) {
		if n++; n == 24 {
			cancel()
		} else if s.Stats().InFlight != 0 {
			t.Errorf("an event stream holds a slot: %+v", s.Stats())
		}
	})
	if err := conn.Connect(); !errors.Is(err, context.Canceled) {
		t.Errorf("Connect ended with %v", err)
	}
	if n != 24 || time.Since(start) != 24*time.Hour {
		t.Errorf("%d events in %v", n, time.Since(start))
	}
}

// TestSSEBody: what is no event stream but drips like one is held to BodyStall.
func TestSSEBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network mientest.Network
		l, err := network.Listen(":443")
		check(t, err)
		newOrigin(t, mientest.Config{Listener: l, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "one")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})})
		s := newSession(t, mien.Config{DialContext: network.DialContext, Timeouts: mien.Timeouts{BodyStall: time.Minute}})
		resp, err := s.Get(context.Background(), "https://example.com/")
		check(t, err)
		defer resp.Body.Close()
		start := time.Now()
		b, err := io.ReadAll(resp.Body)
		var e *mien.Error
		if string(b) != "one" || !errors.As(err, &e) || !e.Timeout() || time.Since(start) != time.Minute {
			t.Errorf("after %v: %q, %v", time.Since(start), b, err)
		}
	})
}
