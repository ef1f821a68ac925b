package mien

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/mien-http/mien/internal/egress"
	"github.com/mien-http/mien/internal/encoding"
	"github.com/mien-http/mien/internal/semaphore"
	"github.com/mien-http/mien/internal/tlsconn"
	"github.com/mien-http/mien/retry"
)

// transport sends one hop at a time. It holds one egress per way out; each
// wraps an http.Transport whose DialTLSContext gives it uTLS connections, and
// pools connections of two kinds, ours for HTTP/2 and http.ClientConn for HTTP/1.1.
type transport struct {
	cfg      *Config
	dialer   *egress.Dialer
	registry egress.Registry
	inFlight *semaphore.Semaphore
	perHost  *semaphore.Keyed
	rates    hostRates
	queue    watch // of inFlight
	heads    heads
	decoders encoding.Decoders
	chains   tlsconn.Chains // certificates that were verified; see Config.NoChainCache
	stats    counters
	wg       sync.WaitGroup // the transport's own goroutines

	mu       sync.Mutex
	egresses map[string]*egressState // guarded by mu; by route and isolation key
	evictAt  int                     // guarded by mu; how many egresses are looked through for some to drop
	closed   bool                    // guarded by mu

	ctx  context.Context // ends with errSessionClosed when the transport is closed
	stop context.CancelCauseFunc
}

// egressState is one way out and everything that must not leave it:
// connections, tickets, and what is known of origins.
type egressState struct {
	transport *transport
	dialer    *egress.Dialer
	route     egress.Route
	proxy     string // host:port of the first proxy, "" if direct
	tickets   *tlsconn.Tickets
	h1        *http.Transport

	mu      sync.Mutex
	origins map[originKey]*origin // guarded by mu
	sweepAt int                   // guarded by mu; how many origins are looked through for unused ones
	lastUse time.Time             // guarded by transport.mu
}

// Bounds on what is remembered of ways out and origins that nothing uses.
const (
	maxEgresses = 1024
	maxOrigins  = 4096 // per egress
	maxTickets  = 1024 // per egress
)

func newTransport(cfg *Config) *transport {
	t := &transport{
		cfg:      cfg,
		inFlight: semaphore.New(cfg.Limits.InFlight),
		perHost:  semaphore.NewKeyed(max(cfg.Limits.InFlightPerHost, 0)),
		egresses: make(map[string]*egressState),
	}
	t.ctx, t.stop = context.WithCancelCause(context.Background())
	t.dialer = cfg.dialer(&t.registry)
	t.rates.perSecond = cfg.Limits.PerHostRate
	t.queue.sem, t.queue.logger = t.inFlight, cfg.Logger
	return t
}

// open reports whether the transport has not been closed.
func (t *transport) open() bool { return t.ctx.Err() == nil }

// bound returns ctx so that Close ends it too. The function undoes that.
func (t *transport) bound(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(t.ctx, func() { cancel(errSessionClosed) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// start counts a goroutine of the transport's own. False: it is closed.
func (t *transport) start() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.wg.Add(1)
	return true
}

// egressFor is the way out of one attempt of req.
func (t *transport) egressFor(req *http.Request, o *Options) (*egressState, error) {
	route, err := t.route(req, o)
	if err != nil {
		return nil, &egress.Error{Phase: retry.PhaseProxy, Err: err}
	}
	key := routeKey(route, o.Isolation)
	now := time.Now()
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return nil, errSessionClosed
	}
	e := t.egresses[key]
	var idle []*pooled
	if e == nil {
		idle = t.evict(now)
		e = t.newEgress(route)
		t.egresses[key] = e
	}
	e.lastUse = now
	t.mu.Unlock()
	closeAll(idle)
	return e, nil
}

// routeKey is what requests must have in common to share an egress.
func routeKey(route egress.Route, isolation string) string {
	if len(route.Proxies) == 0 && isolation == "" {
		return ""
	}
	return route.Key() + "\x00" + isolation
}

func (t *transport) newEgress(route egress.Route) *egressState {
	proxies := make([]*url.URL, len(route.Proxies))
	for i, u := range route.Proxies { // the caller's may change later
		own := *u
		proxies[i] = &own
	}
	route.Proxies = proxies
	e := &egressState{
		transport: t,
		dialer:    t.dialer.Apart(),
		route:     route,
		tickets:   tlsconn.NewTickets(maxTickets),
		h1:        h1Transport(t.cfg.Limits.HeaderBytes),
		origins:   make(map[originKey]*origin),
	}
	if len(route.Proxies) > 0 {
		if p, err := egress.ParseProxy(route.Proxies[0]); err == nil {
			e.proxy = p.Addr()
		}
	}
	return e
}

// route is the way out that the caller chose for req.
func (t *transport) route(req *http.Request, o *Options) (egress.Route, error) {
	route := egress.Route{Proxies: o.ProxyChain, TLS: t.cfg.ProxyTLS}
	switch {
	case len(o.ProxyChain) > 0:
	case o.Proxy != nil:
		route.Proxies = []*url.URL{o.Proxy}
	case t.cfg.Proxy != nil:
		u, err := t.cfg.Proxy(req)
		if err != nil {
			return route, &proxyChoiceError{err}
		}
		if u != nil {
			route.Proxies = []*url.URL{u}
		}
	}
	return route, route.Validate()
}

// origin returns the pool of key, making it if need be.
func (e *egressState) origin(key originKey) *origin {
	now := time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	o := e.origins[key]
	if o == nil {
		e.forget(now)
		o = newOrigin(e, key)
		e.origins[key] = o
	}
	o.lookedUp = now
	return o
}

// all lists every origin there is.
func (t *transport) all() []*origin {
	t.mu.Lock()
	egresses := make([]*egressState, 0, len(t.egresses))
	for _, e := range t.egresses {
		egresses = append(egresses, e)
	}
	t.mu.Unlock()
	var origins []*origin
	for _, e := range egresses {
		e.mu.Lock()
		for _, o := range e.origins {
			origins = append(origins, o)
		}
		e.mu.Unlock()
	}
	return origins
}

// forgetNames drops the name server's answers that the egresses keep.
func (t *transport) forgetNames() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range t.egresses {
		e.dialer.ForgetNames()
	}
}

