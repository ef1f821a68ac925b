package mien_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// h2Faults are the rows that HTTP/2 alone has.
func h2Faults() []fault {
	const (
		above   = "h2 GOAWAY, stream > last-stream-id"
		within  = "h2 GOAWAY, stream <= last-stream-id, then closed"
		codes   = "h2 INTERNAL_ERROR, PROTOCOL_ERROR, ENHANCE_YOUR_CALM on a stream"
		breach  = "h2 peer breaks the protocol"
		ping    = "h2 ping unanswered; TCP_USER_TIMEOUT"
		limits  = "header section over the limit; floods"
		require = "h2 HTTP_1_1_REQUIRED"
	)
	sent := func(class retry.Class, code http2.ErrCode) outcome {
		return outcome{phase: retry.PhaseHeaders, class: class, sent: true, h2: code.String()}
	}
	inBody := func(o outcome) outcome { o.phase = retry.PhaseBody; return o }
	unanswered := outcome{phase: retry.PhaseHeaders, class: retry.ConnectionLost, sent: true, timeout: true}
	all := []fault{
		{row: "h2 REFUSED_STREAM", start: resetting(http2.ErrCodeRefusedStream), seen: true,
			want: sent(retry.NotProcessed, http2.ErrCodeRefusedStream), decision: retry.Any},
		{row: above, seen: true, start: says(func(p *h2Peer, _ uint32) {
			_ = p.WriteGoAway(0, http2.ErrCodeNo, nil)
			p.fin()
		}),
			want: sent(retry.NotProcessed, http2.ErrCodeNo), decision: retry.Any, attempts: retry.DefaultMaxAttempts + 1},
		{row: within, variant: "before the response", seen: true, start: says(func(p *h2Peer, stream uint32) {
			_ = p.WriteGoAway(stream, http2.ErrCodeNo, nil)
			p.fin()
		}), want: sent(retry.ConnectionLost, http2.ErrCodeNo), decision: retry.Idempotent},
		{row: within, variant: "in the body", seen: true, start: says(func(p *h2Peer, stream uint32) {
			p.status(stream, false)
			_ = p.WriteData(stream, false, []byte("begun"))
			_ = p.WriteGoAway(stream, http2.ErrCodeNo, nil)
			p.fin()
		}), want: inBody(sent(retry.ConnectionLost, http2.ErrCodeNo)), decision: retry.Never},
		{row: "body cut", variant: "RST_STREAM", seen: true, start: says(func(p *h2Peer, stream uint32) {
			p.status(stream, false)
			_ = p.WriteData(stream, false, []byte("begun"))
			_ = p.WriteRSTStream(stream, http2.ErrCodeInternal)
		}), want: inBody(sent(retry.BodyCut, http2.ErrCodeInternal)), decision: retry.Never},
		{row: require, variant: "the error", start: http1Required, seen: true, once: true,
			want: sent(retry.NotProcessed, http2.ErrCodeHTTP11Required), decision: retry.Any},
		{row: require, variant: "is remembered", run: rememberHTTP1},
		{row: ping, variant: "ping", seen: true, start: noPong(false), want: unanswered, decision: retry.Idempotent},
		{row: ping, variant: "ping in the body", seen: true, start: noPong(true), want: inBody(unanswered), decision: retry.Never},
		{row: ping, variant: "TCP_USER_TIMEOUT",
			skipped: "the kernel gives up on a peer that acknowledges nothing, and on loopback every peer's kernel acknowledges"},
		{row: limits, variant: "header section, h2", seen: true, start: bigHead, decision: retry.Never,
			want: outcome{phase: retry.PhaseHeaders, class: retry.Protocol, sent: true, h2: http2.ErrCodeEnhanceYourCalm.String()}},
	}
	for _, code := range []http2.ErrCode{http2.ErrCodeInternal, http2.ErrCodeProtocol, http2.ErrCodeEnhanceYourCalm} {
		all = append(all, fault{row: codes, variant: code.String(), seen: true, start: resetting(code),
			want: sent(retry.StreamReset, code), decision: retry.Idempotent})
	}
	for variant, b := range breaches() {
		f := fault{row: breach, variant: variant, seen: true, start: breached(b.code, b.do), want: sent(retry.Protocol, b.code), decision: retry.Idempotent}
		if b.body {
			f.want, f.decision = inBody(f.want), retry.Never
		}
		all = append(all, f)
	}
	for variant, do := range floods() {
		all = append(all, fault{row: limits, variant: variant, seen: true, start: says(do),
			want: sent(retry.Protocol, http2.ErrCodeEnhanceYourCalm), decision: retry.Never})
	}
	for i := range all {
		all[i].wire = "h2"
		all[i].bubble = !strings.HasPrefix(all[i].row, "h2 RE") // scripted peers linger as a second passes
	}
	return all
}

func resetting(code http2.ErrCode) func(*testing.T, place, int) *broken {
	return answering(mientest.RequestAction{Reset: true, ResetCode: uint32(code)})
}

// says is a scripted peer.
func says(do func(p *h2Peer, stream uint32)) func(*testing.T, place, int) *broken {
	return func(t *testing.T, p place, times int) *broken { return scriptedH2(t, p, times, do) }
}

