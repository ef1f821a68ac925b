package h2

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"github.com/mien-http/mien/fingerprint"
)

// received reads DATA frames until n bytes have come or the stream ends.
func (p *peer) received(n int) (lengths []int, ended bool) {
	p.t.Helper()
	for n > 0 {
		f := want[*http2.DataFrame](p)
		n -= len(f.Data())
		lengths = append(lengths, len(f.Data()))
		if f.StreamEnded() {
			return lengths, true
		}
	}
	return lengths, false
}

func sum(lengths []int) (n int) {
	for _, l := range lengths {
		n += l
	}
	return n
}

// TestUploadWindows: an upload uses its window, the connection's and the
// peer's frame size to the byte, also when SETTINGS take a window back.
func TestUploadWindows(t *testing.T) {
	bubble(t, Config{}, func(p *peer) {
		k := p.do("POST", strings.NewReader(strings.Repeat("x", 200_000)))
		f, _ := p.request()
		if l, _ := p.received(1000); sum(l) != 1000 {
			t.Errorf("got %v, want 1000 bytes", l)
		}
		p.quiet()
		// Shrunk below zero: 1000 are out, so 600 too many.
		p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 400})
		want[*http2.SettingsFrame](p)
		p.WriteWindowUpdate(f.StreamID, 600)
		p.quiet()
		p.WriteWindowUpdate(f.StreamID, 5)
		if l, _ := p.received(5); sum(l) != 5 {
			t.Errorf("got %v, want 5 bytes", l)
		}
		p.quiet()
		// All of the connection's window.
		p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20}, http2.Setting{ID: http2.SettingMaxFrameSize, Val: 20000})
		want[*http2.SettingsFrame](p)
		if l, _ := p.received(65535 - 1005); sum(l) != 65535-1005 {
			t.Errorf("got %v", l)
		}
		p.quiet()
		p.WriteWindowUpdate(0, 1<<20)
		l, ended := p.received(200_000 - 65535)
		if sum(l) != 200_000-65535 || !ended {
			t.Errorf("got %v, ended %v", l, ended)
		}
		p.headers(f.StreamID, true, ":status", "200")
		k.body(t)
		if p.c.send.n != 1<<20+65535-200_000 || len(p.c.send.senders) != 0 {
			t.Errorf("window %d, senders %d", p.c.send.n, len(p.c.send.senders))
		}
	}, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1000})
}

// TestUploadsTakeTurns: the connection's window goes round.
func TestUploadsTakeTurns(t *testing.T) {
	bubble(t, Config{}, func(p *peer) {
		for range 3 {
			p.do("POST", strings.NewReader(strings.Repeat("x", 100_000)))
		}
		p.drain()
		turns := make(map[uint32]int)
		for range 9 {
			p.WriteWindowUpdate(0, 1000)
			synctest.Wait()
			f := want[*http2.DataFrame](p)
			turns[f.StreamID] += len(f.Data())
		}
		if min(turns[1], turns[3], turns[5]) < 2000 {
			t.Errorf("got %v", turns)
		}
	}, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20})
}

// buffered tells whether the client has sent anything that was not read.
func (p *peer) buffered() bool {
	p.nc.in.mu.Lock()
	defer p.nc.in.mu.Unlock()
	return len(p.nc.in.buf) > 0
}

// drain reads what the client has sent.
func (p *peer) drain() {
	for synctest.Wait(); p.buffered(); synctest.Wait() {
		if _, err := p.ReadFrame(); err != nil {
			return
		}
	}
}

