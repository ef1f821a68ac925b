package soak_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/mien-http/mien/retry"
)

// maxLate is how long after the end of its context a request may take. The two
// processes share the machine with thousands of callers, so this tells a hang
// from a queue for the processor and no more.
const maxLate = 5 * time.Second

// judge holds the outcomes of rounds against the origins' log. A round is
// judged when the next is over: what was sent for a caller who left may arrive
// late. It belongs to the test's goroutine.
type judge struct {
	log     *logger
	waiting []*round
	seen    map[uint64][]delivery
	goAways map[connID]uint32 // the least of the last streams

	counts     tally // what became of the requests
	faults     tally // what was done to them
	requests   int
	deliveries int
	latency    durations // of requests that went well
	late       durations // past the ends of contexts
}

// arrived adds the origins' log.
func (j *judge) arrived(log []delivery, goAways map[connID]uint32) {
	if j.seen == nil {
		j.seen, j.goAways = make(map[uint64][]delivery), make(map[connID]uint32)
	}
	for id, last := range goAways {
		if before, ok := j.goAways[id]; !ok || last < before {
			j.goAways[id] = last
		}
	}
	j.deliveries += len(log)
	for _, d := range log {
		j.seen[d.ID] = append(j.seen[d.ID], d)
		j.faults.add(d.Fault.String(), 1)
	}
}

// over adds a round that is over and judges those before it; with last, that
// too.
func (j *judge) over(r *round, last bool) {
	j.waiting = append(j.waiting, r)
	for len(j.waiting) > 1 || last && len(j.waiting) == 1 {
		r := j.waiting[0]
		j.waiting = slices.Delete(j.waiting, 0, 1)
		for i, o := range r.outcomes {
			id := r.first + uint64(i)
			j.one(id, o, j.seen[id])
			delete(j.seen, id)
		}
	}
	if last {
		for id, d := range j.seen {
			j.log.complain("delivered, but never sent", "%d: %v", id, d)
		}
		j.seen, j.goAways, j.waiting = nil, nil, nil // maps do not shrink
	}
}

// one judges one request.
func (j *judge) one(id uint64, o *outcome, log []delivery) {
	j.requests++
	complain := func(kind, format string, args ...any) {
		j.log.complain(kind, "request %d (%+v): %s\n\tdelivered %+v\n\t%s", id, *o.shape, fmt.Sprintf(format, args...), log, o)
	}
	processed := 0
	for _, d := range log {
		if last, gone := j.goAways[d.Conn]; !d.Fault.unprocessed(d.H2) && !(gone && d.Stream > last) {
			processed++
		}
	}
	if processed > 1 && !o.shape.idempotent() {
		complain("delivered twice", "%d times", processed)
	}
	if processed > 1 && !o.shape.replayable() {
		complain("a body that can be had once was delivered twice", "%d times", processed)
	}
	attempts, retries := int(o.attempts.Load()), int(o.retries.Load())
	if n := o.done.Load(); n != 1 {
		complain("Done hook", "called %d times", n)
	}
	if retries != max(attempts-1, 0) && !(o.over != nil && retries == attempts) {
		complain("a retry that no hook told", "%d attempts, %d retries", attempts, retries)
	}
	if len(log) > attempts {
		complain("a delivery that no hook told", "%d deliveries, %d attempts", len(log), attempts)
	}
	if o.over != nil && o.late > 0 {
		j.late.add(o.late)
		if o.late > maxLate {
			complain("past its context", "%v", o.late)
		}
	}
	if o.failed {
		j.failed(o, log, complain)
		return
	}
	j.counts.add(fmt.Sprintf("answered %d", o.status), 1)
	j.latency.add(o.took)
	answered := slices.ContainsFunc(log, func(d delivery) bool {
		// Who closes the body unread does not learn that it was cut.
		return d.Fault.answers(d.H2) && o.status == 200 || d.Fault.status() == o.status && o.status != 200 ||
			o.early && o.status == 200 && (d.Fault == cut || d.Fault == silent) ||
			o.shape.method == "HEAD" && (d.Fault == cut || d.Fault == silent)
	})
	if !answered {
		complain("answered, but not by the origin", "status %d", o.status)
	}
	if processed > 1+retries || retries == 0 && len(log) != 1 {
		complain("delivered more often than sent", "%d times", len(log))
	}
}

// failed judges one that failed.
func (j *judge) failed(o *outcome, log []delivery, complain func(kind, format string, args ...any)) {
	if o.notError {
		complain("another error", "not a *mien.Error")
		return
	}
	if !o.sent && len(log) > 0 {
		complain("said to be unsent, but delivered", "%d times", len(log))
	}
	if o.ended {
		j.counts.add(fmt.Sprintf("its context ended (%v)", o.over), 1)
		return
	}
	j.counts.add(fmt.Sprintf("%s %s, %s", o.phase, o.class, o.reason), 1)
	if why := o.unjust(); why != "" {
		complain("lost", "%s", why)
	}
}

// unjust says why a request should not have failed as it did, or "".
func (o *outcome) unjust() string {
	if o.phase == retry.PhaseBody {
		switch o.class {
		case retry.BodyCut, retry.BodyTimeout, retry.ConnectionLost: // the last: a GOAWAY said that the end was near
			return "" // its response was there
		}
		return "nothing else than the end of connections breaks bodies"
	}
	if o.phase.Connecting() {
		if o.class == retry.Refused {
			return "" // the origin was away
		}
		return "nothing else than a closed port is refused to all"
	}
	switch o.reason {
	case retry.NotIdempotent:
		if o.shape.idempotent() {
			return "it may be repeated"
		}
		if !o.sent {
			return "nothing was sent"
		}
	case retry.NotReplayable:
		if o.shape.replayable() {
			return "its body can be had again"
		}
	case retry.AttemptsSpent:
		if o.attempt < retry.DefaultMaxAttempts {
			return "the caps are not used up"
		}
	case retry.DeadlineNear:
		if !o.deadline {
			return "it has no deadline"
		}
	default:
		return "no reason is known"
	}
	return ""
}

func (o *outcome) String() string {
	return fmt.Sprintf("status %d, %d retries, %d attempts, took %v, context %v, phase %q, class %q, reason %q, sent %v, attempt %d: %s",
		o.status, o.retries.Load(), o.attempts.Load(), o.took, o.over, o.phase, o.class, o.reason, o.sent, o.attempt, o.text)
}
