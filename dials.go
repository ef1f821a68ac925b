package mien

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/internal/h2"
	"github.com/mien-http/mien/retry"
)

// firstDials is how many dials run at once towards an origin whose protocol is
// not known yet, once the first has failed.
const firstDials = 4

// Connections that browsers open to one origin (measured: at most 6 over
// HTTP/1.1, one over HTTP/2).
const (
	browserConnsHTTP1 = 6
	browserConnsHTTP2 = 1
)

// wanted is how many dials should be running. o.mu is held.
func (o *origin) wanted(now time.Time) int {
	n := o.waiters.Len()
	if n == 0 {
		return 0
	}
	limits := &o.egress.transport.cfg.Limits
	most := limits.ConnsPerOrigin
	standing, h1Only := len(o.conns), now.Before(o.h1Until)
	if h1Only { // those of HTTP/2 serve nobody
		standing = 0
		for _, pc := range o.conns {
			if pc.wire != fingerprint.OverHTTP2 {
				standing++
			}
		}
	}
	switch {
	case o.key.scheme == "http" || o.protocol == fingerprint.OverHTTP1 || h1Only:
		if limits.BrowserConns {
			most = browserConnsHTTP1
		}
	case o.waitsForStreams():
		return 0
	case o.protocol == fingerprint.OverHTTP2 && o.streams > 0:
		n = (n - o.announced() + o.streams - 1) / o.streams
		if limits.BrowserConns {
			most = browserConnsHTTP2
		}
	case o.failures.Failed() == 0:
		n = 1
	default:
		n = min(n, firstDials)
	}
	if limits.Handshakes > 0 {
		n = min(n, limits.Handshakes)
	}
	if most > 0 {
		n = min(n, most-standing)
	}
	return n
}

// waitsForStreams reports whether a connection stands that takes no streams
// yet: one that allows none, as others to this origin would, or one whose
// SETTINGS, the first of this origin, are on their way. It learns the streams that
// the others allow. o.mu is held.
func (o *origin) waitsForStreams() bool {
	for _, pc := range o.conns {
		if c, ok := pc.clientConn.(*h2.Conn); ok && !c.Closing() {
			limit, known := c.StreamLimit()
			if limit == 0 || (!known && o.streams == 0) {
				return true
			}
			if known { // its SETTINGS may have come before changed told of them
				o.streams = limit
			}
		}
	}
	return false
}

// announced is how many more streams the connections are expected to allow whose
// SETTINGS are on their way. o.mu is held.
func (o *origin) announced() int {
	sum := 0
	for _, pc := range o.conns {
		if c, ok := pc.clientConn.(*h2.Conn); ok {
			if limit, known := c.StreamLimit(); !known {
				sum += max(0, o.streams-limit)
			}
		}
	}
	return sum
}

// dialMore starts the dials that the waiters need beyond those that run. o.mu is held.
func (o *origin) dialMore(now time.Time) {
	for n := o.wanted(now); len(o.dials) < n; {
		first := o.waiters.Front().Value.(*waiter)
		if !o.egress.transport.start() {
			o.failAll(connectError{failure: retry.Failure{Phase: retry.PhaseDial, Err: errSessionClosed}})
			return
		}
		// The dial outlives the request that set it off, and keeps the values
		// of its context for httptrace.
		ctx, cancel := context.WithCancel(context.WithoutCancel(first.ctx))
		d := &dial{cancel: cancel}
		o.dials[d] = struct{}{}
		go o.run(ctx, d)
	}
}

// run dials until a connection stands, or nobody needs it any more.
func (o *origin) run(ctx context.Context, d *dial) {
	defer o.egress.transport.wg.Done()
	defer d.cancel()
	for {
		d.started = time.Now()
		pc, f := o.connect(ctx, o.h1Only(), &d.phase)
		var wait time.Duration
		var again bool
		if f == nil && !o.connected(d, pc) {
			f = endedUnused(pc)
		}
		if f != nil {
			wait, again = o.failed(ctx, d, *f)
		}
		if !again {
			return
		}
		if !o.pause(ctx, d, wait) {
			return
		}
	}
}

func (o *origin) h1Only() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.h1Until.IsZero() && time.Now().Before(o.h1Until)
}

// connected puts pc into the pool and ends the dial. False: pc has ended already.
func (o *origin) connected(d *dial, pc *pooled) bool {
	now := time.Now()
	o.mu.Lock()
	open := o.egress.transport.open()
	if open && !o.admit(pc, now) {
		o.mu.Unlock()
		return false
	}
	delete(o.dials, d)
	o.failures.Succeeded(now)
	if open {
		o.dispatch(now)
	} else { // who came after Close went through the waiters
		o.failAll(connectError{failure: retry.Failure{Phase: retry.PhaseDial, Err: errSessionClosed}})
	}
	o.mu.Unlock()
	if !open {
		_ = pc.Close()
	} else if c, ok := pc.clientConn.(*h2.Conn); ok && c.InFlight() == 0 {
		c.Flush() // nobody wants it any more; the first request flushes otherwise
	}
	return true
}

// admit puts pc into the pool and gives a place on it to who waits longest: from
// there on its end is the failure of a request. Without that, one that ended in
// this moment would be made again with nobody told. False: it has ended already.
// o.mu is held.
func (o *origin) admit(pc *pooled, now time.Time) bool {
	front := o.waiters.Front()
	refused := now.Before(o.h1Until) && pc.wire == fingerprint.OverHTTP2
	if front != nil && !refused && pc.Reserve() == nil {
		w := o.waiters.Remove(front).(*waiter)
		w.conn = pc
		close(w.ready)
	} else if pc.ended() {
		return false
	}
	o.add(pc, now)
	return true
}

