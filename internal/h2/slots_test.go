package h2

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
)

func maxStreams(n uint32) http2.Setting {
	return http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: n}
}

func TestReserve(t *testing.T) {
	runBubble(t, func(t *testing.T) {
		p := newPeer(t, Config{}, 0)
		if n := p.c.Available(); n != 100 {
			t.Errorf("%d available before SETTINGS, want 100", n)
		}
		p.greet(maxStreams(2))
		synctest.Wait()
		if n := p.c.Available(); n != 2 {
			t.Errorf("%d available, want 2", n)
		}
		for range 2 {
			if err := p.c.Reserve(); err != nil {
				t.Fatal(err)
			}
		}
		var e *Error
		if err := p.c.Reserve(); !errors.As(err, &e) || e.Sent || !e.NotProcessed {
			t.Errorf("third reservation: %v", err)
		}
		if a, f := p.c.Available(), p.c.InFlight(); a != 0 || f != 2 {
			t.Errorf("%d available and %d in flight, want 0 and 2", a, f)
		}
		p.c.Release()
		if a, f := p.c.Available(), p.c.InFlight(); a != 1 || f != 1 {
			t.Errorf("%d available and %d in flight, want 1 and 1", a, f)
		}
		k, id := p.get() // takes the reservation
		if a, f := p.c.Available(), p.c.InFlight(); a != 1 || f != 1 {
			t.Errorf("%d available and %d in flight, want 1 and 1", a, f)
		}
		p.headers(id, true, ":status", "200")
		k.body(t)
		if a, f := p.c.Available(), p.c.InFlight(); a != 2 || f != 0 {
			t.Errorf("%d available and %d in flight, want 2 and 0", a, f)
		}
		p.c.Release() // one too many
		if a := p.c.Available(); a != 2 {
			t.Errorf("%d available, want 2", a)
		}
		p.end()
		if a := p.c.Available(); a != 0 {
			t.Errorf("%d available of a closed connection", a)
		}
	})
}

// TestQueue: who finds no stream waits in order, and no longer than its context.
func TestQueue(t *testing.T) {
	changes := 0
	bubble(t, Config{OnState: func(*Conn) { changes++ }}, func(p *peer) {
		first, id := p.get()
		second := p.do("GET", nil)
		synctest.Wait()
		impatient := p.do("GET", nil)
		synctest.Wait()
		third := p.do("GET", nil)
		p.quiet()
		if n := p.c.Available(); n != 0 {
			t.Errorf("%d available", n)
		}

		impatient.cancel(nil)
		if e := impatient.failure(t); !errors.Is(e, context.Canceled) || e.Sent {
			t.Errorf("got %+v", e)
		}
		for _, k := range []*call{first, second, third} {
			p.headers(id, true, ":status", "200")
			if _, err := k.body(t); err != nil {
				t.Error(err)
			}
			if k != third {
				f, _ := p.request()
				id = f.StreamID
			}
		}
		p.quiet()
		if changes < 3 {
			t.Errorf("OnState called %d times", changes)
		}
	}, maxStreams(1))
}

// TestOnState: it may take a lock that is held around the methods a pool uses.
func TestOnState(t *testing.T) {
	var mu sync.Mutex
	var closed atomic.Bool
	bubble(t, Config{OnState: func(c *Conn) {
		mu.Lock()
		defer mu.Unlock()
		closed.Store(c.Err() != nil)
	}}, func(p *peer) {
		mu.Lock()
		if err := p.c.Reserve(); err != nil {
			t.Error(err)
		}
		p.c.Flush()
		p.c.Release()
		p.c.Close()
		mu.Unlock()
		synctest.Wait()
		if !closed.Load() {
			t.Error("OnState was not called for Close")
		}
	})
}

// TestLimitChanges: 0 streams, more, and fewer than are open or reserved.
func TestLimitChanges(t *testing.T) {
	bubble(t, Config{}, func(p *peer) {
		one := p.do("GET", nil)
		p.quiet()
		p.WriteSettings(maxStreams(2))
		want[*http2.SettingsFrame](p)
		f1, _ := p.request()
		if err := p.c.Reserve(); err != nil {
			t.Fatal(err)
		}
		p.WriteSettings(maxStreams(1))
		want[*http2.SettingsFrame](p)
		two := p.do("GET", nil) // with a reservation that the peer has taken back
		if e := two.failure(t); e.Sent || !e.NotProcessed || !errors.Is(e, ErrPlaceLost) {
			t.Errorf("a place taken back: %+v", e)
		}
		three := p.do("GET", nil) // without one it waits
		p.quiet()
		p.headers(f1.StreamID, true, ":status", "200")
		one.body(t)
		f2, _ := p.request()
		p.headers(f2.StreamID, true, ":status", "200")
		three.body(t)
		if a, f := p.c.Available(), p.c.InFlight(); a != 1 || f != 0 {
			t.Errorf("%d available and %d in flight, want 1 and 0", a, f)
		}
	}, maxStreams(0))
}

