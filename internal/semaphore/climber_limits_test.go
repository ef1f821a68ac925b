package semaphore

import (
	"testing"
	"time"
)

// limits are origins that refuse what exceeds 40 at once.
var limits = []struct {
	name string
	n    network
}{
	{"after a round trip", network{rtt: 100 * ms, jitter: 0.2, limit: 40}},
	{"no jitter", network{rtt: 100 * ms, limit: 40}},
	{"at once", network{rtt: 100 * ms, jitter: 0.2, limit: 40, fail: 1}},
	{"after a tenth", network{rtt: 100 * ms, jitter: 0.2, limit: 40, fail: 10 * ms}},
	{"counting those it refuses", network{rtt: 100 * ms, jitter: 0.2, limit: 40, strict: true}},
	{"counting those it refuses, after a half", network{rtt: 100 * ms, jitter: 0.2, limit: 40, strict: true, fail: 50 * ms}},
	{"on loopback", network{rtt: ms, jitter: 0.2, limit: 40}},
}

func TestLimitIsFound(t *testing.T) {
	for i, c := range limits {
		t.Run(c.name, func(t *testing.T) {
			var wasted, least, most spread
			each(t, seedsOf(i), func(t *testing.T, seed uint64) {
				trace := from(c.n.run(t, seed, adaptive, 5000, whole), 500)
				settled := trace[:len(trace)-100] // the last are fewer than the gate is wide
				narrow, _, wide := widths(settled)
				w := waste(settled)
				wasted.add(w)
				least.add(float64(narrow))
				most.add(float64(wide))
				if narrow < 30 || wide > 45 {
					t.Errorf("seed %d: width from %d to %d after 500 handshakes", seed, narrow, wide)
				}
				if w >= 0.08 {
					t.Errorf("seed %d: wasted %.3f after 500 handshakes", seed, w)
				}
			})
			wasted.log(t, "wasted after 500")
			least.log(t, "least width after 500")
			most.log(t, "greatest width after 500")
		})
	}
}

// Where those that find a place end before those that find none, what is left at
// the alarm are the refused alone: they say nothing of how many places there are.
func TestRefusedEndLast(t *testing.T) {
	now := time.Unix(0, 0)
	c := newClimber(256)
	batch := func(places int) {
		n := c.told()
		tickets := make([]ticket, n)
		for i := range tickets {
			tickets[i] = c.started(now, i+1)
		}
		now = now.Add(100 * ms)
		for i, ticket := range tickets {
			outcome := Completed
			if i >= places {
				outcome = Reset
			}
			c.done(now, ticket, outcome, 100*ms, n-1-i)
			if c.width < 16 {
				t.Fatalf("width %d: of %d at once %d had found a place", c.width, n, places)
			}
		}
	}
	c.begin(64, holding)
	for range 3 {
		batch(64)
		c.begin(64, holding)
	}
	for range 100 {
		batch(40)
	}
}

// limitAt changes the limit once begun handshakes were.
func limitAt(at, limit int) func(*network, int) {
	return func(n *network, begun int) {
		if begun == at {
			n.limit = limit
		}
	}
}

func TestLimitThatDropsIsFollowed(t *testing.T) {
	for i, fail := range []time.Duration{100 * ms, 50 * ms, 10 * ms, 1} {
		t.Run(fail.String(), func(t *testing.T) {
			var after, wasted spread
			each(t, seedsOf(i), func(t *testing.T, seed uint64) {
				at := 1500 + 37*int(seed) // at any point of its trials
				n := network{rtt: 100 * ms, jitter: 0.2, limit: 40, fail: fail, change: limitAt(at, 10)}
				trace := n.run(t, seed, adaptive, 3500, whole)
				took := reached(from(trace, at), func(w int) bool { return w <= 12 }) - at
				after.add(float64(took))
				if took > 200 {
					t.Errorf("seed %d: %d handshakes until the width was at most 12", seed, took)
				}
				settled := from(trace, at+200)
				settled = settled[:len(settled)-100]
				_, mean, wide := widths(settled)
				wasted.add(waste(settled))
				if mean < 8 || mean > 12 || wide > 25 {
					t.Errorf("seed %d: mean width %.1f, greatest %d from 200 handshakes after the drop", seed, mean, wide)
				}
			})
			after.log(t, "handshakes until the width was at most 12")
			wasted.log(t, "wasted from 200 after the drop")
		})
	}
}

