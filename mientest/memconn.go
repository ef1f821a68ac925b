package mientest

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// memBuffer is how much one direction of a connection in memory holds, in
// bytes, before a Write waits.
const memBuffer = 256 << 10

// memHalf is one direction of a connection in memory.
type memHalf struct {
	mu   sync.Mutex
	cond sync.Cond // on mu; signals every change

	buf      []byte // guarded by mu: written and not yet read
	eof      bool   // guarded by mu: nothing more will be written
	gone     bool   // guarded by mu: the reading side has closed
	reset    bool   // guarded by mu
	read     memDeadline
	write    memDeadline
	readOff  bool // guarded by mu: closed locally
	writeOff bool // guarded by mu: closed locally
}

// memDeadline is a deadline of a memHalf, guarded by its mu.
type memDeadline struct {
	timer   *time.Timer
	expired bool
	set     int // counts the settings, so that a late timer changes nothing
}

func newMemHalf() *memHalf {
	h := &memHalf{}
	h.cond.L = &h.mu
	return h
}

// memConn is one end of a connection in memory.
type memConn struct {
	in, out       *memHalf
	local, remote memAddr

	mu     sync.Mutex
	linger bool // guarded by mu: false after SetLinger(0)
}

// memPipe returns both ends of a connection.
func memPipe(client, server memAddr) (*memConn, *memConn) {
	up, down := newMemHalf(), newMemHalf()
	return &memConn{in: down, out: up, local: client, remote: server, linger: true},
		&memConn{in: up, out: down, local: server, remote: client, linger: true}
}

func (c *memConn) LocalAddr() net.Addr  { return c.local }
func (c *memConn) RemoteAddr() net.Addr { return c.remote }

func (c *memConn) fail(op string, err error) error {
	return &net.OpError{Op: op, Net: "mem", Source: c.local, Addr: c.remote, Err: err}
}

func (c *memConn) Read(p []byte) (int, error) {
	h := c.in
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.readOff:
			return 0, c.fail("read", net.ErrClosed)
		case h.read.expired:
			return 0, c.fail("read", os.ErrDeadlineExceeded)
		case h.reset:
			return 0, c.fail("read", connReset)
		case len(p) == 0:
			return 0, nil
		case len(h.buf) > 0:
			n := copy(p, h.buf)
			if h.buf = h.buf[n:]; len(h.buf) == 0 {
				h.buf = nil
			}
			h.cond.Broadcast()
			return n, nil
		case h.eof:
			return 0, io.EOF
		}
		h.cond.Wait()
	}
}

func (c *memConn) Write(p []byte) (written int, err error) {
	h := c.out
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.writeOff:
			return written, c.fail("write", net.ErrClosed)
		case h.write.expired:
			return written, c.fail("write", os.ErrDeadlineExceeded)
		case h.reset:
			return written, c.fail("write", connReset)
		case h.eof, h.gone:
			return written, c.fail("write", brokenPipe)
		case len(p) == 0:
			return written, nil
		case len(h.buf) < memBuffer:
			n := min(len(p), memBuffer-len(h.buf))
			h.buf = append(h.buf, p[:n]...)
			written += n
			p = p[n:]
			h.cond.Broadcast()
			continue
		}
		h.cond.Wait()
	}
}

// change runs f with the lock of h and wakes whoever waits there.
func (h *memHalf) change(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
	h.cond.Broadcast()
}

// Close ends both directions. As with a socket the peer gets a reset in place
// of EOF if bytes were left unread here, or after SetLinger(0).
func (c *memConn) Close() error {
	c.mu.Lock()
	abort := !c.linger
	c.mu.Unlock()
	closed := false
	c.in.change(func() {
		closed = c.in.readOff
		abort = abort || len(c.in.buf) > 0
		c.in.readOff, c.in.gone, c.in.buf = true, true, nil
		c.in.read.stop()
	})
	if closed {
		return c.fail("close", net.ErrClosed)
	}
	c.out.change(func() {
		c.out.writeOff, c.out.eof = true, true
		c.out.write.stop()
		if abort {
			c.out.reset, c.out.buf = true, nil
		}
	})
	if abort {
		c.in.change(func() { c.in.reset = true })
	}
	return nil
}

// CloseWrite ends the direction that this end writes to: the peer reads EOF.
func (c *memConn) CloseWrite() error {
	c.out.change(func() { c.out.eof = true })
	return nil
}

// SetLinger with 0 makes Close reset the connection; see [net.TCPConn.SetLinger].
func (c *memConn) SetLinger(sec int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.linger = sec != 0
	return nil
}

func (c *memConn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

func (c *memConn) SetReadDeadline(t time.Time) error {
	return c.setDeadline(c.in, &c.in.read, &c.in.readOff, t)
}

func (c *memConn) SetWriteDeadline(t time.Time) error {
	return c.setDeadline(c.out, &c.out.write, &c.out.writeOff, t)
}

func (c *memConn) setDeadline(h *memHalf, d *memDeadline, closed *bool, t time.Time) (err error) {
	h.change(func() {
		if *closed {
			err = c.fail("set", net.ErrClosed)
			return
		}
		d.stop()
		wait := time.Until(t)
		d.expired = !t.IsZero() && wait <= 0
		if t.IsZero() || d.expired {
			return
		}
		set := d.set
		d.timer = time.AfterFunc(wait, func() {
			h.change(func() { d.expired = d.expired || d.set == set })
		})
	})
	return err
}

func (d *memDeadline) stop() {
	d.set++
	d.expired = false
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}
