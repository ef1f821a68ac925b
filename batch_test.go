package mien_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// gets is a sequence of n GETs for url/0, url/1, …; n < 0 never ends. pulled
// counts those that were taken.
func gets(ctx context.Context, url string, n int, pulled *atomic.Int64) iter.Seq[*http.Request] {
	return func(yield func(*http.Request) bool) {
		for i := 0; i != n; i++ {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/%d", url, i), nil)
			if err != nil {
				panic(err)
			}
			pulled.Add(1)
			if !yield(req) {
				return
			}
		}
	}
}

// gate is a handler whose requests wait for their turn.
type gate struct {
	arrived chan string // path
	leave   chan struct{}
}

func newGate() *gate { return &gate{make(chan string, 1000), make(chan struct{})} }

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.arrived <- r.URL.Path
	select {
	case <-g.leave:
		_, _ = io.WriteString(w, r.URL.Path)
	case <-r.Context().Done():
	}
}

// eventually waits for what other goroutines are about to do.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	if !soon(done) {
		t.Fatalf("not within 10 s: %s", what)
	}
}

func TestAllIsBounded(t *testing.T) {
	for _, p := range protocols {
		g := newGate()
		origin := newOrigin(t, mientest.Config{Protocols: p.alpn, Handler: g})
		s := newSession(t, mien.Config{Limits: mien.Limits{InFlight: 3}})
		var pulled atomic.Int64
		go func() {
			for range 3 {
				<-g.arrived
			}
			if n := pulled.Load(); n > 4 { // one waits for its place
				t.Errorf("%d were pulled while 3 ran", n)
			}
			close(g.leave)
		}()
		paths := map[string]bool{}
		for resp, err := range s.All(t.Context(), gets(t.Context(), origin.URL, 40, &pulled)) {
			if err != nil {
				t.Fatal(err)
			}
			paths[readAll(t, resp)] = true
		}
		if peak := origin.Counters().PeakRequests; peak != 3 || len(paths) != 40 {
			t.Errorf("%s: %d at once, %d answers", p.name, peak, len(paths))
		}
	}
}

// The slowest comes last, whatever its place in the sequence.
func TestAllYieldsInCompletionOrder(t *testing.T) {
	turn := []chan struct{}{make(chan struct{}), make(chan struct{}), make(chan struct{})}
	origin := newOrigin(t, mientest.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-turn[r.URL.Path[1]-'0']
	})})
	s := newSession(t, mien.Config{})
	var pulled atomic.Int64
	var order []string
	close(turn[2])
	for resp, err := range s.All(t.Context(), gets(t.Context(), origin.URL, 3, &pulled)) {
		if err != nil {
			t.Fatal(err)
		}
		readAll(t, resp)
		order = append(order, resp.Request.URL.Path)
		switch len(order) {
		case 1:
			close(turn[0])
		case 2:
			close(turn[1])
		}
	}
	if want := []string{"/2", "/0", "/1"}; !slices.Equal(order, want) {
		t.Errorf("%q, want %q", order, want)
	}
}

// Each outcome names the caller's own request, in responses and errors alike.
func TestAllNamesTheRequest(t *testing.T) {
	origin := newOrigin(t, mientest.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/loop" {
			http.Redirect(w, r, "/loop", http.StatusFound)
		}
	})})
	s := newSession(t, mien.Config{Retry: retry.Policy{MaxAttempts: -1}})
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	reqs := []*http.Request{
		request(t, http.MethodGet, origin.URL, nil),
		request(t, http.MethodGet, origin.URL+"/loop", nil),
		request(t, http.MethodGet, "gopher://x/", nil),
		request(t, http.MethodGet, origin.URL, nil).WithContext(cancelled),
		request(t, http.MethodGet, "https://127.0.0.1:1/", nil),
	}
	found := map[*http.Request]retry.Class{}
	for resp, err := range s.All(t.Context(), slices.Values(reqs)) {
		if err == nil {
			readAll(t, resp)
			found[resp.Request] = "ok"
			continue
		}
		var e *mien.Error
		if !errors.As(err, &e) {
			t.Fatalf("%T: %v", err, err)
		}
		found[e.Request] = e.Class
	}
	for i, want := range []retry.Class{"ok", retry.Redirect, retry.Invalid, retry.Canceled, retry.Refused} {
		if got := found[reqs[i]]; got != want {
			t.Errorf("request %d: %q, want %q", i, got, want)
		}
	}
}

// A nil request is one failed request, not the end of the program.
func TestAllNilRequest(t *testing.T) {
	origin := newOrigin(t, mientest.Config{})
	s := newSession(t, mien.Config{})
	var ok, invalid int
	for resp, err := range s.All(t.Context(), slices.Values([]*http.Request{nil, request(t, http.MethodGet, origin.URL, nil), {}})) {
		switch {
		case err == nil:
			readAll(t, resp)
			ok++
		case class(err) == retry.Invalid:
			invalid++
		default:
			t.Error(err)
		}
	}
	if ok != 1 || invalid != 2 {
		t.Errorf("%d succeeded, %d were invalid", ok, invalid)
	}
}

// One goroutine pulls, so a sequence needs no lock of its own.
func TestAllPullsFromOneGoroutine(t *testing.T) {
	origin := newOrigin(t, mientest.Config{})
	s := newSession(t, mien.Config{Limits: mien.Limits{InFlight: 8}})
	ids := map[string]bool{}
	seq := func(yield func(*http.Request) bool) {
		for range 50 {
			buf := make([]byte, 64)
			id, _, _ := strings.Cut(string(buf[:runtime.Stack(buf, false)]), " [")
			ids[id] = true // under -race, a second goroutine is a report
			if !yield(request(t, http.MethodGet, origin.URL, nil)) {
				return
			}
		}
	}
	n := 0
	for resp, err := range s.All(t.Context(), seq) {
		if err != nil {
			t.Fatal(err)
		}
		readAll(t, resp)
		n++
	}
	if n != 50 || len(ids) != 1 {
		t.Errorf("%d answers, pulled by %d goroutines", n, len(ids))
	}
	for range s.All(t.Context(), func(func(*http.Request) bool) {}) {
		t.Error("an empty sequence yields")
	}
}
