package semaphore

import "time"

// Stats is a semaphore at one moment.
type Stats struct {
	Width   int // slots there are; 0: unlimited
	Full    int // if Shrink made them fewer, what they will be again; else 0
	Held    int // slots given out
	Waiting int // callers in the queue
	Peak    int // the most slots that were ever out at once

	Oldest        time.Duration // how long the slot held longest has been held; 0 if none is
	LongestWait   time.Duration // how long the first in the queue has waited; 0 if nobody does
	SinceLastFree time.Duration // since a slot last came back; 0 if none is held
}

// Stats tells how the semaphore stands.
func (s *Semaphore) Stats() Stats {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Stats{Width: s.width, Held: s.held.n, Waiting: s.waiting.n, Peak: s.peak}
	if s.shrunk != nil {
		st.Full = s.shrunk.full
	}
	st.Oldest = age(s.held.head, now)
	st.LongestWait = age(s.waiting.head, now)
	if s.held.n > 0 {
		st.SinceLastFree = max(now.Sub(s.freed), 0)
	}
	return st
}

// heldNow is the number of slots given out.
func (s *Semaphore) heldNow() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held.n
}

// Ages tells how long the slots given out have been held, the oldest first, at
// most limit of them. A limit of zero or less means all.
func (s *Semaphore) Ages(limit int) []time.Duration {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.held.n
	if limit > 0 {
		n = min(n, limit)
	}
	ages := make([]time.Duration, 0, n)
	for slot := s.held.head; slot != nil && len(ages) < n; slot = slot.next {
		ages = append(ages, age(slot, now))
	}
	return ages
}

// age is the time that slot has been in its list; 0 for nil.
func age(slot *Slot, now time.Time) time.Duration {
	if slot == nil {
		return 0
	}
	return max(now.Sub(slot.since), 0)
}
