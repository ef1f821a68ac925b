package h2

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/net/http2"
)

// TestConnectionErrors has what ends a connection: the code on the wire and in
// the error of the request that waited.
func TestConnectionErrors(t *testing.T) {
	for _, test := range []struct {
		name   string
		code   http2.ErrCode
		script func(p *peer, id uint32)
	}{
		{"window overflow", http2.ErrCodeFlowControl, func(p *peer, id uint32) {
			p.WriteWindowUpdate(0, 1<<31-1)
			p.WriteWindowUpdate(0, 1<<31-1)
		}},
		{"initial window overflows a stream", http2.ErrCodeFlowControl, func(p *peer, id uint32) {
			p.WriteWindowUpdate(id, 1<<30)
			p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1})
		}},
		{"initial window too large", http2.ErrCodeFlowControl, func(p *peer, id uint32) {
			p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 31})
		}},
		{"frame size 0", http2.ErrCodeProtocol, func(p *peer, id uint32) {
			p.WriteSettings(http2.Setting{ID: http2.SettingMaxFrameSize, Val: 0})
		}},
		{"frame size 16383", http2.ErrCodeProtocol, func(p *peer, id uint32) {
			p.WriteSettings(http2.Setting{ID: http2.SettingMaxFrameSize, Val: 16383})
		}},
		{"extended CONNECT of 2", http2.ErrCodeProtocol, func(p *peer, id uint32) {
			p.WriteSettings(http2.Setting{ID: http2.SettingEnableConnectProtocol, Val: 2})
		}},
		{"GOAWAY on a stream", http2.ErrCodeProtocol, func(p *peer, id uint32) {
			p.WriteRawFrame(http2.FrameGoAway, 0, id, make([]byte, 8))
		}},
		{"headers on an even stream", http2.ErrCodeProtocol, func(p *peer, id uint32) { p.headers(2, false, ":status", "200") }},
		{"content behind the end", http2.ErrCodeStreamClosed, func(p *peer, _ uint32) {
			other, ended := p.get()
			p.headers(ended, true, ":status", "204")
			<-other.done
			p.WriteData(ended, true, []byte("late"))
		}},
		{"frame size too large", http2.ErrCodeProtocol, func(p *peer, id uint32) {
			p.WriteSettings(http2.Setting{ID: http2.SettingMaxFrameSize, Val: 1 << 24})
		}},
		{"push of 2", http2.ErrCodeProtocol, func(p *peer, id uint32) {
			p.WriteSettings(http2.Setting{ID: http2.SettingEnablePush, Val: 2})
		}},
		{"settings of 5 bytes", http2.ErrCodeFrameSize, func(p *peer, id uint32) {
			p.WriteRawFrame(http2.FrameSettings, 0, 0, make([]byte, 5))
		}},
		{"ping of 7 bytes", http2.ErrCodeFrameSize, func(p *peer, id uint32) {
			p.WriteRawFrame(http2.FramePing, 0, 0, make([]byte, 7))
		}},
		{"ping on a stream", http2.ErrCodeProtocol, func(p *peer, id uint32) {
			p.WriteRawFrame(http2.FramePing, 0, id, make([]byte, 8))
		}},
		{"oversized frame", http2.ErrCodeFrameSize, func(p *peer, id uint32) {
			p.headers(id, false, ":status", "200")
			p.WriteData(id, false, make([]byte, 16385))
		}},
		{"window update of 0", http2.ErrCodeProtocol, func(p *peer, id uint32) {
			p.WriteRawFrame(http2.FrameWindowUpdate, 0, 0, make([]byte, 4))
		}},
		{"data on stream 0", http2.ErrCodeProtocol, func(p *peer, id uint32) { p.WriteRawFrame(http2.FrameData, 0, 0, []byte("x")) }},
		{"data on an idle stream", http2.ErrCodeProtocol, func(p *peer, id uint32) { p.WriteData(id+2, false, []byte("x")) }},
		{"data on an even stream", http2.ErrCodeProtocol, func(p *peer, id uint32) { p.WriteData(2, false, []byte("x")) }},
		{"headers on an idle stream", http2.ErrCodeProtocol, func(p *peer, id uint32) { p.headers(id+2, false, ":status", "200") }},
		{"reset of an idle stream", http2.ErrCodeProtocol, func(p *peer, id uint32) { p.WriteRSTStream(id+2, http2.ErrCodeCancel) }},
		{"window update on an idle stream", http2.ErrCodeProtocol, func(p *peer, id uint32) { p.WriteWindowUpdate(id+2, 1) }},
		{"padding too long", http2.ErrCodeProtocol, func(p *peer, id uint32) {
			p.headers(id, false, ":status", "200")
			p.WriteRawFrame(http2.FrameData, http2.FlagDataPadded, id, []byte{200, 'x'})
		}},
		{"headers padding too long", http2.ErrCodeProtocol, func(p *peer, id uint32) {
			p.WriteRawFrame(http2.FrameHeaders, http2.FlagHeadersPadded|http2.FlagHeadersEndHeaders, id, []byte{200, 'x'})
		}},
		{"push", http2.ErrCodeProtocol, func(p *peer, id uint32) {
			p.WritePushPromise(http2.PushPromiseParam{StreamID: id, PromiseID: 2, BlockFragment: p.encode(":method", "GET"), EndHeaders: true})
		}},
		{"continuation alone", http2.ErrCodeProtocol, func(p *peer, id uint32) { p.WriteContinuation(id, true, nil) }},
		{"a frame inside a header block", http2.ErrCodeProtocol, func(p *peer, id uint32) {
			p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.encode(":status", "200")})
			p.WritePing(false, [8]byte{})
		}},
		{"no such index", http2.ErrCodeCompression, func(p *peer, id uint32) {
			p.WriteRawFrame(http2.FrameHeaders, http2.FlagHeadersEndHeaders, id, []byte{0xff, 0x20})
		}},
		{"truncated block", http2.ErrCodeCompression, func(p *peer, id uint32) {
			p.WriteRawFrame(http2.FrameHeaders, http2.FlagHeadersEndHeaders, id, []byte{0x40, 0x05, 'x'})
		}},
		{"table larger than allowed", http2.ErrCodeCompression, func(p *peer, id uint32) {
			p.WriteRawFrame(http2.FrameHeaders, http2.FlagHeadersEndHeaders, id, []byte{0x3f, 0xe2, 0xff, 0x03, 0x88})
		}},
		{"empty continuations", http2.ErrCodeEnhanceYourCalm, func(p *peer, id uint32) {
			p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.encode(":status", "200")})
			for range 9 {
				p.WriteContinuation(id, false, nil)
			}
		}},
		{"tiny continuations", http2.ErrCodeEnhanceYourCalm, func(p *peer, id uint32) {
			p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.encode(":status", "200")})
			for range 200 {
				p.WriteContinuation(id, false, []byte{0x88})
			}
		}},
		{"continuation flood", http2.ErrCodeEnhanceYourCalm, func(p *peer, id uint32) {
			p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.encode(":status", "200")})
			field := append([]byte{0x00, 0x01, 'x', 0x7f, 0xf5, 0x7c}, strings.Repeat("y", 16116)...)
			for range 60 {
				p.WriteContinuation(id, false, field)
			}
		}},
		{"endless string", http2.ErrCodeEnhanceYourCalm, func(p *peer, id uint32) {
			p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: []byte{0x00, 0x01, 'x', 0x7f, 0x80, 0x80, 0x80, 0x80, 0x01}})
			for range 60 {
				p.WriteContinuation(id, false, bytes.Repeat([]byte("y"), 16384))
			}
		}},
		{"ping flood", http2.ErrCodeEnhanceYourCalm, func(p *peer, id uint32) {
			for range 11_000 {
				p.WritePing(false, [8]byte{})
			}
		}},
		{"settings flood", http2.ErrCodeEnhanceYourCalm, func(p *peer, id uint32) {
			for range 11_000 {
				p.WriteSettings()
			}
		}},
		{"priority flood", http2.ErrCodeEnhanceYourCalm, func(p *peer, id uint32) {
			for range 11_000 {
				p.WritePriority(id, http2.PriorityParam{StreamDep: 0, Weight: 1})
			}
		}},
		{"unknown frames", http2.ErrCodeEnhanceYourCalm, func(p *peer, id uint32) {
			for range 1000 {
				p.WriteRawFrame(0xbb, 0, 0, make([]byte, 16384))
			}
		}},
		{"window update flood", http2.ErrCodeEnhanceYourCalm, func(p *peer, id uint32) {
			for range 11_000 {
				p.WriteWindowUpdate(id, 1)
			}
		}},
		{"empty data flood", http2.ErrCodeEnhanceYourCalm, func(p *peer, id uint32) {
			p.headers(id, false, ":status", "200")
			for range 11_000 {
				p.WriteData(id, false, nil)
			}
		}},
		{"more than the connection window", http2.ErrCodeFlowControl, func(p *peer, id uint32) {
			for i := range 3 {
				if i > 0 {
					_, id = p.get()
				}
				p.headers(id, false, ":status", "200")
				for range 6291456 / 16384 {
					p.WriteData(id, false, make([]byte, 16384))
				}
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, Config{}, func(p *peer) {
				k, id := p.get()
				test.script(p, id)
				p.wantGoAway(test.code)
				e := k.failure(t)
				if !e.HasCode || e.Code != test.code || e.Remote || e.Stream || !e.Sent || e.NotProcessed {
					t.Errorf("got %+v", e)
				}
				if err := p.c.Err(); err == nil {
					t.Error("connection has no error")
				}
				if n := p.c.InFlight(); n != 0 {
					t.Errorf("%d in flight", n)
				}
			})
		})
	}
}