func TestUploadLengths(t *testing.T) {
	for _, test := range []struct {
		body     string
		declared int64
		frames   []int // nil: an error
		code     http2.ErrCode
		err      error
	}{
		{"abc", 3, []int{3}, 0, nil},
		{"abc", 0, []int{3}, 0, nil}, // not declared
		{"", 0, []int{0}, 0, nil},
		{"abcd", 3, nil, http2.ErrCodeCancel, errBodyTooLong},
		{"ab", 3, nil, http2.ErrCodeCancel, errBodyTooShort},
	} {
		bubble(t, Config{}, func(p *peer) {
			k := p.do("POST", nil, func(r *http.Request, _ *fingerprint.Head) {
				r.Body, r.ContentLength = io.NopCloser(strings.NewReader(test.body)), test.declared
			})
			f, _ := p.request()
			if test.err != nil {
				synctest.Wait()
				frame, err := p.ReadFrame()
				if d, ok := frame.(*http2.DataFrame); ok && !d.StreamEnded() {
					frame, err = p.ReadFrame()
				}
				if r, ok := frame.(*http2.RSTStreamFrame); !ok || r.ErrCode != test.code {
					t.Errorf("%q of %d: got %v, %v", test.body, test.declared, frame, err)
				}
				if e := k.failure(t); !errors.Is(e, test.err) {
					t.Errorf("%q of %d: %v", test.body, test.declared, e)
				}
				return
			}
			var got []int
			for ended := false; !ended; {
				d := want[*http2.DataFrame](p)
				got, ended = append(got, len(d.Data())), d.StreamEnded()
			}
			if sum(got) != sum(test.frames) {
				t.Errorf("%q of %d: frames %v", test.body, test.declared, got)
			}
			p.headers(f.StreamID, true, ":status", "200")
			k.body(t)
		})
	}
}

// TestEmptyPost: how each browser ends a POST without content.
func TestEmptyPost(t *testing.T) {
	for i, profile := range []*fingerprint.HTTP2{chromium(), firefox()} {
		bubble(t, Config{Profile: profile}, func(p *peer) {
			k := p.do("POST", nil)
			f, _ := p.request()
			if gecko := i == 1; gecko {
				if f.StreamEnded() {
					t.Error("Firefox ends the stream with HEADERS")
				}
				want[*http2.WindowUpdateFrame](p)
				if d := want[*http2.DataFrame](p); len(d.Data()) != 0 || !d.StreamEnded() {
					t.Errorf("got %v", d)
				}
			} else if !f.StreamEnded() {
				t.Error("Chromium does not end the stream with HEADERS")
			}
			p.quiet()
			p.headers(f.StreamID, true, ":status", "200")
			k.body(t)
		})
	}
}

// watchedBody blocks in Read until it is closed, and counts the calls of Close.
type watchedBody struct {
	closed chan struct{}
	calls  atomic.Int32
}

func newWatchedBody() *watchedBody { return &watchedBody{closed: make(chan struct{})} }

func (b *watchedBody) Read([]byte) (int, error) {
	<-b.closed
	return 0, errors.New("read from a closed body")
}

func (b *watchedBody) Close() error {
	if b.calls.Add(1) == 1 {
		close(b.closed)
	}
	return nil
}

// TestResponseWins: a response may come before the content is sent; whatever
// the peer then says, the response is whole and the upload ends.
func TestResponseWins(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(p *peer, id uint32)
	}{
		{"nothing", func(p *peer, id uint32) {}},
		{"reset", func(p *peer, id uint32) { p.WriteRSTStream(id, http2.ErrCodeNo) }},
		{"close", func(p *peer, id uint32) { p.nc.Close() }},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, Config{}, func(p *peer) {
				body := newWatchedBody()
				k := p.do("POST", body)
				f, _ := p.request()
				p.headers(f.StreamID, false, ":status", "413")
				p.WriteData(f.StreamID, true, []byte("too large"))
				<-k.done
				synctest.Wait()
				test.end(p, f.StreamID)
				if b, err := k.body(t); b != "too large" || err != nil || k.resp.StatusCode != 413 {
					t.Errorf("got %q, %v", b, err)
				}
				if test.name == "nothing" {
					p.wantReset(f.StreamID, http2.ErrCodeNo)
				}
				<-body.closed
				synctest.Wait()
				if n := body.calls.Load(); n != 1 {
					t.Errorf("body closed %d times", n)
				}
				if n := p.c.InFlight(); n != 0 {
					t.Errorf("%d in flight", n)
				}
			})
		})
	}
}

// TestCancelUpload: a body that blocks is closed when its request is given up.
func TestCancelUpload(t *testing.T) {
	bubble(t, Config{}, func(p *peer) {
		body := newWatchedBody()
		k := p.do("POST", body)
		f, _ := p.request()
		synctest.Wait()
		k.cancel(nil)
		if e := k.failure(t); !errors.Is(e, context.Canceled) {
			t.Errorf("got %v", e)
		}
		p.wantReset(f.StreamID, http2.ErrCodeCancel)
		<-body.closed

		// And when it is never sent.
		p.c.Close()
		body = newWatchedBody()
		if e := p.do("POST", body).failure(t); e.Sent {
			t.Errorf("got %+v", e)
		}
		<-body.closed
	})
}

