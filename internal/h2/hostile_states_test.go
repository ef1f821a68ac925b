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

	"github.com/mien-http/mien/fingerprint"
)

// upload starts a POST that the peer's window of 65,535 bytes holds up, and
// reads what comes of it.
func (p *peer) upload() (*call, *watchedBody, uint32) {
	p.t.Helper()
	body := newWatchedBody()
	k := p.do("POST", struct {
		io.Reader
		io.Closer
	}{strings.NewReader(strings.Repeat("x", 200_000)), body})
	f, _ := p.request()
	p.drain()
	return k, body, f.StreamID
}

// TestResetStates: RST_STREAM in every state of a stream ends that stream
// alone, tells its caller, and lets go of the request's body.
func TestResetStates(t *testing.T) {
	const code = http2.ErrCodeInternal
	for _, test := range []struct {
		name  string
		state func(p *peer) (*call, *watchedBody, uint32)
		fine  bool // the response was whole before
	}{
		{"half-closed (local)", func(p *peer) (*call, *watchedBody, uint32) {
			k, id := p.get()
			return k, nil, id
		}, false},
		{"open, uploading", (*peer).upload, false},
		{"open, waiting for 100", func(p *peer) (*call, *watchedBody, uint32) {
			body := newWatchedBody()
			k := p.do("POST", body, expect)
			f, _ := p.request()
			p.quiet()
			return k, body, f.StreamID
		}, false},
		{"interim response", func(p *peer) (*call, *watchedBody, uint32) {
			k, id := p.get()
			p.headers(id, false, ":status", "103", "link", "x")
			synctest.Wait()
			return k, nil, id
		}, false},
		{"response begun", func(p *peer) (*call, *watchedBody, uint32) {
			k, id := p.get()
			p.headers(id, false, ":status", "200")
			p.WriteData(id, false, []byte("part"))
			<-k.done
			return k, nil, id
		}, false},
		{"response begun, uploading", func(p *peer) (*call, *watchedBody, uint32) {
			k, body, id := p.upload()
			p.headers(id, false, ":status", "200")
			<-k.done
			return k, body, id
		}, false},
		{"half-closed (remote)", func(p *peer) (*call, *watchedBody, uint32) {
			k, body, id := p.upload()
			p.headers(id, false, ":status", "200")
			p.WriteData(id, true, []byte("all"))
			<-k.done
			return k, body, id
		}, true},
		{"closed", func(p *peer) (*call, *watchedBody, uint32) {
			k, id := p.get()
			p.headers(id, false, ":status", "200")
			p.WriteData(id, true, []byte("all"))
			<-k.done
			return k, nil, id
		}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, Config{}, func(p *peer) {
				k, body, id := test.state(p)
				p.WriteRSTStream(id, code)
				p.WriteRSTStream(id, code) // of a closed stream
				p.WriteWindowUpdate(id, 1)
				synctest.Wait()
				if test.fine {
					if b, err := k.body(t); b != "all" || err != nil {
						t.Errorf("got %q, %v", b, err)
					}
				} else if e := k.failure(t); e.Code != code || !e.Remote || !e.Stream || !e.Sent || e.NotProcessed {
					t.Errorf("got %+v", e)
				}
				if body != nil {
					<-body.closed
				}
				p.quiet()
				if n, err := p.c.InFlight(), p.c.Err(); n != 0 || err != nil {
					t.Errorf("%d in flight, %v", n, err)
				}
			})
		})
	}
}

// TestHalfClosed: what a peer may and may not do behind its END_STREAM while
// the request is still being sent.
func TestHalfClosed(t *testing.T) {
	for _, late := range []struct {
		name string
		send func(p *peer, id uint32)
	}{
		{"content", func(p *peer, id uint32) { p.WriteData(id, false, []byte("late")) }},
		{"empty content", func(p *peer, id uint32) { p.WriteData(id, true, nil) }},
		{"trailers", func(p *peer, id uint32) { p.headers(id, true, "late", "trailer") }},
		{"a second response", func(p *peer, id uint32) { p.headers(id, false, ":status", "200") }},
	} {
		t.Run(late.name, func(t *testing.T) {
			bubble(t, Config{}, func(p *peer) {
				k, body, id := p.upload()
				p.headers(id, false, ":status", "200")
				p.WriteData(id, true, []byte("all"))
				<-k.done
				p.WriteWindowUpdate(id, 10) // the upload goes on
				p.WriteWindowUpdate(0, 10)
				p.received(10)
				late.send(p, id)
				p.wantReset(id, http2.ErrCodeStreamClosed)
				<-body.closed
				if b, err := k.body(t); b != "all" || err != nil {
					t.Errorf("got %q, %v", b, err)
				}
				p.quiet()
				if n, err := p.c.InFlight(), p.c.Err(); n != 0 || err != nil {
					t.Errorf("%d in flight, %v", n, err)
				}
			})
		})
	}
}

