package mien

import (
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/retry"
)

// endingConn ends in the moment in which a place on it is asked for, or once its
// pool has looked at it for so many times.
type endingConn struct {
	looks int32
	seen  atomic.Int32
	dead  atomic.Bool
}

func (c *endingConn) Err() error {
	if c.dead.Load() || c.seen.Add(1) > c.looks {
		return io.EOF
	}
	return nil
}

func (c *endingConn) Reserve() error {
	c.dead.Store(true)
	return io.EOF
}

func (c *endingConn) Available() int {
	if c.dead.Load() {
		return 0
	}
	return 1
}
func (c *endingConn) RoundTrip(*http.Request, *fingerprint.Head) (*http.Response, error) {
	return nil, io.EOF
}
func (c *endingConn) Release()      {}
func (c *endingConn) InFlight() int { return 0 }
func (c *endingConn) Close() error  { c.dead.Store(true); return nil }

// A connection that ends between its handshake and its first request is made
// again, and the hook hears of it.
func TestConnectionEndedUnused(t *testing.T) {
	for looks := range int32(4) {
		var told []RetryInfo
		s := inMemory(t, answerAll)
		s.cfg.Hooks.Retry = func(i RetryInfo) { told = append(told, i) }
		e, err := s.t.egressFor(&http.Request{}, defaultOptions)
		if err != nil {
			t.Fatal(err)
		}
		o := e.origin(originKey{"http", "example.test", "80"})
		w := &waiter{ready: make(chan struct{}), ctx: t.Context(), since: time.Now()}
		d := &dial{cancel: func() {}, started: time.Now()}
		o.mu.Lock()
		place := o.waiters.PushBack(w)
		o.dials[d] = struct{}{}
		o.mu.Unlock()

		pc := &pooled{clientConn: &endingConn{looks: looks}, origin: o, wire: fingerprint.OverCleartext}
		if o.connected(d, pc) {
			t.Errorf("ended at look %d: it stands for a connection", looks+1)
		} else if wait, again := o.failed(t.Context(), d, *endedUnused(pc)); !again || wait < 0 {
			t.Errorf("ended at look %d: it is not made again", looks+1)
		}
		if len(told) != 1 || told[0].Class != retry.HandshakeReset || told[0].Attempt != 1 || told[0].Request != nil {
			t.Errorf("ended at look %d: the hook heard %+v", looks+1, told)
		}
		o.mu.Lock()
		if len(o.conns) != 0 || len(o.dials) != 1 {
			t.Errorf("ended at look %d: %d connections, %d dials", looks+1, len(o.conns), len(o.dials))
		}
		if w.conn == nil && w.err == nil {
			o.waiters.Remove(place)
		}
		delete(o.dials, d)
		o.mu.Unlock()
		_ = s.Close()
	}
}
