package retry

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"golang.org/x/net/http2"
)

// Alerts that end a connection without blaming anybody (RFC 8446 §6.1), and
// the one that says the fault is the peer's own (§6.2).
const (
	alertCloseNotify   = 0
	alertInternalError = 80
	alertUserCanceled  = 90
)

// Classify names the condition behind a failure. It is pure, reads no error's
// text, and knows the error types of context, crypto/tls, crypto/x509, net,
// syscall and golang.org/x/net/http2. Other layers tell it their facts by
// methods on any error in f.Err's tree:
//
//	RequestSent() bool             some byte of the request may have reached the origin
//	Unprocessed() bool             the server said it did nothing with the request
//	HTTP2Code() (uint32, bool)     the code of RST_STREAM or GOAWAY, or that of our own verdict
//	HTTP2Local() bool              we found the peer at fault; without it, the peer spoke
//	HTTP2Stream() bool             this stream alone; without it, true
//	TLSAlert() uint8               the alert's number
//	ProxyStatus() int              the proxy's answer to CONNECT
//	SOCKSReply() byte              the proxy's reply code
//	ContentCoding() string         the body does not decode
//	LimitExceeded() bool           the peer passed one of our limits
//	Timeout() bool                 time ran out
//	FailureClass() string          the class, from a layer that alone can know it
//
// What cannot be told is Unknown.
func Classify(f Failure) Class {
	err := f.Err
	if err == nil {
		return Unknown
	}
	if errors.Is(err, context.Canceled) {
		return Canceled
	}
	if c, ok := declaredClass(err); ok {
		return c
	}
	switch f.phase() {
	case PhaseQueue:
		return Queue
	case PhaseDNS, PhaseDial, PhaseProxy, PhaseTLS:
		return classifyConnecting(f.phase(), err)
	case PhaseWrite, PhaseHeaders:
		return classifyExchange(f)
	case PhaseBody:
		return classifyBody(err)
	}
	return classifyAnywhere(err)
}

// phase is Phase, or where that is missing what the facts and net's own words
// for the operation say. "dial" and "proxyconnect" are values of a documented
// field (net.OpError.Op), not text made for people.
func (f Failure) phase() Phase {
	if f.Phase != "" {
		return f.Phase
	}
	var op *net.OpError
	if errors.As(f.Err, &op) {
		switch op.Op {
		case "dial":
			return PhaseDial
		case "proxyconnect":
			return PhaseProxy
		}
	}
	if f.Reused || f.sent() {
		return PhaseHeaders
	}
	return ""
}

// classifyAnywhere knows what a failure of no known phase has in its type
// alone.
func classifyAnywhere(err error) Class {
	if errnoOf(err) == errnoLimit {
		return LocalLimit
	}
	if dns := (*net.DNSError)(nil); errors.As(err, &dns) {
		return classifyDNS(dns)
	}
	return classifyTLS(err)
}

func classifyDNS(err *net.DNSError) Class {
	if err.IsNotFound {
		return NameNotFound
	}
	return NameTemporary
}

// classifyTLS knows what TLS says in types of its own, in any phase: the
// certificate, the alert, the peer that speaks something else.
func classifyTLS(err error) Class {
	if isCertificate(err) {
		return Certificate
	}
	if is[tls.RecordHeaderError](err) {
		return NotTLS
	}
	if alert, ok := alertOf(err); ok && alert != alertCloseNotify && alert != alertUserCanceled {
		return Alert
	}
	return Unknown
}

func classifyConnecting(phase Phase, err error) Class {
	if errors.Is(err, net.ErrClosed) {
		return Canceled // nobody but we ourselves closes our side
	}
	if _, ok := proxyAnswer(err); ok {
		return ProxyRefused
	}
	if c := classifyAnywhere(err); c != Unknown {
		return c
	}
	if phase == PhaseDNS {
		if isTimeout(err) || isEnd(err) || errnoOf(err) != errnoNone {
			return NameTemporary
		}
		return Unknown
	}
	switch errnoOf(err) {
	case errnoRefused, errnoUnreachable:
		return Refused
	case errnoTimeout:
		return HandshakeTimeout
	}
	if _, ok := alertOf(err); ok || isEnd(err) {
		if phase == PhaseProxy {
			return ProxyReset
		}
		return HandshakeReset
	}
	if isTimeout(err) {
		return HandshakeTimeout
	}
	return Unknown
}

// classifyExchange is for a request that has a connection and no response yet.
func classifyExchange(f Failure) Class {
	err := f.Err
	// A TLS 1.3 client ends its handshake before the server has judged the
	// client's certificate: that verdict comes with the first read, which may
	// be over before the request was even queued.
	if c := classifyTLS(err); c != Unknown {
		return c
	}
	if isUnprocessed(err) {
		return NotProcessed
	}
	if isLimit(err) {
		return Protocol
	}
	if h2, ok := h2FaultOf(err); ok {
		return classifyH2(h2)
	}
	_, goodbye := alertOf(err)
	if goodbye || isEnd(err) || errors.Is(err, net.ErrClosed) {
		if f.Reused && !f.Answered {
			return StaleConnection
		}
		return ConnectionLost
	}
	switch errnoOf(err) {
	case errnoTimeout, errnoUnreachable, errnoRefused:
		return ConnectionLost
	case errnoLimit:
		return LocalLimit
	}
	if isTimeout(err) {
		if isConnectionWide(err) {
			return ConnectionLost // a ping unanswered
		}
		return HeaderTimeout
	}
	return Unknown
}

func classifyH2(f h2Fault) Class {
	switch {
	case f.local:
		return Protocol
	case !f.stream:
		return ConnectionLost
	case f.code == http2.ErrCodeRefusedStream, f.code == http2.ErrCodeHTTP11Required:
		return NotProcessed
	}
	return StreamReset
}

// classifyBody is for a response that its caller is reading.
func classifyBody(err error) Class {
	if isLimit(err) {
		return Protocol
	}
	if h2, ok := h2FaultOf(err); ok {
		// A length that was announced and not kept is found by us, and is a cut.
		if c := classifyH2(h2); c == ConnectionLost || c == Protocol && !(h2.stream && isEnd(err)) {
			return c
		}
		return BodyCut
	}
	if c := classifyTLS(err); c != Unknown {
		return c
	}
	if isCoding(err) {
		return Encoding
	}
	if errnoOf(err) == errnoTimeout || isConnectionWide(err) && isTimeout(err) {
		return ConnectionLost
	}
	if isTimeout(err) {
		return BodyTimeout
	}
	if _, goodbye := alertOf(err); goodbye || isEnd(err) || errors.Is(err, net.ErrClosed) || errnoOf(err) != errnoNone {
		return BodyCut
	}
	return Unknown
}
