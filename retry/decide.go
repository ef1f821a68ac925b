package retry

import (
	"errors"
	"net"
	"net/http"

	"golang.org/x/net/http2"
)

// Decision says which requests may be sent again after a failure. It speaks of
// the method alone: whether the body can be rewound, the attempts, the budget
// and the context come on top.
type Decision uint8

// The decisions.
const (
	Never          Decision = iota // no request
	Any                            // any request
	AnyOnce                        // any request, but only after the first failure of this class
	Idempotent                     // those that may be repeated: see IsIdempotent
	IdempotentOnce                 // the same, but only after the first failure of this class
)

// String names the decision as its constant is named.
func (d Decision) String() string {
	switch d {
	case Never:
		return "Never"
	case Any:
		return "Any"
	case AnyOnce:
		return "AnyOnce"
	case Idempotent:
		return "Idempotent"
	case IdempotentOnce:
		return "IdempotentOnce"
	}
	return "unknown"
}

// Once reports whether the decision allows one retry per class and request.
func (d Decision) Once() bool { return d == AnyOnce || d == IdempotentOnce }

// Decide says what may follow a failure of class c, which is what Classify
// says of f. It is pure.
//
// In PhaseBody the caller has the response already, so nothing below the
// caller acts on a decision there: it only tells what the caller may do.
func Decide(c Class, f Failure) Decision {
	switch c {
	case Refused, HandshakeReset, HandshakeTimeout, ProxyReset, LocalLimit,
		StaleConnection, ConnectionLost, StreamReset:
		return asSent(f, Any, Idempotent)
	case NameTemporary:
		if dns := (*net.DNSError)(nil); errors.As(f.Err, &dns) && !dns.IsTemporary && !dns.IsTimeout {
			return asSent(f, AnyOnce, IdempotentOnce) // the server answered, and will so again
		}
		return asSent(f, Any, Idempotent)
	case Alert:
		if alert, ok := alertOf(f.Err); ok && alert == alertInternalError {
			return asSent(f, AnyOnce, Never)
		}
		return Never
	case ProxyRefused:
		if a, ok := proxyAnswer(f.Err); ok && a.passing() {
			return asSent(f, Any, Idempotent)
		}
		return Never
	case HeaderTimeout:
		return asSent(f, AnyOnce, IdempotentOnce)
	case NotProcessed:
		return Any
	case Protocol:
		// ENHANCE_YOUR_CALM from our side ends a flood.
		if h2, ok := h2FaultOf(f.Err); isLimit(f.Err) || ok && h2.code == http2.ErrCodeEnhanceYourCalm {
			return Never
		}
		return asSent(f, Any, Idempotent)
	case Unknown:
		// Nothing has left, so once more is safe; whether it is of use, nobody
		// can say.
		if f.phase().Connecting() {
			return asSent(f, AnyOnce, Never)
		}
	}
	return Never
}

func asSent(f Failure, unsent, sent Decision) Decision {
	if f.sent() {
		return sent
	}
	return unsent
}

// DecideStatus says what may follow a response with this status, and the class
// it is counted under. Only 421 and 425 are retried by themselves: in both the
// server says that it did nothing. Others are retried if statuses lists them.
func DecideStatus(status int, statuses []int) (Class, Decision) {
	switch status {
	case http.StatusMisdirectedRequest: // RFC 9110 §15.5.20: on another connection
		return NotProcessed, AnyOnce
	case http.StatusTooEarly: // RFC 8470 §5.2: outside of early data, which we never send
		return Unknown, Any
	}
	for _, s := range statuses {
		if s == status {
			return Unknown, Idempotent
		}
	}
	return Unknown, Never
}

// isGoAway reports whether a failure is a request that a GOAWAY left
// unprocessed, rather than one refused by itself.
func isGoAway(f Failure) bool {
	if !isUnprocessed(f.Err) {
		return false
	}
	h2, ok := h2FaultOf(f.Err)
	return !ok || h2.code != http2.ErrCodeRefusedStream && h2.code != http2.ErrCodeHTTP11Required
}

// needsHTTP1 reports whether the server wants this request over HTTP/1.1
// (RFC 9113 §7, HTTP_1_1_REQUIRED).
func needsHTTP1(f Failure) bool {
	h2, ok := h2FaultOf(f.Err)
	return ok && !h2.local && h2.code == http2.ErrCodeHTTP11Required
}
