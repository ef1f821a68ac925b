package retry

import (
	"net/http"
	"slices"
	"time"
)

// RunConfig is what a Run needs to know of its request.
type RunConfig struct {
	Policy     Policy        // what to retry
	Request    *http.Request // the caller's
	Idempotent bool          // the caller says that the request may be repeated, whatever its method

	// Replayable tells whether the body can be sent (again) now. nil: Replayable(Request).
	Replayable func() bool

	// Spend takes one retry from the origin's budget and reports whether there
	// was one. nil: no budget.
	Spend func(now time.Time) bool

	// Connect, if not nil, makes the Run retry failures to get a connection
	// too, and keeps the count of them. nil: whoever gets connections has done
	// that, and such a failure is final.
	Connect *ConnectTracker
}

// Run is one request's way through its attempts: it judges each failure and
// each response and says what follows. It reads no clock and waits for
// nothing. It belongs to the goroutine that sends the request.
type Run struct {
	cfg     RunConfig
	policy  Policy // with defaults
	backoff Backoff
	since   time.Time // when the request began to need the connection it needs now

	made     int     // attempts made, of any kind
	counted  int     // attempts that count towards MaxAttempts
	moved    bool    // a GOAWAY has moved the request once, which is free
	onceUsed []Class // classes whose one retry is used
}

// NewRun begins a run. The policy must be valid.
func NewRun(now time.Time, cfg RunConfig) *Run {
	p := cfg.Policy.WithDefaults()
	if cfg.Replayable == nil {
		cfg.Replayable = func() bool { return Replayable(cfg.Request) }
	}
	return &Run{cfg: cfg, policy: p, since: now, backoff: NewBackoff(p.Base, p.Cap, p.Rand)}
}

// Attempts is how many attempts have been judged.
func (r *Run) Attempts() int { return r.made }

// Failed judges an attempt that ended in an error.
func (r *Run) Failed(now time.Time, f Failure) Verdict {
	class := Classify(f)
	return r.judge(now, Event{Class: class, Failure: f, Decision: Decide(class, f)})
}

// Answered judges an attempt that ended in a response. Almost every response
// is final: Reason is then NotRetryable.
func (r *Run) Answered(now time.Time, resp *http.Response) Verdict {
	class, decision := DecideStatus(resp.StatusCode, r.policy.Statuses)
	f := Failure{Phase: PhaseHeaders, Sent: true, Answered: true}
	return r.judge(now, Event{Class: class, Failure: f, Response: resp, Decision: decision})
}

func (r *Run) judge(now time.Time, e Event) Verdict {
	r.made++
	e.Request, e.Attempt = r.cfg.Request, r.made
	v := Verdict{Class: e.Class, Decision: e.Decision, Attempt: r.made}
	connecting := e.Response == nil && e.Failure.phase().Connecting() && !e.Failure.sent()
	free := e.Class == NotProcessed && !r.moved && isGoAway(e.Failure)
	if free {
		r.moved = true
	} else if !connecting {
		r.counted++
	}
	if !connecting {
		r.since = now
	}
	down := connecting && r.cfg.Connect != nil && r.cfg.Connect.Fail(now, now, e.Failure, false, r.since)

	soft := r.unfit(e)
	unsafe := (soft == NotRetryable || soft == NotIdempotent) && r.policy.Unsafe && overridable(e)
	if v.Reason = soft; soft != "" && !unsafe {
		return v
	}
	if v.Reason = r.spent(now, e, connecting, down); v.Reason != "" {
		return v
	}
	if e.Wait, v.Reason = r.wait(now, e, connecting, free); v.Reason != "" {
		return v
	}
	if r.policy.Predicate != nil && !r.policy.Predicate(e) {
		v.Reason = Vetoed
		if unsafe {
			v.Reason = soft
		}
		return v
	}
	if costsBudget(e) && r.cfg.Spend != nil && !r.cfg.Spend(now) {
		v.Reason = BudgetSpent
		return v
	}
	if e.Decision.Once() {
		r.onceUsed = append(r.onceUsed, e.Class)
	}
	v.Retry, v.Wait = true, e.Wait
	v.HTTP1 = needsHTTP1(e.Failure)
	v.Fresh = v.HTTP1 || e.Response != nil && e.Response.StatusCode == http.StatusMisdirectedRequest
	return v
}

// unfit is why the table forbids another attempt.
func (r *Run) unfit(e Event) Reason {
	switch {
	case r.policy.Off():
		return Off
	case e.Decision == Never:
		return NotRetryable
	case (e.Decision == Idempotent || e.Decision == IdempotentOnce) && !r.cfg.Idempotent && !IsIdempotent(r.cfg.Request):
		return NotIdempotent
	}
	return ""
}

// spent is why the caps or the body forbid another attempt, whatever anybody
// says.
func (r *Run) spent(now time.Time, e Event, connecting, down bool) Reason {
	asked, _ := retryAfterOf(e.Failure.Err, e.Response, now)
	switch {
	case connecting && r.cfg.Connect == nil:
		return NotRetryable
	case e.Decision.Once() && slices.Contains(r.onceUsed, e.Class):
		return AttemptsSpent
	case down && asked > r.policy.MaxRetryAfter:
		return WaitTooLong
	case down:
		return OriginDown
	case !connecting && r.counted >= r.policy.MaxAttempts:
		return AttemptsSpent
	case !r.cfg.Replayable():
		return NotReplayable
	}
	return ""
}

// overridable reports whether an unsafe predicate may decide otherwise: not
// that a caller who left comes back, nor that a certificate is good, nor that
// half a body is none, nor that an answer is a failure.
func overridable(e Event) bool {
	switch e.Class {
	case Canceled, Certificate, Invalid:
		return false
	}
	return e.Failure.Phase != PhaseBody && (e.Response == nil || e.Response.StatusCode >= 400)
}

// wait is the pause before the next attempt, or why there can be none.
func (r *Run) wait(now time.Time, e Event, connecting, free bool) (time.Duration, Reason) {
	var wait time.Duration
	switch {
	case free:
	case connecting && r.cfg.Connect != nil:
		wait = r.cfg.Connect.Wait()
	default:
		wait = r.backoff.Next()
	}
	if asked, ok := retryAfterOf(e.Failure.Err, e.Response, now); ok && asked > 0 {
		if asked > r.policy.MaxRetryAfter {
			return 0, WaitTooLong
		}
		wait = asked
	}
	if deadline, ok := r.cfg.Request.Context().Deadline(); ok && !now.Add(wait).Before(deadline) {
		return 0, DeadlineNear
	}
	return wait, ""
}

// costsBudget reports whether a retry repeats work that the origin may have
// done, or was asked for by a status.
func costsBudget(e Event) bool {
	return e.Class != NotProcessed && (e.Response != nil || e.Failure.sent())
}
