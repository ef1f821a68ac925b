package egress

import (
	"context"
	"net"
	"sync"
)

// A Registry holds every open socket of a session, and every lookup that runs.
// The zero value is ready.
type Registry struct {
	mu      sync.Mutex
	open    map[*tracked]struct{} // guarded by mu
	running map[*lookup]struct{}  // guarded by mu
	closed  bool                  // guarded by mu
	wg      sync.WaitGroup        // of what runs; counted up with mu held and before closed alone
}

// lookup is one that runs.
type lookup struct{ cancel context.CancelCauseFunc }

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

// run enters a lookup, which cancel ends. stop takes it out. After Close there
// is none.
func (r *Registry) run(cancel context.CancelCauseFunc) (stop func(), ok bool) {
	l := &lookup{cancel}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, false
	}
	if r.running == nil {
		r.running = make(map[*lookup]struct{})
	}
	r.running[l] = struct{}{}
	r.wg.Add(1)
	return func() {
		r.mu.Lock()
		delete(r.running, l)
		r.mu.Unlock()
		r.wg.Done()
	}, true
}

// Len is the number of open sockets.
func (r *Registry) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.open)
}

// Close closes every open socket, ends the lookups, refuses new ones of both,
// and waits for the Resolver to give up what it was asked for.
func (r *Registry) Close() {
	r.mu.Lock()
	r.closed = true
	all := make([]*tracked, 0, len(r.open))
	for c := range r.open {
		all = append(all, c)
	}
	for l := range r.running {
		l.cancel(net.ErrClosed)
	}
	r.mu.Unlock()
	for _, c := range all {
		_ = c.Close()
	}
	r.wg.Wait()
}