// breach is something that HTTP/2 forbids, and the code it is answered with.
type breach struct {
	code http2.ErrCode
	body bool
	do   func(p *h2Peer, stream uint32)
}

func breaches() map[string]breach {
	return map[string]breach{
		"frame size": {http2.ErrCodeFrameSize, false, func(p *h2Peer, _ uint32) { _ = p.WriteRawFrame(http2.FramePing, 0, 0, make([]byte, 7)) }},
		"flow control": {http2.ErrCodeFlowControl, false, func(p *h2Peer, _ uint32) {
			_ = p.WriteWindowUpdate(0, 1<<31-1)
		}},
		"CONTINUATION": {http2.ErrCodeProtocol, false, func(p *h2Peer, stream uint32) { _ = p.WriteContinuation(stream, true, nil) }},
		"HPACK": {http2.ErrCodeCompression, false, func(p *h2Peer, stream uint32) {
			_ = p.WriteRawFrame(http2.FrameHeaders, http2.FlagHeadersEndHeaders, stream, []byte{0xff, 0x20})
		}},
		"frame size in the body": {http2.ErrCodeFrameSize, true, func(p *h2Peer, stream uint32) {
			p.status(stream, false)
			_ = p.WriteData(stream, false, make([]byte, 1<<14+1))
		}},
	}
}

// breached is a peer that commits a breach and must be told so, with code, as
// its connection ends.
func breached(code http2.ErrCode, do func(p *h2Peer, stream uint32)) func(*testing.T, place, int) *broken {
	return func(t *testing.T, p place, times int) *broken {
		told := make(chan http2.ErrCode, 8)
		b := scriptedH2(t, p, times, func(p *h2Peer, stream uint32) {
			do(p, stream)
			p.told = told
		})
		b.after = func() {
			select {
			case got := <-told:
				if got != code {
					t.Errorf("the peer was told %v, want %v", got, code)
				}
			case <-time.After(time.Minute):
				t.Error("the peer got no GOAWAY")
			}
		}
		return b
	}
}

func floods() map[string]func(p *h2Peer, stream uint32) {
	endless := func(write func(p *h2Peer, stream uint32) error) func(*h2Peer, uint32) {
		return func(p *h2Peer, stream uint32) {
			go gone(p.conn) // or the client's answers fill the connection
			for write(p, stream) == nil {
			}
		}
	}
	return map[string]func(*h2Peer, uint32){
		"SETTINGS flood": endless(func(p *h2Peer, _ uint32) error { return p.WriteSettings() }),
		"PING flood":     endless(func(p *h2Peer, _ uint32) error { return p.WritePing(false, [8]byte{}) }),
		"CONTINUATION flood": func(p *h2Peer, stream uint32) {
			_ = p.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: []byte{0x88}})
			endless(func(p *h2Peer, stream uint32) error { return p.WriteContinuation(stream, false, nil) })(p, stream)
		},
		"1xx flood": endless(func(p *h2Peer, stream uint32) error {
			return p.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: []byte("\x08\x03103"), EndHeaders: true})
		}),
	}
}

// bigHead answers with more fields than Limits.HeaderBytes allows.
func bigHead(t *testing.T, p place, times int) *broken {
	b := scriptedH2(t, p, times, func(p *h2Peer, stream uint32) {
		p.status(stream, true, hpack.HeaderField{Name: "x-large", Value: strings.Repeat("x", 5000)})
	})
	b.cfg.Limits.HeaderBytes = 4096
	return b
}

// noPong is a peer that falls silent, before its answer or within it.
func noPong(body bool) func(*testing.T, place, int) *broken {
	return func(t *testing.T, p place, times int) *broken {
		b := scriptedH2(t, p, times, func(p *h2Peer, stream uint32) {
			p.silent = true
			if body {
				p.status(stream, false)
			}
		})
		b.cfg.Timeouts.PingAfter = time.Second
		return b
	}
}

// http1Required is an origin that wants HTTP/1.1 for the first requests.
func http1Required(t *testing.T, p place, times int) *broken {
	return breaking(t, p, mientest.Config{Protocols: []string{"h2", "http/1.1"}}, times, func(*http.Request) mientest.RequestAction {
		return mientest.RequestAction{Reset: true, ResetCode: uint32(http2.ErrCodeHTTP11Required)}
	})
}

// rememberHTTP1: the origin that wanted HTTP/1.1 once gets it from then on, on
// a connection that offers nothing else.
func rememberHTTP1(t *testing.T, p protocol) {
	b := http1Required(t, place{protocol: p}, 1)
	heard := &retries{}
	s := newSession(t, mien.Config{Hooks: mien.Hooks{Retry: heard.add}})
	for range 3 {
		resp, err := s.Do(request(t, http.MethodPost, b.url, strings.NewReader("content")))
		if err != nil {
			t.Fatal(err)
		}
		if readAll(t, resp); resp.Proto != "HTTP/1.1" {
			t.Errorf("answered over %s", resp.Proto)
		}
		s.CloseIdleConnections()
	}
	if n := b.seen(); n != 4 || len(heard.list) != 1 {
		t.Errorf("seen %d times, %d retries", n, len(heard.list))
	}
}
