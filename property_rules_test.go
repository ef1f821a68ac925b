package mien_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/net/http2"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// goAways holds the least last stream that the GOAWAYs of a connection named.
type goAways map[string]uint32

// disclaim reports whether the origin has told the client that it did not
// process d. It says so of every stream above the one that it leaves out, even if
// a handler has run for it: the client has to believe it.
func (g goAways) disclaim(d delivery) bool {
	last, gone := g[d.conn]
	return d.h2 && gone && d.stream > last
}

func connOf(r *mientest.Report) string { return fmt.Sprint(r.Remote, " ", r.Connection) }

// leaveOut answers a request by a GOAWAY that leaves it out.
func (r *round) leaveOut(report *mientest.Report) mientest.RequestAction {
	last := max(report.Stream, 2) - 2
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.goAways == nil {
		r.goAways = make(goAways)
	}
	conn := connOf(report)
	if before, ok := r.goAways[conn]; !ok || last < before {
		r.goAways[conn] = last
	}
	return mientest.RequestAction{GoAway: &mientest.GoAway{LastStream: last}}
}

// judge holds c, which is over, to what must be true of any request.
func (r *round) judge(c *tried) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	processed := 0
	for _, d := range c.delivered {
		if !d.step.unprocessed(d.h2) && !r.goAways.disclaim(d) {
			processed++
		}
	}
	if processed > 1 && !c.idempotent() {
		r.complain(c, "delivered %d times", processed)
	}
	if late := c.finished.Sub(c.begun) - c.end; c.end > 0 && late > 50*time.Millisecond {
		r.complain(c, "%v past the end of its context", late)
	}
	var e *mien.Error
	if c.err != nil && !errors.As(c.err, &e) {
		r.complain(c, "an error of type %T", c.err)
		return
	}
	r.judgeHooks(c, e)
	if e == nil {
		return
	}
	if ctxErr := context.Canceled; c.over {
		if !c.cancel {
			ctxErr = context.DeadlineExceeded
		}
		if !errors.Is(e, ctxErr) && c.finished.Sub(c.begun) >= c.end {
			if why := r.unjust(c, e); why != "" {
				r.complain(c, "its context ended, and the error says neither that nor a true cause: %s", why)
			}
		}
		return
	}
	if why := r.unjust(c, e); why != "" {
		r.complain(c, "lost: %s", why)
	}
	if !r.true(c, e) {
		r.complain(c, "the error (phase %q, class %q) does not name the cause", e.Phase, e.Class)
	}
}

// judgeHooks: the hooks, the error and the origin agree on the attempts.
func (r *round) judgeHooks(c *tried, e *mien.Error) {
	if len(c.done) != 1 {
		r.complain(c, "the Done hook was called %d times", len(c.done))
		return
	}
	done := c.done[0]
	if (done.Err != nil) != (e != nil) {
		r.complain(c, "the Done hook heard of error %v", done.Err)
	}
	if len(c.retries) != max(done.Attempts-1, 0) && !(c.over && len(c.retries) == done.Attempts) {
		r.complain(c, "%d attempts, %d retries announced", done.Attempts, len(c.retries))
	}
	if len(c.delivered) > done.Attempts {
		r.complain(c, "%d attempts", done.Attempts)
	}
	waiting := e != nil && (e.Phase.Connecting() || e.Phase == retry.PhaseQueue) // attempts are then those of the connection
	if e != nil && !waiting && e.Attempt != done.Attempts {
		r.complain(c, "the error is of attempt %d of %d", e.Attempt, done.Attempts)
	}
	if e != nil && e.Sent != (len(c.delivered) > 0) && (!e.Sent || waiting && len(c.retries) == 0) {
		r.complain(c, "delivered %d times, sent %v", len(c.delivered), e.Sent)
	}
}

