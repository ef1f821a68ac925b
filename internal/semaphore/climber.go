package semaphore

import "time"

// climber looks for the number of concurrent handshakes that completes most per
// second. A failure alone tells it nothing: a link that loses a fifth of all
// handshakes loses it at every width, and narrowing only makes it slower. What
// tells overload from loss is the comparison of two widths.
//
// It works in rounds, about as many handshakes as the gate is wide. The
// handshakes of a round are those admitted in it, not those that end in it,
// because failures often come back sooner than successes. The figure of a round
// is its yield: handshakes completed per second of a place occupied. A failure
// is charged at least the time of a success, so quick resets are not cheap.
// Width × yield is what completes per second.
//
// A trial (trial.go) compares a round at another width with those before it.
// Under loss, and while the peer has room, the yield is the same at both, so the
// wider one completes more and is taken. Past the peer's capacity the yield
// falls as the width grows, whether by resets, time-outs or waiting. Then the
// gate goes to the knee, the width at which the yield of the narrow round would
// already complete what the wide one did: wide × yield(wide) / yield(narrow).
// That is also what prefers the smaller of two that complete alike. Trials begin
// by doubling. Once one has failed they go up and down in turn by small steps,
// larger where chance blurs the figures, with ever longer rests between; what
// succeeds beyond the last failure doubles the step again.
//
// An alarm (alarm.go) does not wait for the end of a round. The failures so far
// among all that the round admitted are a lower bound of its share of failures.
// When that is beyond what chance makes of the share before, a trial upwards
// ends at once, and otherwise the gate halves, and narrows further with what is
// still heard of the handshakes in progress. A round there tells what it was: if
// the yield did not recover, the link became worse, and the width before is
// tried against it. When nothing at all completes the gate quarters, down to
// one, and doubles again after the first success.
//
// Rounds that the callers did not fill say nothing about capacity and move
// nothing. A handshake costs a few additions, a round one small allocation;
// there is no goroutine and no timer. Its methods take the time, and the gate's
// mutex guards it all.
type climber struct {
	max      int     // immutable; width is never above it
	width    int     // what the gate is told
	cur      *round  // the round being admitted or awaited
	bad      *round  // what set off the alarm; drains while retreating
	before   int     // the width before the alarm
	retreats int     // since the alarm
	state    state   // what cur is for
	ref      sums    // recent rounds at refWidth
	refWidth int     // the width held
	normal   sums    // recent rounds that set off no alarm, at any width
	doubted  sums    // normal before an alarm taken for loss, until the width before has been tried; or zero
	up       bool    // direction of the next trial
	step     float64 // its size, in natural logarithms of the width
	rested   int     // rounds held since the last trial
	patience int     // rounds to hold before the next
	typical  float64 // seconds that a success takes: the running median; 0 unknown
	ceiling  int     // where a trial upwards failed last; 0: nowhere
	lost     int     // late and given up, but still in progress
}

// state is what a round is for.
type state uint8

const (
	holding    state = iota // at refWidth
	trying                  // another width against refWidth
	retreating              // half the width against what set off the alarm
)

const (
	openingWidth = 32   // at the start
	fewest       = 8    // handshakes that say anything about a share
	memory       = 0.5  // weight of older rounds at the width held
	longMemory   = 0.8  // of older rounds in the normal share of failures
	tick         = 1e-6 // seconds that a handshake takes at least
)

func newClimber(limit int) *climber {
	c := &climber{max: limit, up: true, step: bigStep, patience: 1}
	c.begin(min(limit, openingWidth), holding)
	return c
}

// begin opens a round.
func (c *climber) begin(width int, s state) {
	c.width, c.state = min(max(width, 1), c.max), s
	c.cur = &round{width: c.width, quota: c.width}
	if s == holding && c.refWidth != c.width {
		c.refWidth, c.ref, c.rested = c.width, sums{}, 0
	}
	if c.step < bigStep {
		c.cur.quota = max(c.width, fewest)
		if s == holding {
			c.cur.quota = max(c.width, 2*fewest)
		}
	}
}

func (c *climber) started(now time.Time, inProgress int) ticket {
	r := c.cur
	r.admitted++
	r.peak = max(r.peak, inProgress)
	t := ticket{round: r, sample: r.sampled < r.quota}
	if r.admitted == 1 {
		r.first = now
	}
	if t.sample {
		r.sampled++
		r.pending++
		r.last = now
	}
	return t
}

func (c *climber) done(now time.Time, t ticket, outcome Outcome, took time.Duration, others int) int {
	r := t.round
	r.heard++
	if t.sample && r.gaveUp {
		c.lost--
	}
	if outcome == Abandoned {
		r.forget(t)
	} else {
		c.count(r, t, outcome == Completed, max(took.Seconds(), tick))
		c.cur.ended++
		if others+1 >= c.told() {
			c.cur.full++
		}
	}
	switch {
	case c.outage(now):
		c.collapse()
	case c.alarm():
		c.retreat()
	case c.state == retreating && 5*c.bound() < 4*c.width:
		c.begin(c.bound(), retreating)
	case c.cur.sampled >= c.cur.quota && (c.cur.pending == 0 || c.late(now)):
		c.judge()
	}
	return c.told()
}

// told is the width for the gate: a place whose handshake counts as lost does
// not hold up the others.
func (c *climber) told() int { return min(c.width+c.lost, c.max) }

// judge ends a round.
func (c *climber) judge() {
	r := c.cur
	r.gaveUp = true
	c.lost += r.pending
	for ; r.pending > 0; r.pending-- {
		r.add(false, costliest*c.typical)
	}
	for ; r.early > 0; r.early-- {
		r.add(false, c.typical)
	}
	if r.ok == 0 {
		c.collapse()
		return
	}
	busy := 2*r.full >= r.ended
	switch c.state {
	case holding:
		c.normal.fade(longMemory, r.sums)
		c.ref.fade(memory, r.sums)
		c.rested++
		if busy && c.rested >= c.patience {
			c.try()
		} else {
			c.begin(c.width, holding)
		}
	case trying:
		if !busy {
			c.failTrial()
			return
		}
		c.settleTrial()
	case retreating:
		c.settleRetreat()
	}
}
