package mien

import (
	"maps"
	"slices"
	"time"
)

// evict makes room for another egress by dropping those unused for longest that
// nothing runs on. It returns what they kept: the caller closes that, with no
// lock held. t.mu is held.
func (t *transport) evict(now time.Time) (idle []*pooled) {
	if len(t.egresses) < max(t.evictAt, maxEgresses) {
		return nil
	}
	keys := slices.SortedFunc(maps.Keys(t.egresses), func(a, b string) int {
		return t.egresses[a].lastUse.Compare(t.egresses[b].lastUse)
	})
	for _, key := range keys {
		e := t.egresses[key]
		if len(t.egresses) <= maxEgresses-evictStep || now.Sub(e.lastUse) < settling {
			break
		}
		if conns, ok := e.retire(); ok {
			delete(t.egresses, key)
			idle = append(idle, conns...)
		}
	}
	t.evictAt = len(t.egresses) + evictStep
	return idle
}

// evictStep is how many egresses go at once, so that this is rare.
const evictStep = maxEgresses / 8

// settling is how long an egress or an origin that was looked up is kept at
// least: whoever did may not have begun to wait there yet.
const settling = time.Second

// retire takes the connections of e, unless something runs or waits there.
func (e *egressState) retire() (idle []*pooled, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, o := range e.origins {
		if !o.resting() {
			return nil, false
		}
	}
	for _, o := range e.origins {
		idle = append(idle, o.takeIdle()...)
	}
	return idle, true
}

// resting reports that o has neither requests nor waiters.
func (o *origin) resting() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, pc := range o.conns {
		if pc.InFlight() > 0 {
			return false
		}
	}
	return o.waiters.Len() == 0 && len(o.dials) == 0
}

// forget drops the origins that have nothing and were not looked up of late,
// once there are many. Where most are in use it looks again only when there are
// twice as many. e.mu is held.
func (e *egressState) forget(now time.Time) {
	if len(e.origins) < max(e.sweepAt, maxOrigins) {
		return
	}
	for key, o := range e.origins {
		if now.Sub(o.lookedUp) >= settling && o.unused() {
			delete(e.origins, key)
		}
	}
	e.sweepAt = 2 * len(e.origins)
}

// unused reports that o has no connection either.
func (o *origin) unused() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.conns) == 0 && o.waiters.Len() == 0 && len(o.dials) == 0
}

// takeIdle takes the connections that nothing runs on out of the pool.
func (o *origin) takeIdle() []*pooled {
	o.mu.Lock()
	defer o.mu.Unlock()
	var idle []*pooled
	for _, pc := range o.conns {
		if pc.InFlight() == 0 {
			idle = append(idle, pc)
		}
	}
	for _, pc := range idle {
		o.remove(pc)
	}
	return idle
}

// closeIdle closes the connections that nothing runs on.
func (o *origin) closeIdle() { closeAll(o.takeIdle()) }

// closeAll closes connections that are out of their pools.
func closeAll(conns []*pooled) {
	for _, pc := range conns {
		_ = pc.Close()
	}
}