// retried counts an attempt that will be made again and tells the hook.
func (t *transport) retried(info RetryInfo) {
	t.stats.retries.Add(1)
	if log := t.cfg.Logger; log.Enabled(t.ctx, slog.LevelDebug) {
		log.Debug("trying again", "origin", info.Origin, "attempt", info.Attempt, "class", info.Class, "wait", info.Wait, "error", info.Err)
	}
	if t.cfg.Hooks.Retry != nil {
		t.cfg.Hooks.Retry(info)
	}
}

// close refuses what is new, ends what waits and what runs, closes every
// socket, and waits for the transport's own goroutines.
func (t *transport) close() {
	t.mu.Lock()
	if !t.closed {
		t.closed = true
		t.stop(errSessionClosed)
	}
	t.mu.Unlock()
	for _, o := range t.all() {
		o.mu.Lock()
		o.failAll(connectError{failure: retry.Failure{Phase: retry.PhaseDial, Err: errSessionClosed}})
		o.cancelDials()
		conns := append([]*pooled(nil), o.conns...)
		for _, pc := range conns {
			o.remove(pc)
		}
		o.mu.Unlock()
		for _, pc := range conns {
			_ = pc.Close()
		}
	}
	t.queue.stop()
	t.registry.Close()
	t.wg.Wait()
}

// ticketKey is what two connections must share for one to resume the other.
// Verification settings and client certificates are the session's, the route is
// the egress's.
func (o *origin) ticketKey(h1Only bool) string {
	parts := []string{o.key.String()}
	if h1Only {
		parts = append(parts, "http/1.1")
	}
	return strings.Join(parts, " ")
}

// acquire waits for the places a request needs.
func (t *transport) acquire(ctx context.Context, host string) (slots, error) {
	var s slots
	if t.rates.perSecond > 0 { // before a slot is taken, so that a slow host holds none
		bound, done := t.bound(ctx)
		err := t.rates.wait(bound, host)
		done()
		if err != nil {
			return s, err
		}
	}
	var err error
	if slot, ok := t.inFlight.TryAcquire(); ok {
		s.all = slot
	} else {
		t.queue.waiting()
		if s.all, err = t.wait(ctx, t.inFlight.Acquire); err != nil {
			return s, err
		}
	}
	if t.cfg.Limits.InFlightPerHost > 0 {
		if slot, ok := t.perHost.TryAcquire(host); ok {
			s.host = slot
			return s, nil
		}
		s.host, err = t.wait(ctx, func(ctx context.Context) (*semaphore.Slot, error) { return t.perHost.Acquire(ctx, host) })
		if err != nil {
			s.all.Release()
		}
	}
	return s, err
}

// wait lets Close end a wait too.
func (t *transport) wait(ctx context.Context, acquire func(context.Context) (*semaphore.Slot, error)) (*semaphore.Slot, error) {
	ctx, done := t.bound(ctx)
	defer done()
	return acquire(ctx)
}
