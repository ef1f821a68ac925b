package mien

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/internal/h1"
	"github.com/mien-http/mien/internal/h2"
	"github.com/mien-http/mien/retry"
)

// clientConn is one connection to an origin, of either kind. Its methods are
// those of http.ClientConn, but that RoundTrip gets the head that goes on the
// wire. A successful Reserve is followed by one RoundTrip or one Release.
type clientConn interface {
	RoundTrip(*http.Request, *fingerprint.Head) (*http.Response, error)
	Reserve() error
	Release()
	Available() int
	InFlight() int
	Err() error
	Close() error
}

var (
	_ clientConn = (*h2.Conn)(nil)
	_ clientConn = (*h1Conn)(nil)
)

// pooled is a connection in the pool of its origin.
type pooled struct {
	clientConn
	origin *origin
	wire   fingerprint.Wire
	nc     net.Conn
	tls    *tls.ConnectionState // nil for cleartext; not changed once set
	uses   atomic.Int64         // requests begun
	single bool                 // for one request alone: never offered to another

	member    bool        // guarded by origin.mu; in origin.conns
	idleSince time.Time   // guarded by origin.mu; zero while in use
	idleTimer *time.Timer // guarded by origin.mu; closes the connection when it fires
}

// ended reports whether pc takes no request any more.
func (pc *pooled) ended() bool {
	c, ok := pc.clientConn.(*h2.Conn)
	return pc.Err() != nil || ok && c.Closing()
}

// h1Conn makes an http.ClientConn a clientConn. It keeps the reservation
// itself: http.ClientConn runs its state hook inside Reserve and Release, which
// the pool calls with its lock held.
type h1Conn struct {
	cc    *http.ClientConn
	conn  *h1.Conn
	busy  atomic.Bool // reserved or in use
	dead  atomic.Bool // not to be used again
	done  func()      // tells the pool that Available or Err changed; no lock is held
	limit int64       // of a response head, in bytes

	forwarded     bool   // to a proxy that forwards: absolute form
	authorization string // Proxy-Authorization of such requests, "" for none
	gecko         bool   // such requests look like Firefox's
}

// errUnsolicited: the server ended an idle connection with a response (RFC 9110
// §15.5.9) as the request was on its way.
var errUnsolicited = fmt.Errorf("server closed the idle connection with an unsolicited 408: %w", io.EOF)

var errBusy = errors.New("connection is busy")

func (c *h1Conn) Reserve() error {
	if err := c.Err(); err != nil {
		return err
	}
	if !c.busy.CompareAndSwap(false, true) {
		return errBusy
	}
	return nil
}

func (c *h1Conn) Release() {
	c.busy.Store(false)
}

func (c *h1Conn) Available() int {
	if c.busy.Load() || c.Err() != nil {
		return 0
	}
	return 1
}

func (c *h1Conn) InFlight() int {
	if c.busy.Load() {
		return 1
	}
	return 0
}

func (c *h1Conn) Err() error {
	if err := c.cc.Err(); err != nil {
		return err // it may hold an alert
	}
	if c.dead.Load() {
		return net.ErrClosed
	}
	return nil
}

func (c *h1Conn) Close() error {
	c.dead.Store(true)
	return c.cc.Close()
}

// RoundTrip sends req with head on the reserved connection. An error is an
// *h1Error with what is known of the request's fate.
func (c *h1Conn) RoundTrip(req *http.Request, head *fingerprint.Head) (*http.Response, error) {
	absolute := ""
	if c.forwarded {
		absolute = absoluteForm(req)
		head = c.proxied(head)
	}
	c.conn.Begin(head, absolute)
	out := c.outgoing(req)
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && trace.WroteHeaderField != nil {
		c.conn.OnHead(tellHead(trace))
		out = out.WithContext(withoutHead(req.Context(), trace))
	}
	resp, err := c.cc.RoundTrip(out)
	if err != nil {
		c.finish()
		if !ofCaller(err) {
			err = c.conn.Explain(err, c.limit)
		}
		return nil, &h1Error{sent: c.conn.Sent(), answered: c.conn.Answered(), err: c.concealed(retry.PhaseHeaders, err)}
	}
	resp.Request = req
	if resp.StatusCode == http.StatusRequestTimeout && resp.Close && c.conn.Stale() {
		// A 408 to the silence before, not an answer to this: it ends the connection.
		discard(resp, func() { _ = c.Close() })
		_ = c.Close()
		return nil, &h1Error{sent: c.conn.Sent(), err: errUnsolicited}
	}
	switch {
	case resp.StatusCode == http.StatusSwitchingProtocols:
		// The body is the connection from here on; the pool has let go of it.
	case resp.Body == http.NoBody || resp.Body == nil:
		c.finish()
	default:
		resp.Body = &h1Body{ReadCloser: resp.Body, conn: c}
	}
	return resp, nil
}

