package semaphore

import (
	"context"
	"sync"
	"time"
)

// DefaultHandshakes is how many handshakes a Gate admits at once at most unless
// told otherwise: wide enough that a burst of 5,000 at 100 ms a round trip is over
// in seconds, and below the accept queue of most servers.
const DefaultHandshakes = 256

// Outcome is how a handshake ended, as far as the gate cares.
type Outcome uint8

// How a handshake may end.
const (
	Completed Outcome = iota // the peer finished it, or refused it by an alert or a certificate: it was up to the work
	Reset                    // the peer or a proxy on the way closed, reset or refused the connection
	Timeout                  // nothing came in time, be it of the connection or the handshake
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

// Gate admits handshakes towards one origin through one way out, as many at once
// as complete most per second. It learns that from how each ended: a link that
// loses a constant share of them keeps it wide, a peer that refuses what exceeds
// some number, or slows down, narrows it to that number. It begins 32 wide and
// stays between 1 and the maximum; an unlimited gate does not adapt. The zero value
// is not ready: use NewGate. All methods are safe for concurrent use.
type Gate struct {
	sem *Semaphore
	max int // immutable; 0: unlimited

	mu      sync.Mutex
	control controller           // guarded by mu
	width   int                  // guarded by mu; what sem was told last
	counts  [Abandoned + 1]int64 // guarded by mu; by outcome
}

// controller decides the width of a gate from what it is told. The gate calls
// it with its mutex held, so it needs none.
type controller interface {
	// started hears that a handshake was admitted, one of inProgress now. What
	// it returns comes back with the end of that handshake.
	started(now time.Time, inProgress int) ticket

	// done hears that a handshake admitted took ago ended as outcome, with
	// others still going, and gives the width from now on.
	done(now time.Time, t ticket, outcome Outcome, took time.Duration, others int) (width int)
}

// fixed is the controller that never moves.
type fixed int

func (f fixed) started(time.Time, int) ticket { return ticket{} }

func (f fixed) done(time.Time, ticket, Outcome, time.Duration, int) int { return int(f) }

// NewGate returns a gate with nothing in progress.
func NewGate(cfg GateConfig) *Gate {
	switch {
	case cfg.Max < 0:
		return &Gate{sem: New(0), control: fixed(0)}
	case cfg.Max == 0:
		cfg.Max = DefaultHandshakes
	}
	c := newClimber(cfg.Max)
	return &Gate{max: cfg.Max, width: c.width, sem: New(c.width), control: c}
}

// Pass is the right to make one handshake, from Acquire until Done.
type Pass struct {
	gate   *Gate
	slot   *Slot
	since  time.Time // immutable; when it was given
	ticket ticket    // immutable; the controller's
	once   sync.Once
}

// Acquire waits for a pass until ctx ends. It fails only with a *QueueError.
func (g *Gate) Acquire(ctx context.Context) (*Pass, error) {
	slot, err := g.sem.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	return g.admitted(slot), nil
}

func (g *Gate) admitted(slot *Slot) *Pass {
	now := time.Now()
	held := g.sem.heldNow()
	g.mu.Lock()
	defer g.mu.Unlock()
	return &Pass{gate: g, slot: slot, since: now, ticket: g.control.started(now, held)}
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
	held := g.sem.heldNow()
	g.mu.Lock()
	g.counts[outcome]++
	width := g.control.done(now, p.ticket, outcome, now.Sub(p.since), held-1)
	if width != g.width {
		g.width = width
		g.sem.SetWidth(width)
	}
	g.mu.Unlock()
	p.slot.Release()
}

// GateStats is a gate at one moment, and what it has seen since it was made.
type GateStats struct {
	Stats
	Max int // as wide as it may become; 0: unlimited

	Completed, Reset, Timeout, Abandoned int64 // handshakes ended, by outcome
}

// Stats tells how the gate stands.
func (g *Gate) Stats() GateStats {
	st := GateStats{Stats: g.sem.Stats(), Max: g.max}
	g.mu.Lock()
	defer g.mu.Unlock()
	st.Completed = g.counts[Completed]
	st.Reset = g.counts[Reset]
	st.Timeout = g.counts[Timeout]
	st.Abandoned = g.counts[Abandoned]
	return st
}
