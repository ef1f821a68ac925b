package semaphore

import (
	"math"
	"time"
)

// ticket says which round a handshake was admitted in.
type ticket struct {
	round  *round
	sample bool // whether it is one of those that the round is judged by
}

// sums are totals over handshakes that ended; decayed, so not whole numbers.
type sums struct {
	n, ok               float64
	time, okTime, time2 float64 // seconds charged: all, of successes, squared
}

// add counts a handshake that ended.
func (s *sums) add(ok bool, seconds float64) {
	s.n++
	s.time += seconds
	s.time2 += seconds * seconds
	if ok {
		s.ok++
		s.okTime += seconds
	}
}

// fade gives what was summed so far the weight w and adds o.
func (s *sums) fade(w float64, o sums) {
	s.n, s.ok = s.n*w+o.n, s.ok*w+o.ok
	s.time, s.okTime, s.time2 = s.time*w+o.time, s.okTime*w+o.okTime, s.time2*w+o.time2
}

// yield is completions per second of a place occupied, and the variance of its
// logarithm (that of a ratio estimator, and one outcome more for small samples).
func (s *sums) yield() (y, variance float64) {
	if s.ok == 0 {
		return 0, math.Inf(1)
	}
	y = s.ok / s.time
	r2 := s.ok - 2*y*s.okTime + y*y*s.time2
	return y, (max(r2, 0) + 0.5) / (s.ok * s.ok)
}

// round is a run of handshakes admitted at one width.
type round struct {
	width    int
	quota    int // handshakes to judge it by: the first so many admitted
	sampled  int // of those, admitted
	pending  int // of those, still going
	early    int // of those, failed before any success was known
	extended int // times the quota was raised

	admitted, heard, failed int // of all admitted in it
	peak                    int // in progress at once at an admission
	completed               int // successes heard while it ran, of any round
	ended, full             int // ends heard while it ran, and those with the gate full
	left, leftFailed        int // in progress when it set off an alarm; of those, failed

	first, last time.Time // when the first was admitted, and the last of the sample
	gaveUp      bool      // on those pending
	sums
}

// forget takes back what was said of a handshake that says nothing.
func (r *round) forget(t ticket) {
	r.admitted--
	r.heard--
	if t.sample && !r.gaveUp {
		r.sampled--
		r.pending--
	}
}

// pace is how fast the running median moves.
const pace = 1.0 / 16

// count enters a handshake that ended into the figures of its round r.
func (c *climber) count(r *round, t ticket, ok bool, seconds float64) {
	if ok {
		c.cur.completed++
		switch {
		case c.typical == 0:
			c.typical = seconds
		case seconds > c.typical:
			c.typical *= 1 + pace
		default:
			c.typical *= 1 - pace
		}
	} else {
		r.failed++
		r.leftFailed++
	}
	if !t.sample || r.gaveUp {
		return
	}
	r.pending--
	switch {
	case ok:
		r.add(true, seconds)
	case c.typical == 0:
		r.early++
	default:
		r.add(false, min(max(seconds, c.typical), costliest*c.typical))
	}
}

const certain = 1.5 // standard deviations that make a comparison clear

// knee compares two widths. It gives the width to go to, from narrow to wide,
// and whether chance can be ruled out.
func knee(narrow int, n *sums, wide int, w *sums) (width int, sure bool) {
	yn, vn := n.yield()
	yw, vw := w.yield()
	if yw == 0 {
		return narrow, true
	}
	change := math.Log(yw / yn)                            // 0: all the room is of use
	middle := -math.Log(float64(wide)/float64(narrow)) / 2 // twice that: none of it
	sure = math.Abs(change-middle) >= certain*math.Sqrt(vn+vw)
	if change > middle {
		return wide, sure
	}
	at := int(math.Round(float64(wide) * math.Exp(change)))
	return min(max(at, narrow), wide), sure
}
