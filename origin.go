package mien

import (
	"container/list"
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/internal/h2"
	"github.com/mien-http/mien/internal/semaphore"
	"github.com/mien-http/mien/retry"
)

// originKey is scheme, host in lower case ASCII without brackets, and port.
type originKey struct {
	scheme, host, port string
}

func (k originKey) addr() string { return net.JoinHostPort(k.host, k.port) }

// standard reports whether the port is the scheme's default.
func (k originKey) standard() bool {
	return (k.scheme == "https" && k.port == "443") || (k.scheme == "http" && k.port == "80")
}

// String is the origin as RFC 6454 serializes it.
func (k originKey) String() string {
	host := k.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if k.standard() {
		return k.scheme + "://" + host
	}
	return k.scheme + "://" + host + ":" + k.port
}

// name is the host without an IPv6 zone, which means something on this machine
// alone (RFC 6874 §4).
func (k originKey) name() string {
	if strings.Contains(k.host, ":") {
		host, _, _ := strings.Cut(k.host, "%")
		return host
	}
	return k.host
}

// origin is the pool of connections to one origin along one egress, and the
// dials that fill it. A dial belongs to the origin: it runs while somebody
// waits, and a waiter that gives up fails nobody else.
type origin struct {
	egress *egressState
	key    originKey
	gate   *semaphore.Gate // handshakes in progress
	health meter

	lookedUp time.Time // guarded by egress.mu

	mu       sync.Mutex
	conns    []*pooled            // guarded by mu; in the order they were opened
	waiters  *list.List           // guarded by mu; of *waiter, first come first served
	dials    map[*dial]struct{}   // guarded by mu; running
	protocol fingerprint.Wire     // guarded by mu; what the origin spoke last, "" unknown
	streams  int                  // guarded by mu; streams per HTTP/2 connection, 0 until one said so
	h1Until  time.Time            // guarded by mu; HTTP_1_1_REQUIRED holds until then
	failures retry.ConnectTracker // guarded by mu
	before   int                  // guarded by mu; failures in a row that those waiting now had no part in
	budget   retry.Budget         // guarded by mu
}

// dial is a running attempt, or a pause before the next.
type dial struct {
	phase   dialPhase
	cancel  context.CancelFunc
	started time.Time // of the attempt; the dial's own goroutine's
}

// waiter is a request that needs a connection.
type waiter struct {
	ready chan struct{} // closed when conn or err is set
	ctx   context.Context
	since time.Time
	conn  *pooled // reserved for this waiter
	err   *connectError
}

// connectError is the failure to get a connection.
type connectError struct {
	failure   retry.Failure
	attempt   int // of those who waited together
	reason    retry.Reason
	elsewhere bool          // asking for a way out again may give another
	wait      time.Duration // before that
}

func (e *connectError) Error() string { return e.failure.Err.Error() }
func (e *connectError) Unwrap() error { return e.failure.Err }

func newOrigin(e *egressState, key originKey) *origin {
	return &origin{
		egress:   e,
		key:      key,
		gate:     semaphore.NewGate(semaphore.GateConfig{Max: negativeIfOff(e.transport.cfg.Limits.Handshakes)}),
		waiters:  list.New(),
		dials:    make(map[*dial]struct{}),
		failures: retry.NewConnectTracker(e.transport.cfg.Retry),
		budget:   retry.NewBudget(e.transport.cfg.Retry),
	}
}

// get returns a connection with a place reserved for one request.
func (o *origin) get(ctx context.Context) (*pooled, *connectError) {
	o.mu.Lock()
	now := time.Now()
	if o.waiters.Len() == 0 {
		if pc := o.reserve(now); pc != nil {
			o.mu.Unlock()
			return pc, nil
		}
	}
	if o.waiters.Len() == 0 {
		o.before = o.failures.Failed()
	}
	w := &waiter{ready: make(chan struct{}), ctx: ctx, since: now}
	place := o.waiters.PushBack(w)
	o.dialMore(now)
	o.mu.Unlock()

	select {
	case <-w.ready:
		return w.conn, w.err
	case <-ctx.Done():
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case <-w.ready: // served in the same moment
		if w.conn != nil {
			o.release(w.conn, time.Now())
		}
	default:
		o.waiters.Remove(place)
	}
	e := &connectError{failure: retry.Failure{Phase: o.waitedFor(), Err: endOf(ctx)}, attempt: max(0, o.failures.Failed()-o.before)}
	if len(o.dials) > 0 {
		e.attempt++ // the one under way
	}
	if o.waiters.Len() == 0 {
		o.cancelDials()
	}
	return nil, e
}

// waitedFor is the phase of the dial that has come farthest. o.mu is held.
func (o *origin) waitedFor() retry.Phase {
	best := 0
	for d := range o.dials {
		best = max(best, slices.Index(dialPhases, d.phase.get()))
	}
	return dialPhases[best]
}

// dialPhases are the phases of a dial in their order.
var dialPhases = []retry.Phase{retry.PhaseQueue, retry.PhaseDNS, retry.PhaseDial, retry.PhaseProxy, retry.PhaseTLS}

func (o *origin) cancelDials() {
	for d := range o.dials {
		d.cancel()
	}
}

// maxIdleReuse is how long an unused connection is trusted: NATs and load
// balancers forget it silently not long after.
const maxIdleReuse = 4 * time.Minute

// reserve takes a place on a connection: on HTTP/2 the oldest with a free
// stream, on HTTP/1.1 the one used last. o.mu is held.
func (o *origin) reserve(now time.Time) *pooled {
	if !now.Before(o.h1Until) { // else the origin refuses HTTP/2 for now
		for _, pc := range o.conns {
			if pc.wire == fingerprint.OverHTTP2 && o.take(pc, now) {
				return pc
			}
		}
	}
	for _, pc := range slices.Backward(o.conns) {
		if pc.wire != fingerprint.OverHTTP2 && o.take(pc, now) {
			return pc
		}
	}
	return nil
}

