package mien

import (
	"net/http"
	"time"

	"github.com/mien-http/mien/retry"
)

// Hooks are called while requests run, each nil or safe for concurrent use.
// They must return quickly: the request waits for them. The Request in what they
// are told is the caller's, or a clone of it with the jar's cookies.
type Hooks struct {
	// Handshake is called after every TLS handshake, failed ones included.
	Handshake func(HandshakeInfo)
	// Retry is called before anything is tried again.
	Retry func(RetryInfo)
	// Phase is called when a phase of a request or of a connection is over.
	Phase func(PhaseInfo)
	// Done is called once for each hop: when its response's body has ended or
	// was closed, or when it failed, be it that it was refused as invalid, without
	// an Origin then. No hop is a nil request, or a redirect that is not followed.
	Done func(RequestInfo)
}

// ChainHooks returns hooks that call those of all, in that order. What none of
// them sets stays nil.
func ChainHooks(all ...Hooks) Hooks {
	var out Hooks
	for _, h := range all {
		out.Handshake = chained(out.Handshake, h.Handshake)
		out.Retry = chained(out.Retry, h.Retry)
		out.Phase = chained(out.Phase, h.Phase)
		out.Done = chained(out.Done, h.Done)
	}
	return out
}

func chained[T any](first, second func(T)) func(T) {
	switch {
	case first == nil:
		return second
	case second == nil:
		return first
	}
	return func(info T) {
		first(info)
		second(info)
	}
}

// HandshakeInfo tells of one TLS handshake.
type HandshakeInfo struct {
	Origin   string        // scheme://host:port
	Proxy    string        // host:port of the first proxy, "" if direct
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

// PhaseInfo tells of one phase that is over: queue, headers and body of a
// request; dial (name, TCP and proxy together) and tls of a connection.
type PhaseInfo struct {
	Request  *http.Request // the caller's; nil for a connection, which serves many
	Origin   string        // scheme://host:port
	Proxy    string        // host:port of the first proxy, "" if direct
	Phase    retry.Phase   // the one that is over
	Duration time.Duration // how long it took
	Class    retry.Class   // of Err
	Err      error         // nil: it went well
}

// RequestInfo tells of one hop that is over.
type RequestInfo struct {
	Request  *http.Request // the caller's
	Origin   string        // scheme://host:port
	Proxy    string        // host:port of the first proxy, "" if direct
	Status   int           // 0 if there was no response
	Protocol string        // "HTTP/2.0", "HTTP/1.1"; "" if there was no response
	Attempts int           // made, the last included
	Bytes    int64         // of the body, as read by the caller
	Duration time.Duration // from the call to the end of the body
	Err      *Error        // nil: it went well, as far as the caller read
}

// Stats is what a Session did and is doing, as figures to watch.
type Stats struct {
	Requests int64 // hops that were answered, failed or were refused as invalid, since New
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

	// Origins are the same figures per origin and way out, the busiest first,
	// at most 100; the rest is summed up in an entry named "other".
	Origins []OriginStats
}

// OriginStats is what a Session did and is doing towards one origin by one way out.
type OriginStats struct {
	Origin string // scheme://host:port, or "other"
	Proxy  string // host:port of the first proxy, "" if direct

	Connections    int // open now
	InFlight       int // requests on them now
	Waiting        int // requests waiting for a connection
	Handshaking    int // TLS handshakes in progress
	HandshakeWidth int // how many may be; 0: any number

	Handshakes           int64                 // tried since New
	Resumed              int64                 // of these, by a ticket
	HandshakesFailed     map[retry.Class]int64 // since New, by class
	HandshakeFailureRate float64               // of the last 60 seconds, 0 to 1

	Dial      Quantiles // name, TCP and proxy of connections that stood
	TLS       Quantiles // handshakes that succeeded
	FirstByte Quantiles // request sent to response header section
}

// Quantiles describe a duration over the last minute, each within a fifth of
// the true value. All are 0 when nothing was measured.
type Quantiles struct {
	Count    int64         // of measurements
	P50, P99 time.Duration // the median, and the duration that one in a hundred exceeds
}
