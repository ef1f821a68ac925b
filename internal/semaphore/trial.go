package semaphore

import "math"

const (
	smallStep   = 0.09     // of a trial once a doubling has failed
	bigStep     = math.Ln2 // doubling
	blur        = 2        // standard deviations of the figures compared that a step spans at least
	maxPatience = 8        // so that an opened peer is noticed within eight rounds
	maxRounds   = 3        // that a trial may take to become clear
)

// try begins a trial.
func (c *climber) try() {
	if c.max == 1 {
		c.begin(1, holding)
		return
	}
	if c.up && c.width == c.max {
		c.up, c.step = false, smallStep
	}
	c.up = c.up || c.width == 1
	c.begin(c.target(c.up), trying)
}

// extend gives the round another of handshakes at the same width, unless its
// result is sure or it took long enough.
func (c *climber) extend(sure bool) bool {
	r := c.cur
	if sure || r.extended >= maxRounds-1 {
		return false
	}
	c.cur = &round{width: r.width, quota: r.quota + max(r.width, fewest), sampled: r.quota, extended: r.extended + 1, sums: r.sums}
	return true
}

// settleTrial goes where the trial points.
func (c *climber) settleTrial() {
	var to int
	var sure bool
	if c.width > c.refWidth {
		to, sure = knee(c.refWidth, &c.ref, c.width, &c.cur.sums)
	} else {
		to, sure = knee(c.width, &c.cur.sums, c.refWidth, &c.ref)
	}
	if c.extend(sure) {
		return
	}
	switch to {
	case c.refWidth:
		c.failTrial()
	case c.width:
		c.normal.fade(longMemory, c.cur.sums)
		c.doubted = sums{}
		c.ref, c.refWidth = c.cur.sums, c.width
		if c.width >= c.ceiling || !c.up { // beyond what failed before, or away from it
			c.step, c.ceiling = min(2*c.step, bigStep), 0
		}
		c.patience = 1
		c.try()
	default:
		if c.doubted.n > 0 {
			c.normal, c.doubted = c.doubted, sums{}
		}
		c.ceiling = max(c.width, c.refWidth)
		c.up, c.step, c.patience = !c.up, smallStep, 1
		c.begin(to, holding)
	}
}

// failTrial goes back to the width held.
func (c *climber) failTrial() {
	wasUp := c.width > c.refWidth
	if wasUp {
		c.ceiling = c.width
	}
	if c.step > smallStep {
		c.step, c.patience = smallStep, 1
	} else {
		c.patience = min(2*c.patience, maxPatience)
	}
	if c.doubted.n > 0 {
		c.normal, c.doubted = c.doubted, sums{}
	}
	// Once more the same way, if that is not the same trial again.
	c.up = !wasUp || c.target(true) < c.ceiling
	c.rested = 0
	c.begin(c.refWidth, holding)
}

// target is the width of the next trial.
func (c *climber) target(up bool) int {
	_, variance := c.ref.yield()
	step := min(max(c.step, blur*math.Sqrt(2*variance)), bigStep)
	w := float64(c.refWidth)
	if up {
		return min(max(c.refWidth+1, int(w*math.Exp(step))), c.max)
	}
	return max(min(c.refWidth-1, int(math.Ceil(w*math.Exp(-step)))), 1)
}