// take reserves a place on pc if it has one. o.mu is held.
func (o *origin) take(pc *pooled, now time.Time) bool {
	if pc.Available() <= 0 || (!pc.idleSince.IsZero() && now.Sub(pc.idleSince) > maxIdleReuse) || pc.Reserve() != nil {
		return false
	}
	o.busy(pc)
	return true
}

// release gives back a place that was reserved and not used. o.mu is held.
func (o *origin) release(pc *pooled, now time.Time) {
	pc.Release()
	if pc.member {
		o.idle(pc, now)
		o.dispatch(now)
	}
}

// giveBack is release for a request that holds no lock.
func (o *origin) giveBack(pc *pooled) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.release(pc, time.Now())
}

// busy ends the idle time of pc. o.mu is held.
func (o *origin) busy(pc *pooled) {
	pc.idleSince = time.Time{}
	if pc.idleTimer != nil {
		pc.idleTimer.Stop()
	}
}

// dispatch hands free places to waiters, first come first served. o.mu is held.
func (o *origin) dispatch(now time.Time) {
	for o.waiters.Len() > 0 {
		pc := o.reserve(now)
		if pc == nil {
			break
		}
		w := o.waiters.Remove(o.waiters.Front()).(*waiter)
		w.conn = pc
		close(w.ready)
	}
	if o.waiters.Len() > 0 {
		o.dialMore(now)
	}
}

// changed is called by a connection whose Available or Err changed.
func (o *origin) changed(pc *pooled) {
	now := time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	if !pc.member {
		return
	}
	if pc.Err() != nil {
		o.remove(pc)
	} else {
		if c, ok := pc.clientConn.(*h2.Conn); ok {
			if limit, known := c.StreamLimit(); known && limit > 0 {
				o.streams = limit
			}
		}
		o.moveToEnd(pc)
		o.idle(pc, now)
	}
	o.dispatch(now)
}

// moveToEnd makes an HTTP/1.1 connection the next to be used. o.mu is held.
func (o *origin) moveToEnd(pc *pooled) {
	if pc.wire == fingerprint.OverHTTP2 || len(o.conns) == 0 || o.conns[len(o.conns)-1] == pc {
		return
	}
	for i, c := range o.conns {
		if c == pc {
			copy(o.conns[i:], o.conns[i+1:])
			o.conns[len(o.conns)-1] = pc
			return
		}
	}
}

// idle starts the idle time of pc if nothing runs on it. o.mu is held.
func (o *origin) idle(pc *pooled, now time.Time) {
	d := o.egress.transport.cfg.Timeouts.Idle
	if pc.InFlight() > 0 {
		return
	}
	pc.idleSince = now
	if d <= 0 || d > maxIdleReuse {
		d = maxIdleReuse // it would not be used again
	}
	if pc.idleTimer == nil {
		pc.idleTimer = time.AfterFunc(d, func() { o.expire(pc) })
		return
	}
	pc.idleTimer.Reset(d)
}

// expire closes pc if it is still idle.
func (o *origin) expire(pc *pooled) {
	o.mu.Lock()
	stale := !pc.idleSince.IsZero() && pc.InFlight() == 0
	if stale {
		o.remove(pc)
	}
	o.mu.Unlock()
	if stale {
		_ = pc.Close()
	}
}

// remove takes pc out of the pool. o.mu is held.
func (o *origin) remove(pc *pooled) {
	pc.member = false
	if pc.idleTimer != nil {
		pc.idleTimer.Stop()
	}
	for i, c := range o.conns {
		if c == pc {
			o.conns = append(o.conns[:i], o.conns[i+1:]...)
			return
		}
	}
}

// add puts a connection that was just opened into the pool. o.mu is held.
func (o *origin) add(pc *pooled, now time.Time) {
	o.protocol = pc.wire
	if pc.Err() != nil {
		return // it died before it was added
	}
	pc.member = true
	o.conns = append(o.conns, pc)
	o.idle(pc, now)
}

// failAll ends every waiter with e. o.mu is held.
func (o *origin) failAll(e connectError) {
	for o.waiters.Len() > 0 {
		o.failFirst(e)
	}
}

// failFirst ends the waiter that came first with e. o.mu is held.
func (o *origin) failFirst(e connectError) {
	if front := o.waiters.Front(); front != nil {
		w := o.waiters.Remove(front).(*waiter)
		w.err = &e
		close(w.ready)
	}
}

// counted counts a request towards the budget of retries.
func (o *origin) counted(now time.Time) {
	o.mu.Lock()
	o.budget.Request(now)
	o.mu.Unlock()
}

// spend takes one retry of a request that may have been sent from the budget.
func (o *origin) spend(now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.budget.Spend(now)
}

// requireH1 remembers that the origin refuses HTTP/2 for now (RFC 9113 §7,
// HTTP_1_1_REQUIRED).
func (o *origin) requireH1(now time.Time) {
	o.mu.Lock()
	o.h1Until = now.Add(h1RequiredFor)
	o.mu.Unlock()
}

const h1RequiredFor = 5 * time.Minute

// negativeIfOff turns Config's zero for "no limit" into the semaphore's.
func negativeIfOff(n int) int {
	if n == 0 {
		return -1
	}
	return n
}

// streamsHint is how many streams the origin's last HTTP/2 connection allowed.
func (o *origin) streamsHint() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.streams
}