// TestStreamErrors has what ends one stream and leaves the connection alone.
func TestStreamErrors(t *testing.T) {
	for _, test := range []struct {
		name   string
		code   http2.ErrCode
		script func(p *peer, id uint32)
	}{
		{"window overflow", http2.ErrCodeFlowControl, func(p *peer, id uint32) {
			p.WriteWindowUpdate(id, 1<<31-1)
			p.WriteWindowUpdate(id, 1<<31-1)
		}},
		{"window update of 0", http2.ErrCodeProtocol, func(p *peer, id uint32) {
			p.WriteRawFrame(http2.FrameWindowUpdate, 0, id, make([]byte, 4))
		}},
		{"no status", http2.ErrCodeProtocol, func(p *peer, id uint32) { p.headers(id, true, "server", "x") }},
		{"empty section", http2.ErrCodeProtocol, func(p *peer, id uint32) { p.headers(id, true) }},
		{"status of 2 digits", http2.ErrCodeProtocol, func(p *peer, id uint32) { p.headers(id, true, ":status", "20") }},
		{"status with a sign", http2.ErrCodeProtocol, func(p *peer, id uint32) { p.headers(id, true, ":status", "+20") }},
		{"two statuses", http2.ErrCodeProtocol, func(p *peer, id uint32) { p.headers(id, true, ":status", "200", ":status", "200") }},
		{"request pseudo-field", http2.ErrCodeProtocol, func(p *peer, id uint32) { p.headers(id, true, ":status", "200", ":path", "/") }},
		{"pseudo-field behind", http2.ErrCodeProtocol, func(p *peer, id uint32) { p.headers(id, true, "server", "x", ":status", "200") }},
		{"upper case", http2.ErrCodeProtocol, func(p *peer, id uint32) { p.headers(id, true, ":status", "200", "Server", "x") }},
		{"space in a name", http2.ErrCodeProtocol, func(p *peer, id uint32) { p.headers(id, true, ":status", "200", "a b", "x") }},
		{"empty name", http2.ErrCodeProtocol, func(p *peer, id uint32) { p.headers(id, true, ":status", "200", "", "x") }},
		{"line break in a value", http2.ErrCodeProtocol, func(p *peer, id uint32) { p.headers(id, true, ":status", "200", "a", "x\r\nb: y") }},
		{"NUL in a value", http2.ErrCodeProtocol, func(p *peer, id uint32) { p.headers(id, true, ":status", "200", "a", "\x00") }},
		{"connection", http2.ErrCodeProtocol, func(p *peer, id uint32) { p.headers(id, true, ":status", "200", "connection", "close") }},
		{"transfer-encoding", http2.ErrCodeProtocol, func(p *peer, id uint32) {
			p.headers(id, true, ":status", "200", "transfer-encoding", "chunked")
		}},
		{"keep-alive", http2.ErrCodeProtocol, func(p *peer, id uint32) { p.headers(id, true, ":status", "200", "keep-alive", "timeout=5") }},
		{"proxy-connection", http2.ErrCodeProtocol, func(p *peer, id uint32) { p.headers(id, true, ":status", "200", "proxy-connection", "x") }},
		{"upgrade", http2.ErrCodeProtocol, func(p *peer, id uint32) { p.headers(id, true, ":status", "200", "upgrade", "h2c") }},
		{"connection in an interim response", http2.ErrCodeProtocol, func(p *peer, id uint32) {
			p.headers(id, false, ":status", "103", "connection", "close")
		}},
		{"connection in trailers", http2.ErrCodeProtocol, func(p *peer, id uint32) {
			p.headers(id, false, ":status", "200")
			p.headers(id, true, "connection", "close")
		}},
		{"content-length is no number", http2.ErrCodeProtocol, func(p *peer, id uint32) {
			p.headers(id, false, ":status", "200", "content-length", "-1")
		}},
		{"two content-lengths", http2.ErrCodeProtocol, func(p *peer, id uint32) {
			p.headers(id, false, ":status", "200", "content-length", "1", "content-length", "2")
		}},
		{"content-length too large", http2.ErrCodeProtocol, func(p *peer, id uint32) {
			p.headers(id, false, ":status", "200", "content-length", "99999999999999999999")
		}},
		{"content-length without content", http2.ErrCodeProtocol, func(p *peer, id uint32) {
			p.headers(id, true, ":status", "200", "content-length", "1")
		}},
		{"less content than declared", http2.ErrCodeProtocol, func(p *peer, id uint32) {
			p.headers(id, false, ":status", "200", "content-length", "3")
			p.WriteData(id, true, []byte("ab"))
		}},
		{"more content than declared", http2.ErrCodeProtocol, func(p *peer, id uint32) {
			p.headers(id, false, ":status", "200", "content-length", "3")
			p.WriteData(id, false, []byte("abcd"))
		}},
		{"content first", http2.ErrCodeProtocol, func(p *peer, id uint32) { p.WriteData(id, false, []byte("x")) }},
		{"content in between", http2.ErrCodeProtocol, func(p *peer, id uint32) {
			p.headers(id, false, ":status", "103")
			p.WriteData(id, false, []byte("x"))
		}},
		{"content of a 204", http2.ErrCodeProtocol, func(p *peer, id uint32) {
			p.WriteData(id, false, []byte("x"))
		}},
		{"interim response that ends", http2.ErrCodeProtocol, func(p *peer, id uint32) { p.headers(id, true, ":status", "103") }},
		{"status 101", http2.ErrCodeProtocol, func(p *peer, id uint32) { p.headers(id, false, ":status", "101") }},
		{"interim flood", http2.ErrCodeEnhanceYourCalm, func(p *peer, id uint32) {
			for range 101 {
				p.headers(id, false, ":status", "103")
			}
		}},
		{"trailers that do not end", http2.ErrCodeProtocol, func(p *peer, id uint32) {
			p.headers(id, false, ":status", "200")
			p.headers(id, false, "x", "y")
		}},
		{"second response", http2.ErrCodeProtocol, func(p *peer, id uint32) {
			p.headers(id, false, ":status", "200")
			p.headers(id, true, ":status", "200")
		}},
		{"trailers with a pseudo-field", http2.ErrCodeProtocol, func(p *peer, id uint32) {
			p.headers(id, false, ":status", "200")
			p.headers(id, true, "x", "y", ":path", "/")
		}},
		{"header section too large", http2.ErrCodeEnhanceYourCalm, func(p *peer, id uint32) {
			// One table entry of 1 KiB, then 300 times its index.
			block := p.encode(":status", "200", "x", strings.Repeat("z", 1024))
			p.WriteHeaders(http2.HeadersFrameParam{
				StreamID: id, BlockFragment: append(block, bytes.Repeat([]byte{0xbe}, 300)...), EndHeaders: true})
		}},
		{"more than the stream window", http2.ErrCodeFlowControl, func(p *peer, id uint32) {
			p.headers(id, false, ":status", "200")
			for range 6291456/16384 + 1 {
				p.WriteData(id, false, make([]byte, 16384))
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, Config{}, func(p *peer) {
				k, id := p.get()
				test.script(p, id)
				p.wantReset(id, test.code)
				e := k.failure(t)
				if !e.HasCode || e.Code != test.code || e.Remote || !e.Stream || !e.Sent {
					t.Errorf("got %+v", e)
				}
				// The connection goes on.
				k, id = p.get()
				p.headers(id, false, ":status", "200")
				p.WriteData(id, true, []byte("fine"))
				if b, err := k.body(t); b != "fine" || err != nil {
					t.Errorf("got %q, %v", b, err)
				}
			})
		})
	}
}
