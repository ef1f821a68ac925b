package h1

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/mien-http/mien/fingerprint"
)

// MaxHeadBytes bounds a request head, both as net/http writes it and as it
// leaves. No server known takes more; Node's limit is 16 KiB, nginx's 32 KiB.
const MaxHeadBytes = 1 << 20

// A Conn is the connection handed to [net/http.Transport.NewClientConn].
//
// All methods may be called concurrently. Begin is for the holder of the
// ClientConn's reservation alone.
type Conn struct {
	below net.Conn // never written to or read from with mu held

	mu sync.Mutex // guards everything below
	w  writer     // where net/http's byte stream stands
	r  status     // where the response to the current request stands

	begun    int   // requests that Begin announced
	sent     bool  // a byte of the current request was passed below
	answered bool  // a byte was read after that
	closed   error // a Read failed with this: nothing more will come
	unread   bool  // a Read failed, be it for a time
	ended    bool  // closed, or the server spoke, before sent
	failed   error // why no byte may be written any more

	onHead func(head []byte) // of the current request; nil: nobody asks
}

// NewConn returns a Conn that writes to and reads from nc. It takes nc over:
// closing the Conn closes nc.
func NewConn(nc net.Conn) *Conn { return &Conn{below: nc} }

// Begin announces a request: the next head that net/http writes is replaced by
// head, which must not be changed until ClientConn.RoundTrip has returned. If
// absoluteForm is set, it replaces the request target (RFC 9112 §3.2.2: plain
// http through a proxy).
//
// A head or absoluteForm that [Validate] refuses makes the request fail when
// net/http writes it, before anything is sent.
func (c *Conn) Begin(head *fingerprint.Head, absoluteForm string) {
	err := Validate(head, absoluteForm)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.failed != nil:
	case !c.w.between() || c.switched():
		c.failed = ErrUnfinished
	default:
		c.failed = err
	}
	// What was read between two requests may belong to the first one's answer;
	// before the first there was nothing to answer.
	c.ended = c.closed != nil || c.ended && c.begun == 0
	c.begun++
	c.sent, c.answered = false, false
	c.r = status{}
	c.onHead = nil
	c.w.begin(head, absoluteForm)
}

// OnHead has f called with the head of the request begun last, as it leaves, when
// it is about to. f may not keep it, nor call the Conn. For the one who called Begin.
func (c *Conn) OnHead(f func(head []byte)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onHead = f
}

// Sent reports whether any byte of the request begun last was passed to the
// connection below, even by a Write that failed.
func (c *Conn) Sent() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sent
}

// Answered reports whether any byte was read after the first byte of the
// request begun last had been passed on. What came earlier cannot be an answer
// to it.
func (c *Conn) Answered() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.answered
}

// Reused reports whether the request begun last is not the connection's first.
func (c *Conn) Reused() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.begun > 1
}

// Stale reports whether, on a connection that carried a request before, nothing
// that was read is an answer to the request begun last: nothing came after it
// had left, or a 408 response came. Servers send one, asked by nobody, when they
// give up on an idle connection, and it may cross with a request; then net/http
// takes it for the answer. Ask when RoundTrip has returned.
//
// It also reports a connection that ended before its first request left.
func (c *Conn) Stale() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended || c.begun > 1 && (!c.answered || c.r.final() == 408)
}

// switched reports whether a 101 response has turned the connection over to
// another protocol. Called with mu held.
func (c *Conn) switched() bool { return c.w.upgrade && c.r.final() == 101 }

// Write takes net/http's bytes. A request head is kept until it is whole, then
// leaves in one Write below together with whatever part of the body came with
// its last bytes. An error ends the connection's use: every later Write fails.
func (c *Conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	if c.failed != nil {
		defer c.mu.Unlock()
		return 0, c.failed
	}
	if c.switched() && c.w.between() {
		c.mu.Unlock()
		return c.below.Write(p)
	}
	if c.ended && !c.sent {
		err := c.idleClosed()
		c.failed = err
		c.mu.Unlock()
		return 0, err
	}
	out, head, used, err := c.w.take(p)
	c.sent = c.sent || len(out) > 0
	c.failed = err
	onHead := c.onHead
	c.mu.Unlock()

	if len(out) == 0 {
		return used, err
	}
	if head > 0 && onHead != nil {
		onHead(out[:head])
	}
	n, werr := c.below.Write(out)
	if head > 0 {
		putBuffer(out)
	}
	if werr != nil {
		c.mu.Lock()
		if c.failed == nil {
			c.failed = fmt.Errorf("h1: connection broken by an earlier write: %w", werr)
		}
		c.mu.Unlock()
		if head > 0 {
			n = 0 // a part of our head stands for no number of net/http's bytes
		}
		return n, werr
	}
	return used, err
}

// Read reads from the connection below and notes what that says of the request
// in progress. net/http closes a connection that it could not write to, and may
// then report the Read that this interrupts: such a Read fails with the reason.
// So does one that brings the first bytes of something that is not HTTP/1.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.below.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed != nil && (errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe)) {
		err = c.failed
	}
	c.unread = c.unread || err != nil
	if c.closed == nil && err != nil && !isTimeout(err) {
		c.closed = err
	}
	switch {
	case !c.sent:
		c.ended = c.ended || n > 0 || c.closed != nil
	case n > 0:
		c.answered = true
		c.r.read(p[:n])
		if _, sure := c.r.strange(); sure && err == nil {
			err = errStrange
		}
	}
	return n, err
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// CloseWrite closes the sending side of the connection below, or fails with
// [errors.ErrUnsupported] where that cannot be done. net/http offers it on the
// body of a 101 response.
func (c *Conn) CloseWrite() error {
	if cw, ok := c.below.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return fmt.Errorf("h1: closing the sending side: %w", errors.ErrUnsupported)
}

// NetConn returns the connection below. Using it bypasses everything that this
// package knows and promises.
func (c *Conn) NetConn() net.Conn { return c.below }

// Close closes the connection below.
func (c *Conn) Close() error { return c.below.Close() }

// LocalAddr returns the local address of the connection below.
func (c *Conn) LocalAddr() net.Addr { return c.below.LocalAddr() }

// RemoteAddr returns the remote address of the connection below.
func (c *Conn) RemoteAddr() net.Addr { return c.below.RemoteAddr() }

// SetDeadline sets both deadlines of the connection below.
func (c *Conn) SetDeadline(t time.Time) error { return c.below.SetDeadline(t) }

// SetReadDeadline sets the read deadline of the connection below.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.below.SetReadDeadline(t) }

// SetWriteDeadline sets the write deadline of the connection below.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.below.SetWriteDeadline(t) }
