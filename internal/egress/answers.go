package egress

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"
)

// MaxAnswerAge is the longest time that an answer is kept. Resolvers do not
// tell for how long it is good; a minute is what Chromium takes where it does
// not know either (kCacheEntryTTL in net/dns/host_resolver_manager.cc).
const MaxAnswerAge = time.Minute

const (
	maxAnswers = 256             // kept at once, of one Dialer
	joinable   = 5 * time.Second // a lookup older than that is given up as stuck by those who come then
)

// answers are the names that were looked up of late, for one Dialer and its
// origins alone. A name is looked up once for all who wait for it. Failures are
// not kept. The zero value is ready.
type answers struct {
	mu    sync.Mutex
	names map[string]*entry // guarded by mu; running lookups and good answers
}

// entry is one lookup and what came of it.
type entry struct {
	begun   time.Time
	ready   chan struct{} // closed when addrs and err are set
	addrs   []netip.Addr
	err     error
	expires time.Time               // guarded by answers.mu; zero while it runs
	waiting int                     // guarded by answers.mu
	cancel  context.CancelCauseFunc // ends the lookup
}

// get gives the addresses of host, in lower case, from what is known, from the
// lookup that runs, or from one of its own. The lookup ends with the last who
// waits for it, whoever began it.
func (a *answers) get(ctx context.Context, d *Dialer, host string) (*entry, error) {
	now := time.Now()
	a.mu.Lock()
	found := a.names[host]
	switch {
	case found == nil:
	case found.expires.IsZero() && now.Sub(found.begun) < joinable:
	case now.Before(found.expires):
		a.mu.Unlock()
		return found, nil
	default:
		found = nil
	}
	if found == nil {
		var err error
		if found, err = a.begin(ctx, d, host, now); err != nil {
			a.mu.Unlock()
			return nil, err
		}
	}
	found.waiting++
	a.mu.Unlock()

	select {
	case <-found.ready:
		a.leave(host, found)
		return found, found.err
	case <-ctx.Done():
		a.leave(host, found)
		return nil, context.Cause(ctx)
	}
}

// begin starts a lookup. It has ctx's values, for those who trace it, but not
// its end. a.mu is held.
func (a *answers) begin(ctx context.Context, d *Dialer, host string, now time.Time) (*entry, error) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	l := &entry{begun: now, ready: make(chan struct{}), cancel: cancel}
	stop, ok := d.cfg.Registry.run(cancel)
	if !ok {
		cancel(nil)
		return nil, net.ErrClosed
	}
	if a.names == nil {
		a.names = make(map[string]*entry)
	}
	a.names[host] = l
	go func() {
		addrs, err := d.lookup(ctx, host)
		if err != nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		a.finish(host, l, addrs, err, d.cfg.Answers)
		cancel(nil)
		stop()
	}()
	return l, nil
}

// finish records what came of l. A failure, and an answer that somebody else's
// lookup has taken the place of, serve those alone who wait for them.
func (a *answers) finish(host string, l *entry, addrs []netip.Addr, err error, age time.Duration) {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	l.addrs, l.err = addrs, err
	close(l.ready)
	if a.names[host] != l {
		return
	}
	if err != nil {
		delete(a.names, host)
		return
	}
	a.evict(now)
	l.expires = now.Add(age)
}

// evict drops what is too old, and the oldest where that is not enough.
// Lookups that run stay; they are as many as dials are. a.mu is held.
func (a *answers) evict(now time.Time) {
	kept, oldest := 0, ""
	for host, l := range a.names {
		switch {
		case l.expires.IsZero():
		case !now.Before(l.expires):
			delete(a.names, host)
		default:
			kept++
			if oldest == "" || l.expires.Before(a.names[oldest].expires) {
				oldest = host
			}
		}
	}
	if kept >= maxAnswers {
		delete(a.names, oldest)
	}
}

// leave ends the lookup with its last waiter.
func (a *answers) leave(host string, l *entry) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l.waiting--
	if l.waiting > 0 || !l.expires.IsZero() {
		return
	}
	l.cancel(nil)
	a.drop(host, l)
}

// forget drops l, which led nowhere.
func (a *answers) forget(host string, l *entry) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.drop(host, l)
}

// drop takes l out if it is still what is known of host. a.mu is held.
func (a *answers) drop(host string, l *entry) {
	if a.names[host] == l {
		delete(a.names, host)
	}
}

// clear drops every answer. Lookups that run go on for those who wait.
func (a *answers) clear() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.names)
}
