package semaphore

import (
	"context"
	"sync"
	"time"
)

// Semaphore hands out a bounded number of slots, first come, first served.
// The zero value is unlimited, as New(0) is. All methods are safe for
// concurrent use.
type Semaphore struct {
	mu      sync.Mutex
	width   int       // guarded by mu; 0: unlimited
	held    list      // guarded by mu; slots out, in the order they were given
	waiting list      // guarded by mu; slots promised, in the order they were asked for
	peak    int       // guarded by mu; the most that were ever out at once
	freed   time.Time // guarded by mu; when a slot last came back, or the first one went out
	warned  bool      // guarded by mu; Starving told of the time since freed
	shrunk  *shrunk   // guarded by mu; nil: width is as it was set
}

// New returns a semaphore of the given width. A width of zero or less does not
// bound anything; slots are still counted and their ages still told.
func New(width int) *Semaphore {
	s := new(Semaphore)
	s.width = max(width, 0)
	return s
}

// Slot states. A slot only ever moves forward through them.
const (
	slotWaiting  uint8 = iota // in waiting; ready is open
	slotHeld                  // in held; ready, if there is one, is closed
	slotReleased              // in no list
)

// Slot is the right to do one thing, from Acquire or TryAcquire until Release.
type Slot struct {
	sem        *Semaphore
	entry      *entry        // not nil for a slot of a Keyed: told when the slot ends
	ready      chan struct{} // closed when a waiting slot is given; nil if it never waited
	prev, next *Slot         // guarded by sem.mu
	since      time.Time     // guarded by sem.mu; when it joined the list it is in
	state      uint8         // guarded by sem.mu
}

// Acquire waits for a slot until ctx ends. It fails only with a *QueueError,
// and always when ctx has ended already, even if a slot is free.
func (s *Semaphore) Acquire(ctx context.Context) (*Slot, error) {
	return s.acquire(ctx, nil)
}

func (s *Semaphore) acquire(ctx context.Context, e *entry) (*Slot, error) {
	now := time.Now()
	if ctx.Err() != nil {
		return nil, s.queueError(ctx, now)
	}
	slot := &Slot{sem: s, entry: e}
	s.mu.Lock()
	s.recover(now)
	if s.free() {
		s.give(slot, now)
		s.mu.Unlock()
		return slot, nil
	}
	slot.ready = make(chan struct{})
	slot.since = now
	s.waiting.pushBack(slot)
	s.mu.Unlock()

	select {
	case <-slot.ready:
		return slot, nil
	case <-ctx.Done():
	}
	// The slot may have been given while ctx ended. It goes back then, so that
	// an ended context never wins a slot; either way the next in line moves up.
	err := s.queueError(ctx, time.Now())
	slot.end(time.Now())
	return nil, err
}

// TryAcquire takes a slot if one is free and nobody waits for it.
func (s *Semaphore) TryAcquire() (*Slot, bool) {
	return s.tryAcquire(nil)
}

func (s *Semaphore) tryAcquire(e *entry) (*Slot, bool) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recover(now)
	if !s.free() {
		return nil, false
	}
	slot := &Slot{sem: s, entry: e}
	s.give(slot, now)
	return slot, true
}

// SetWidth changes how many slots there are; zero or less: unlimited. Wider
// admits those waiting at once. Narrower takes nothing back: new slots are
// given when enough have been released. What Shrink took is forgotten.
func (s *Semaphore) SetWidth(width int) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.width = max(width, 0)
	s.shrunk = nil
	s.admit(now)
}

// Release gives the slot back and lets the next in line have it. Only the
// first call counts. A nil slot may be released.
func (s *Slot) Release() {
	if s == nil {
		return
	}
	if s.end(time.Now()) && s.entry != nil {
		s.entry.unref()
	}
}

// end takes the slot out of whichever list it is in. It reports false if that
// had been done before.
func (s *Slot) end(now time.Time) bool {
	sem := s.sem
	sem.mu.Lock()
	defer sem.mu.Unlock()
	switch s.state {
	case slotReleased:
		return false
	case slotWaiting:
		sem.waiting.remove(s)
	case slotHeld:
		sem.held.remove(s)
		sem.freed = now
		sem.warned = false
	}
	s.state = slotReleased
	sem.recover(now)
	sem.admit(now)
	return true
}

// free reports whether a slot may be given to somebody who did not wait. The
// caller holds mu.
func (s *Semaphore) free() bool {
	return s.waiting.n == 0 && (s.width == 0 || s.held.n < s.width)
}

// give puts slot, which is in no list, among those held. The caller holds mu.
func (s *Semaphore) give(slot *Slot, now time.Time) {
	if s.held.n == 0 && s.freed.IsZero() {
		s.freed = now
	}
	slot.state = slotHeld
	slot.since = now
	s.held.pushBack(slot)
	s.peak = max(s.peak, s.held.n)
}

// admit gives slots to those waiting, first come first, while there are any.
// The caller holds mu.
func (s *Semaphore) admit(now time.Time) {
	for s.waiting.n > 0 && (s.width == 0 || s.held.n < s.width) {
		slot := s.waiting.head
		s.waiting.remove(slot)
		s.give(slot, now)
		close(slot.ready)
	}
}
