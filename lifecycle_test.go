package mien_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// inMemory gives an origin at https://example.com and a session that reaches
// it, for a synctest bubble: no socket is real.
func inMemory(t *testing.T, ocfg mientest.Config, cfg mien.Config) (*mientest.Origin, *mien.Session) {
	t.Helper()
	var network mientest.Network
	listener, err := network.Listen(":443")
	if err != nil {
		t.Fatal(err)
	}
	ocfg.Listener = listener
	origin := newOrigin(t, ocfg)
	if cfg.DialContext == nil {
		cfg.DialContext = network.DialContext
	}
	cfg.TLS = &tls.Config{RootCAs: origin.CertPool()}
	return origin, newSession(t, cfg)
}

const example = "https://example.com/"

// bubble runs f for both protocols, each in a synctest bubble.
func bubble(t *testing.T, f func(t *testing.T, alpn []string)) {
	t.Helper()
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			alpn := p.alpn
			if p.name == "h2" {
				alpn = append(alpn[:1:1], "http/1.1") // for upgrades
			}
			synctest.Test(t, func(t *testing.T) { f(t, alpn) })
		})
	}
}

// result is what became of a request that another goroutine sends.
type result struct {
	resp *http.Response
	err  error
}

func start(ctx context.Context, s *mien.Session, url string) <-chan result {
	done := make(chan result, 1)
	go func() {
		resp, err := s.Get(ctx, url)
		done <- result{resp, err}
	}()
	return done
}

// stages answers /headers never, /body with half a body, /queue with all of it.
func stages(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/headers":
		<-r.Context().Done()
	case "/body":
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	case "/events":
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	case "/204":
		w.WriteHeader(http.StatusNoContent)
	case "/upgrade":
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_ = rw.Flush()
		_, _ = io.Copy(conn, rw)
		_ = conn.Close()
	default:
		_, _ = io.WriteString(w, "content")
	}
}

// sessionGoroutines counts the goroutines that run code of a session.
func sessionGoroutines() int {
	buf := make([]byte, 8<<20)
	n := 0
	for g := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(g, "mien-http/mien.(") || strings.Contains(g, "mien/internal/") || strings.Contains(g, "net/http.(*persistConn)") {
			n++
		}
	}
	return n
}

// Whatever a request is at, Close ends it with net.ErrClosed, and nothing of
// the session is left when it returns.
func TestCloseEndsEverything(t *testing.T) {
	bubble(t, func(t *testing.T, alpn []string) {
		var stalled atomic.Bool
		var hooks atomic.Int32
		origin, s := inMemory(t, mientest.Config{
			Protocols: alpn,
			Handler:   http.HandlerFunc(stages),
			Faults: mientest.Faults{Script: func(int, *fingerprint.ClientHello) mientest.Action {
				if stalled.Load() {
					return mientest.Action{End: mientest.Stall}
				}
				return mientest.Action{}
			}},
		}, mien.Config{
			Limits: mien.Limits{InFlight: 5},
			Hooks:  mien.Hooks{Retry: func(i mien.RetryInfo) { hooks.Add(1); t.Errorf("retry after %v", i.Err) }},
		})
		ctx := t.Context()
		body, err := s.Get(ctx, example+"body")
		if err != nil {
			t.Fatal(err)
		}
		defer body.Body.Close()
		headers := start(ctx, s, example+"headers")
		upgraded := upgrade(t, s)
		synctest.Wait()
		stalled.Store(true)
		handshake := start(mien.WithOptions(ctx, mien.Options{FreshConnection: true}), s, example)
		shared := start(mien.WithOptions(ctx, mien.Options{Isolation: "other"}), s, example)
		synctest.Wait()
		events := start(ctx, s, example+"body") // the fifth place
		var queued []<-chan result
		synctest.Wait()
		for range 3 {
			queued = append(queued, start(ctx, s, example))
		}
		synctest.Wait()
		if st := s.Stats(); st.InFlight != 5 || st.Queued != 3 || st.Sockets < 4 {
			t.Fatalf("before Close: %+v", st)
		}
		reading := make(chan error, 1)
		go func() {
			_, err := io.ReadAll(body.Body)
			reading <- err
		}()
		copied := make(chan error, 1)
		go func() {
			_, err := io.Copy(io.Discard, upgraded)
			copied <- err
		}()
		synctest.Wait()

		var wg sync.WaitGroup
		for range 4 { // concurrent and repeated
			wg.Go(func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := s.Stats().Sockets; n != 0 {
			t.Errorf("%d sockets are open after Close", n)
		}
		for name, done := range map[string]<-chan result{
			"headers": headers, "handshake": handshake, "shared handshake": shared, "queued": queued[0], "queued 2": queued[1], "queued 3": queued[2],
		} {
			o := <-done
			var e *mien.Error
			if !errors.Is(o.err, net.ErrClosed) || !errors.As(o.err, &e) {
				t.Errorf("%s: %v", name, o.err)
			} else if e.Class != retry.Canceled {
				t.Errorf("%s: class %q", name, e.Class)
			}
		}
		if err := <-reading; !errors.Is(err, net.ErrClosed) {
			t.Errorf("body: %v", err)
		}
		o := <-events
		if o.err == nil {
			_, o.err = io.ReadAll(o.resp.Body)
			_ = o.resp.Body.Close()
		}
		if !errors.Is(o.err, net.ErrClosed) {
			t.Errorf("body not read yet: %v", o.err)
		}
		<-copied
		if _, err := s.Get(ctx, example); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a new request: %v", err)
		}
		synctest.Wait()
		if n := origin.Counters().Open; n != 0 {
			t.Errorf("the origin has %d connections open", n)
		}
		if n := sessionGoroutines(); n != 0 {
			t.Errorf("%d goroutines are left", n)
		}
		if st := s.Stats(); st.InFlight != 0 || st.Queued != 0 {
			t.Errorf("after Close: %+v", st)
		}
	})
}

func upgrade(t *testing.T, s *mien.Session) io.ReadWriteCloser {
	t.Helper()
	req := request(t, http.MethodGet, example+"upgrade", nil)
	req.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"echo"}}
	resp, err := s.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	conn, ok := resp.Body.(io.ReadWriteCloser)
	if !ok || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%s, body %T", resp.Status, resp.Body)
	}
	if _, err := io.WriteString(conn, "hello\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || line != "hello\n" {
		t.Fatalf("%q, %v", line, err)
	}
	return conn
}

