package mien

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/internal/encoding"
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
	backoff retry.Backoff
	seen    map[retry.Class]bool // classes that were retried
	attempt int                  // attempts made
	fresh   bool                 // the next attempt needs a connection of its own
	h1Only  bool                 // over HTTP/1.1, whatever the origin speaks
}

// roundTrip sends req, a validated hop to key, and retries as the policy says.
// It closes req.Body on every path.
func (t *transport) roundTrip(req *http.Request, key originKey) (*http.Response, error) {
	opts := optionsOf(req.Context())
	c := &call{t: t, req: req, opts: opts, key: key, kind: kindOf(req, opts), fresh: opts.FreshConnection}
	c.h1Only = isUpgrade(req)
	c.header = c.fields()
	resp, err := c.run()
	t.stats.requests.Add(1)
	if err != nil {
		t.stats.failed.Add(1)
		return nil, err
	}
	return resp, nil
}

func isUpgrade(req *http.Request) bool {
	return req.Header.Get("Upgrade") != "" && httpguts.HeaderValuesContainsToken(req.Header["Connection"], "upgrade")
}

func (c *call) run() (*http.Response, error) {
	ctx := c.req.Context()
	if !c.t.open() {
		closeBody(c.req)
		return nil, c.fail(retry.Failure{Err: errSessionClosed}, 0)
	}
	var err error
	if c.slots, err = c.t.acquire(ctx, c.key.host); err != nil {
		closeBody(c.req)
		return nil, c.fail(retry.Failure{Phase: retry.PhaseQueue, Err: err}, 0)
	}
	policy := &c.t.cfg.Retry
	c.backoff = retry.NewBackoff(policy.Base, policy.Cap, policy.Rand)
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
		if f == nil {
			wait, class, again := c.answered(resp)
			if !again {
				return c.finish(resp, pc), nil
			}
			discard(resp)
			pc.letGo()
			if err := c.again(ctx, RetryInfo{Attempt: c.attempt, Class: class, Wait: wait}); err != nil {
				return nil, err
			}
			continue
		}
		var connecting *connectError
		if errors.As(f.Err, &connecting) {
			closeBody(c.req)
			return nil, c.fail(connecting.failure, connecting.attempt)
		}
		wait, again := c.failed(*f)
		if !again {
			closeBody(c.req)
			return nil, c.fail(*f, c.attempt)
		}
		if err := c.again(ctx, RetryInfo{Attempt: c.attempt, Class: retry.Classify(*f), Wait: wait, Err: f.Err}); err != nil {
			return nil, err
		}
	}
}

// try makes one attempt.
func (c *call) try(ctx context.Context) (*http.Response, *pooled, *retry.Failure) {
	e, err := c.t.egressFor(c.req, c.opts)
	if err != nil {
		return nil, nil, &retry.Failure{Phase: retry.PhaseProxy, Err: &connectError{failure: retry.Failure{Phase: retry.PhaseProxy, Err: err}}}
	}
	trace := httptrace.ContextClientTrace(ctx)
	if trace != nil && trace.GetConn != nil {
		trace.GetConn(c.key.addr())
	}
	o := e.origin(c.key)
	c.origin = o
	if c.attempt == 1 {
		o.counted(time.Now())
	}
	var pc *pooled
	var cerr *connectError
	if c.fresh || c.h1Only {
		pc, cerr = o.alone(ctx, c.h1Only)
	} else {
		pc, cerr = o.get(ctx)
	}
	if cerr != nil {
		return nil, nil, &retry.Failure{Phase: cerr.failure.Phase, Err: cerr}
	}
	reused := pc.uses.Add(1) > 1
	if trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{Conn: pc.nc, Reused: reused, WasIdle: reused})
	}
	out, err := c.outgoing(ctx)
	if err != nil {
		pc.Release()
		return nil, nil, &retry.Failure{Phase: retry.PhaseWrite, Err: err}
	}
	head := c.head(pc.wire)
	resp, err := pc.RoundTrip(out, &head)
	if err != nil {
		pc.letGo()
		return nil, nil, c.failure(err, reused)
	}
	if pc.tls != nil {
		resp.TLS = pc.tls
	}
	return resp, pc, nil
}

