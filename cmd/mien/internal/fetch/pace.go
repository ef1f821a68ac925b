package fetch

import (
	"context"
	"sync"
	"time"
)

// pace spaces the requests to each host. The zero value spaces nothing but what
// has a delay of its own. Safe for concurrent use.
type pace struct {
	interval time.Duration // between two requests to a host; 0: none

	mu    sync.Mutex
	hosts map[string]*hostPace // guarded by mu
	sweep int                  // guarded by mu; how many hosts there are when those at rest are forgotten
}

// hostPace is one host's.
type hostPace struct {
	users int           // guarded by pace.mu; who is between enter and leave
	turn  chan struct{} // holds one token: who has it is the next to ask
	next  time.Time     // guarded by pace.mu; when the next may
	every time.Duration // guarded by pace.mu; the interval of the last
}

// pacePrecision is how late a timer may be without lowering the rate.
const pacePrecision = 10 * time.Millisecond

// sweepHosts is how many hosts are remembered before those at rest are not.
const sweepHosts = 4096

// wait returns when a request to host may start, in the order of calls. delay is
// what the host asks for itself.
func (p *pace) wait(ctx context.Context, host string, delay time.Duration) error {
	every := max(p.interval, delay)
	if every <= 0 {
		return nil
	}
	h := p.enter(host)
	defer p.leave(h)
	select {
	case h.turn <- struct{}{}:
		defer func() { <-h.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	for {
		now := time.Now()
		rest := p.start(h, now, every)
		if rest <= 0 {
			return nil
		}
		timer := time.NewTimer(rest)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
}

// charge counts a request to host that did not wait: the next ones wait for
// longer.
func (p *pace) charge(host string, delay time.Duration) {
	every := max(p.interval, delay)
	if every <= 0 {
		return
	}
	h := p.enter(host)
	defer p.leave(h)
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if h.next.Before(now) {
		h.next = now
	}
	h.next, h.every = h.next.Add(every), every
}

// start takes the next place if it is time for it, and says how long it is till
// then if not.
func (p *pace) start(h *hostPace, now time.Time, every time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if every > h.every { // the last request did not know yet what the host asks for
		if h.every > 0 {
			h.next = h.next.Add(every - h.every)
		}
		h.every = every
	}
	if rest := h.next.Sub(now); rest > 0 {
		return rest
	}
	from := h.next
	if now.Sub(from) > pacePrecision {
		from = now
	}
	h.next = from.Add(every)
	return 0
}

func (p *pace) enter(host string) *hostPace {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.hosts[host]
	if h == nil {
		if p.hosts == nil {
			p.hosts = make(map[string]*hostPace)
		}
		if len(p.hosts) >= max(p.sweep, sweepHosts) {
			for name, h := range p.hosts {
				if h.users == 0 && !h.next.After(now) {
					delete(p.hosts, name)
				}
			}
			p.sweep = 2 * len(p.hosts) // so that sweeping stays rare
		}
		h = &hostPace{turn: make(chan struct{}, 1)}
		p.hosts[host] = h
	}
	h.users++
	return h
}

func (p *pace) leave(h *hostPace) {
	p.mu.Lock()
	h.users--
	p.mu.Unlock()
}