// Close ends a pause between attempts too, and a dial that knows no end.
func TestCloseEndsPausesAndDials(t *testing.T) {
	for name, dial := range map[string]func(context.Context, string, string) (net.Conn, error){
		"pause": func(context.Context, string, string) (net.Conn, error) { return nil, io.ErrUnexpectedEOF },
		"dial": func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		},
	} {
		for _, fresh := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/fresh %v", name, fresh), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					hour := time.Hour
					_, s := inMemory(t, mientest.Config{}, mien.Config{DialContext: dial,
						Timeouts: mien.Timeouts{Dial: -1},
						Retry:    retry.Policy{ConnectBase: hour, ConnectCap: hour, Rand: func() float64 { return 0.5 }}})
					done := start(mien.WithOptions(t.Context(), mien.Options{FreshConnection: fresh}), s, example)
					synctest.Wait()
					before := time.Now()
					_ = s.Close()
					if o := <-done; !errors.Is(o.err, net.ErrClosed) || time.Since(before) > 0 {
						t.Errorf("after %v: %v", time.Since(before), o.err)
					}
				})
			})
		}
	}
}

// A dial belongs to the origin: the request that set it off may leave, and the
// dial ends with the last that waits for it.
func TestCancelLeader(t *testing.T) {
	bubble(t, func(t *testing.T, alpn []string) {
		release := make(chan struct{})
		origin, s := inMemory(t, mientest.Config{Protocols: alpn, Faults: mientest.Faults{
			Script: func(int, *fingerprint.ClientHello) mientest.Action { <-release; return mientest.Action{} },
		}}, mien.Config{})
		ctx, cancel := context.WithCancel(t.Context())
		leader := start(ctx, s, example)
		synctest.Wait()
		var followers []<-chan result
		for range 5 {
			followers = append(followers, start(t.Context(), s, example))
		}
		synctest.Wait()
		cancel()
		o := <-leader
		var e *mien.Error
		if !errors.Is(o.err, context.Canceled) || !errors.As(o.err, &e) || e.Phase != retry.PhaseTLS || e.Class != retry.Canceled || e.Sent {
			t.Errorf("leader: %+v", o.err)
		}
		synctest.Wait()
		close(release)
		for i, f := range followers {
			o := <-f
			if o.err != nil {
				t.Fatalf("follower %d: %v", i, o.err)
			}
			readAll(t, o.resp)
		}
		if c := origin.Counters(); c.HandshakesFailed != 0 || (alpn[0] == "h2" && c.Handshakes != 1) {
			t.Errorf("%+v", c)
		}
	})
}

