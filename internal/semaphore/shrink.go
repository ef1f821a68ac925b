package semaphore

import "time"

const (
	// shrinkOnce is how long further errors count as the same shortage: those
	// who were admitted before it was known meet it too.
	shrinkOnce = time.Second
	// recoverEvery is how long no error must come before a quarter more is tried.
	recoverEvery = 10 * time.Second
)

// shrunk is a semaphore that this machine was too small for.
type shrunk struct {
	full      int       // the width to return to
	since     time.Time // of the last error, or the last step back
	error     time.Time // of the last halving
	unlimited bool      // full is not a limit
}

// Shrink answers an error that says this machine has no more of something
// (EMFILE, ENFILE, EADDRNOTAVAIL): the slots become half of those in use, but
// not fewer than floor. Errors within a second count as one. After ten seconds
// without an error a quarter more is tried, and so on until the width is what
// was set. It gives the width, and whether this is the first error since the
// width was whole, which is the moment to say so. A semaphore without a limit
// counts as wide as it was in use.
func (s *Semaphore) Shrink(now time.Time, floor int) (width int, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recover(now)
	used := max(s.held.n, 1)
	if s.width > 0 {
		used = min(used, s.width)
	}
	first = s.shrunk == nil
	if first {
		s.shrunk = &shrunk{full: s.width}
		if s.width == 0 {
			s.shrunk.full = used
		}
		s.shrunk.unlimited = s.width == 0
	} else if now.Sub(s.shrunk.error) < shrinkOnce {
		s.shrunk.since = now
		return s.width, false
	}
	s.shrunk.since, s.shrunk.error = now, now
	s.width = min(max(used/2, floor, 1), s.shrunk.full)
	return s.width, first
}

// recover widens what Shrink narrowed, as far as the time without errors
// allows. Every Acquire, Release and Shrink calls it; the caller holds mu.
func (s *Semaphore) recover(now time.Time) {
	r := s.shrunk
	if r == nil {
		return
	}
	for now.Sub(r.since) >= recoverEvery {
		r.since = r.since.Add(recoverEvery)
		s.width += max(s.width/4, 1)
		if s.width >= r.full {
			s.width = r.full
			if r.unlimited {
				s.width = 0
			}
			s.shrunk = nil
			break
		}
	}
	s.admit(now)
}

// Starving reports whether nobody got a slot for so long that somebody should
// know: slots are held, the first in the queue has waited for after or longer,
// and none came back in that time. It reports each such episode once; a slot
// that comes back ends it. again is how long from now there can be something to
// report at the earliest, for the timer of a caller who waits.
func (s *Semaphore) Starving(now time.Time, after time.Duration) (starving bool, again time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting.n == 0 || s.held.n == 0 || s.warned {
		return false, after
	}
	stuck := min(now.Sub(s.freed), age(s.waiting.head, now))
	if stuck < after {
		return false, after - stuck
	}
	s.warned = true
	return true, after
}
