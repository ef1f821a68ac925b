package h2

import "context"

// slots counts streams against the peer's SETTINGS_MAX_CONCURRENT_STREAMS and
// queues who finds none free. Its owner is the connection's mutex.
type slots struct {
	limit    int // what the peer allows
	open     int // streams that hold a slot
	reserved int // by Reserve, not yet used
	granted  int // handed to waiters that have not woken yet
	refused  bool
	waiters  []*waiter // FIFO
}

type waiter struct {
	ready   chan struct{} // closed when granted or refused
	granted bool
}

func (t *slots) free() int {
	if t.refused {
		return 0
	}
	return max(0, t.limit-t.open-t.reserved-t.granted)
}

// grant hands free slots to the waiters that wait longest.
func (t *slots) grant() {
	for len(t.waiters) > 0 && t.free() > 0 {
		w := t.waiters[0]
		t.waiters = t.waiters[1:]
		t.granted++
		w.granted = true
		close(w.ready)
	}
}

// refuse wakes every waiter empty-handed and hands out nothing more.
func (t *slots) refuse() {
	t.refused = true
	t.reserved = 0
	for _, w := range t.waiters {
		close(w.ready)
	}
	t.waiters = nil
}

func (t *slots) remove(w *waiter) {
	for i := range t.waiters {
		if t.waiters[i] == w {
			t.waiters = append(t.waiters[:i:i], t.waiters[i+1:]...)
			return
		}
	}
}

// Reserve takes a stream slot for one call of RoundTrip, so that it will not
// wait. It fails, with an *[Error] that says the request was not sent, when no
// slot is free or the connection takes no more requests. Every successful
// Reserve is followed by one RoundTrip or one Release.
func (c *Conn) Reserve() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.refusal(); e != nil {
		return e
	}
	if c.slots.free() == 0 || len(c.slots.waiters) > 0 {
		return &Error{NotProcessed: true, Err: errNoStream}
	}
	c.slots.reserved++
	return nil
}

// Release gives back a slot taken by Reserve and not used. Without one it has
// no effect. OnState is not called for it.
func (c *Conn) Release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.slots.reserved > 0 {
		c.slots.reserved--
		c.slots.grant()
	}
}

// Available returns how many requests can be started without waiting: the
// peer's limit, or 100 before its SETTINGS came, less those in flight. It is 0
// once Closing.
func (c *Conn) Available() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refusal() != nil {
		return 0
	}
	return max(0, c.slots.free()-len(c.slots.waiters))
}

// InFlight returns how many slots are taken: open streams, cancelled ones
// that the peer has not been told of, and reservations. It is 0 when the
// connection has ended.
func (c *Conn) InFlight() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.slots.open + c.slots.reserved + c.slots.granted
}

// refusal says why no stream can be opened, or nil. mu is held.
func (c *Conn) refusal() *Error {
	switch {
	case c.err != nil:
		e := *c.err
		e.Sent, e.NotProcessed = false, e.GoAway && e.Remote // else nobody vouches, and nothing was sent
		return &e
	case c.goAway != nil:
		e := *c.goAway
		e.NotProcessed = true
		return &e
	case c.closing:
		return &Error{NotProcessed: true, Err: errGoingAway}
	}
	return nil
}

// acquire takes a slot, a reserved one if there is any, and waits for one if
// none is free. It returns with mu held if the error is nil.
func (c *Conn) acquire(ctx context.Context) *Error {
	c.mu.Lock()
	if e := c.refusal(); e != nil {
		c.unlock()
		return e
	}
	t := &c.slots
	if t.reserved > 0 {
		t.reserved--
		if t.open+t.granted+t.reserved < t.limit {
			t.open++
			return nil
		}
		// The peer lowered its limit meanwhile: another connection may have
		// the stream that was promised here.
		c.unlock()
		return &Error{NotProcessed: true, Err: ErrPlaceLost}
	} else if t.free() > 0 && len(t.waiters) == 0 {
		t.open++
		return nil
	}
	w := &waiter{ready: make(chan struct{})}
	t.waiters = append(t.waiters, w)
	c.out.release() // SETTINGS with more streams may be all that is missing
	c.unlock()

	select {
	case <-w.ready:
	case <-ctx.Done():
	}
	c.mu.Lock()
	if w.granted {
		t.granted--
	} else {
		t.remove(w)
	}
	e := c.refusal()
	if ctx.Err() != nil {
		e = contextFault(ctx)
	}
	if e != nil {
		if w.granted {
			t.grant()
			c.changed = true
		}
		c.unlock()
		return e
	}
	t.open++
	return nil
}
