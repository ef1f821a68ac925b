package h2

import (
	"io"
	"net"
	"sync"
	"time"
)

// memConn is one end of a buffered in-memory connection. Writes succeed until
// the peer has limit bytes unread; limit 0 is no limit.
type memConn struct {
	in, out *memHalf
}

// memHalf is one direction.
type memHalf struct {
	mu     sync.Mutex
	cond   *sync.Cond
	buf    []byte
	limit  int
	closed bool // by the writer: EOF after buf
	broken bool // by the reader: writes fail
}

func memPipe(limit int) (client, server *memConn) {
	a, b := newHalf(limit), newHalf(0)
	return &memConn{in: b, out: a}, &memConn{in: a, out: b}
}

func newHalf(limit int) *memHalf {
	h := &memHalf{limit: limit}
	h.cond = sync.NewCond(&h.mu)
	return h
}

func (c *memConn) Read(p []byte) (int, error) {
	h := c.in
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.buf) == 0 {
		switch {
		case h.broken:
			return 0, net.ErrClosed
		case h.closed:
			return 0, io.EOF
		}
		h.cond.Wait()
	}
	n := copy(p, h.buf)
	if h.buf = h.buf[n:]; len(h.buf) == 0 {
		h.buf = nil
	}
	h.cond.Broadcast()
	return n, nil
}

func (c *memConn) Write(p []byte) (int, error) {
	h := c.out
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for n < len(p) {
		if h.broken || h.closed {
			return n, io.ErrClosedPipe
		}
		room := len(p) - n
		if h.limit > 0 {
			room = min(room, h.limit-len(h.buf))
		}
		if room <= 0 {
			h.cond.Wait()
			continue
		}
		h.buf = append(h.buf, p[n:n+room]...)
		n += room
		h.cond.Broadcast()
	}
	return n, nil
}

func (c *memConn) Close() error {
	for _, end := range []struct {
		h      *memHalf
		reader bool
	}{{c.in, true}, {c.out, false}} {
		end.h.mu.Lock()
		if end.reader {
			end.h.broken = true
		} else {
			end.h.closed = true
		}
		end.h.cond.Broadcast()
		end.h.mu.Unlock()
	}
	return nil
}

type memAddr struct{}

func (memAddr) Network() string { return "mem" }
func (memAddr) String() string  { return "mem" }

func (c *memConn) LocalAddr() net.Addr              { return memAddr{} }
func (c *memConn) RemoteAddr() net.Addr             { return memAddr{} }
func (c *memConn) SetDeadline(time.Time) error      { return nil }
func (c *memConn) SetReadDeadline(time.Time) error  { return nil }
func (c *memConn) SetWriteDeadline(time.Time) error { return nil }
