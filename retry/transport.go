package retry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"
)

// drainLimit is how much of a response's body is read before it is closed when
// the request is tried again, so that the connection can be used for that.
const drainLimit = 2 << 10

// Transport retries what another RoundTripper failed to do, by the rules of
// this package. It keeps the contract of http.RoundTripper, does not change
// the request, and is safe for concurrent use. The zero value retries what
// http.DefaultTransport fails to do, by the default Policy. Set its fields
// before the first use.
//
// A RoundTripper does not say how far an attempt came. Transport learns it
// from the methods that Classify lists, and else from httptrace: where the
// hooks show that no connection was handed to the request, nothing has been
// sent; otherwise the request counts as sent. A RoundTripper that has neither
// is taken to have sent it. So a request that must not be repeated is never
// repeated by Transport; some that could have been safely are not either.
//
// http.Transport may repeat requests by itself on connections that turn out
// stale, unseen by Transport.
type Transport struct {
	// Base sends each attempt. nil: http.DefaultTransport.
	Base http.RoundTripper

	// Policy says how much to retry.
	Policy Policy

	// OnRetry, if not nil, hears of every retry before its pause. It is called
	// from the goroutine that called RoundTrip.
	OnRetry func(Event)

	once    sync.Once
	invalid error    // what is wrong with Policy; set by once
	budgets *budgets // set by once
}

// RoundTrip sends req until it succeeds, fails for good, or its context ends.
// Its errors are of type *Error, but for a Policy or a request that makes no
// sense, and for the end of a context: during an attempt Base's own error is
// returned, and after a response that was to be retried the context's cause. A
// response that is not retried is Base's, with Request set to req.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	t.once.Do(func() {
		t.invalid = t.Policy.Validate()
		t.budgets = newBudgets(t.Policy)
	})
	body := &source{req: req}
	defer body.settle()
	if t.invalid != nil {
		return nil, t.invalid
	}
	if req.URL == nil {
		return nil, errors.New("retry: Request.URL is nil")
	}
	now := time.Now()
	origin := req.URL.Scheme + "://" + req.URL.Host
	t.budgets.request(now, origin)
	connect := NewConnectTracker(t.Policy)
	run := NewRun(now, RunConfig{
		Policy:     t.Policy,
		Request:    req,
		Replayable: body.replayable,
		Spend:      func(now time.Time) bool { return t.budgets.spend(now, origin) },
		Connect:    &connect,
	})
	for {
		resp, f, err := t.try(req, body, &connect)
		if err != nil {
			return nil, err
		}
		var v Verdict
		if f == nil {
			if v = run.Answered(time.Now(), resp); !v.Retry {
				return resp, nil
			}
			discard(resp)
		} else if v = run.Failed(time.Now(), *f); !v.Retry {
			return nil, finalError(req.Context(), v, *f, nil)
		}
		if err := t.pause(req, v, resp, f); err != nil {
			return nil, err
		}
	}
}

// try makes one attempt. Its error is one that comes before an attempt.
func (t *Transport) try(req *http.Request, body *source, connect *ConnectTracker) (*http.Response, *Failure, error) {
	b, err := body.next()
	if err != nil {
		return nil, nil, err
	}
	var seen sight
	attempt := req.WithContext(httptrace.WithClientTrace(req.Context(), seen.trace()))
	attempt.Body = b
	resp, err := t.base().RoundTrip(attempt)
	if seen.connected() {
		connect.Succeeded(time.Now())
	}
	if err != nil {
		f := seen.failure(err)
		return nil, &f, nil
	}
	resp.Request = req
	return resp, nil, nil
}

// pause tells of the retry and waits for its time.
func (t *Transport) pause(req *http.Request, v Verdict, resp *http.Response, f *Failure) error {
	e := Event{Request: req, Attempt: v.Attempt, Class: v.Class, Response: resp, Decision: v.Decision, Wait: v.Wait}
	if f != nil {
		e.Failure = *f
	}
	if t.OnRetry != nil {
		t.OnRetry(e)
	}
	if v.Fresh {
		t.CloseIdleConnections() // all that a RoundTripper can be asked
	}
	ctx := req.Context()
	timer := time.NewTimer(v.Wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		if ctx.Err() == nil {
			return nil
		}
	case <-ctx.Done():
	}
	if f == nil {
		return context.Cause(ctx)
	}
	return finalError(ctx, v, *f, context.Cause(ctx))
}

// CloseIdleConnections closes those of Base, if it can.
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.base().(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

func (t *Transport) base() http.RoundTripper {
	if t.Base == nil {
		return http.DefaultTransport
	}
	return t.Base
}

// discard reads what may be left of a body that nobody wants, within reason,
// and closes it.
func discard(resp *http.Response) {
	if resp.Body == nil {
		return
	}
	_, _ = io.CopyN(io.Discard, resp.Body, drainLimit)
	_ = resp.Body.Close()
}

// finalError is what the caller gets for a failure with no retry after it.
func finalError(ctx context.Context, v Verdict, f Failure, endedBy error) error {
	ctxErr := ctx.Err()
	if ctxErr != nil && endedBy == nil && ended(f.Err, ctxErr, context.Cause(ctx)) {
		return f.Err
	}
	e := &Error{Class: v.Class, Phase: f.phase(), Sent: f.sent(), Attempt: v.Attempt, Reason: v.Reason, Err: f.Err}
	if endedBy != nil {
		e.Ended, e.ctxErr = endedBy, ctxErr
		if errors.Is(ctxErr, context.Canceled) {
			e.Class = Canceled
		}
	}
	return e
}
