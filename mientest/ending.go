package mientest

import (
	"io"
	"net"
	"sync"
	"time"
)

// reset closes nc such that the peer gets a RST.
func reset(nc net.Conn) {
	if l, ok := nc.(interface{ SetLinger(sec int) error }); ok {
		l.SetLinger(0)
	}
	nc.Close()
}

// closeWrite sends a FIN and leaves the other direction open: closing a socket
// with bytes unread sends a RST instead.
func closeWrite(nc net.Conn) {
	if w, ok := nc.(interface{ CloseWrite() error }); ok {
		w.CloseWrite()
		return
	}
	nc.Close()
}

// linger reads until the peer has closed, at most for lingerTime, and closes.
func linger(nc net.Conn) {
	nc.SetReadDeadline(time.Now().Add(lingerTime))
	_, _ = io.Copy(io.Discard, nc)
	nc.Close()
}

// handover is the listener through which net/http gets connections whose TLS
// handshake is behind them.
type handover struct {
	conns chan net.Conn
	done  chan struct{} // the origin's
	addr  net.Addr
}

func (h *handover) Accept() (net.Conn, error) {
	select {
	case nc := <-h.conns:
		return nc, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

func (h *handover) Close() error   { return nil }
func (h *handover) Addr() net.Addr { return h.addr }

// group counts what Close has to wait for. Unlike a sync.WaitGroup it can be
// entered while another waits, and refuses once it is closed.
type group struct {
	mu     sync.Mutex
	n      int           // guarded by mu
	closed bool          // guarded by mu
	empty  chan struct{} // closed once closed is true and n is 0
}

func newGroup() *group { return &group{empty: make(chan struct{})} }

func (g *group) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.n++
	return true
}

func (g *group) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.n--
	if g.closed && g.n == 0 {
		close(g.empty)
	}
}

func (g *group) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed && g.n == 0 {
		close(g.empty)
	}
	g.closed = true
}

func (g *group) wait() { <-g.empty }
