package mien_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
)

// Leaving the loop ends what runs; nothing of it is left when All returns.
func TestAllBreak(t *testing.T) {
	for _, p := range protocols {
		var running atomic.Int64
		origin := newOrigin(t, mientest.Config{Protocols: p.alpn, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			running.Add(1)
			defer running.Add(-1)
			if strings.HasSuffix(r.URL.Path, "0") { // every tenth answers
				_, _ = io.WriteString(w, strings.Repeat("x", 1<<20))
				return
			}
			<-r.Context().Done()
		})})
		s := newSession(t, mien.Config{Limits: mien.Limits{InFlight: 50}})
		get(t, s, origin.URL+"/0")
		s.CloseIdleConnections()
		for round := range 5 {
			var pulled atomic.Int64
			var over atomic.Bool
			seq := gets(t.Context(), origin.URL, -1, &pulled) // without end
			for resp, err := range s.All(t.Context(), func(yield func(*http.Request) bool) {
				defer over.Store(true)
				seq(yield)
			}) {
				if err != nil {
					t.Fatal(err)
				}
				_ = resp.Body.Close()
				if pulled.Load() >= 30 {
					break
				}
			}
			if !over.Load() {
				t.Errorf("%s: the sequence still runs after the loop", p.name)
			}
			if n := s.Stats().InFlight; n != 0 {
				t.Errorf("%s, round %d: %d slots are held after the loop", p.name, round, n)
			}
			after := pulled.Load()
			eventually(t, "the origin sees the requests end", func() bool { return running.Load() == 0 })
			if n := pulled.Load(); n != after {
				t.Errorf("%s: %d more were pulled after the loop", p.name, n-after)
			}
		}
	}
}

// Goroutines of All have ended when the loop has, however it ended.
func TestAllLeavesNoGoroutine(t *testing.T) {
	origin := newOrigin(t, mientest.Config{})
	s := newSession(t, mien.Config{Limits: mien.Limits{InFlight: 20}})
	inAll := func() int {
		buf := make([]byte, 4<<20)
		stacks := string(buf[:runtime.Stack(buf, true)])
		return strings.Count(stacks, "mien.(*batch)") + strings.Count(stacks, "mien.(*Session).All")
	}
	for _, end := range []string{"break", "context", "end", "panic"} {
		ctx, cancel := context.WithCancel(t.Context())
		var pulled atomic.Int64
		func() {
			defer func() { _ = recover() }()
			n := 0
			for resp, err := range s.All(ctx, gets(t.Context(), origin.URL, 200, &pulled)) {
				if err == nil {
					readAll(t, resp)
				}
				if n++; n < 30 || end == "end" {
					continue
				}
				switch end {
				case "break":
					return
				case "context":
					cancel()
				case "panic":
					panic(end)
				}
			}
		}()
		cancel()
		// The goroutine that saw all others end may be about to return.
		eventually(t, end+": goroutines of All end", func() bool { return inAll() == 0 })
		if n := s.Stats().InFlight; n != 0 {
			t.Errorf("%s: %d slots are held", end, n)
		}
	}
}

func TestAllContextEnds(t *testing.T) {
	for _, p := range protocols {
		g := newGate()
		origin := newOrigin(t, mientest.Config{Protocols: p.alpn, Handler: g})
		s := newSession(t, mien.Config{Limits: mien.Limits{InFlight: 5}})
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			for range 5 {
				<-g.arrived
			}
			cancel(errBroken)
		}()
		var pulled atomic.Int64
		for resp, err := range s.All(ctx, gets(context.Background(), origin.URL, -1, &pulled)) {
			if err == nil {
				_ = resp.Body.Close()
				t.Error("a request was answered")
			} else if !errors.Is(err, errBroken) {
				t.Errorf("%s: %v", p.name, err)
			}
		}
		if n := pulled.Load(); n > 7 {
			t.Errorf("%s: %d were pulled for 5 places", p.name, n)
		}
		if n := s.Stats().InFlight; n != 0 {
			t.Errorf("%s: %d slots are held", p.name, n)
		}
	}
}

// What was delivered belongs to the caller: neither the end of the loop nor
// that of All's context takes it away.
func TestAllDeliveredBodyStays(t *testing.T) {
	for _, p := range protocols {
		rest := make(chan struct{})
		once := sync.OnceFunc(func() { close(rest) })
		defer once()
		origin := newOrigin(t, mientest.Config{Protocols: p.alpn, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "begin ")
			_ = http.NewResponseController(w).Flush()
			<-rest
			_, _ = io.WriteString(w, "end")
		})})
		s := newSession(t, mien.Config{})
		var kept []*http.Response
		for range 100 {
			ctx, cancel := context.WithCancel(t.Context())
			var pulled atomic.Int64
			for resp, err := range s.All(ctx, gets(t.Context(), origin.URL, 1, &pulled)) {
				if err != nil {
					t.Fatal(err)
				}
				kept = append(kept, resp)
				break
			}
			cancel()
		}
		once()
		broken := 0
		for _, resp := range kept {
			b, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || string(b) != "begin end" {
				if broken++; broken == 1 {
					t.Errorf("%s: %q, %v", p.name, b, err)
				}
			}
		}
		if broken > 0 {
			t.Errorf("%s: %d of %d bodies ended with the loop", p.name, broken, len(kept))
		}
	}
}

// The context of the request bounds a delivered body all the same.
func TestAllBodyUnderItsOwnContext(t *testing.T) {
	origin := newOrigin(t, mientest.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})})
	s := newSession(t, mien.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var pulled atomic.Int64
	for resp, err := range s.All(t.Context(), gets(ctx, origin.URL, 1, &pulled)) {
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, err := io.ReadAll(resp.Body); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		_ = resp.Body.Close()
	}
}

// foreignContext is one that package context watches with a goroutine per child
// for as long as the child lives.
type foreignContext struct {
	context.Context
	done chan struct{}
}

func (c *foreignContext) Done() <-chan struct{} { return c.done }

func (c *foreignContext) Err() error {
	select {
	case <-c.done:
		return context.Canceled
	default:
		return nil
	}
}

func (c *foreignContext) Value(any) any { return nil }

// A request that is over holds nothing in its caller's context, with content or
// without.
func TestAllReleasesContexts(t *testing.T) {
	origin := newOrigin(t, mientest.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "1") {
			_, _ = io.WriteString(w, "content")
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})})
	s := newSession(t, mien.Config{})
	ctx := &foreignContext{Context: context.Background(), done: make(chan struct{})}
	defer close(ctx.done)
	var pulled atomic.Int64
	for resp, err := range s.All(t.Context(), gets(ctx, origin.URL, 20, &pulled)) {
		if err != nil {
			t.Fatal(err)
		}
		readAll(t, resp)
	}
	watchers := func() int {
		buf := make([]byte, 4<<20)
		return strings.Count(string(buf[:runtime.Stack(buf, true)]), "propagateCancel.func")
	}
	eventually(t, "no context is derived from the caller's", func() bool { return watchers() == 0 })
}

// After Close every request of a batch fails, and the loop ends.
func TestAllOnClosedSession(t *testing.T) {
	s := newSession(t, mien.Config{})
	_ = s.Close()
	var pulled atomic.Int64
	n := 0
	for _, err := range s.All(t.Context(), gets(t.Context(), "https://127.0.0.1:1", 3, &pulled)) {
		if n++; !isClosed(err) {
			t.Error(err)
		}
	}
	if n != 3 {
		t.Errorf("%d outcomes", n)
	}
}

func isClosed(err error) bool { return errors.Is(err, net.ErrClosed) }
