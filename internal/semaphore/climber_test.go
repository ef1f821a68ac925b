package semaphore

import (
	"math"
	"sort"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const ms = time.Millisecond

const whole = math.MaxInt // handshakes that a run may begin

// farAway is the network of the bars: 100 ms, give or take a tenth.
var farAway = network{rtt: 100 * ms, jitter: 0.2}

// each runs f for a number of seeds, so that no result is an accident.
func each(t *testing.T, seeds uint64, f func(t *testing.T, seed uint64)) {
	t.Helper()
	t.Parallel()
	switch {
	case underRace:
		seeds = 1
	case testing.Short():
		seeds = min(seeds, 3)
	}
	for seed := range seeds {
		f(t, seed)
	}
}

// seedsOf gives the seeds for the case i of a list: the first is the one that
// matters, the others are its relatives.
func seedsOf(i int) uint64 {
	if i == 0 {
		return 20
	}
	return 6
}

// spread is the least, middle and greatest of figures over the seeds.
type spread []float64

func (s *spread) add(x float64) { *s = append(*s, x) }

func (s spread) log(t *testing.T, what string) {
	t.Helper()
	if len(s) > 0 {
		sort.Float64s(s)
		t.Logf("%s: least %.3g, median %.3g, greatest %.3g", what, s[0], s[len(s)/2], s[len(s)-1])
	}
}

// losses are links that lose handshakes whatever the width, and how much longer
// than a fixed width of 256 the adaptive gate may take for 5,000 handshakes.
// The most is for single seeds, the middle for the median of all.
var losses = []struct {
	name         string
	n            network
	middle, most float64
}{
	{"a fifth", network{rtt: 100 * ms, jitter: 0.2, loss: 0.2}, 1.3, 1.4},
	{"a fifth, no jitter", network{rtt: 100 * ms, loss: 0.2}, 1.3, 1.4},
	{"a fifth, heard at once", network{rtt: 100 * ms, jitter: 0.2, loss: 0.2, fail: 1}, 1.3, 1.4},
	{"a fifth, heard after a third", network{rtt: 100 * ms, jitter: 0.2, loss: 0.2, fail: 33 * ms}, 1.3, 1.4},
	{"a fifth by time-out", network{rtt: 100 * ms, jitter: 0.2, loss: 0.2, fail: time.Second, how: Timeout}, 1.3, 2},
	{"a fifth on loopback", network{rtt: ms, jitter: 0.2, loss: 0.2}, 1.3, 1.4},
	{"none", network{rtt: 100 * ms, jitter: 0.2}, 1.3, 1.4},
	{"three fifths", network{rtt: 100 * ms, jitter: 0.2, loss: 0.6}, 1.4, 2.2},
	{"a twentieth, and as many a second late", network{rtt: 100 * ms, jitter: 0.2, loss: 0.05, slow: 0.05}, 1.5, 2},
	{"a third, after 2,000 without", network{rtt: 100 * ms, jitter: 0.2, change: func(n *network, begun int) {
		if begun == 2000 {
			n.loss = 0.35
		}
	}}, 1.4, 1.6},
}

func TestLossKeepsTheGateWide(t *testing.T) {
	for i, c := range losses {
		t.Run(c.name, func(t *testing.T) {
			var ratios, means spread
			each(t, seedsOf(i), func(t *testing.T, seed uint64) {
				trace := c.n.run(t, seed, adaptive, 5000, whole)
				ratio := last(trace).at.Seconds() / last(c.n.run(t, seed, fixedAt(256), 5000, whole)).at.Seconds()
				ratios.add(ratio)
				_, mean, _ := widths(from(trace, 1000))
				means.add(mean)
				if ratio > c.most {
					t.Errorf("seed %d: %.2f times the time of a fixed 256", seed, ratio)
				}
			})
			ratios.log(t, "times the time of a fixed 256")
			means.log(t, "mean width after 1,000")
			if middle := ratios[len(ratios)/2]; middle > c.middle {
				t.Errorf("median %.2f times the time of a fixed 256", middle)
			}
		})
	}
}

// The same for a gate that may be 16 wide at most, where a round says little.
func TestLossAtSmallWidth(t *testing.T) {
	var ratios spread
	each(t, 8, func(t *testing.T, seed uint64) {
		n := farAway
		n.change = losses[len(losses)-1].n.change
		trace := n.run(t, seed, func() *Gate { return NewGate(GateConfig{Max: 16}) }, 5000, whole)
		ratio := last(trace).at.Seconds() / last(n.run(t, seed, fixedAt(16), 5000, whole)).at.Seconds()
		ratios.add(ratio)
		if ratio > 1.7 {
			t.Errorf("seed %d: %.2f times the time of a fixed 16", seed, ratio)
		}
	})
	ratios.log(t, "times the time of a fixed 16")
}

func TestOutageNarrowsAndPasses(t *testing.T) {
	var seen, back spread
	each(t, 8, func(t *testing.T, seed uint64) {
		const at, until = 2000, 2600
		n := farAway
		n.change = func(n *network, begun int) {
			switch begun {
			case at:
				n.loss = 1
			case until:
				n.loss = 0
			}
		}
		trace := n.run(t, seed, adaptive, 6000, whole)
		closed := reached(from(trace, at), func(w int) bool { return w == 1 }) - at
		open := reached(from(trace, until), func(w int) bool { return w >= 200 }) - until
		seen.add(float64(closed))
		back.add(float64(open))
		if closed > 450 { // up to 256 were in progress when it began
			t.Errorf("seed %d: %d handshakes until the width was 1", seed, closed)
		}
		if open > 900 || open < 0 {
			t.Errorf("seed %d: %d handshakes until the width was 200 again", seed, open)
		}
	})
	seen.log(t, "handshakes from the beginning until the width was 1")
	back.log(t, "handshakes from the end until the width was 200")
}

func TestOriginThatResetsEverythingSeesFew(t *testing.T) {
	for _, fail := range []time.Duration{100 * ms, 1} {
		var seen spread
		for seed := range uint64(5) {
			n := network{rtt: 100 * ms, jitter: 0.2, loss: 1, fail: fail}
			trace := n.run(t, seed, adaptive, 5000, 1000)
			closed := reached(trace, func(w int) bool { return w == 1 })
			seen.add(float64(closed))
			if _, _, wide := widths(from(trace, closed+1)); closed > 100 || wide != 1 {
				t.Errorf("failing after %v, seed %d: %d handshakes until the width was 1, then %d", fail, seed, closed, wide)
			}
		}
		seen.log(t, "handshakes until the width was 1")
	}
}

// A server with two cores and 2 ms of work per handshake completes 1,000 a
// second, from a width of 100 (4 on loopback) on.
func TestSmallerOfTwoThatCompleteAlike(t *testing.T) {
	for _, c := range []struct {
		rtt  time.Duration
		most float64
	}{{100 * ms, 150}, {ms, 8}} {
		t.Run(c.rtt.String(), func(t *testing.T) {
			var means, slower spread
			each(t, 6, func(t *testing.T, seed uint64) {
				n := network{rtt: c.rtt, jitter: 0.2, cores: 2, cpu: 2 * ms}
				trace := n.run(t, seed, adaptive, 8000, whole)
				_, mean, _ := widths(from(trace, 4000))
				ratio := last(trace).at.Seconds() / last(n.run(t, seed, fixedAt(256), 8000, whole)).at.Seconds()
				means.add(mean)
				slower.add(ratio)
				if mean > c.most || ratio > 1.1 {
					t.Errorf("seed %d: mean width %.1f, %.2f times the time of a fixed 256", seed, mean, ratio)
				}
			})
			means.log(t, "mean width after 4,000")
			slower.log(t, "times the time of a fixed 256")
		})
	}
}

func TestFewCallersAreNoCapacity(t *testing.T) {
	each(t, 5, func(t *testing.T, seed uint64) {
		n := farAway
		n.limit = 20
		n.calls = func(time.Time) int { return 10 }
		if trace := n.run(t, seed, adaptive, 3000, whole); last(trace).width != openingWidth || last(trace).failed != 0 {
			t.Errorf("seed %d: ten callers moved the width to %d", seed, last(trace).width)
		}
	})
}

// Ten callers at a gate of 256: when the origin takes only five, the gate
// narrows from ten.
func TestAlarmCountsCallersNotWidth(t *testing.T) {
	each(t, 5, func(t *testing.T, seed uint64) {
		n := farAway
		callers := math.MaxInt
		n.calls = func(time.Time) int { return callers }
		n.change = func(n *network, begun int) {
			switch begun {
			case 3000:
				callers = 10
			case 3500:
				n.limit = 5
			}
		}
		trace := n.run(t, seed, adaptive, 4500, whole)
		if took := reached(from(trace, 3500), func(w int) bool { return w <= 6 }) - 3500; took > 100 || took < 0 {
			t.Errorf("seed %d: %d handshakes until the width was at most 6", seed, took)
		}
	})
}

func TestAbandonedSaysNothing(t *testing.T) {
	c := newClimber(256)
	now := time.Now()
	for i := range 10_000 {
		tk := c.started(now, 1+i%32)
		if w := c.done(now.Add(time.Duration(i)*ms), tk, Abandoned, 100*ms, 31); w != openingWidth {
			t.Fatalf("width %d after %d abandoned handshakes", w, i+1)
		}
	}
	each(t, 5, func(t *testing.T, seed uint64) {
		n := farAway
		n.loss, n.how = 0.5, Abandoned
		trace := n.run(t, seed, adaptive, 5000, whole)
		if w, _, _ := widths(from(trace, 3000)); w < 200 {
			t.Errorf("seed %d: width %d while half the handshakes are abandoned", seed, w)
		}
	})
}

func TestSmallMaximum(t *testing.T) {
	for _, limit := range []int{1, 2, 3} {
		for _, n := range []network{farAway, {rtt: 100 * ms, jitter: 0.2, loss: 0.3}, {rtt: 100 * ms, loss: 1}} {
			trace := n.run(t, 1, func() *Gate { return NewGate(GateConfig{Max: limit}) }, 500, 2000) // play fails above the maximum
			peak := 0
			for _, p := range trace {
				peak = max(peak, p.held)
			}
			if peak != limit {
				t.Errorf("at most %d: %d at once", limit, peak)
			}
		}
	}
}

func TestUnlimitedGateDoesNotAdapt(t *testing.T) {
	g := NewGate(GateConfig{Max: -1})
	for range 1000 {
		p, err := g.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		p.Done(Reset)
	}
	if st := g.Stats(); st.Width != 0 || st.Reset != 1000 {
		t.Errorf("%+v", st)
	}
}

// The same through Acquire, with 5,000 callers at once, each trying until it
// succeeds.
func TestBurstOfCallers(t *testing.T) {
	for _, rtt := range []time.Duration{100 * ms, ms} {
		synctest.Test(t, func(t *testing.T) {
			g := adaptive()
			var mu sync.Mutex
			var ends []time.Time // of those at the origin, in order
			begun, refused := 0, 0
			shake := func() Outcome {
				mu.Lock()
				begun++
				now := time.Now()
				// One that ends now makes room for one that begins now, whichever
				// goroutine runs first.
				for len(ends) > 0 && !ends[0].After(now) {
					ends = ends[1:]
				}
				full := len(ends) >= 40
				if !full {
					ends = append(ends, now.Add(rtt))
				} else {
					refused++
				}
				mu.Unlock()
				<-time.After(rtt)
				if full {
					return Reset
				}
				return Completed
			}
			start := time.Now()
			var wg sync.WaitGroup
			for range 5000 {
				wg.Go(func() {
					for {
						p, err := g.Acquire(t.Context())
						if err != nil {
							t.Error(err)
							return
						}
						outcome := shake()
						p.Done(outcome)
						if outcome == Completed {
							return
						}
					}
				})
			}
			wg.Wait()
			st := g.Stats()
			if st.Completed != 5000 || st.Held != 0 || st.Peak > 256 {
				t.Errorf("%+v", st)
			}
			if share := float64(refused) / float64(begun); share > 0.1 {
				t.Errorf("%.3f of %d refused", share, begun)
			}
			if best := 5000 / 40 * rtt; time.Since(start) > best*5/4 {
				t.Errorf("took %v, at best %v", time.Since(start), best)
			}
		})
	}
}
