package h2

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"github.com/mien-http/mien/fingerprint"
)

// step makes the peer do what one byte of a script says; arg is the next.
func (p *peer) step(op, arg byte) {
	id := uint32(arg%8)*2 + 1
	switch op % 24 {
	case 0:
		p.headers(id, false, ":status", "200")
	case 1:
		p.headers(id, true, ":status", "200", "content-length", "0")
	case 2:
		p.headers(id, false, ":status", "200", "content-length", "5")
	case 3:
		p.headers(id, true, "x-trailer", "y")
	case 4:
		p.WriteData(id, arg > 127, []byte("hello"))
	case 5:
		p.WriteDataPadded(id, arg > 127, make([]byte, 1000), make([]byte, arg))
	case 6:
		p.WriteRSTStream(id, http2.ErrCode(arg>>4))
	case 7:
		p.WriteWindowUpdate(id, uint32(arg)*100)
	case 8:
		p.WriteWindowUpdate(0, uint32(arg)*1000)
	case 9:
		p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(arg) << 10})
	case 10:
		p.WriteSettings(maxStreams(uint32(arg % 8)))
	case 11:
		p.WriteSettings(http2.Setting{ID: http2.SettingHeaderTableSize, Val: uint32(arg) << 6})
	case 12:
		p.WriteGoAway(id, http2.ErrCode(arg>>4), nil)
	case 13:
		p.WritePing(arg > 127, [8]byte{arg})
	case 14:
		p.headers(id, false, ":status", "103", "link", "x")
	case 15:
		p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.encode(":status", "204")})
		p.WriteContinuation(id, true, nil)
	case 16:
		p.WriteRawFrame(http2.FrameType(arg), http2.Flags(op), id, []byte(strings.Repeat("x", int(arg))))
	case 17:
		p.WriteRawFrame(http2.FrameHeaders, 4, id, []byte{arg, op, 0x88})
	case 18:
		p.nc.Write([]byte{0, 0, arg, op, arg, 0, 0, 0, 1})
	case 19:
		time.Sleep(time.Duration(arg) * 10 * time.Millisecond)
	case 20:
		synctest.Wait()
	case 21:
		p.headers(id, false, ":status", "200", "connection", "x")
	case 22:
		p.WriteSettings(http2.Setting{ID: http2.SettingID(arg), Val: uint32(op) << 12})
	case 23:
		if arg == 0 {
			p.nc.Close()
		}
	}
}

// FuzzConn lets a peer do anything at all, to requests of all kinds. Whatever
// it does, every request ends, each stream is answered once at most, the
// windows add up and nothing is left.
func FuzzConn(f *testing.F) {
	f.Add([]byte{})
	for op := range byte(24) {
		f.Add([]byte{op, 0, op, 1, op, 130, op, 255})
		f.Add([]byte{0, 0, 20, 0, op, 0, 20, 0, op, 128, 4, 0, 19, 200})
		f.Add([]byte{10, 1, 20, 0, op, 0, 10, 7, 20, 0, 1, 0, op, 1, 12, 1, 2, 1, 4, 129})
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		synctest.Test(t, func(t *testing.T) {
			cfg := Config{Profile: chromium()}
			if len(script)%2 == 1 {
				cfg.Profile, cfg.PingAfter = firefox(), time.Second
			}
			p := newPeer(t, cfg, 0)
			go io.Copy(io.Discard, p.nc)
			p.WriteSettings()
			var calls []*call
			for i := range 8 {
				var body io.Reader
				change := func(*http.Request, *fingerprint.Head) {}
				switch i % 4 {
				case 1:
					body = strings.NewReader(strings.Repeat("x", 100_000))
				case 2:
					body, change = strings.NewReader("content"), expect
				case 3:
					body = newWatchedBody()
				}
				k := p.do("POST", body, change)
				time.AfterFunc(time.Duration(i+1)*time.Second, func() { k.cancel(nil) })
				calls = append(calls, k)
			}
			for i := 0; i+1 < len(script) && i < 400; i += 2 {
				p.step(script[i], script[i+1])
			}
			for i, k := range calls {
				<-k.done
				if (k.resp == nil) == (k.err == nil) {
					t.Fatalf("response %v and error %v", k.resp, k.err)
				}
				if k.resp != nil {
					if i%3 != 0 {
						io.Copy(io.Discard, k.resp.Body)
					}
					k.resp.Body.Close()
				}
			}
			time.Sleep(time.Minute) // some resets wait
			synctest.Wait()
			p.c.mu.Lock()
			if p.c.err == nil && p.c.recv.n+p.c.recv.owed != p.c.windows.conn {
				t.Errorf("window %d and %d owed, of %d", p.c.recv.n, p.c.recv.owed, p.c.windows.conn)
			}
			if p.c.slots.open != 0 || len(p.c.streams) != 0 || p.c.slots.granted != 0 || len(p.c.slots.waiters) != 0 {
				t.Errorf("%d streams and %+v left", len(p.c.streams), p.c.slots)
			}
			p.c.mu.Unlock()
			p.end()
		})
	})
}
