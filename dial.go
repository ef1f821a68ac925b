package mien

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/internal/egress"
	"github.com/mien-http/mien/internal/h1"
	"github.com/mien-http/mien/internal/h2"
	"github.com/mien-http/mien/internal/semaphore"
	"github.com/mien-http/mien/internal/tlsconn"
	"github.com/mien-http/mien/retry"
)

// dialPhase is where a running dial stands; others read it to say what they
// were waiting for.
type dialPhase struct{ v atomic.Value }

func (p *dialPhase) set(ph retry.Phase) { p.v.Store(ph) }

func (p *dialPhase) get() retry.Phase {
	if ph, ok := p.v.Load().(retry.Phase); ok {
		return ph
	}
	return retry.PhaseQueue
}

// connect makes one connection to the origin: a place at the handshake
// semaphore, a socket along the route, a TLS handshake. With h1Only the
// handshake offers http/1.1 alone.
func (o *origin) connect(ctx context.Context, h1Only bool, phase *dialPhase) (*pooled, *retry.Failure) {
	phase.set(retry.PhaseQueue)
	pass, err := o.gate.Acquire(ctx)
	if err != nil {
		return nil, &retry.Failure{Phase: retry.PhaseQueue, Err: err}
	}
	outcome := semaphore.Abandoned
	defer func() { pass.Done(outcome) }()

	nc, err := o.socket(ctx, h1Only, phase)
	if err != nil {
		f := dialFailure(err)
		outcome = outcomeOf(ctx, f)
		o.egress.transport.short(*f)
		return nil, f
	}
	if o.key.scheme == "http" {
		outcome = semaphore.Completed
		return o.adopt(ctx, nc, nil, o.forwarded(h1Only))
	}
	phase.set(retry.PhaseTLS)
	tc, err := o.handshake(ctx, nc, h1Only, false)
	if err != nil && tlsconn.NeedsFreshHello(err) && ctx.Err() == nil {
		// The server answered a resuming hello with HelloRetryRequest, which
		// uTLS cannot continue: once more without the ticket.
		if nc, err = o.socket(ctx, h1Only, phase); err != nil {
			return nil, dialFailure(err)
		}
		phase.set(retry.PhaseTLS)
		tc, err = o.handshake(ctx, nc, h1Only, true)
	}
	if err != nil {
		f := &retry.Failure{Phase: retry.PhaseTLS, Err: err}
		outcome = outcomeOf(ctx, f)
		return nil, f
	}
	outcome = semaphore.Completed
	state := tc.ConnectionState()
	return o.adopt(ctx, tc, &state, false)
}

func (o *origin) socket(ctx context.Context, h1Only bool, phase *dialPhase) (net.Conn, error) {
	phase.set(retry.PhaseDial)
	start := time.Now()
	var nc net.Conn
	var err error
	if o.forwarded(h1Only) {
		nc, err = o.egress.dialer.DialProxy(ctx, o.egress.route)
	} else {
		nc, err = o.egress.dialer.Dial(ctx, o.egress.route, o.key.host, o.key.port)
	}
	now := time.Now()
	info := PhaseInfo{Origin: o.key.String(), Proxy: o.egress.proxy, Phase: retry.PhaseDial, Duration: now.Sub(start), Err: err}
	if err == nil {
		o.health.dialled(now, info.Duration)
		o.egress.transport.stats.all.dialled(now, info.Duration)
	} else {
		f := dialFailure(err)
		info.Phase, info.Class = f.Phase, retry.Classify(*f)
	}
	o.egress.transport.phase(info)
	return nc, err
}

// forwarded reports whether requests go to a proxy as they are, in absolute
// form, instead of through a tunnel (plain http through an HTTP proxy). An
// Upgrade, h1Only, always has a tunnel: it is a field of one connection, which
// no proxy passes on (RFC 6455 §4.1, step 2 of connecting).
func (o *origin) forwarded(h1Only bool) bool {
	return o.key.scheme == "http" && o.egress.route.Forwards() && !h1Only
}

func dialFailure(err error) *retry.Failure {
	f := &retry.Failure{Phase: retry.PhaseDial, Err: err}
	var e *egress.Error
	if errors.As(err, &e) {
		f.Phase = e.Phase
	}
	return f
}

