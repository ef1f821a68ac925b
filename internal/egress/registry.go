package egress

import (
	"net"
	"sync"
)

// A Registry holds every open socket of a session. The zero value is ready.
type Registry struct {
	mu     sync.Mutex
	open   map[*tracked]struct{} // guarded by mu
	closed bool                  // guarded by mu
}

// tracked leaves the registry when it is closed.
type tracked struct {
	net.Conn
	registry *Registry
	once     sync.Once
	err      error // of Close, set by once
}

func (c *tracked) Close() error {
	c.once.Do(func() {
		c.err = c.Conn.Close()
		c.registry.mu.Lock()
		delete(c.registry.open, c)
		c.registry.mu.Unlock()
	})
	return c.err
}

// NetConn gives the socket below, as crypto/tls's Conn does.
func (c *tracked) NetConn() net.Conn { return c.Conn }

// add enters c. After Close it closes c and returns net.ErrClosed.
func (r *Registry) add(c net.Conn) (net.Conn, error) {
	t := &tracked{Conn: c, registry: r}
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		_ = c.Close()
		return nil, net.ErrClosed
	}
	if r.open == nil {
		r.open = make(map[*tracked]struct{})
	}
	r.open[t] = struct{}{}
	r.mu.Unlock()
	return t, nil
}

// Len is the number of open sockets.
func (r *Registry) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.open)
}

// Close closes every open socket and refuses new ones.
func (r *Registry) Close() {
	r.mu.Lock()
	r.closed = true
	all := make([]*tracked, 0, len(r.open))
	for c := range r.open {
		all = append(all, c)
	}
	r.mu.Unlock()
	for _, c := range all {
		_ = c.Close()
	}
}