func TestCancelAllWaiters(t *testing.T) {
	bubble(t, func(t *testing.T, alpn []string) {
		var stall atomic.Bool
		stall.Store(true)
		origin, s := inMemory(t, mientest.Config{Protocols: alpn, Faults: mientest.Faults{
			Script: func(int, *fingerprint.ClientHello) mientest.Action {
				if stall.Load() {
					return mientest.Action{End: mientest.Stall}
				}
				return mientest.Action{}
			},
		}}, mien.Config{})
		ctx, cancel := context.WithCancel(t.Context())
		var waiters []<-chan result
		for range 5 {
			waiters = append(waiters, start(ctx, s, example))
		}
		synctest.Wait()
		if n := origin.Counters().Open; n == 0 {
			t.Fatal("nobody dials")
		}
		cancel()
		for _, w := range waiters {
			if o := <-w; !errors.Is(o.err, context.Canceled) {
				t.Errorf("%v", o.err)
			}
		}
		synctest.Wait()
		if n := s.Stats().Sockets; n != 0 {
			t.Errorf("%d sockets are open with nobody waiting", n)
		}
		if n := origin.Counters().Open; n != 0 {
			t.Errorf("%d connections are open at the origin", n)
		}
		if st := s.Stats(); st.HandshakeFailureRate != 0 || len(st.HandshakesFailed) != 0 {
			t.Errorf("giving up counts as a failed handshake: %+v", st)
		}
		stall.Store(false)
		if resp, _ := get(t, s, example); resp.StatusCode != 200 {
			t.Errorf("afterwards: %s", resp.Status)
		}
	})
}

// The end of the context ends a request wherever it is, and the error says where.
func TestContextEndsEveryPhase(t *testing.T) {
	blocked := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for _, tt := range []struct {
		phase retry.Phase
		sent  bool
		cfg   mien.Config
		fault mientest.Ending
	}{
		{phase: retry.PhaseQueue, cfg: mien.Config{Limits: mien.Limits{InFlight: 1}}},
		{phase: retry.PhaseDial, cfg: mien.Config{DialContext: blocked}},
		{phase: retry.PhaseTLS, fault: mientest.Stall},
		{phase: retry.PhaseHeaders, sent: true},
		{phase: retry.PhaseBody, sent: true},
	} {
		for _, ending := range []struct {
			name  string
			of    func(context.Context) context.Context
			cause error
			class retry.Class
		}{
			{"cancel", func(ctx context.Context) context.Context {
				ctx, cancel := context.WithCancel(ctx)
				time.AfterFunc(time.Second, cancel)
				return ctx
			}, context.Canceled, retry.Canceled},
			{"cause", func(ctx context.Context) context.Context {
				ctx, cancel := context.WithCancelCause(ctx)
				time.AfterFunc(time.Second, func() { cancel(errBroken) })
				return ctx
			}, errBroken, ""},
			{"deadline", func(ctx context.Context) context.Context {
				ctx, cancel := context.WithTimeout(ctx, time.Second)
				context.AfterFunc(ctx, cancel)
				return ctx
			}, context.DeadlineExceeded, ""},
		} {
			t.Run(string(tt.phase)+"/"+ending.name, func(t *testing.T) {
				bubble(t, func(t *testing.T, alpn []string) {
					cfg := tt.cfg
					cfg.Hooks.Retry = func(i mien.RetryInfo) { t.Errorf("retry: %+v", i) }
					origin, s := inMemory(t, mientest.Config{Protocols: alpn, Handler: http.HandlerFunc(stages),
						Faults: mientest.Faults{Handshake: mientest.HandshakeFaults{Share: share(tt.fault), How: tt.fault}}}, cfg)
					if tt.phase == retry.PhaseQueue {
						resp, err := s.Get(t.Context(), example+"body")
						if err != nil {
							t.Fatal(err)
						}
						defer resp.Body.Close()
					}
					before := time.Now()
					req := request(t, http.MethodGet, example+string(tt.phase), nil).WithContext(ending.of(t.Context()))
					resp, err := s.Do(req)
					if tt.phase == retry.PhaseBody && err == nil {
						_, err = io.ReadAll(resp.Body)
						defer resp.Body.Close()
					}
					if took := time.Since(before); took != time.Second {
						t.Errorf("after %v", took)
					}
					var e *mien.Error
					if !errors.As(err, &e) || !errors.Is(err, ending.cause) {
						t.Fatalf("%v", err)
					}
					if e.Phase != tt.phase || e.Sent != tt.sent || e.Request != req || e.Attempt > 1 {
						t.Errorf("%+v", e)
					}
					if ending.class != "" && e.Class != ending.class {
						t.Errorf("class %q", e.Class)
					}
					if timeout := ending.cause == context.DeadlineExceeded; e.Timeout() != timeout {
						t.Errorf("Timeout() is %v", e.Timeout())
					}
					synctest.Wait()
					held := 0
					if tt.phase == retry.PhaseQueue {
						held = 1
					}
					if st := s.Stats(); st.InFlight != held || st.Queued != 0 {
						t.Errorf("%+v", st)
					}
					if n := origin.Counters().Requests; tt.sent != (n == 1) && tt.phase != retry.PhaseQueue {
						t.Errorf("the origin got %d requests", n)
					}
				})
			})
		}
	}
}

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
						<-ctx.Done() // its owner forgets it
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