// absoluteForm is the target of req for a proxy that forwards it (RFC 9112 §3.2.2),
// with the same path and query that it would have for the origin itself.
func absoluteForm(req *http.Request) string {
	target := req.URL.RequestURI()
	if rest, ok := strings.CutPrefix(target, req.URL.Scheme+"://"); ok { // of an opaque URL
		target = strings.TrimLeftFunc(rest, func(r rune) bool { return r != '/' && r != '?' })
	}
	switch {
	case target == "*":
		target = "" // RFC 9112 §3.2.4
	case !strings.HasPrefix(target, "/"): // nothing of it may become a part of the host
		target = "/" + target
	}
	u := url.URL{Scheme: "http", Host: req.Host}
	return u.String() + target
}

// proxied is head as browsers send it to a proxy that forwards it, captured in
// testdata/proxied: Chromium has Proxy-Connection for Connection and credentials
// behind that and the length; Firefox changes nothing and has credentials before
// Connection, where it sends them unasked.
func (c *h1Conn) proxied(head *fingerprint.Head) *fingerprint.Head {
	out := *head
	out.Fields = slices.Clone(head.Fields)
	at := 0 // of the credentials
	for i := range out.Fields {
		f := &out.Fields[i]
		switch {
		case strings.EqualFold(f.Name, "Connection"):
			if at = i; c.gecko {
				break
			}
			at++
			if f.Value == "keep-alive" {
				f.Name = "Proxy-Connection"
			}
		case at == i && (strings.EqualFold(f.Name, "Host") || strings.EqualFold(f.Name, "Content-Length") && !c.gecko):
			at++
		}
	}
	if c.authorization != "" {
		out.Fields = slices.Insert(out.Fields, at, fingerprint.HeaderField{Name: "Proxy-Authorization", Value: c.authorization})
	}
	return &out
}

// outgoing gives net/http the parts of req that decide framing; every other
// field comes from the head.
func (c *h1Conn) outgoing(req *http.Request) *http.Request {
	out := &http.Request{
		Method:           req.Method,
		URL:              req.URL,
		Proto:            "HTTP/1.1",
		ProtoMajor:       1,
		ProtoMinor:       1, // or Expect: 100-continue is not waited for
		Host:             req.Host,
		Header:           make(http.Header, 2),
		Body:             req.Body,
		ContentLength:    req.ContentLength,
		TransferEncoding: req.TransferEncoding,
		Trailer:          req.Trailer,
		Close:            req.Close,
	}
	for _, name := range [...]string{"Expect", "Connection", "Upgrade"} {
		if v := req.Header[name]; len(v) > 0 {
			out.Header[name] = v
		}
	}
	out.Header["User-Agent"] = nil
	return out.WithContext(req.Context())
}

// finish ends the use of the connection by one request.
func (c *h1Conn) finish() {
	if c.cc.Available() > 0 {
		c.busy.Store(false)
	} else {
		_ = c.Close()
	}
	c.done()
}

// h1Body ends the use of its connection when it is read to the end or closed.
type h1Body struct {
	io.ReadCloser
	conn   *h1Conn
	over   atomic.Bool
	failed error // the reader's own; what the first Read failed with
}

func (b *h1Body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == nil || err == io.EOF {
		if err != nil {
			b.end()
		}
		return n, err
	}
	if b.failed == nil {
		if !b.over.Load() { // else it was closed, and that is all
			err = b.conn.conn.ExplainBody(err)
		}
		b.failed = b.conn.concealed(retry.PhaseBody, err)
		b.end()
	}
	return n, b.failed
}

func (b *h1Body) Close() error {
	err := b.ReadCloser.Close()
	b.end()
	return err
}

func (b *h1Body) end() {
	if b.over.CompareAndSwap(false, true) {
		b.conn.finish()
	}
}

// h1Error says what is known of the request that an HTTP/1.1 connection failed.
type h1Error struct {
	sent, answered bool
	err            error
}

func (e *h1Error) Error() string     { return e.err.Error() }
func (e *h1Error) Unwrap() error     { return e.err }
func (e *h1Error) RequestSent() bool { return e.sent }

// h1Transport makes http.ClientConns of connections that are open already: they
// come in the context. Its RoundTrip is never called, because it would re-send,
// dial and pick proxies by itself.
func h1Transport(headerBytes int) *http.Transport {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	take := func(ctx context.Context, _, _ string) (net.Conn, error) {
		if c, ok := ctx.Value(dialedKey{}).(net.Conn); ok {
			return c, nil
		}
		return nil, errors.New("mien: no connection was handed over")
	}
	return &http.Transport{
		Protocols:              p,
		DialContext:            take,
		DialTLSContext:         take,
		DisableCompression:     true,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: int64(headerBytes),
	}
}

type dialedKey struct{}

// newH1Conn takes over nc. done is called whenever the connection became free
// or unusable.
func newH1Conn(ctx context.Context, t *http.Transport, nc net.Conn, key originKey, done func()) (*h1Conn, error) {
	c := &h1Conn{conn: h1.NewConn(nc), done: done, limit: t.MaxResponseHeaderBytes}
	cc, err := t.NewClientConn(context.WithValue(ctx, dialedKey{}, net.Conn(c.conn)), key.scheme, key.addr())
	if err != nil {
		return nil, err
	}
	c.cc = cc
	cc.SetStateHook(func(cc *http.ClientConn) {
		if cc.Err() != nil && !c.dead.Swap(true) {
			done()
		}
	})
	return c, nil
}