// outcomeOf tells the handshake semaphore what became of a handshake.
func outcomeOf(ctx context.Context, f *retry.Failure) semaphore.Outcome {
	if ctx.Err() != nil {
		return semaphore.Abandoned
	}
	switch retry.Classify(*f) {
	case retry.HandshakeReset, retry.ProxyReset, retry.ProxyRefused:
		return semaphore.Reset
	case retry.HandshakeTimeout:
		return semaphore.Timeout
	case retry.NameNotFound, retry.NameTemporary, retry.Refused, retry.LocalLimit, retry.Invalid:
		return semaphore.Abandoned // says nothing about how much the peer can bear
	}
	return semaphore.Completed // the peer answered, if only to refuse
}

// handshakeTimeout is Timeouts.TLS running out.
type handshakeTimeout struct{ after time.Duration }

func (e *handshakeTimeout) Error() string {
	return fmt.Sprintf("tls handshake timed out after %v", e.after)
}
func (e *handshakeTimeout) Timeout() bool        { return true }
func (e *handshakeTimeout) Is(target error) bool { return target == context.DeadlineExceeded }

// handshake makes nc a TLS connection of the profile, or closes it.
func (o *origin) handshake(ctx context.Context, nc net.Conn, h1Only, noTicket bool) (*tlsconn.Conn, error) {
	t := o.egress.transport
	hctx := ctx
	if d := t.cfg.Timeouts.TLS; d > 0 {
		var cancel context.CancelFunc
		hctx, cancel = context.WithTimeoutCause(ctx, d, &handshakeTimeout{d})
		defer cancel()
	}
	cfg := tlsconn.Config{
		Profile:    t.cfg.Profile,
		TLS:        t.cfg.TLS,
		ServerName: o.key.name(),
		Tickets:    o.egress.tickets,
		TicketKey:  o.ticketKey(h1Only),
		NoTicket:   noTicket,
	}
	if h1Only {
		cfg.ALPN = []string{"http/1.1"}
	}
	if keys := t.cfg.pinned(o.key.host); keys != nil {
		cfg.Verified = func(state tls.ConnectionState) error { return checkPins(o.key.host, keys, state) }
	}
	if !t.cfg.NoChainCache {
		cfg.Chains = &t.chains
	}
	trace := httptrace.ContextClientTrace(ctx)
	if trace != nil && trace.TLSHandshakeStart != nil {
		trace.TLSHandshakeStart()
	}
	start := time.Now()
	tc, err := tlsconn.Client(hctx, nc, cfg)
	if err != nil && ctx.Err() == nil && hctx.Err() != nil {
		err = context.Cause(hctx)
	}
	var state tls.ConnectionState
	if err == nil {
		state = tc.ConnectionState()
	}
	if trace != nil && trace.TLSHandshakeDone != nil {
		trace.TLSHandshakeDone(state, err)
	}
	if err == nil || !tlsconn.NeedsFreshHello(err) {
		o.shook(ctx, err, &state, time.Since(start))
	}
	return tc, err
}

// adopt makes an open connection a member of the pool-to-be, of the kind that
// ALPN negotiated. forwarded: its peer is a proxy.
func (o *origin) adopt(ctx context.Context, nc net.Conn, state *tls.ConnectionState, forwarded bool) (*pooled, *retry.Failure) {
	t := o.egress.transport
	pc := &pooled{origin: o, nc: nc, tls: state, wire: fingerprint.OverHTTP1}
	switch {
	case state == nil:
		pc.wire = fingerprint.OverCleartext
	case state.NegotiatedProtocol == "h2":
		pc.wire = fingerprint.OverHTTP2
		pc.clientConn = h2.New(nc, h2.Config{
			Profile:        &t.cfg.Profile.HTTP2,
			MaxHeaderBytes: t.cfg.Limits.HeaderBytes,
			PingAfter:      t.cfg.Timeouts.PingAfter,
			Streams:        o.streamsHint(),
			OnState:        func(*h2.Conn) { o.changed(pc) },
		})
		return pc, nil
	}
	c, err := newH1Conn(ctx, o.egress.h1, nc, o.key, func() { o.changed(pc) })
	if err != nil {
		_ = nc.Close()
		return nil, &retry.Failure{Phase: retry.PhaseDial, Err: err}
	}
	if forwarded {
		c.forwarded, c.authorization = true, o.egress.route.ProxyAuthorization()
		c.gecko = t.cfg.Profile.Browser.Engine == "gecko"
	}
	pc.clientConn = c
	return pc, nil
}

var _ net.Conn = (*h1.Conn)(nil)