// TestOverflowInUpload: two WINDOW_UPDATEs of 2^31-1 while an upload waits for
// a window.
func TestOverflowInUpload(t *testing.T) {
	for _, stream := range []bool{true, false} {
		bubble(t, Config{}, func(p *peer) {
			k, body, id := p.upload()
			target := uint32(0)
			if stream {
				target = id
			}
			p.WriteWindowUpdate(target, 1<<31-1)
			p.WriteWindowUpdate(target, 1<<31-1)
			e := k.failure(t)
			if e.Code != http2.ErrCodeFlowControl || e.Remote || e.Stream != stream || !e.Sent {
				t.Errorf("got %+v", e)
			}
			<-body.closed
			if stream {
				p.skipTo(id, http2.ErrCodeFlowControl)
				p.quiet()
			} else {
				p.wantGoAway(http2.ErrCodeFlowControl)
			}
		})
	}
}

// skipTo reads up to a RST_STREAM with this code.
func (p *peer) skipTo(id uint32, code http2.ErrCode) {
	p.t.Helper()
	for {
		frame, err := p.ReadFrame()
		if err != nil {
			p.t.Fatalf("no RST_STREAM: %v", err)
		}
		if f, ok := frame.(*http2.RSTStreamFrame); ok {
			if f.StreamID != id || f.ErrCode != code {
				p.t.Fatalf("got %v, want stream %d %v", f, id, code)
			}
			return
		}
	}
}

// TestShrunkInUpload: INITIAL_WINDOW_SIZE 0 in mid-upload makes the window
// negative; the caller can still give up, and the peer can give it back.
func TestShrunkInUpload(t *testing.T) {
	bubble(t, Config{}, func(p *peer) {
		k, body, id := p.upload()
		p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
		want[*http2.SettingsFrame](p)
		p.WriteWindowUpdate(0, 1<<20)
		p.WriteWindowUpdate(id, 65535) // to zero, not above
		p.quiet()
		p.c.mu.Lock()
		if n := p.c.streams[id].send; n != 0 {
			t.Errorf("window of %d, want 0", n)
		}
		p.c.mu.Unlock()
		k.cancel(errReason)
		if e := k.failure(t); !errors.Is(e, errReason) {
			t.Errorf("got %+v", e)
		}
		<-body.closed
		p.wantReset(id, http2.ErrCodeCancel)
		p.quiet()
	})
}

// TestLimitLowered: with more streams open than are allowed now, none is
// opened until fewer are.
func TestLimitLowered(t *testing.T) {
	bubble(t, Config{}, func(p *peer) {
		var calls []*call
		var ids []uint32
		for range 4 {
			k, id := p.get()
			calls, ids = append(calls, k), append(ids, id)
		}
		p.WriteSettings(maxStreams(2))
		want[*http2.SettingsFrame](p)
		next := p.do("GET", nil)
		impatient := p.do("GET", nil)
		p.quiet()
		if n := p.c.Available(); n != 0 {
			t.Errorf("%d available", n)
		}
		impatient.cancel(nil)
		if e := impatient.failure(t); e.Sent || !errors.Is(e, context.Canceled) {
			t.Errorf("got %+v", e)
		}
		for i := range 3 {
			p.quiet()
			p.headers(ids[i], true, ":status", "200")
			if _, err := calls[i].body(t); err != nil {
				t.Error(err)
			}
		}
		f, _ := p.request() // the third that ended made room
		for _, id := range []uint32{ids[3], f.StreamID} {
			p.headers(id, true, ":status", "200")
		}
		calls[3].body(t)
		next.body(t)
		if a, n := p.c.Available(), p.c.InFlight(); a != 2 || n != 0 {
			t.Errorf("%d available, %d in flight", a, n)
		}
	})
}

// TestTableSizes: whatever table sizes the peer announces between requests and
// within one flight, it can decode what it gets.
func TestTableSizes(t *testing.T) {
	for _, config := range []Config{{Profile: chromium()}, {Profile: firefox()}} {
		bubble(t, config, func(p *peer) {
			for _, sizes := range [][]uint32{{0}, {4096}, {1<<32 - 1}, {0, 4096}, {4096, 0}, {100, 65536, 0, 1}, nil, {4096}} {
				for _, size := range sizes {
					p.WriteSettings(http2.Setting{ID: http2.SettingHeaderTableSize, Val: size})
					p.dec.SetAllowedMaxDynamicTableSize(1<<32 - 1)
				}
				p.drain()
				for range 2 {
					k := p.do("GET", nil, func(r *http.Request, h *fingerprint.Head) {
						h.Fields = append(h.Fields, fingerprint.HeaderField{Name: "x-one", Value: "1"}, fingerprint.HeaderField{Name: "cookie", Value: strings.Repeat("c", 200)})
					})
					f, fields := p.request()
					if fields["x-one"] != "1" || len(fields["cookie"]) != 200 {
						t.Fatalf("after %v: got %v", sizes, fields)
					}
					p.headers(f.StreamID, true, ":status", "200")
					k.body(t)
					p.drain()
				}
			}
		})
	}
}

