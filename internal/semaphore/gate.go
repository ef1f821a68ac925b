package semaphore

import (
	"context"
	"sync"
	"time"
)

// DefaultHandshakes is how many handshakes a Gate admits at once unless told
// otherwise: wide enough that a burst of 5,000 at 100 ms a round trip is over
// in seconds, and below the accept queue of most servers.
const DefaultHandshakes = 256

// Outcome is how a handshake ended, as far as the gate cares.
type Outcome uint8

// How a handshake may end.
const (
	Completed Outcome = iota // the peer finished it, or refused it by an alert or a certificate: it was up to the work
	Reset                    // the peer closed or reset the connection in the middle
	Timeout                  // nothing came in time
	Abandoned                // we gave up for reasons of our own: says nothing about the peer
)

// String names the outcome in lower case.
func (o Outcome) String() string {
	switch o {
	case Completed:
		return "completed"
	case Reset:
		return "reset"
	case Timeout:
		return "timeout"
	case Abandoned:
		return "abandoned"
	}
	return "unknown"
}

// GateConfig says how wide a Gate may be.
type GateConfig struct {
	// Max is the most handshakes in progress at once. 0: DefaultHandshakes.
	// Negative: unlimited.
	Max int
}

// Gate admits handshakes towards one origin through one way out. It learns how
// each ended, and its controller may answer with another width. The zero value
// is not ready: use NewGate. All methods are safe for concurrent use.
type Gate struct {
	sem *Semaphore

	mu      sync.Mutex
	control controller           // guarded by mu
	counts  [Abandoned + 1]int64 // guarded by mu; by outcome
}

// controller decides the width of a gate from what it is told. The gate calls
// it with its mutex held, so it needs none.
type controller interface {
	// done hears that a handshake admitted took ago ended as outcome, with
	// inProgress others still going, and gives the width from now on.
	done(now time.Time, outcome Outcome, took time.Duration, inProgress int) (width int)
}

// fixed is the controller that never moves.
type fixed int

func (f fixed) done(time.Time, Outcome, time.Duration, int) int { return int(f) }

// NewGate returns a gate with nothing in progress.
func NewGate(cfg GateConfig) *Gate {
	width := cfg.Max
	switch {
	case width == 0:
		width = DefaultHandshakes
	case width < 0:
		width = 0 // the semaphore's word for unlimited
	}
	return &Gate{sem: New(width), control: fixed(width)}
}

// Pass is the right to make one handshake, from Acquire until Done.
type Pass struct {
	gate  *Gate
	slot  *Slot
	since time.Time // immutable; when it was given
	once  sync.Once
}

// Acquire waits for a pass until ctx ends. It fails only with a *QueueError.
func (g *Gate) Acquire(ctx context.Context) (*Pass, error) {
	slot, err := g.sem.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	return &Pass{gate: g, slot: slot, since: time.Now()}, nil
}

// Done says how the handshake ended and gives the pass back. Only the first
// call counts. A nil pass may be done with.
func (p *Pass) Done(outcome Outcome) {
	if p == nil {
		return
	}
	p.once.Do(func() { p.gate.done(p, outcome) })
}

func (g *Gate) done(p *Pass, outcome Outcome) {
	now := time.Now()
	if outcome > Abandoned {
		outcome = Abandoned
	}
	st := g.sem.Stats()
	g.mu.Lock()
	g.counts[outcome]++
	width := g.control.done(now, outcome, now.Sub(p.since), st.Held-1)
	if width != st.Width {
		g.sem.SetWidth(width)
	}
	g.mu.Unlock()
	p.slot.Release()
}

// GateStats is a gate at one moment, and what it has seen since it was made.
type GateStats struct {
	Stats
	Completed, Reset, Timeout, Abandoned int64 // handshakes ended, by outcome
}

// Stats tells how the gate stands.
func (g *Gate) Stats() GateStats {
	st := GateStats{Stats: g.sem.Stats()}
	g.mu.Lock()
	defer g.mu.Unlock()
	st.Completed = g.counts[Completed]
	st.Reset = g.counts[Reset]
	st.Timeout = g.counts[Timeout]
	st.Abandoned = g.counts[Abandoned]
	return st
}