func TestGoAway(t *testing.T) {
	bubble(t, Config{}, func(p *peer) {
		one, id1 := p.get()
		two, id2 := p.get()
		waits := p.do("GET", nil)
		synctest.Wait()

		// Two steps: no more streams first, then which were seen.
		p.WriteGoAway(1<<31-1, http2.ErrCodeNo, nil)
		if e := waits.failure(t); e.Sent || !e.NotProcessed || !e.GoAway {
			t.Errorf("waiting: %+v", e)
		}
		if !p.c.Closing() || p.c.Err() != nil || p.c.Available() != 0 {
			t.Errorf("closing %v, error %v, available %d", p.c.Closing(), p.c.Err(), p.c.Available())
		}
		var e *Error
		if err := p.c.Reserve(); !errors.As(err, &e) || !e.GoAway || !e.NotProcessed {
			t.Errorf("Reserve: %v", err)
		}
		p.WriteGoAway(id1, http2.ErrCodeNo, []byte("bye\n"))
		if e := two.failure(t); !e.Sent || !e.NotProcessed || !e.GoAway || !e.Remote {
			t.Errorf("left out: %+v", e)
		}
		p.WriteGoAway(id2, http2.ErrCodeNo, nil) // higher again: means nothing
		p.headers(id1, false, ":status", "200")
		p.WriteData(id1, true, []byte("last"))
		if b, err := one.body(t); b != "last" || err != nil {
			t.Errorf("got %q, %v", b, err)
		}
		<-p.c.Done()
		if err := p.c.Err(); !errors.As(err, &e) || !e.GoAway {
			t.Errorf("error %v", err)
		}
	}, maxStreams(2))
}

// TestGoAwayThenClose: a request that the peer may have processed is not said
// to be safe.
func TestGoAwayThenClose(t *testing.T) {
	bubble(t, Config{}, func(p *peer) {
		k, id := p.get()
		p.WriteGoAway(id, http2.ErrCodeInternal, nil)
		p.nc.Close()
		if e := k.failure(t); !e.Sent || e.NotProcessed || !e.GoAway || e.Code != http2.ErrCodeInternal {
			t.Errorf("got %+v", e)
		}
	})
}

// TestClose: what each browser says when it leaves, and what becomes of
// requests.
func TestClose(t *testing.T) {
	for i, profile := range []*Config{{Profile: chromium()}, {Profile: firefox()}} {
		runBubble(t, func(t *testing.T) {
			p := newPeer(t, *profile, 0)
			p.greet(maxStreams(1))
			k, _ := p.get()
			if i == 1 {
				want[*http2.WindowUpdateFrame](p)
			}
			waits := p.do("GET", nil)
			synctest.Wait()
			p.c.Close()
			if e := k.failure(t); !errors.Is(e, net.ErrClosed) || !e.Sent {
				t.Errorf("in flight: %+v", e)
			}
			if e := waits.failure(t); !errors.Is(e, net.ErrClosed) || e.Sent {
				t.Errorf("waiting: %+v", e)
			}
			if e := p.do("GET", nil).failure(t); !errors.Is(e, net.ErrClosed) || e.Sent {
				t.Errorf("late: %+v", e)
			}
			if i == 1 {
				if f := want[*http2.GoAwayFrame](p); f.ErrCode != http2.ErrCodeNo || f.LastStreamID != 0 {
					t.Errorf("got %v", f)
				}
			}
			if f, err := p.ReadFrame(); err == nil {
				t.Errorf("got %v behind the end", f)
			}
			p.end()
		})
	}
}

// TestCloseUnused: a connection that was never used leaves without a word.
func TestCloseUnused(t *testing.T) {
	runBubble(t, func(t *testing.T) {
		p := newPeer(t, Config{}, 0)
		p.WriteSettings()
		p.quiet()
		p.c.Close()
		if n, err := p.nc.Read(make([]byte, 1)); n != 0 {
			t.Errorf("read %d, %v", n, err)
		}
		p.end()
	})
}

// TestPing: silence is answered with a PING, and silence after that with the
// end.
func TestPing(t *testing.T) {
	bubble(t, Config{PingAfter: time.Minute, PingTimeout: 5 * time.Second}, func(p *peer) {
		start := time.Now()
		k, _ := p.get()
		for range 2 {
			f := want[*http2.PingFrame](p)
			if f.IsAck() {
				t.Error("got an ack")
			}
			p.WritePing(true, f.Data)
		}
		want[*http2.PingFrame](p)
		e := k.failure(t)
		if !e.Timeout() || !e.Sent {
			t.Errorf("got %+v", e)
		}
		if d := time.Since(start); d < 3*time.Minute || d > 4*time.Minute {
			t.Errorf("failed after %v", d)
		}
	})
}

func TestPingAnswered(t *testing.T) {
	bubble(t, Config{}, func(p *peer) {
		data := [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
		p.WritePing(false, data)
		if f := want[*http2.PingFrame](p); !f.IsAck() || f.Data != data {
			t.Errorf("got %v", f)
		}
		// Ten thousand of them over hours are no flood.
		for range 11_000 {
			time.Sleep(time.Second)
			p.WritePing(false, data)
			want[*http2.PingFrame](p)
		}
		p.quiet()
	})
}
