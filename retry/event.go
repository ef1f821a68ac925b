package retry

import (
	"net/http"
	"time"
)

// Event is an attempt that failed, or that a response ended which may be
// retried: what Predicate judges, and what OnRetry hears.
type Event struct {
	Request  *http.Request  // the caller's
	Attempt  int            // which attempt it was, from 1
	Class    Class          // what kind of failure
	Failure  Failure        // Err is nil if a response came
	Response *http.Response // nil if none came; its body is not to be read
	Decision Decision       // what the table says of it
	Wait     time.Duration  // the pause before the next attempt
}

// Reason says why there is no other attempt. The value is a clause in plain
// words; the zero value means that there is one.
type Reason string

// The reasons.
const (
	Off           Reason = "retrying is off"
	NotRetryable  Reason = "this is not retried"
	NotIdempotent Reason = "the request may have been sent and must not be repeated"
	NotReplayable Reason = "the request's body cannot be rewound"
	AttemptsSpent Reason = "all attempts are used up"
	OriginDown    Reason = "the origin counts as unreachable"
	BudgetSpent   Reason = "the origin's retry budget is spent"
	DeadlineNear  Reason = "the wait would pass the context's deadline"
	WaitTooLong   Reason = "the server asks for too long a wait"
	Vetoed        Reason = "the predicate refused"
)

// Verdict is what follows an attempt.
type Verdict struct {
	Class    Class         // what kind of failure it was
	Decision Decision      // what the table says of it
	Retry    bool          // try again, after Wait
	Wait     time.Duration // how long to wait before that
	Fresh    bool          // only a new connection will do
	HTTP1    bool          // only HTTP/1.1 will do, with ALPN http/1.1 alone
	Attempt  int           // the attempt that was judged, from 1
	Reason   Reason        // why not, if Retry is false
}
