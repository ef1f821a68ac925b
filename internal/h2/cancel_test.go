package h2

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
)

var errReason = errors.New("changed my mind")

// TestCancel: at any moment, with the context's error, and RST_STREAM.
func TestCancel(t *testing.T) {
	for _, test := range []struct {
		name  string
		until func(p *peer, k *call, id uint32)
	}{
		{"before the response", func(p *peer, k *call, id uint32) {}},
		{"before the content", func(p *peer, k *call, id uint32) {
			p.headers(id, false, ":status", "200")
			<-k.done
		}},
		{"amid unread content", func(p *peer, k *call, id uint32) {
			p.headers(id, false, ":status", "200")
			p.WriteData(id, false, []byte("some"))
			<-k.done
			synctest.Wait()
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, Config{}, func(p *peer) {
				k, id := p.get()
				test.until(p, k, id)
				k.cancel(errReason)
				// Without anybody in Read or Close:
				p.wantReset(id, http2.ErrCodeCancel)
				e := k.failure(t)
				if !errors.Is(e, context.Canceled) || !errors.Is(e, errReason) || !e.Sent || e.HasCode {
					t.Errorf("got %+v", e)
				}
				synctest.Wait()
				if n := p.c.InFlight(); n != 0 {
					t.Errorf("%d in flight", n)
				}
				if p.c.recv.n+p.c.recv.owed != p.c.windows.conn {
					t.Errorf("window of %d and %d owed, want %d", p.c.recv.n, p.c.recv.owed, p.c.windows.conn)
				}
			})
		})
	}
}

func TestDeadline(t *testing.T) {
	bubble(t, Config{}, func(p *peer) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		req, _ := http.NewRequestWithContext(ctx, "GET", "https://example.com/", nil)
		start := time.Now()
		_, err := p.c.RoundTrip(req, headOf(req))
		var e *Error
		if !errors.As(err, &e) || !errors.Is(err, context.DeadlineExceeded) || !e.Timeout() || time.Since(start) != time.Second {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
		// An ended context sends nothing.
		_, err = p.c.RoundTrip(req, headOf(req))
		if !errors.As(err, &e) || e.Sent {
			t.Errorf("got %v", err)
		}
		p.request()
		p.wantReset(1, http2.ErrCodeCancel)
		p.quiet()
	})
}

// TestCompleteSurvives: a response that is all there is not disturbed by the
// end of its connection.
func TestCompleteSurvives(t *testing.T) {
	bubble(t, Config{}, func(p *peer) {
		k, id := p.get()
		p.headers(id, false, ":status", "200")
		p.WriteData(id, true, []byte("all"))
		<-k.done
		synctest.Wait()
		p.nc.Close()
		<-p.c.Done()
		if b, err := k.body(t); b != "all" || err != nil {
			t.Errorf("got %q, %v", b, err)
		}
	})
}

// TestCut: what the peer's end does to a request, by how far it had come.
func TestCut(t *testing.T) {
	bubble(t, Config{}, func(p *peer) {
		one, _ := p.get()
		two, id := p.get()
		p.headers(id, false, ":status", "200")
		p.WriteData(id, false, []byte("part"))
		<-two.done
		p.nc.Close()
		if e := one.failure(t); !errors.Is(e, io.EOF) || !e.Sent || !e.Remote || e.NotProcessed {
			t.Errorf("waiting: %+v", e)
		}
		b, err := two.body(t)
		if b != "part" || !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			t.Errorf("reading: %q, %v", b, err)
		}
	})
}