// failed records that a dial came to nothing and says whether, and after what
// pause, it is tried again. If not, the dial is over.
func (o *origin) failed(ctx context.Context, d *dial, f retry.Failure) (wait time.Duration, again bool) {
	v, again := o.judge(ctx, d, f)
	if again { // with no lock held: a hook may ask for Stats
		o.egress.transport.retried(RetryInfo{Origin: o.key.String(), Attempt: v.attempt, Class: retry.Classify(f), Wait: v.wait, Err: f.Err})
	}
	return v.wait, again
}

// judge ends a failed dial, or says that it goes on.
func (o *origin) judge(ctx context.Context, d *dial, f retry.Failure) (v verdict, again bool) {
	now := time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	if ctx.Err() != nil || o.waiters.Len() == 0 {
		o.over(d)
		return v, false
	}
	v = o.verdict(now, d.started, f)
	switch {
	case v.failAll:
		delete(o.dials, d)
		o.failAll(v.error(f))
		return v, false
	case v.failOne, v.elsewhere:
		delete(o.dials, d)
		o.failFirst(v.error(f))
		o.dialMore(now)
		return v, false
	case len(o.dials) > max(o.wanted(now), 1):
		delete(o.dials, d)
		return v, false
	}
	return v, true
}

// over ends a dial; waiters that came meanwhile get another. o.mu is held.
func (o *origin) over(d *dial) {
	delete(o.dials, d)
	o.dialMore(time.Now())
}

// pause waits before the next attempt. False: the dial is over.
func (o *origin) pause(ctx context.Context, d *dial, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if ctx.Err() != nil || o.waiters.Len() == 0 {
		o.over(d)
		return false
	}
	return true
}

// verdict is what follows from a failed dial.
type verdict struct {
	failAll, failOne bool
	elsewhere        bool // the caller's Proxy function may name another way out
	down             bool // the origin counts as down
	attempt          int
	wait             time.Duration
}

// error is what a waiter gets by the verdict on f.
func (v verdict) error(f retry.Failure) connectError {
	e := connectError{failure: f, attempt: v.attempt, elsewhere: v.elsewhere, wait: v.wait}
	if v.down {
		e.reason = retry.OriginDown
	}
	return e
}

// verdict applies the caps of getting a connection. o.mu is held.
func (o *origin) verdict(now, started time.Time, f retry.Failure) verdict {
	class := retry.Classify(f)
	decision := retry.Decide(class, f)
	live := len(o.conns) > 0
	var since time.Time
	if front := o.waiters.Front(); front != nil {
		since = front.Value.(*waiter).since
	}
	v := verdict{}
	down := o.failures.Fail(now, started, f, live, since)
	if n := o.failures.Failed(); n <= o.before { // a new row, or one more of a round
		o.before = n - 1
	}
	v.attempt = o.failures.Failed() - o.before
	switch {
	case o.egress.transport.cfg.Retry.MaxAttempts < 0:
		v.failOne, v.attempt = true, 1
	case decision == retry.Never, down:
		v.failAll, v.down = true, down && decision != retry.Never
	default:
		v.wait = o.failures.Wait()
		// Each attempt may go through another proxy, if the caller has several.
		v.elsewhere = f.Phase == retry.PhaseProxy && o.egress.transport.cfg.Proxy != nil
	}
	return v
}

// errClosedUnused is a connection that ended before its first request.
var errClosedUnused = fmt.Errorf("closed by the peer before it was used: %w", io.EOF)

// endedUnused is the failure of a connection that its peer ended in the
// meantime, as one that is restarted does, or one that refuses our certificate:
// in TLS 1.3 that alert comes after the handshake.
func endedUnused(pc *pooled) *retry.Failure {
	err := pc.Err()
	_ = pc.Close()
	f := retry.Failure{Phase: retry.PhaseHeaders, Err: err}
	if err == nil || retry.Classify(f) != retry.Alert {
		f = retry.Failure{Phase: retry.PhaseDial, Err: errClosedUnused}
	}
	return &f
}

// alone makes a connection for one request, which waits for it in its own
// context. It is reserved and never offered to another.
func (o *origin) alone(ctx context.Context, h1Only bool) (*pooled, *connectError) {
	var d dial
	ctx, done := o.egress.transport.bound(ctx)
	defer done()
	for n := 1; ; n++ {
		d.started = time.Now()
		pc, f := o.connect(ctx, h1Only, &d.phase)
		now := time.Now()
		if f == nil {
			pc.single = true
			if pc.Reserve() == nil {
				o.mu.Lock()
				o.failures.Succeeded(now)
				o.mu.Unlock()
				return pc, nil
			}
			f = endedUnused(pc)
		}
		if ctx.Err() != nil {
			return nil, &connectError{failure: retry.Failure{Phase: f.Phase, Err: endOf(ctx)}, attempt: n}
		}
		o.mu.Lock()
		v := o.verdict(now, d.started, *f)
		o.mu.Unlock()
		if v.failAll || v.failOne || v.elsewhere {
			e := v.error(*f)
			e.attempt = n
			return nil, &e
		}
		o.egress.transport.retried(RetryInfo{Origin: o.key.String(), Attempt: n, Class: retry.Classify(*f), Wait: v.wait, Err: f.Err})
		timer := time.NewTimer(v.wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, &connectError{failure: retry.Failure{Phase: f.Phase, Err: endOf(ctx)}, attempt: n}
		}
	}
}
