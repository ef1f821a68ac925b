package retry

import (
	"errors"
	"fmt"
	"strings"
)

// Error is how Transport reports that a request failed for good.
type Error struct {
	Class   Class  // what kind of failure
	Phase   Phase  // where it happened
	Sent    bool   // some byte of the request may have reached the origin
	Attempt int    // the attempt that failed last, from 1
	Reason  Reason // why there was no other
	Err     error  // what the last attempt failed with

	// Ended is the cause of the context's end, if it ended while the request
	// waited for its next attempt. Class is then Canceled, or after a deadline
	// that of Err.
	Ended error

	ctxErr error // with Ended: the context's own error
}

// Error tells the cause, the attempts made and why there was no other.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Ended != nil {
		fmt.Fprintf(&b, "%v, before attempt %d; ", e.Ended, e.Attempt+1)
	}
	if e.Phase != "" {
		b.WriteString(string(e.Phase))
		b.WriteString(": ")
	}
	if e.Class != Unknown {
		b.WriteString(e.Class.Describe())
		b.WriteString(": ")
	}
	fmt.Fprintf(&b, "%v (attempt %d, ", e.Err, e.Attempt)
	if e.Sent {
		b.WriteString("may have been sent")
	} else {
		b.WriteString("nothing sent")
	}
	if e.Reason != "" && e.Reason != NotRetryable {
		b.WriteString("; ")
		b.WriteString(string(e.Reason))
	}
	b.WriteByte(')')
	return b.String()
}

// Unwrap gives the end of the context, if there is one, and the last failure.
func (e *Error) Unwrap() []error {
	if e.Ended != nil {
		return []error{e.Ended, e.ctxErr, e.Err}
	}
	return []error{e.Err}
}

// Timeout reports whether time ran out: the context's, or that of the last
// attempt.
func (e *Error) Timeout() bool {
	if e.Ended != nil {
		return isTimeout(e.ctxErr)
	}
	return isTimeout(e.Err)
}

// ended reports whether err carries the end of a context.
func ended(err, ctxErr, cause error) bool {
	return errors.Is(err, ctxErr) || cause != nil && errors.Is(err, cause)
}