// TestUploadBodyError: the body's own error is the request's.
func TestUploadBodyError(t *testing.T) {
	bubble(t, Config{}, func(p *peer) {
		k := p.do("POST", io.MultiReader(strings.NewReader("abc"), errReader{}))
		f, _ := p.request()
		want[*http2.DataFrame](p)
		p.wantReset(f.StreamID, http2.ErrCodeCancel)
		if e := k.failure(t); !errors.Is(e, errReason) || !e.Sent || e.Remote {
			t.Errorf("got %+v", e)
		}
	})
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errReason }

func expect(_ *http.Request, head *fingerprint.Head) {
	head.Fields = append(head.Fields, fingerprint.HeaderField{Name: "expect", Value: "100-continue"})
}

func TestExpectContinue(t *testing.T) {
	bubble(t, Config{}, func(p *peer) {
		// Asked for.
		k := p.do("POST", strings.NewReader("content"), expect)
		f, _ := p.request()
		p.quiet()
		p.headers(f.StreamID, false, ":status", "100")
		p.received(7)
		p.headers(f.StreamID, true, ":status", "200")
		k.body(t)

		// Not answered.
		start := time.Now()
		k = p.do("POST", strings.NewReader("content"), expect)
		f, _ = p.request()
		p.received(7)
		if d := time.Since(start); d != time.Second {
			t.Errorf("waited %v", d)
		}
		p.headers(f.StreamID, true, ":status", "200")
		k.body(t)

		// Refused: nothing is sent.
		k = p.do("POST", strings.NewReader("content"), expect)
		f, _ = p.request()
		p.headers(f.StreamID, false, ":status", "417")
		p.WriteData(f.StreamID, true, []byte("no"))
		if b, err := k.body(t); b != "no" || err != nil {
			t.Errorf("got %q, %v", b, err)
		}
		p.wantReset(f.StreamID, http2.ErrCodeNo)
		p.quiet()
	})
}

// TestTrailersUp: with content and without.
func TestTrailersUp(t *testing.T) {
	for _, content := range []string{"abc", ""} {
		bubble(t, Config{}, func(p *peer) {
			k := p.do("POST", nil, func(r *http.Request, _ *fingerprint.Head) {
				r.Trailer = http.Header{"X-B": {"2"}, "X-A": {"1", "3"}}
				if content != "" {
					r.Body = io.NopCloser(strings.NewReader(content))
				}
			})
			f, fields := p.request()
			if fields["trailer"] != "x-a, x-b" || f.StreamEnded() {
				t.Errorf("got %v", fields)
			}
			if content != "" {
				p.received(len(content))
			}
			trailer := want[*http2.HeadersFrame](p)
			got, err := p.dec.DecodeFull(trailer.HeaderBlockFragment())
			if err != nil || len(got) != 3 || got[0].Value != "1" || got[1].Value != "3" || got[2].Name != "x-b" || !trailer.StreamEnded() {
				t.Errorf("got %v, %v", got, err)
			}
			p.headers(f.StreamID, true, ":status", "200")
			k.body(t)
		})
	}
}

// TestLargeHeader: a field section beyond the peer's frame size goes on in
// CONTINUATION frames.
func TestLargeHeader(t *testing.T) {
	bubble(t, Config{}, func(p *peer) {
		p.AllowIllegalReads = false
		value := strings.Repeat("\x7f", 50_000) // longer in Huffman code
		k := p.do("GET", nil, func(_ *http.Request, head *fingerprint.Head) {
			head.Fields = append(head.Fields, fingerprint.HeaderField{Name: "x-large", Value: value})
		})
		f := want[*http2.HeadersFrame](p)
		if f.Length != 16384 || f.HeadersEnded() || !f.HasPriority() {
			t.Errorf("got %v", f)
		}
		block := append([]byte(nil), f.HeaderBlockFragment()...)
		for ended := false; !ended; {
			cont := want[*http2.ContinuationFrame](p)
			if ended = cont.HeadersEnded(); !ended && cont.Length != 16384 {
				t.Errorf("got %v", cont)
			}
			block = append(block, cont.HeaderBlockFragment()...)
		}
		fields, err := p.dec.DecodeFull(block)
		if err != nil || fields[len(fields)-1].Value != value {
			t.Errorf("%d fields, %v", len(fields), err)
		}
		p.headers(f.StreamID, true, ":status", "200")
		k.body(t)
	})
}
