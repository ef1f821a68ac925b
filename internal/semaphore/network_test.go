package semaphore

import (
	"container/heap"
	"math/rand/v2"
	"sort"
	"testing"
	"testing/synctest"
	"time"
)

// network is a simulated way to an origin. One goroutine plays all callers and
// the origin in the exact time of a synctest bubble, through a real Gate, so
// that a seed gives the same run every time.
type network struct {
	rtt    time.Duration       // of a handshake that succeeds and waits for nothing
	jitter float64             // share of rtt by which handshakes differ, at most
	loss   float64             // share of handshakes that fail at random
	limit  int                 // more than that at once are refused; 0: none
	strict bool                // those refused count among them until they ended
	fail   time.Duration       // after which a failure is heard; rtt if 0
	how    Outcome             // of a failure; Reset if 0
	cores  int                 // of the origin; 0: as many as needed
	slow   float64             // share that takes a second longer
	cpu    time.Duration       // a handshake's share of a core
	change func(*network, int) // called before each handshake with how many were begun
	calls  func(time.Time) int // callers that want a handshake at once; nil: all that remain
}

// point is a moment of a run, after a handshake ended.
type point struct {
	at            time.Duration
	begun, failed int // so far
	width, held   int
}

type outcomeAt struct {
	at      time.Time
	seq     int
	outcome Outcome
	counted bool // among the origin's
	pass    *Pass
}

type agenda []*outcomeAt

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	if !a[i].at.Equal(a[j].at) {
		return a[i].at.Before(a[j].at)
	}
	return a[i].seq < a[j].seq
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(*outcomeAt)) }
func (a *agenda) Pop() any {
	old := *a
	x := old[len(old)-1]
	*a = old[:len(old)-1]
	return x
}

// run completes total handshakes, or begins at most most of them, and gives
// the trace.
func (n network) run(t *testing.T, seed uint64, g func() *Gate, total, most int) (trace []point) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { trace = n.play(t, seed, g(), total, most) })
	return trace
}

func (n network) play(t *testing.T, seed uint64, g *Gate, total, most int) (trace []point) {
	rng := rand.New(rand.NewPCG(seed, 2))
	var (
		events   agenda
		start    = time.Now()
		begun    int
		done     int
		failed   int
		atOrigin int
		free     = make([]time.Time, n.cores)
	)
	admit := func() {
		for begun < most && len(events) < total-done {
			if n.calls != nil && len(events) >= n.calls(time.Now()) {
				return
			}
			slot, ok := g.sem.TryAcquire()
			if !ok {
				return
			}
			if n.change != nil {
				n.change(&n, begun)
			}
			begun++
			now := time.Now()
			took := time.Duration(float64(n.rtt) * (1 + n.jitter*(rng.Float64()-0.5)))
			e := &outcomeAt{seq: begun, pass: g.admitted(slot), outcome: Completed, counted: true}
			if n.slow > 0 && rng.Float64() < n.slow {
				took += time.Second
			}
			lost := rng.Float64() < n.loss
			refused := n.limit > 0 && atOrigin >= n.limit
			if lost || refused {
				e.outcome = Reset
				if n.how != Completed {
					e.outcome = n.how
				}
				e.counted = !refused || n.strict
				if n.fail > 0 {
					took = time.Duration(float64(n.fail) * (1 + n.jitter*(rng.Float64()-0.5)))
				}
			} else if n.cores > 0 {
				core := 0
				for i := range free {
					if free[i].Before(free[core]) {
						core = i
					}
				}
				at := now.Add(took / 2)
				if free[core].After(at) {
					at = free[core]
				}
				free[core] = at.Add(n.cpu)
				took = at.Add(n.cpu).Add(took / 2).Sub(now)
			}
			if e.counted {
				atOrigin++
			}
			e.at = now.Add(took)
			heap.Push(&events, e)
		}
	}
	timer := time.NewTimer(0)
	<-timer.C
	admit()
	for len(events) > 0 {
		e := heap.Pop(&events).(*outcomeAt)
		if d := time.Until(e.at); d > 0 {
			timer.Reset(d)
			<-timer.C
		}
		if e.counted {
			atOrigin--
		}
		switch e.outcome {
		case Completed:
			done++
		case Reset, Timeout:
			failed++
		}
		e.pass.Done(e.outcome)
		admit()
		p := point{at: time.Since(start), begun: begun, failed: failed, width: g.width, held: g.sem.heldNow()}
		trace = append(trace, p)
		if p.width < 1 || p.width > g.max || p.held > g.max {
			t.Fatalf("%+v of at most %d", p, g.max)
		}
	}
	return trace
}

// from is the trace after begun handshakes.
func from(trace []point, begun int) []point {
	i := sort.Search(len(trace), func(i int) bool { return trace[i].begun >= begun })
	return trace[min(i, len(trace)-1):]
}

// waste is the share of failures among the handshakes of a trace.
func waste(trace []point) float64 {
	first, last := trace[0], trace[len(trace)-1]
	return float64(last.failed-first.failed) / float64(max(last.begun-first.begun, 1))
}

// widths gives the least, the mean and the greatest width of a trace.
func widths(trace []point) (least int, mean float64, most int) {
	least = trace[0].width
	for _, p := range trace {
		least, most = min(least, p.width), max(most, p.width)
		mean += float64(p.width)
	}
	return least, mean / float64(len(trace)), most
}

// reached is how many handshakes were begun when the width first was as ok says,
// 0 if it never was.
func reached(trace []point, ok func(width int) bool) int {
	for _, p := range trace {
		if ok(p.width) {
			return p.begun
		}
	}
	return 0
}

func last(trace []point) point { return trace[len(trace)-1] }

func adaptive() *Gate { return NewGate(GateConfig{}) }

func fixedAt(width int) func() *Gate {
	return func() *Gate { return &Gate{max: width, width: width, sem: New(width), control: fixed(width)} }
}
