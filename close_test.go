package mien_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
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

// sessionGoroutines counts the goroutines of bubbles that run code of a session:
// those of other tests may be about to end.
func sessionGoroutines() int {
	buf := make([]byte, 8<<20)
	n := 0
	for g := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if !strings.Contains(g, "synctest bubble") {
			continue
		}
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
		if sessionGoroutines() == 0 {
			t.Error("goroutines are not found")
		}

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