// TestEmptyContinuations: eight of them are borne. (The ninth is among
// TestConnectionErrors.)
func TestEmptyContinuations(t *testing.T) {
	bubble(t, Config{}, func(p *peer) {
		k, id := p.get()
		p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.encode(":status", "200"), EndStream: true})
		for range maxEmptyFrames {
			p.WriteContinuation(id, false, nil)
		}
		p.WriteContinuation(id, true, nil)
		if _, err := k.body(t); err != nil {
			t.Error(err)
		}
		p.quiet()
	})
}

// TestNoSettings: a peer that never sends SETTINGS gets requests, and keeps
// nobody longer than its context.
func TestNoSettings(t *testing.T) {
	runBubble(t, func(t *testing.T) {
		p := newPeer(t, Config{}, 0)
		k := p.do("POST", strings.NewReader("content"))
		p.readPreface()
		want[*http2.SettingsFrame](p)
		want[*http2.WindowUpdateFrame](p)
		f, _ := p.request()
		p.received(7)
		p.quiet()
		if _, known := p.c.StreamLimit(); known {
			t.Error("a limit is known")
		}
		time.AfterFunc(time.Hour, func() { k.cancel(errReason) })
		if e := k.failure(t); !errors.Is(e, errReason) || !e.Sent {
			t.Errorf("got %+v", e)
		}
		p.wantReset(f.StreamID, http2.ErrCodeCancel)
		p.end()
	})
}

// TestGoAwayVariants has what each request is told by a GOAWAY with an error,
// and what becomes of those below its last id.
func TestGoAwayVariants(t *testing.T) {
	bubble(t, Config{}, func(p *peer) {
		one, id1 := p.get()
		two, id2 := p.get()
		three, id3 := p.get()
		four, id4 := p.get()
		p.headers(id3, false, ":status", "200")
		p.WriteData(id3, false, []byte("part"))
		<-three.done
		p.headers(id4, false, ":status", "200")
		p.WriteData(id4, true, []byte("all"))
		<-four.done
		p.WriteGoAway(id2, http2.ErrCodeInternal, []byte("too busy"))
		synctest.Wait()
		// Above: lost, and safe to send again unless it was answered.
		if b, err := three.body(t); b != "part" || !isGoAway(err, http2.ErrCodeInternal, false) {
			t.Errorf("answered and left out: %q, %+v", b, err)
		}
		if b, err := four.body(t); b != "all" || err != nil {
			t.Errorf("complete: %q, %v", b, err)
		}
		p.WriteGoAway(id1, http2.ErrCodeEnhanceYourCalm, nil) // lower, with another code
		if e := two.failure(t); !isGoAway(e, http2.ErrCodeEnhanceYourCalm, true) {
			t.Errorf("left out later: %+v", e)
		}
		// Frames for what was left out are answered once.
		p.WriteData(id2, false, []byte("late"))
		p.wantReset(id2, http2.ErrCodeStreamClosed)
		p.WriteData(id2, false, []byte("late"))
		p.WriteWindowUpdate(id2, 1)
		p.quiet()
		p.WriteGoAway(0, http2.ErrCodeNo, nil)
		if e := one.failure(t); !isGoAway(e, http2.ErrCodeNo, true) {
			t.Errorf("left out at last: %+v", e)
		}
		<-p.c.Done()
		if n := p.c.InFlight(); n != 0 {
			t.Errorf("%d in flight", n)
		}
	})
}

func isGoAway(err error, code http2.ErrCode, unprocessed bool) bool {
	var e *Error
	return errors.As(err, &e) && e.GoAway && e.Remote && e.Sent && e.Code == code && e.NotProcessed == unprocessed
}

// TestConnectRefused: CONNECT, extended or not, is refused before anything is
// sent, whatever the peer's SETTINGS offer.
func TestConnectRefused(t *testing.T) {
	bubble(t, Config{}, func(p *peer) {
		e := p.do("CONNECT", nil, func(r *http.Request, h *fingerprint.Head) {
			h.Fields = append(h.Fields, fingerprint.HeaderField{Name: ":protocol", Value: "websocket"})
		}).failure(t)
		if e.Sent || !errors.Is(e, errConnect) {
			t.Errorf("got %+v", e)
		}
		p.quiet()
		if n := p.c.InFlight(); n != 0 {
			t.Errorf("%d in flight", n)
		}
	}, http2.Setting{ID: http2.SettingEnableConnectProtocol, Val: 1})
}