func TestReset(t *testing.T) {
	for code, processed := range map[http2.ErrCode]bool{
		http2.ErrCodeRefusedStream: false, http2.ErrCodeHTTP11Required: false, http2.ErrCodeInternal: true, http2.ErrCodeNo: true} {
		bubble(t, Config{}, func(p *peer) {
			k, id := p.get()
			p.WriteRSTStream(id, code)
			e := k.failure(t)
			if got, ok := e.HTTP2Code(); !ok || http2.ErrCode(got) != code || !e.Remote || !e.Stream || !e.RequestSent() || e.Unprocessed() == processed {
				t.Errorf("%v: got %+v", code, e)
			}
			// Behind a response nothing can be said of the request.
			k, id = p.get()
			p.headers(id, false, ":status", "200")
			p.WriteData(id, false, []byte("part"))
			<-k.done
			p.WriteRSTStream(id, code)
			b, err := k.body(t)
			if !errors.As(err, &e) || b != "part" || e.Code != code || e.NotProcessed {
				t.Errorf("%v: got %q, %+v", code, b, err)
			}
			p.quiet()
		})
	}
}

// TestUnsent: a request that was never handed to the net.Conn is known not to
// be sent.
func TestUnsent(t *testing.T) {
	runBubble(t, func(t *testing.T) {
		p := newPeer(t, Config{}, 10) // takes 10 bytes of the preface
		p.c.Flush()
		synctest.Wait()
		k := p.do("POST", strings.NewReader("x"))
		synctest.Wait()
		p.nc.Close()
		if e := k.failure(t); e.Sent || !e.Remote {
			t.Errorf("got %+v", e)
		}
		p.end()
	})
}

// TestStalled: a peer that does not read blocks nobody beyond its context, and
// does not fill the memory.
func TestStalled(t *testing.T) {
	runBubble(t, func(t *testing.T) {
		p := newPeer(t, Config{}, 10)
		start := time.Now()
		for range 50 {
			k := p.do("POST", strings.NewReader(strings.Repeat("x", 1<<20)))
			time.AfterFunc(time.Second, func() { k.cancel(nil) })
			if e := k.failure(t); !errors.Is(e, context.Canceled) {
				t.Fatalf("got %+v", e)
			}
		}
		if d := time.Since(start); d != 50*time.Second {
			t.Errorf("took %v", d)
		}
		p.c.mu.Lock()
		if n := len(p.c.out.queue); n > maxQueued {
			t.Errorf("%d bytes queued", n)
		}
		p.c.mu.Unlock()
		p.c.Close()
		<-p.c.Done() // although the writer is stuck
		p.end()
	})
}

// TestStalledReplies: a peer that asks and does not listen is cut off.
func TestStalledReplies(t *testing.T) {
	runBubble(t, func(t *testing.T) {
		p := newPeer(t, Config{}, 100)
		k := p.do("GET", nil)
		p.WriteSettings()
		for range 2000 {
			p.WritePing(false, [8]byte{})
		}
		if e := k.failure(t); e.Code != http2.ErrCodeEnhanceYourCalm || e.Remote {
			t.Errorf("got %+v", e)
		}
		p.end()
	})
}

// TestManyCancels: resets are paced; a connection on which nothing else is
// left is given up instead.
func TestManyCancels(t *testing.T) {
	bubble(t, Config{}, func(p *peer) {
		var calls []*call
		for range 200 {
			k, _ := p.get()
			calls = append(calls, k)
		}
		live, id := calls[199], uint32(399)
		for _, k := range calls[:199] {
			k.cancel(nil)
			<-k.done
		}
		start := time.Now()
		for range resetBurst {
			want[*http2.RSTStreamFrame](p)
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("burst took %v", d)
		}
		if n := p.c.InFlight(); n != 100 {
			t.Errorf("%d in flight, want 100", n)
		}
		for range 10 {
			want[*http2.RSTStreamFrame](p)
		}
		if d := time.Since(start); d < 10*resetEvery-resetEvery || d > 11*resetEvery {
			t.Errorf("10 more took %v", d)
		}
		// What the peer ends needs no reset.
		for id := uint32(299); id < 399; id += 2 {
			p.headers(id, true, ":status", "200")
		}
		synctest.Wait()
		if n := p.c.InFlight(); n > 50 {
			t.Errorf("%d in flight", n)
		}
		p.headers(id, true, ":status", "200")
		live.body(t)
		<-p.c.Done()
	}, maxStreams(1000))
}
