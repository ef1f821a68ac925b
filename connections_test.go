package mien_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

func options(t *testing.T, o mien.Options) context.Context {
	return mien.WithOptions(t.Context(), o)
}

func mustGet(t *testing.T, ctx context.Context, s *mien.Session, url string) *http.Response {
	t.Helper()
	resp, err := s.Get(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	readAll(t, resp)
	return resp
}

// noRetries is a hook for tests in which nothing goes wrong.
func noRetries(t *testing.T) mien.Hooks {
	return mien.Hooks{Retry: func(i mien.RetryInfo) { t.Errorf("retry: %+v", i) }}
}

func TestConnectionsAreReused(t *testing.T) {
	bubble(t, func(t *testing.T, alpn []string) {
		g := newGate()
		origin, s := inMemory(t, mientest.Config{Protocols: alpn, Handler: g}, mien.Config{Hooks: noRetries(t)})
		together := func(n int) {
			var all []<-chan result
			for range n {
				all = append(all, start(t.Context(), s, example))
			}
			for range n {
				<-g.arrived
			}
			for range n {
				g.leave <- struct{}{}
			}
			for _, done := range all {
				o := <-done
				if o.err != nil {
					t.Fatal(o.err)
				}
				readAll(t, o.resp)
			}
			synctest.Wait()
		}
		for range 20 {
			together(1)
		}
		if n := origin.Counters().Connections; n != 1 {
			t.Errorf("%d connections for 20 requests, one after another", n)
		}
		want := int64(1)
		if alpn[0] == "http/1.1" {
			want = 5
		}
		for range 3 {
			together(5)
			if n := origin.Counters().Connections; n != want {
				t.Errorf("%d connections for 5 requests at once, want %d", n, want)
			}
		}
	})
}

// Another HTTP/2 connection is opened when the streams of the others are
// taken, and not before: also if it turns out only after they were handed out
// that an origin allows few.
func TestStreamsBeforeConnections(t *testing.T) {
	for name, bursts := range map[string][]int{"growing": {1, 2, 10}, "at once": {10, 10}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testStreams(t, bursts) })
		})
	}
}

func testStreams(t *testing.T, bursts []int) {
	g := newGate()
	origin, s := inMemory(t, mientest.Config{Protocols: []string{"h2"}, MaxConcurrentStreams: 2, Handler: g}, mien.Config{})
	for _, n := range bursts {
		var all []<-chan result
		for range n {
			all = append(all, start(t.Context(), s, example))
		}
		for arrived := range n {
			select {
			case <-g.arrived: // all of them are in flight at once
			case <-time.After(time.Minute):
				t.Fatalf("%d of %d requests are in flight, on %d connections; the others wait", arrived, n, origin.Counters().Connections)
			}
		}
		if c, most := origin.Counters().Connections, int64(n+1)/2; c > most {
			t.Errorf("%d connections for %d requests at once, 2 streams each", c, n)
		}
		for range n {
			g.leave <- struct{}{}
		}
		for _, done := range all {
			if o := <-done; o.err != nil {
				t.Error(o.err)
			} else {
				readAll(t, o.resp)
			}
		}
		synctest.Wait()
	}
	if st := s.Stats(); st.Sockets > 5 || st.Failed != 0 {
		t.Errorf("%+v", st)
	}
}

func TestFreshConnection(t *testing.T) {
	bubble(t, func(t *testing.T, alpn []string) {
		origin, s := inMemory(t, mientest.Config{Protocols: alpn, Handler: http.HandlerFunc(stages)}, mien.Config{Hooks: noRetries(t)})
		mustGet(t, t.Context(), s, example)
		fresh := options(t, mien.Options{FreshConnection: true})
		for range 3 {
			mustGet(t, fresh, s, example)
			mustGet(t, fresh, s, example+"204")
		}
		mustGet(t, t.Context(), s, example)
		synctest.Wait()
		if n := origin.Counters().Connections; n != 7 {
			t.Errorf("%d connections, want 1 shared and 6 fresh", n)
		}
		if n := s.Stats().Sockets; n != 1 {
			t.Errorf("%d sockets are open, want the shared one", n)
		}
		all := origin.Requests()
		if all[len(all)-1].Conn != all[0].Conn {
			t.Error("the shared connection was not used again")
		}
	})
}

