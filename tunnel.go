package mien

import (
	"context"
	"crypto/sha1" //nolint:gosec // what RFC 6455 §4.2.2 asks for; nothing is kept secret by it
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/internal/h2"
)

// A WebSocket to an origin that offers RFC 8441 on a connection which is open
// already is a stream of it, as with browsers; any other has an HTTP/1.1
// connection of its own. The caller sees the answer of RFC 6455 in both cases.

// isWebSocket reports whether req is the opening handshake of a WebSocket.
func isWebSocket(req *http.Request) bool {
	return methodOf(req) == http.MethodGet && isUpgrade(req) && strings.EqualFold(req.Header.Get("Upgrade"), "websocket") &&
		(req.Body == nil || req.Body == http.NoBody)
}

// tunnel returns a connection with a place for a WebSocket, or nil.
func (c *call) tunnel(o *origin) *pooled {
	if c.noTunnel || c.fresh || !isWebSocket(c.req) || !hasList(c.t.cfg.Profile, fingerprint.OverHTTP2, fingerprint.WebSocket) {
		return nil
	}
	now := time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	if now.Before(o.h1Until) {
		return nil
	}
	for _, pc := range o.conns {
		if conn, ok := pc.clientConn.(*h2.Conn); ok && conn.ExtendedConnect() && o.take(pc, now) {
			return pc
		}
	}
	return nil
}

func hasList(p *fingerprint.Profile, wire fingerprint.Wire, destination fingerprint.Destination) bool {
	for i := range p.Headers {
		if l := &p.Headers[i]; l.Wire == wire && l.Destination == destination {
			return len(l.Fields) > 0 // else nobody knows what it sends
		}
	}
	return false
}

// connectWebSocket sends the handshake on pc as an extended CONNECT. The stream
// outlives ctx once the answer is there, as an upgraded connection does.
func (c *call) connectWebSocket(ctx context.Context, pc *pooled) (*http.Response, error) {
	c.noTunnel = true // for the next attempt, if this one fails
	whole, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })
	r, w := io.Pipe()
	ended := make(chan struct{})
	out := c.req.WithContext(whole)
	out.Method, out.Body, out.ContentLength = http.MethodConnect, &tunnelUpload{PipeReader: r, ended: ended}, -1
	out.Host = authority(c.req, c.key)
	out.Header = http.Header{":protocol": {"websocket"}}
	header := c.header
	c.header = make(http.Header, len(header))
	for name, values := range header {
		switch name {
		case "Connection", "Upgrade", "Sec-Websocket-Key": // RFC 8441 §5
		default:
			c.header[name] = values
		}
	}
	head := c.write(fingerprint.OverHTTP2)
	c.header = header
	resp, err := pc.RoundTrip(out, &head)
	if err != nil {
		stop()
		cancel(nil)
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		_ = w.Close()
		if resp.Body == http.NoBody {
			stop()
		} else { // ctx ends it
			resp.Body = &refusalBody{ReadCloser: resp.Body, stop: stop}
		}
		return resp, nil
	}
	if !stop() {
		cancel(nil)
		_ = resp.Body.Close()
		return nil, endOf(ctx)
	}
	resp.StatusCode = http.StatusSwitchingProtocols
	resp.Status = "101 " + http.StatusText(http.StatusSwitchingProtocols)
	resp.Header.Set("Connection", "Upgrade")
	resp.Header.Set("Upgrade", "websocket")
	if key := header.Get("Sec-WebSocket-Key"); key != "" { // whatever its case on the request
		resp.Header.Set("Sec-WebSocket-Accept", acceptKey(key))
	}
	resp.ContentLength = 0
	resp.Body = &tunnelBody{ReadCloser: resp.Body, w: w, ended: ended, cancel: cancel}
	return resp, nil
}

// acceptKey is the answer to a Sec-WebSocket-Key (RFC 6455 §4.2.2). Over HTTP/2
// there is none, and a client that is not told of HTTP/2 wants to see it.
func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // see above
	return base64.StdEncoding.EncodeToString(sum[:])
}

// refusalBody lets go of the request's context at its end.
type refusalBody struct {
	io.ReadCloser
	stop func() bool
}

func (b *refusalBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.stop()
	}
	return n, err
}

func (b *refusalBody) Close() error {
	b.stop()
	return b.ReadCloser.Close()
}

// tunnelUpload is what a tunnel sends, as the connection reads it.
type tunnelUpload struct {
	*io.PipeReader
	once  sync.Once
	ended chan struct{} // closed when the connection reads no more
}

func (u *tunnelUpload) Close() error {
	u.once.Do(func() { close(u.ended) })
	return u.PipeReader.Close()
}

// tunnelBody is a stream as the connection that a 101 hands over: an
// io.ReadWriteCloser. Read, Write and Close may be called concurrently. What Write
// took before Close was called goes out, with END_STREAM behind it (RFC 8441 §5).
type tunnelBody struct {
	io.ReadCloser
	w      *io.PipeWriter
	ended  <-chan struct{}
	cancel context.CancelCauseFunc

	mu      sync.Mutex
	writing int  // guarded by mu; Writes that have not returned
	closed  bool // guarded by mu
}

func (b *tunnelBody) Write(p []byte) (int, error) {
	b.mu.Lock()
	b.writing++
	b.mu.Unlock()
	n, err := b.w.Write(p)
	if err == nil {
		// The connection asks for more when it has queued what it read: only
		// then may Close reset the stream.
		_, err = b.w.Write(nil)
	}
	b.mu.Lock()
	b.writing--
	b.mu.Unlock()
	return n, err
}

// Close ends the stream. A Write that waits for the peer's window is given up.
func (b *tunnelBody) Close() error {
	b.mu.Lock()
	again, waits := b.closed, b.writing == 0
	b.closed = true
	b.mu.Unlock()
	if again {
		return nil
	}
	_ = b.w.Close()
	if waits {
		<-b.ended
	}
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}