func TestLimitThatIsLiftedOpensTheGate(t *testing.T) {
	for i, c := range []struct {
		name           string
		loss           float64
		seconds, begun float64
	}{
		{"no loss", 0, 6, 3000},
		{"a fifth lost", 0.2, 12, 6000},
	} {
		t.Run(c.name, func(t *testing.T) {
			var handshakes, seconds spread
			each(t, seedsOf(i), func(t *testing.T, seed uint64) {
				at := 1500 + 37*int(seed)
				n := network{rtt: 100 * ms, jitter: 0.2, loss: c.loss, limit: 40, change: limitAt(at, 0)}
				trace := from(n.run(t, seed, adaptive, 6000, whole), at)
				open := from(trace, reached(trace, func(w int) bool { return w >= 200 }))[0]
				handshakes.add(float64(open.begun - at))
				seconds.add((open.at - trace[0].at).Seconds())
				if open.width < 200 || seconds[len(seconds)-1] > c.seconds || handshakes[len(handshakes)-1] > c.begun {
					t.Errorf("seed %d: width %d after %.1f s and %.0f handshakes", seed, open.width, seconds[len(seconds)-1], handshakes[len(handshakes)-1])
				}
			})
			handshakes.log(t, "handshakes until the width was 200")
			seconds.log(t, "seconds until the width was 200")
		})
	}
}

func TestLossAndLimitAtOnce(t *testing.T) {
	var means, ideal spread
	each(t, 8, func(t *testing.T, seed uint64) {
		n := network{rtt: 100 * ms, jitter: 0.2, loss: 0.2, limit: 40}
		trace := n.run(t, seed, adaptive, 5000, whole)
		_, mean, _ := widths(from(trace, 500))
		means.add(mean)
		// 40 at once, of which four fifths complete, is the best there is.
		slower := last(trace).at.Seconds() / (5000 * 0.1 / (0.8 * 40))
		ideal.add(slower)
		if mean < 30 || mean > 50 || slower > 1.2 {
			t.Errorf("seed %d: mean width %.1f, %.2f times the best time", seed, mean, slower)
		}
	})
	means.log(t, "mean width after 500")
	ideal.log(t, "times the best time")
}

// Handshakes beyond the limit that are dropped rather than refused show as
// time-outs, long after.
func TestTimeoutsAreFailures(t *testing.T) {
	for _, after := range []time.Duration{time.Second, 15 * time.Second} {
		t.Run(after.String(), func(t *testing.T) {
			var running, wasted spread
			each(t, 6, func(t *testing.T, seed uint64) {
				n := network{rtt: 100 * ms, jitter: 0.2, limit: 40, fail: after, how: Timeout}
				var g *Gate
				trace := from(n.run(t, seed, func() *Gate { g = adaptive(); return g }, 5000, whole), 500)
				_, mean, _ := widths(trace)
				// Those given up are still in progress, and not of the width.
				mean -= float64(waiting(trace, after))
				running.add(mean)
				wasted.add(waste(trace))
				if mean < 28 || mean > 50 || waste(trace) > 0.08 || g.Stats().Timeout == 0 {
					t.Errorf("seed %d: mean width %.1f, wasted %.3f", seed, mean, waste(trace))
				}
				if lost := g.control.(*climber).lost; lost != 0 {
					t.Errorf("seed %d: %d still counted as lost at the end", seed, lost)
				}
			})
			running.log(t, "mean width, less those given up")
			wasted.log(t, "wasted")
		})
	}
}

// waiting estimates by Little's law how many were in progress on the mean only
// to time out.
func waiting(trace []point, timeout time.Duration) float64 {
	first, end := trace[0], last(trace)
	return float64(end.failed-first.failed) * timeout.Seconds() / (end.at - first.at).Seconds()
}