// A fresh connection whose body cannot be rewound for it does not stay open.
func TestFreshConnectionClosedWhenRewindFails(t *testing.T) {
	bubble(t, func(t *testing.T, alpn []string) {
		_, s := inMemory(t, mientest.Config{Protocols: alpn, Faults: mientest.Faults{Request: mientest.RequestFaults{
			Script: func(int, *http.Request) mientest.RequestAction { return mientest.RequestAction{Status: 421} },
		}}}, mien.Config{})
		req := request(t, http.MethodPut, example, strings.NewReader("content"))
		req.GetBody = func() (io.ReadCloser, error) { return nil, errBroken }
		resp, err := s.Do(req)
		if err == nil {
			readAll(t, resp)
			t.Fatal("no error")
		}
		if !errors.Is(err, errBroken) {
			t.Error(err)
		}
		s.CloseIdleConnections()
		synctest.Wait()
		if st := s.Stats(); st.Sockets != 0 || st.InFlight != 0 {
			t.Errorf("%+v", st)
		}
	})
}

// Requests of different isolation keys share neither connections nor tickets.
func TestIsolation(t *testing.T) {
	bubble(t, func(t *testing.T, alpn []string) {
		origin, s := inMemory(t, mientest.Config{Protocols: alpn}, mien.Config{Hooks: noRetries(t)})
		under := func(key string) (conn int, resumed bool) {
			mustGet(t, options(t, mien.Options{Isolation: key}), s, example)
			synctest.Wait()
			all := origin.Requests()
			conn = all[len(all)-1].Conn
			return conn, origin.Connections()[conn-1].Resumed
		}
		seen := map[int]string{}
		for _, key := range []string{"", "a", "b"} {
			conn, resumed := under(key)
			if other, taken := seen[conn]; taken || resumed {
				t.Errorf("key %q: shares with %q %v, resumed %v", key, other, taken, resumed)
			}
			seen[conn] = key
			if again, _ := under(key); again != conn {
				t.Errorf("key %q: its own connection is not reused", key)
			}
		}
		s.CloseIdleConnections()
		if conn, resumed := under("a"); conn != 4 || !resumed {
			t.Errorf("key a again: connection %d, resumed %v", conn, resumed)
		}
		if _, resumed := under("c"); resumed {
			t.Error("a new key resumes another's session")
		}
	})
}

func TestCloseIdleConnections(t *testing.T) {
	bubble(t, func(t *testing.T, alpn []string) {
		origin, s := inMemory(t, mientest.Config{Protocols: alpn, Handler: http.HandlerFunc(stages)}, mien.Config{Hooks: noRetries(t)})
		busy, err := s.Get(t.Context(), example+"body")
		if err != nil {
			t.Fatal(err)
		}
		mustGet(t, options(t, mien.Options{Isolation: "idle"}), s, example)
		s.CloseIdleConnections()
		s.Client().CloseIdleConnections()
		synctest.Wait()
		if n := s.Stats().Sockets; n != 1 || origin.Counters().Open != 1 {
			t.Errorf("%d sockets are open, want the busy one", n)
		}
		if _, err := io.ReadFull(busy.Body, make([]byte, 4)); err != nil {
			t.Errorf("the busy one: %v", err)
		}
		_ = busy.Body.Close()
		synctest.Wait()
		s.CloseIdleConnections()
		synctest.Wait()
		if n := s.Stats().Sockets; n != 0 {
			t.Errorf("%d sockets are open", n)
		}
	})
}

// A connection that the server closed while nobody used it is forgotten at once,
// and the next request does not find out the hard way.
func TestDeadIdleConnection(t *testing.T) {
	for _, how := range []mientest.Ending{mientest.FIN, mientest.RST} {
		bubble(t, func(t *testing.T, alpn []string) {
			origin, s := inMemory(t, mientest.Config{Protocols: alpn, Handler: http.HandlerFunc(stages)}, mien.Config{Hooks: noRetries(t)})
			mustGet(t, t.Context(), s, example)
			synctest.Wait()
			origin.CloseConnections(how)
			synctest.Wait()
			if n := s.Stats().Sockets; n != 0 {
				t.Errorf("%s: %d dead sockets are kept", how, n)
			}
			resp, err := s.Do(request(t, http.MethodPost, example, io.MultiReader(strings.NewReader("once"))))
			if err != nil {
				t.Fatal(err)
			}
			readAll(t, resp)
		})
	}
}

