package mien

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/mien-http/mien/internal/egress"
	"github.com/mien-http/mien/retry"
)

// Error is what every failed request ends in: where it failed, what kind of
// failure it was and whether the request can have reached the origin. Client
// wraps it in *url.Error as the standard library does; errors.As finds it.
//
// It unwraps to the cause in the types of package net, crypto/tls and
// crypto/x509, and errors.Is finds context.Canceled, context.DeadlineExceeded
// and net.ErrClosed where they are the cause.
type Error struct {
	// Request is the caller's.
	Request *http.Request
	// Phase is where it failed; "" if before anything was tried.
	Phase retry.Phase
	// Class names the condition.
	Class retry.Class
	// Origin is scheme://host:port, or host:port where there is no scheme to tell.
	Origin string
	// Proxy is host:port of the proxy involved, without credentials; "" if none.
	Proxy string
	// Attempt is the number of the attempt that failed, from 1; 0 if none was
	// made. Where no connection could be had (Phase.Connecting) attempts at one
	// are counted, which serve all who wait for the origin: since the first of
	// those began to wait, or since a handshake last completed.
	Attempt int
	// Sent says whether any byte of the request can have reached the origin.
	Sent bool
	// Alert is the TLS alert that was received or sent; 0 (close_notify) if none.
	Alert uint8
	// Reason says why a failure that may be retried was not; "" where nothing
	// more is to be said than Class says.
	Reason retry.Reason
	// Err is the cause.
	Err error
}

// Error says what happened where, and what was sent. It names no credentials.
func (e *Error) Error() string {
	var b strings.Builder
	switch e.Phase {
	case retry.PhaseTLS:
		b.WriteString("tls handshake with ")
	case retry.PhaseQueue:
		b.WriteString("queue for ")
	case retry.PhaseDNS:
		b.WriteString("looking up ")
	case retry.PhaseDial:
		b.WriteString("connecting to ")
	case retry.PhaseProxy:
		b.WriteString("proxy ")
		if e.Proxy != "" {
			b.WriteString(e.Proxy)
			b.WriteByte(' ')
		}
		b.WriteString("for ")
	case retry.PhaseWrite, retry.PhaseHeaders, retry.PhaseBody:
		b.WriteString(string(e.Phase))
		b.WriteString(" of ")
	}
	if e.Phase == retry.PhaseTLS {
		b.WriteString(strings.TrimPrefix(e.Origin, "https://"))
	} else {
		b.WriteString(e.Origin)
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	b.WriteString(e.cause())
	// A redirect that is not followed is no attempt that failed, and libraries
	// look for net/http's "stopped after N redirects" at the end.
	if e.Attempt > 0 && e.Class != retry.Redirect {
		fmt.Fprintf(&b, ", attempt %d", e.Attempt)
		if e.Sent {
			b.WriteString(", the request was sent")
		} else {
			b.WriteString(", nothing sent")
		}
	}
	switch e.Reason {
	case "", retry.Off, retry.NotRetryable:
	default:
		b.WriteString("; not retried: ")
		b.WriteString(string(e.Reason))
	}
	return b.String()
}

func (e *Error) cause() string {
	switch e.Class {
	case retry.HandshakeReset:
		return e.Class.Describe()
	case retry.NotTLS:
		return "the peer does not speak TLS; is the scheme right? (" + e.Err.Error() + ")"
	}
	if way, ok := e.Err.(*egress.Error); ok && e.Phase == retry.PhaseProxy && way.Proxy == e.Proxy {
		return way.Err.Error() // the proxy is named already
	}
	return e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Timeout reports whether the cause is a time that ran out, the context's or
// one of Config.Timeouts.
func (e *Error) Timeout() bool {
	if errors.Is(e.Err, context.DeadlineExceeded) {
		return true
	}
	var t interface{ Timeout() bool }
	return errors.As(e.Err, &t) && t.Timeout()
}

// Temporary is deprecated in package net and always false; it makes Error a net.Error.
func (e *Error) Temporary() bool { return false }

var _ net.Error = (*Error)(nil)

// HTTP2Code returns the HTTP/2 error code (RFC 9113 §7) that the failure came with.
func (e *Error) HTTP2Code() (code uint32, ok bool) {
	var h interface{ HTTP2Code() (uint32, bool) }
	if errors.As(e.Err, &h) {
		return h.HTTP2Code()
	}
	return 0, false
}

// ProxyStatus returns the status with which a proxy refused a CONNECT.
func (e *Error) ProxyStatus() (status int, ok bool) {
	var p interface{ ProxyStatus() int }
	if errors.As(e.Err, &p) {
		return p.ProxyStatus(), true
	}
	return 0, false
}

// SOCKSReply returns the reply code with which a SOCKS proxy refused
// (RFC 1928 §6; 255: it did not accept the credentials).
func (e *Error) SOCKSReply() (reply byte, ok bool) {
	var p interface{ SOCKSReply() byte }
	if errors.As(e.Err, &p) {
		return p.SOCKSReply(), true
	}
	return 0, false
}

// proxyChoiceError is an error of Config.Proxy.
type proxyChoiceError struct{ err error }

// Error is the text of the cause without the URL that it may have failed to
// parse, in which a password may stand.
func (e *proxyChoiceError) Error() string {
	text := e.err.Error()
	var parse *url.Error
	if errors.As(e.err, &parse) && parse.URL != "" {
		text = strings.NewReplacer(strconv.Quote(parse.URL), `"***"`, parse.URL, "***").Replace(text)
	}
	return "Config.Proxy: " + text
}
func (e *proxyChoiceError) Unwrap() error        { return e.err }
func (e *proxyChoiceError) FailureClass() string { return string(retry.Invalid) }

// invalidError is a request that no layer below may see.
type invalidError struct {
	err error
}

func (e *invalidError) Error() string        { return "invalid request: " + e.err.Error() }
func (e *invalidError) Unwrap() error        { return e.err }
func (e *invalidError) FailureClass() string { return string(retry.Invalid) }

// invalidf makes an invalidError; %w keeps the cause.
func invalidf(format string, args ...any) error {
	return &invalidError{err: fmt.Errorf(format, args...)}
}

// endOf is why ctx ended: context.Canceled or context.DeadlineExceeded, around the
// cause if the caller gave one, or what ended it here.
func endOf(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	switch cause.(type) {
	case *headerTimeout, sessionClosed:
		return cause
	}
	if cause == err || cause == context.Canceled || cause == context.DeadlineExceeded {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// errSessionClosed is net.ErrClosed with the session's name on it.
var errSessionClosed error = sessionClosed{}

// sessionClosed is never a reason to try again.
type sessionClosed struct{}

func (sessionClosed) Error() string        { return "mien: session is closed: " + net.ErrClosed.Error() }
func (sessionClosed) Unwrap() error        { return net.ErrClosed }
func (sessionClosed) FailureClass() string { return string(retry.Canceled) }

// fail makes the Error for req. One that is in f.Err is another request's: of a
// Resolver that works through a Session, or the cause of a context's end.
func fail(req *http.Request, f retry.Failure, origin string, attempt int) *Error {
	e := &Error{Request: req, Phase: f.Phase, Class: retry.Classify(f), Origin: origin, Attempt: attempt, Sent: f.Sent, Err: f.Err}
	var way *egress.Error
	if errors.As(f.Err, &way) {
		e.Proxy = way.Proxy
	}
	var alert interface{ TLSAlert() uint8 }
	if errors.As(f.Err, &alert) {
		e.Alert = alert.TLSAlert()
	}
	return e
}
