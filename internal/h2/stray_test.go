package h2

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"golang.org/x/net/http2"
)

func TestTruncatedBody(t *testing.T) {
	bubble(t, Config{}, func(p *peer) {
		k, id := p.get()
		p.headers(id, false, ":status", "200", "content-length", "3")
		p.WriteData(id, true, []byte("ab"))
		p.wantReset(id, http2.ErrCodeProtocol)
		b, err := k.body(t)
		if b != "ab" || !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			t.Errorf("got %q, %v", b, err)
		}
	})
}

// TestStray: frames for a stream that has ended are let pass where this side
// gave it up, an error of the stream where the peer did, and of the connection
// where the peer had come to its end.
func TestStray(t *testing.T) {
	bubble(t, Config{}, func(p *peer) {
		k, id := p.get()
		p.headers(id, false, ":status", "200")
		<-k.done
		k.resp.Body.Close()
		p.wantReset(id, http2.ErrCodeCancel)
		p.WriteData(id, false, []byte("late"))
		p.headers(id, true, "late", "trailer")
		p.WriteRSTStream(id, http2.ErrCodeNo)
		p.WriteWindowUpdate(id, 10)
		p.quiet()

		for _, late := range []func(id uint32){
			func(id uint32) { p.WriteData(id, false, []byte("late")) },
			func(id uint32) { p.headers(id, true, "late", "trailer") },
		} {
			k, id = p.get()
			p.WriteRSTStream(id, http2.ErrCodeInternal)
			k.failure(t)
			late(id)
			p.wantReset(id, http2.ErrCodeStreamClosed)
			late(id)
			p.WriteRSTStream(id, http2.ErrCodeInternal)
			p.quiet()
		}
		if err := p.c.Err(); err != nil {
			t.Error(err)
		}
		other, _ := p.get()
		k, id = p.get()
		p.headers(id, true, ":status", "204")
		<-k.done
		p.WriteWindowUpdate(id, 10) // harmless
		p.WriteRSTStream(id, http2.ErrCodeNo)
		p.quiet()
		p.WriteData(id, false, []byte("late"))
		p.wantGoAway(http2.ErrCodeStreamClosed)
		if e := other.failure(t); e.Code != http2.ErrCodeStreamClosed || e.Remote || e.Stream || e.NotProcessed {
			t.Errorf("got %+v", e)
		}
	})
}

// TestIgnoredFlood: a peer that goes on sending on a stream that was reset is
// cut off.
func TestIgnoredFlood(t *testing.T) {
	bubble(t, Config{}, func(p *peer) {
		k, id := p.get()
		p.headers(id, false, ":status", "200")
		<-k.done
		k.resp.Body.Close()
		for range 1100 {
			p.WriteData(id, false, make([]byte, 16384))
		}
		p.wantGoAway(http2.ErrCodeEnhanceYourCalm)
	})
}

// TestFirstFrame: the peer starts with SETTINGS or not at all.
func TestFirstFrame(t *testing.T) {
	for _, first := range []string{"\x00\x00\x08\x06\x00\x00\x00\x00\x0012345678", "HTTP/1.1 400 Bad Request\r\n\r\n"} {
		t.Run(fmt.Sprintf("%.8q", first), func(t *testing.T) {
			runBubble(t, func(t *testing.T) {
				p := newPeer(t, Config{}, 0)
				k := p.do("GET", nil)
				p.readPreface()
				p.nc.Write([]byte(first))
				e := k.failure(t)
				if !e.HasCode || e.Remote {
					t.Errorf("got %+v", e)
				}
				p.end()
			})
		})
	}
}

// TestResetInPlaceOfEnd: NO_ERROR ends a response of which all that was
// declared is there, and no other.
func TestResetInPlaceOfEnd(t *testing.T) {
	for _, test := range []struct {
		length string
		code   http2.ErrCode
		fine   bool
	}{{"3", http2.ErrCodeNo, true}, {"3", http2.ErrCodeCancel, false}, {"4", http2.ErrCodeNo, false}, {"", http2.ErrCodeNo, false}} {
		bubble(t, Config{}, func(p *peer) {
			k, id := p.get()
			fields := []string{":status", "200"}
			if test.length != "" {
				fields = append(fields, "content-length", test.length)
			}
			p.headers(id, false, fields...)
			p.WriteData(id, false, []byte("all"))
			p.WriteRSTStream(id, test.code)
			b, err := k.body(t)
			var e *Error
			if b != "all" || (err == nil) != test.fine || !test.fine && (!errors.As(err, &e) || e.Code != test.code || !e.Remote) {
				t.Errorf("length %q, %v: got %q, %v", test.length, test.code, b, err)
			}
			p.quiet()
			if n := p.c.InFlight(); n != 0 {
				t.Errorf("%d in flight", n)
			}
		})
	}
}