// unjust says why a request that failed with e should not have, or "".
func (r *round) unjust(c *tried, e *mien.Error) string {
	if e.Phase == retry.PhaseBody {
		return "" // its response was there
	}
	switch e.Reason {
	case retry.NotIdempotent:
		if c.idempotent() {
			return "it may be repeated"
		}
		if !e.Sent {
			return "nothing was sent"
		}
	case retry.NotReplayable:
		if c.content < 0 || c.rewind {
			return "its body can be had again"
		}
	case retry.AttemptsSpent:
		if e.Attempt < retry.DefaultMaxAttempts {
			return "the caps are not used up"
		}
	case retry.BudgetSpent:
		if !r.budget || !e.Sent {
			return "there is no budget to spend"
		}
	case retry.DeadlineNear:
		if c.end == 0 || c.cancel {
			return "it has no deadline"
		}
	default:
		alerts := 0
		for _, class := range r.broken {
			if class == retry.Alert {
				alerts++
			}
		}
		if e.Class != retry.Alert || alerts < 2 {
			return "no reason is known"
		}
	}
	return ""
}

// true reports whether e names what ended the last attempt.
func (r *round) true(c *tried, e *mien.Error) bool {
	if e.Phase.Connecting() {
		if last := len(r.broken) - 1; r.alone && last >= 0 {
			return r.broken[last] == e.Class
		}
		return slices.Contains(r.broken, e.Class)
	}
	if r.killing && slices.Contains([]retry.Class{retry.StaleConnection, retry.ConnectionLost, retry.BodyCut, retry.NotProcessed, retry.StreamReset}, e.Class) {
		return true // the end of a connection that others ended, or of a stream that its end overtook
	}
	code, coded := e.HTTP2Code()
	is := func(class retry.Class, want http2.ErrCode) bool {
		return e.Class == class && coded && http2.ErrCode(code) == want
	}
	if r.streams < manyStreams && !r.alone && is(retry.NotProcessed, http2.ErrCodeRefusedStream) {
		return true // more streams than SETTINGS, which were on their way, allow
	}
	if len(c.delivered) == 0 {
		return false
	}
	d := c.delivered[len(c.delivered)-1]
	switch {
	case d.step == stepCut:
		return e.Class == retry.BodyCut
	case d.step == stepSilent:
		return e.Class == retry.BodyTimeout
	case d.step.ends(d.h2) && d.reused:
		return e.Class == retry.StaleConnection && e.Sent
	case d.step.ends(d.h2):
		return e.Class == retry.ConnectionLost && e.Sent
	case d.step == stepReset:
		return is(retry.StreamReset, http2.ErrCodeInternal)
	case d.step == stepCalm:
		return is(retry.StreamReset, http2.ErrCodeEnhanceYourCalm)
	case d.step == stepRefuse:
		return is(retry.NotProcessed, http2.ErrCodeRefusedStream)
	case d.step == stepHTTP1:
		return is(retry.NotProcessed, http2.ErrCodeHTTP11Required)
	case d.step == stepGoAway && c.content > 0 && (e.Class == retry.StaleConnection || e.Class == retry.ConnectionLost):
		return true // content that nobody reads makes the end a RST, which overtakes the GOAWAY
	case d.step == stepGoAway:
		return is(retry.NotProcessed, http2.ErrCodeNo)
	}
	return false
}

// complain reports c and all that is known of it.
func (r *round) complain(c *tried, format string, args ...any) {
	r.t.Helper()
	var e *mien.Error
	errors.As(c.err, &e)
	reason := retry.Reason("")
	if e != nil {
		reason = e.Reason
	}
	r.t.Errorf("seed %d, request %d: %s\n%s marked %v, content %d, rewind %v, fresh %v, context ends %v (cancel %v) over %v; alone %v, restarts %v, budget %v, %d streams, %v\nplan %v\ndelivered %+v\nhandshakes %q\nretries %+v\nstatus %d after %v, reason %q, error %v",
		r.seed, c.number, fmt.Sprintf(format, args...), c.method, c.marked, c.content, c.rewind, c.fresh, c.end, c.cancel, c.over, r.alone, r.restarts, r.budget, r.streams, c.done,
		c.plan, c.delivered, r.broken, c.retries, c.status, c.finished.Sub(c.begun), reason, c.err)
}
