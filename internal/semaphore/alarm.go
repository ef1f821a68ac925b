package semaphore

import (
	"math"
	"time"
)

const (
	alarming  = 4   // standard deviations that make an alarm, so that chance hardly does
	costliest = 4   // times the typical success, and a handshake counts as lost; the most that a failure is charged
	lateFloor = 0.1 // seconds that it is waited for at least
)

// late reports whether those of the round that are still going have been for so
// long that they count as lost.
func (c *climber) late(now time.Time) bool {
	return c.typical > 0 && now.Sub(c.cur.last).Seconds() > c.tooLong()
}

// tooLong is in seconds.
func (c *climber) tooLong() float64 { return max(costliest*c.typical, lateFloor) }

// outage: half of those admitted have failed and nothing has completed, though
// there was time.
func (c *climber) outage(now time.Time) bool {
	r := c.cur
	return r.completed == 0 && r.failed >= fewest && 2*r.failed >= r.admitted && now.Sub(r.first).Seconds() > c.typical
}

// alarm: more failures than chance makes of the normal share, among all that the
// round admitted (which hears of quick refusals first) or among its sample.
func (c *climber) alarm() bool {
	r := c.cur
	n, k := float64(r.admitted), float64(r.failed)
	if c.state == retreating { // the share is high already; do not wait long at a wrong width
		return r.failed >= 2*r.width+fewest && 2*k >= n
	}
	return c.worse(k, n) || c.worse(r.n-r.ok+float64(r.early), float64(r.sampled))
}

// worse reports whether k failures of n are more than chance makes of the
// normal share.
func (c *climber) worse(k, n float64) bool {
	if c.normal.n < fewest || k < fewest/2 {
		return false
	}
	lost := c.normal.n - c.normal.ok
	k-- // the normal approximation is too sure of few
	p := (k + lost) / (n + c.normal.n)
	return k/n-lost/c.normal.n > alarming*math.Sqrt(p*(1-p)*(1/n+1/c.normal.n))
}

// collapse narrows when nothing completes, and lets the gate open by doubling.
func (c *climber) collapse() {
	c.normal, c.ref, c.refWidth = sums{}, sums{}, 0
	c.up, c.step, c.patience, c.ceiling = true, bigStep, 1, 0
	c.begin(min(c.width, c.cur.peak)/4, holding)
}

// retreat answers an alarm.
func (c *climber) retreat() {
	if c.state == trying && c.width > c.refWidth {
		c.failTrial()
		return
	}
	if c.state != retreating {
		c.before, c.retreats = c.width, 0
	}
	c.retreats++
	c.bad = c.cur
	c.bad.left, c.bad.leftFailed = c.bad.admitted-c.bad.heard, 0
	c.bad.width = max(min(c.width, c.cur.peak-c.lost), 1) // callers may have been fewer
	c.step, c.patience = smallStep, 1
	c.begin(c.bad.width/2, retreating)
}

// bound is the most that the handshakes in progress at the alarm still allow:
// those that failed found no place.
func (c *climber) bound() int {
	b := c.bad
	if b.left < max(fewest, b.width/2) {
		return c.width // what is left of a round may be all refused, if its successes came first
	}
	share := float64(b.left-b.leftFailed) / float64(b.left)
	return max(int(float64(b.width)*share*c.normal.n/c.normal.ok), 1)
}

// settleRetreat tells from a round at the narrower width what the alarm was.
func (c *climber) settleRetreat() {
	to, sure := knee(c.width, &c.cur.sums, c.bad.width, &c.bad.sums)
	if c.extend(sure) {
		return
	}
	c.up, c.ceiling = true, 0
	switch {
	case to < c.bad.width:
		c.begin(to, holding)
	case !c.worse(c.cur.n-c.cur.ok, c.cur.n): // the failures are gone
		c.begin(c.width, holding)
	case c.retreats == 1 && c.width > 1:
		// The round of the alarm may have begun before the change, and its
		// yield be a mixture. Compare two that did not.
		c.retreat()
	default:
		// Nothing was gained, so the link became worse. The width before must
		// prove itself all the same; if it cannot, normal is what it was.
		c.doubted = c.normal
		c.normal, c.ref, c.refWidth = c.cur.sums, c.cur.sums, c.width
		c.begin(c.before, trying)
	}
}
