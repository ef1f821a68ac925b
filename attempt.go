package mien

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/mien-http/mien/internal/h2"
	"github.com/mien-http/mien/retry"
)

// call is one hop: one request, and as many attempts as it takes.
type call struct {
	t       *transport
	req     *http.Request // the caller's
	opts    *Options
	key     originKey
	kind    kind
	header  http.Header // the caller's fields and what the client adds
	slots   slots
	origin  *origin
	run     *retry.Run  // judges failures; nil until there is one
	since   time.Time   // when the hop began
	attempt int         // attempts made
	wait    *headerWait // of the last attempt; nil without Timeouts.Headers
	fresh   bool        // the next attempt needs a connection of its own
	sent    bool        // an attempt before this one may have reached the origin
	left    bool        // so may the attempt that ended last
	lent    *lentBody   // the body of the last attempt; nil if it has GetBody
	given   bool        // a body without GetBody went to an attempt for good
	detours int         // times that a way out failed and another was asked for
	h1Only  bool        // over HTTP/1.1, whatever the origin speaks
	traced  bool        // the attempts' context is not the request's; see ownTrace
	// noTunnel: a WebSocket gets a connection of its own, even where the origin
	// would take it as a stream.
	noTunnel bool
}

// roundTrip sends req, a validated hop to key, and retries as the policy says.
// It closes req.Body on every path.
func (t *transport) roundTrip(req *http.Request, key originKey) (*http.Response, error) {
	opts := optionsOf(req.Context())
	c := &call{t: t, req: req, opts: opts, key: key, kind: kindOf(req, opts, t.cfg.Profile), fresh: opts.FreshConnection}
	c.h1Only = isUpgrade(req)
	c.header = c.fields()
	c.since = time.Now()
	resp, err := c.send()
	t.stats.requests.Add(1)
	if err != nil {
		t.stats.failed.Add(1)
		c.done(nil, 0, err)
		return nil, err
	}
	return resp, nil
}

func isUpgrade(req *http.Request) bool {
	return req.Header.Get("Upgrade") != "" && httpguts.HeaderValuesContainsToken(req.Header["Connection"], "upgrade")
}

// send waits for the slots and makes the attempts.
func (c *call) send() (*http.Response, error) {
	ctx := c.req.Context()
	if !c.t.open() {
		closeBody(c.req)
		return nil, c.fail(retry.Failure{Err: errSessionClosed}, 0)
	}
	if ctx.Err() != nil { // before it has anything dialled
		closeBody(c.req)
		return nil, c.fail(retry.Failure{Phase: retry.PhaseQueue, Err: endOf(ctx)}, 0)
	}
	var err error
	if c.slots, err = c.t.acquire(ctx, c.key.host); err != nil {
		closeBody(c.req)
		f := retry.Failure{Phase: retry.PhaseQueue, Err: err}
		c.phase(retry.PhaseQueue, time.Since(c.since), &f)
		return nil, c.fail(f, 0)
	}
	c.phase(retry.PhaseQueue, time.Since(c.since), nil)
	ctx, c.traced = ownTrace(ctx)
	resp, err := c.attempts(ctx)
	if err != nil {
		c.slots.release()
		return nil, err
	}
	return resp, nil
}

// attempts tries until there is a response to return or an error to end with.
func (c *call) attempts(ctx context.Context) (*http.Response, error) {
	for {
		c.attempt++
		resp, pc, f := c.try(ctx)
		var v retry.Verdict
		switch {
		case f != nil:
			var connecting *connectError
			if errors.As(f.Err, &connecting) {
				if c.elsewhere(connecting, &v) {
					break
				}
				closeBody(c.req)
				if connecting.attempt > 0 { // those by other ways out were this request's too
					connecting.attempt = max(connecting.attempt, c.detours+1)
				}
				e := c.fail(connecting.failure, connecting.attempt)
				e.Reason = connecting.reason
				return nil, e
			}
			c.left = f.Sent
			if v = c.judged(*f); !v.Retry {
				closeBody(c.req)
				e := c.fail(*f, c.attempt)
				e.Reason = v.Reason
				return nil, e
			}
		case c.final(resp.StatusCode):
			c.settled()
			return c.finish(resp, pc), nil
		default:
			c.left = true
			if v = c.judge().Answered(time.Now(), resp); !v.Retry {
				c.settled()
				return c.finish(resp, pc), nil
			}
			discard(resp, func() { pc.abort(resp.Body) })
			c.wait.stop()
			pc.letGo()
		}
		if err := c.again(ctx, v, f); err != nil {
			return nil, err
		}
	}
}