// What a GOAWAY leaves out goes to another connection, whatever the method.
func TestGoAwayMoves(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		synctest.Test(t, func(t *testing.T) {
			var delivered atomic.Int32
			origin, s := inMemory(t, mientest.Config{
				Protocols: []string{"h2"},
				Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					delivered.Add(1)
					_, _ = io.Copy(w, r.Body)
				}),
				Faults: mientest.Faults{Request: mientest.RequestFaults{Script: func(n int, _ *http.Request) mientest.RequestAction {
					if n == 2 {
						return mientest.RequestAction{GoAway: &mientest.GoAway{LastStream: 1}}
					}
					return mientest.RequestAction{}
				}}},
			}, mien.Config{})
			mustGet(t, t.Context(), s, example)
			var body io.Reader
			if method == http.MethodPost {
				body = strings.NewReader("content")
			}
			resp, err := s.Do(request(t, method, example, body))
			if err != nil {
				t.Fatal(err)
			}
			if got := readAll(t, resp); method == http.MethodPost && got != "content" {
				t.Errorf("%q", got)
			}
			all := origin.Requests()
			if delivered.Load() != 2 || len(all) != 3 || all[2].Conn == all[0].Conn || s.Stats().Retries != 1 {
				t.Errorf("%s: delivered %d, %d requests, %+v", method, delivered.Load(), len(all), s.Stats())
			}
		})
	}
}

// An origin that answers HTTP_1_1_REQUIRED gets HTTP/1.1 for five minutes.
func TestHTTP11Required(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var retries atomic.Int32
		origin, s := inMemory(t, mientest.Config{Faults: mientest.Faults{Request: mientest.RequestFaults{
			Script: func(_ int, r *http.Request) mientest.RequestAction {
				if r.ProtoMajor == 2 {
					return mientest.RequestAction{Reset: true, ResetCode: 13}
				}
				return mientest.RequestAction{}
			},
		}}}, mien.Config{Hooks: mien.Hooks{Retry: func(i mien.RetryInfo) {
			if i.Class != retry.NotProcessed {
				t.Errorf("%+v", i)
			}
			retries.Add(1)
		}}})
		send := func(wantRetries int32) {
			t.Helper()
			resp, err := s.Do(request(t, http.MethodPost, example, strings.NewReader("content")))
			if err != nil {
				t.Fatal(err)
			}
			readAll(t, resp)
			if resp.Proto != "HTTP/1.1" || retries.Load() != wantRetries {
				t.Errorf("%s after %d retries, want %d", resp.Proto, retries.Load(), wantRetries)
			}
			synctest.Wait()
		}
		send(1)
		send(1) // remembered, though an HTTP/2 connection stands by
		send(1)
		last := origin.Connections()[len(origin.Connections())-1]
		if last.Protocol != "http/1.1" {
			t.Errorf("the last connection speaks %s", last.Protocol)
		}
		time.Sleep(6 * time.Minute)
		send(2) // asked again
	})
}

// 421 is answered by one more attempt on a connection of its own.
func TestMisdirected(t *testing.T) {
	bubble(t, func(t *testing.T, alpn []string) {
		for _, always := range []bool{false, true} {
			origin, s := inMemory421(t, alpn, always)
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				before := len(origin.Requests())
				resp, err := s.Do(request(t, method, example, strings.NewReader("content")))
				if err != nil {
					t.Fatal(err)
				}
				readAll(t, resp)
				all := origin.Requests()[before:]
				if len(all) != 2 || all[0].Conn == all[1].Conn || (resp.StatusCode == 421) != always {
					t.Errorf("%s, always %v: %s after %d requests", method, always, resp.Status, len(all))
				}
			}
			_ = s.Close()
			origin.Close()
		}
	})
}

func inMemory421(t *testing.T, alpn []string, always bool) (*mientest.Origin, *mien.Session) {
	return inMemory(t, mientest.Config{Protocols: alpn, Faults: mientest.Faults{Request: mientest.RequestFaults{
		Script: func(_ int, r *http.Request) mientest.RequestAction {
			if report, _ := mientest.ReportOf(r); always || report.Connection == 1 {
				return mientest.RequestAction{Status: 421}
			}
			return mientest.RequestAction{}
		},
	}}}, mien.Config{})
}

// A server that answers a resuming hello with HelloRetryRequest gets a second
// hello without a ticket on a new connection, and from then on no ticket.
func TestResumptionMeetsHelloRetry(t *testing.T) {
	bubble(t, func(t *testing.T, alpn []string) {
		origin, s := inMemory(t, mientest.Config{Protocols: alpn, TLS: &tls.Config{CurvePreferences: []tls.CurveID{tls.CurveP384}}}, mien.Config{Hooks: noRetries(t)})
		for i, connections := range []int64{1, 3, 4} {
			mustGet(t, t.Context(), s, example)
			synctest.Wait()
			c := origin.Counters()
			if c.Handshakes != connections || c.HelloRetries != int64(i+1) || c.Resumed != 0 {
				t.Errorf("request %d: %+v", i+1, c)
			}
			s.CloseIdleConnections()
			synctest.Wait()
		}
		if st := s.Stats(); len(st.HandshakesFailed) != 0 || st.HandshakeFailureRate != 0 || st.Sockets != 0 {
			t.Errorf("%+v", st)
		}
	})
}
