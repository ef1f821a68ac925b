package mien

import (
	"net/http"
	"time"

	"github.com/mien-http/mien/retry"
)

// Hooks are called while requests run, each nil or safe for concurrent use.
// They must return quickly: the request waits for them.
type Hooks struct {
	// Handshake is called after every TLS handshake, failed ones included.
	Handshake func(HandshakeInfo)
	// Retry is called before anything is tried again.
	Retry func(RetryInfo)
}

// HandshakeInfo tells of one TLS handshake.
type HandshakeInfo struct {
	Origin   string        // scheme://host:port
	Duration time.Duration // of the handshake alone
	Resumed  bool          // by a ticket
	Protocol string        // that ALPN chose, "" if none
	Class    retry.Class   // of Err
	Err      error         // nil: it succeeded
}

// RetryInfo tells of something that is about to be tried again.
type RetryInfo struct {
	Request *http.Request // the caller's; nil for a connection, which serves many
	Origin  string        // scheme://host:port
	Attempt int           // the one that failed, from 1
	Class   retry.Class   // why
	Wait    time.Duration // before the next attempt
	Err     error         // nil when a response is the reason
}

// Stats is what a Session did and is doing, as figures to watch.
type Stats struct {
	Requests int64 // hops that were answered or failed, since New
	Failed   int64 // of these
	Retries  int64 // attempts beyond the first: connections and requests

	InFlight int           // requests holding a slot now
	Queued   int           // requests waiting for one
	Oldest   time.Duration // age of the oldest request in flight

	Sockets    int   // open now
	Handshakes int64 // TLS handshakes tried since New
	Resumed    int64 // of these, by a ticket
	// HandshakesFailed counts the handshakes that failed since New, by class.
	HandshakesFailed map[retry.Class]int64
	// HandshakeFailureRate is the share of the handshakes of the last 60
	// seconds that failed, 0 to 1; 0 when there were none.
	HandshakeFailureRate float64
}
