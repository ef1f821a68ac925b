package h2

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/mien-http/mien/fingerprint"
)

// A peer is a server that does what a test says, frame by frame. It runs in a
// synctest bubble.
type peer struct {
	*http2.Framer
	t   *testing.T
	c   *Conn
	nc  *memConn
	enc *hpack.Encoder
	dec *hpack.Decoder
	buf bytes.Buffer
}

// bubble runs script with a peer that has read the client's preface and sent
// its own SETTINGS, and sees to it that nothing is left of the connection.
func bubble(t *testing.T, cfg Config, script func(*peer), settings ...http2.Setting) {
	synctest.Test(t, func(t *testing.T) {
		p := newPeer(t, cfg, 0)
		defer p.end()
		p.greet(settings...)
		script(p)
	})
}

func newPeer(t *testing.T, cfg Config, limit int) *peer {
	t.Helper()
	if cfg.Profile == nil {
		cfg.Profile = chromium()
	}
	client, server := memPipe(limit)
	p := &peer{t: t, nc: server, Framer: http2.NewFramer(server, server), dec: hpack.NewDecoder(4096, nil)}
	p.Framer.AllowIllegalWrites = true
	p.Framer.AllowIllegalReads = true
	p.enc = hpack.NewEncoder(&p.buf)
	p.c = New(client, cfg)
	return p
}

// greet reads the preface and exchanges SETTINGS.
func (p *peer) greet(settings ...http2.Setting) {
	p.t.Helper()
	p.c.Flush()
	p.readPreface()
	p.WriteSettings(settings...)
	want[*http2.SettingsFrame](p)
	want[*http2.WindowUpdateFrame](p)
	if f := want[*http2.SettingsFrame](p); !f.IsAck() {
		p.t.Fatalf("got %v, want an ack", f)
	}
}

func (p *peer) readPreface() {
	p.t.Helper()
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(p.nc, preface); err != nil || string(preface) != http2.ClientPreface {
		p.t.Fatalf("preface %q, %v", preface, err)
	}
}

// end closes both sides and waits for the connection's goroutines.
func (p *peer) end() {
	p.c.Close()
	p.nc.Close()
	<-p.c.Done()
	synctest.Wait()
}

// want reads the next frame, which must be an F.
func want[F http2.Frame](p *peer) F {
	p.t.Helper()
	frame, err := p.ReadFrame()
	f, ok := frame.(F)
	if !ok {
		p.t.Fatalf("got %v, %v, want %T", frame, err, f)
	}
	return f
}

// quiet fails the test if the client has sent anything.
func (p *peer) quiet() {
	p.t.Helper()
	synctest.Wait()
	if p.buffered() {
		frame, err := p.ReadFrame()
		p.t.Fatalf("unexpected %v, %v", frame, err)
	}
}

// wantReset reads a RST_STREAM with this code.
func (p *peer) wantReset(id uint32, code http2.ErrCode) {
	p.t.Helper()
	if f := want[*http2.RSTStreamFrame](p); f.StreamID != id || f.ErrCode != code {
		p.t.Fatalf("got %v, want stream %d %v", f, id, code)
	}
}

// wantGoAway reads up to a GOAWAY with this code and the end of the connection.
func (p *peer) wantGoAway(code http2.ErrCode) {
	p.t.Helper()
	for {
		frame, err := p.ReadFrame()
		if err != nil {
			p.t.Fatalf("no GOAWAY: %v", err)
		}
		if f, ok := frame.(*http2.GoAwayFrame); ok {
			if f.ErrCode != code || f.LastStreamID != 0 {
				p.t.Fatalf("got %v, want %v", f, code)
			}
			p.nc.Close()
			return
		}
	}
}

// headers sends a header block; fields are names and values in turn.
func (p *peer) headers(id uint32, end bool, fields ...string) {
	p.Framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.encode(fields...), EndStream: end, EndHeaders: true})
}

func (p *peer) encode(fields ...string) []byte {
	p.buf.Reset()
	for i := 0; i < len(fields); i += 2 {
		p.enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return p.buf.Bytes()
}

// request reads a request's HEADERS and returns its fields.
func (p *peer) request() (*http2.HeadersFrame, map[string]string) {
	p.t.Helper()
	f := want[*http2.HeadersFrame](p)
	fields, err := p.dec.DecodeFull(f.HeaderBlockFragment())
	if err != nil {
		p.t.Fatal(err)
	}
	m := make(map[string]string)
	for _, f := range fields {
		m[f.Name] = f.Value
	}
	return f, m
}

// A call is a RoundTrip on its way.
type call struct {
	req    *http.Request
	cancel context.CancelCauseFunc
	done   chan struct{}
	resp   *http.Response
	err    error
}

// do starts a request.
func (p *peer) do(method string, body io.Reader, change ...func(*http.Request, *fingerprint.Head)) *call {
	ctx, cancel := context.WithCancelCause(context.Background())
	req, err := http.NewRequestWithContext(ctx, method, "https://example.com/", body)
	if err != nil {
		p.t.Fatal(err)
	}
	head := headOf(req)
	for _, f := range change {
		f(req, head)
	}
	k := &call{req: req, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(k.done)
		k.resp, k.err = p.c.RoundTrip(k.req, head)
	}()
	return k
}

// get starts a GET and reads its HEADERS.
func (p *peer) get() (*call, uint32) {
	p.t.Helper()
	k := p.do("GET", nil)
	f, _ := p.request()
	return k, f.StreamID
}

// body waits for the response and reads its content.
func (k *call) body(t *testing.T) (string, error) {
	t.Helper()
	<-k.done
	if k.err != nil {
		t.Fatalf("RoundTrip: %v", k.err)
	}
	b, err := io.ReadAll(k.resp.Body)
	return string(b), err
}

// failure waits for the error of RoundTrip or of the body.
func (k *call) failure(t *testing.T) *Error {
	t.Helper()
	<-k.done
	err := k.err
	if err == nil {
		_, err = io.ReadAll(k.resp.Body)
	}
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an *Error", err)
	}
	return e
}

// TestPeer shows how the harness works.
func TestPeer(t *testing.T) {
	bubble(t, Config{}, func(p *peer) {
		k := p.do("POST", strings.NewReader("ping"))
		f, fields := p.request()
		if fields[":method"] != "POST" || f.StreamEnded() {
			t.Errorf("got %v, %v", f, fields)
		}
		if d := want[*http2.DataFrame](p); string(d.Data()) != "ping" || !d.StreamEnded() {
			t.Errorf("got %v", d)
		}
		p.headers(f.StreamID, false, ":status", "200")
		p.WriteData(f.StreamID, true, []byte("pong"))
		if b, err := k.body(t); b != "pong" || err != nil {
			t.Errorf("got %q, %v", b, err)
		}
		p.quiet()
	})
}

// runBubble is synctest.Test, for a script that makes its own peer.
func runBubble(t *testing.T, script func(*testing.T)) { synctest.Test(t, script) }
