package mien

import (
	"context"
	"crypto/sha1" //nolint:gosec // what RFC 6455 §4.2.2 asks for; nothing is kept secret by it
	"encoding/base64"
	"io"
	"net/http"
	"strings"
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
	out := c.req.WithContext(whole)
	out.Method, out.Body, out.ContentLength = http.MethodConnect, r, -1
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
		cancel(nil)
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		_ = w.Close()
		return resp, nil // its body ends with ctx
	}
	if !stop() {
		cancel(nil)
		_ = resp.Body.Close()
		return nil, context.Cause(ctx)
	}
	resp.StatusCode = http.StatusSwitchingProtocols
	resp.Status = "101 " + http.StatusText(http.StatusSwitchingProtocols)
	resp.Header.Set("Connection", "Upgrade")
	resp.Header.Set("Upgrade", "websocket")
	if key := c.req.Header.Get("Sec-WebSocket-Key"); key != "" {
		resp.Header.Set("Sec-WebSocket-Accept", acceptKey(key))
	}
	resp.ContentLength = 0
	resp.Body = &tunnelBody{ReadCloser: resp.Body, w: w, cancel: cancel}
	return resp, nil
}

// acceptKey is the answer to a Sec-WebSocket-Key (RFC 6455 §4.2.2). Over HTTP/2
// there is none, and a client that is not told of HTTP/2 wants to see it.
func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // see above
	return base64.StdEncoding.EncodeToString(sum[:])
}

// tunnelBody is a stream as the connection that a 101 hands over: an
// io.ReadWriteCloser. Read, Write and Close may be called concurrently.
type tunnelBody struct {
	io.ReadCloser
	w      *io.PipeWriter
	cancel context.CancelCauseFunc
}

func (b *tunnelBody) Write(p []byte) (int, error) { return b.w.Write(p) }

func (b *tunnelBody) Close() error {
	err := b.ReadCloser.Close()
	_ = b.w.Close()
	b.cancel(nil)
	return err
}