// elsewhere says whether the caller's Proxy function is asked for another way
// out after one failed. Nothing was sent: the attempt does not count.
func (c *call) elsewhere(e *connectError, v *retry.Verdict) bool {
	if !e.elsewhere || c.detours >= c.t.cfg.Retry.MaxConnectAttempts {
		return false
	}
	c.detours++
	c.attempt--
	e.attempt = max(e.attempt, c.detours)
	*v = retry.Verdict{Retry: true, Class: retry.Classify(e.failure), Wait: e.wait, Attempt: e.attempt}
	return true
}

// judge is the retry policy's view of this call. Almost no request needs one.
func (c *call) judge() *retry.Run {
	if c.run == nil {
		c.run = retry.NewRun(time.Now(), retry.RunConfig{
			Policy:     c.t.cfg.Retry,
			Request:    c.req,
			Idempotent: c.opts.Idempotent,
			Replayable: c.replayable,
			Spend:      c.origin.spend,
		})
	}
	return c.run
}

// judged says what follows a failure after there was a connection. A WebSocket
// whose stream is reset has failed, as in Chromium, which tries again only what was
// refused unprocessed or is wanted over HTTP/1.1.
func (c *call) judged(f retry.Failure) retry.Verdict {
	if c.noTunnel && retry.Classify(f) == retry.StreamReset {
		return retry.Verdict{Class: retry.StreamReset, Attempt: c.attempt, Reason: retry.NotRetryable}
	}
	return c.judge().Failed(time.Now(), f)
}

// final reports whether a response with this status is never a reason to retry.
func (c *call) final(status int) bool {
	return status < http.StatusBadRequest && len(c.t.cfg.Retry.Statuses) == 0
}

// try makes one attempt. A place on a connection that its SETTINGS take back is
// given up for another before anything was sent, and is none.
func (c *call) try(ctx context.Context) (*http.Response, *pooled, *retry.Failure) {
	for {
		resp, pc, f := c.exchange(ctx)
		if f == nil || !errors.Is(f.Err, h2.ErrPlaceLost) {
			return resp, pc, f
		}
	}
}