// failure puts the phase and what is known of the request's fate on err.
func (c *call) failure(err error, reused bool) *retry.Failure {
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
	case c.req.Context().Err() != nil:
		f.Err = context.Cause(c.req.Context())
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

// failed says whether a failed attempt is made again, and after what pause.
func (c *call) failed(f retry.Failure) (wait time.Duration, again bool) {
	class := retry.Classify(f)
	if !c.may(class, retry.Decide(class, f)) {
		return 0, false
	}
	if code, ok := http2Code(f.Err); ok && code == http11Required {
		c.origin.requireH1(time.Now())
		return 0, true
	}
	if !f.Sent || class == retry.NotProcessed {
		return 0, true // nothing was done with it: no budget, no pause
	}
	return c.backoff.Next(), c.origin.spend(time.Now())
}

const http11Required = 0xd // RFC 9113 §7

func http2Code(err error) (uint32, bool) {
	var h interface{ HTTP2Code() (uint32, bool) }
	if errors.As(err, &h) {
		return h.HTTP2Code()
	}
	return 0, false
}

// answered says whether a response is a reason to try again, and of which class.
func (c *call) answered(resp *http.Response) (wait time.Duration, class retry.Class, again bool) {
	policy := &c.t.cfg.Retry
	class, decision := retry.DecideStatus(resp.StatusCode, policy.Statuses)
	if !c.may(class, decision) {
		return 0, class, false
	}
	if class == retry.NotProcessed {
		c.fresh = true // 421: on another connection
		return 0, class, true
	}
	now := time.Now()
	wait = c.backoff.Next()
	if after, ok := retry.ParseRetryAfter(resp.Header.Get("Retry-After"), now); ok {
		if after > policy.MaxRetryAfter {
			return 0, class, false
		}
		wait = after
	}
	if deadline, ok := c.req.Context().Deadline(); ok && now.Add(wait).After(deadline) {
		return 0, class, false
	}
	return wait, class, c.origin.spend(now)
}

// may says whether the caps and the kind of request allow what decision does.
func (c *call) may(class retry.Class, decision retry.Decision) bool {
	policy := &c.t.cfg.Retry
	if policy.Off() || c.attempt >= policy.MaxAttempts || !retry.Replayable(c.req) {
		return false
	}
	if decision.Once() && c.seen[class] {
		return false
	}
	if c.seen == nil {
		c.seen = make(map[retry.Class]bool)
	}
	c.seen[class] = true
	switch decision {
	case retry.Any, retry.AnyOnce:
		return true
	case retry.Idempotent, retry.IdempotentOnce:
		return c.opts.Idempotent || retry.IsIdempotent(c.req)
	}
	return false
}

// again tells of the retry and waits.
func (c *call) again(ctx context.Context, info RetryInfo) error {
	info.Request, info.Origin = c.req, c.key.String()
	c.t.retried(info)
	if info.Wait <= 0 {
		return nil
	}
	timer := time.NewTimer(info.Wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		closeBody(c.req)
		return c.fail(retry.Failure{Phase: retry.PhaseHeaders, Sent: true, Err: context.Cause(ctx)}, c.attempt)
	case <-c.t.done:
		closeBody(c.req)
		return c.fail(retry.Failure{Phase: retry.PhaseHeaders, Sent: true, Err: errSessionClosed}, c.attempt)
	}
}

// finish makes resp the caller's: decoded, watched, and tied to the slots.
func (c *call) finish(resp *http.Response, pc *pooled) *http.Response {
	resp.Request = c.req
	if resp.StatusCode == http.StatusSwitchingProtocols {
		c.slots.release()
		return resp
	}
	stream := isEventStream(resp)
	if resp.Body == nil || resp.Body == http.NoBody {
		resp.Body = http.NoBody
		c.slots.release()
		pc.letGo()
		return resp
	}
	if d := c.t.cfg.Timeouts.BodyStall; d > 0 && !stream {
		resp.Body = newStallBody(resp.Body, d, pc.abort(resp.Body))
	}
	limit := c.t.cfg.Limits.BodyBytes
	if _, own := c.req.Header["Accept-Encoding"]; !own {
		if err := encoding.Decode(resp, limit); err != nil {
			resp.Body = &brokenBody{ReadCloser: resp.Body, err: err}
		}
	}
	if limit > 0 && !resp.Uncompressed {
		resp.Body = &limitBody{ReadCloser: resp.Body, left: limit, limit: limit}
	}
	body := &responseBody{ReadCloser: resp.Body, call: c, pc: pc}
	if stream {
		c.slots.release()
	} else if ctx := c.req.Context(); ctx.Done() != nil {
		body.stop = context.AfterFunc(ctx, body.end)
	}
	resp.Body = body
	return resp
}

func isEventStream(resp *http.Response) bool {
	ct := resp.Header.Get("Content-Type")
	return len(ct) >= len(eventStream) && ct[:len(eventStream)] == eventStream
}

const eventStream = "text/event-stream"

// fail makes the error that the caller gets.
func (c *call) fail(f retry.Failure, attempt int) *Error {
	e := fail(c.req, f, c.key.String(), attempt)
	return e
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}
