package semaphore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// QueueError says that the context ended before there was a slot, and who was
// in the way.
type QueueError struct {
	Width   int           // slots there are; 0: unlimited
	Held    int           // slots given out when the wait ended
	Oldest  time.Duration // how long the oldest of those had been held
	Waiting int           // callers in the queue, this one included if it had to join it
	Err     error         // the context's cause (context.Cause)

	ctxErr error // the context's own error, if Err is another
}

func (s *Semaphore) queueError(ctx context.Context, now time.Time) *QueueError {
	e := &QueueError{Err: context.Cause(ctx)}
	if ctxErr := ctx.Err(); !errors.Is(e.Err, ctxErr) {
		e.ctxErr = ctxErr
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e.Width = s.width
	e.Held = s.held.n
	e.Waiting = s.waiting.n
	e.Oldest = age(s.held.head, now)
	return e
}

// Error tells how many slots are held and for how long the oldest has been.
func (e *QueueError) Error() string {
	var b strings.Builder
	if e.Held == 0 {
		b.WriteString("no slot taken")
	} else {
		fmt.Fprintf(&b, "no free slot: %d", e.Held)
		if e.Width > 0 {
			fmt.Fprintf(&b, " of %d", e.Width)
		}
		fmt.Fprintf(&b, " held, the oldest for %s", e.Oldest.Round(time.Millisecond))
		if e.Waiting > 0 {
			fmt.Fprintf(&b, ", %d waiting", e.Waiting)
		}
	}
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

// Unwrap gives the context's cause, and the context's own error where the
// cause is something else, so that errors.Is finds both.
func (e *QueueError) Unwrap() []error {
	var errs []error
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	if e.ctxErr != nil {
		errs = append(errs, e.ctxErr)
	}
	return errs
}

// Timeout reports whether the wait ended by a deadline.
func (e *QueueError) Timeout() bool {
	return errors.Is(e.Err, context.DeadlineExceeded) || errors.Is(e.ctxErr, context.DeadlineExceeded)
}