// exchange gets a connection, sends the request and waits for the response.
func (c *call) exchange(ctx context.Context) (*http.Response, *pooled, *retry.Failure) {
	e, err := c.t.egressFor(c.req, c.opts)
	if err != nil {
		return nil, nil, &retry.Failure{Phase: retry.PhaseProxy, Err: &connectError{failure: retry.Failure{Phase: retry.PhaseProxy, Err: err}}}
	}
	trace := httptrace.ContextClientTrace(ctx)
	if trace != nil && trace.GetConn != nil {
		trace.GetConn(c.key.addr())
	}
	o := e.origin(c.key)
	if c.origin == nil {
		o.counted(time.Now())
	}
	c.origin = o
	var pc *pooled
	var cerr *connectError
	if c.h1Only {
		pc = c.tunnel(o)
	}
	tunnelled := pc != nil
	switch {
	case tunnelled:
	case c.fresh || c.h1Only:
		pc, cerr = o.alone(ctx, c.h1Only)
	default:
		pc, cerr = o.get(ctx)
	}
	if cerr != nil {
		return nil, nil, &retry.Failure{Phase: cerr.failure.Phase, Err: cerr}
	}
	reused := pc.uses.Add(1) > 1
	if trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{Conn: pc.nc, Reused: reused, WasIdle: reused})
	}
	c.wait = nil
	if d := c.t.cfg.Timeouts.Headers; d > 0 {
		c.wait = newHeaderWait(ctx, d)
		ctx = c.wait.ctx
	}
	out, err := c.outgoing(ctx, pc.wire)
	if err != nil {
		c.wait.stop()
		o.giveBack(pc)
		pc.letGo()
		return nil, nil, &retry.Failure{Phase: retry.PhaseWrite, Err: err}
	}
	if err := c.covered(pc.wire); err != nil {
		if c.attempt > 1 {
			closeBody(out) // a copy made for this attempt
		}
		c.wait.stop()
		o.giveBack(pc)
		pc.letGo()
		return nil, nil, &retry.Failure{Phase: retry.PhaseWrite, Err: &invalidError{err}}
	}
	start := time.Now()
	var resp *http.Response
	if tunnelled {
		resp, err = c.connectWebSocket(ctx, pc)
	} else {
		resp, err = pc.RoundTrip(out, c.head(pc.wire))
	}
	now := time.Now()
	c.wait.answered()
	if err == nil && ctx.Err() != nil {
		// An answer that crossed with the end of the context: net/http prefers
		// the answer, the caller has gone.
		_ = resp.Body.Close()
		err = endOf(ctx)
	}
	if errors.Is(err, h2.ErrPlaceLost) {
		if c.attempt > 1 {
			closeBody(out) // a copy made for this attempt
		}
		c.wait.stop()
		pc.letGo()
		return nil, nil, &retry.Failure{Phase: retry.PhaseWrite, Err: err}
	}
	if err != nil {
		pc.letGo()
		f := c.failure(ctx, err, reused)
		c.wait.stop()
		c.phase(f.Phase, now.Sub(start), f)
		return nil, nil, f
	}
	o.health.firstByte(now, now.Sub(start))
	c.t.stats.all.firstByte(now, now.Sub(start))
	c.phase(retry.PhaseHeaders, now.Sub(start), nil)
	if pc.tls != nil {
		resp.TLS = pc.tls
	}
	return resp, pc, nil
}

// failure puts the phase and what is known of the request's fate on err.
func (c *call) failure(ctx context.Context, err error, reused bool) *retry.Failure {
	f := &retry.Failure{Phase: retry.PhaseHeaders, Reused: reused, Sent: true, Err: err}
	var fate interface{ RequestSent() bool }
	if errors.As(err, &fate) {
		f.Sent = fate.RequestSent()
	}
	var h1 *h1Error
	if errors.As(err, &h1) {
		f.Answered = h1.answered
	}
	if !f.Sent {
		f.Phase = retry.PhaseWrite
	}
	switch {
	case ctx.Err() != nil:
		f.Err = endOf(ctx)
	case !c.t.open():
		f.Err = errSessionClosed
	}
	return f
}

// letGo closes a connection that was for one request alone.
func (pc *pooled) letGo() {
	if pc.single {
		_ = pc.Close()
	}
}

// again tells of the retry, waits, and chooses the next connection.
func (c *call) again(ctx context.Context, v retry.Verdict, f *retry.Failure) error {
	info := RetryInfo{Request: c.req, Origin: c.key.String(), Attempt: c.attempt, Class: v.Class, Wait: v.Wait}
	if f != nil {
		info.Err = f.Err
		var connecting *connectError
		if errors.As(f.Err, &connecting) { // of a connection, by another way out
			info.Request, info.Attempt, info.Err = nil, connecting.attempt, connecting.failure.Err
		}
	}
	c.t.retried(info)
	c.sent = c.sent || f == nil || f.Sent
	c.fresh = c.fresh || v.Fresh && !v.HTTP1
	c.noTunnel = c.noTunnel && v.Class != retry.NotProcessed // the connection still takes them
	if v.HTTP1 {
		c.h1Only = true
		c.origin.requireH1(time.Now())
	}
	if v.Wait <= 0 {
		return nil
	}
	timer := time.NewTimer(v.Wait)
	defer timer.Stop()
	var cause error
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		cause = endOf(ctx)
	case <-c.t.ctx.Done():
		cause = errSessionClosed
	}
	closeBody(c.req)
	end := retry.Failure{Phase: retry.PhaseHeaders, Sent: true, Err: cause}
	if f != nil {
		end.Phase, end.Sent = f.Phase, f.Sent
		end.Err = fmt.Errorf("%w while waiting to try again after: %w", cause, f.Err)
	}
	return c.fail(end, c.attempt)
}
