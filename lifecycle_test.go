package mien_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
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
