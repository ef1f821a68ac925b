package h2

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/net/http2"
)

// An Error is what RoundTrip and a response body's Read return when a request
// failed on this connection. The flags are facts, for the layer that decides
// about a retry; an Error is not changed after it was returned.
type Error struct {
	// Sent says that bytes of the request were handed to the net.Conn, so the
	// origin may have seen them. It is never true for a request that waited
	// for a stream, or whose HEADERS were still queued.
	Sent bool
	// NotProcessed says that the peer vouches for not having acted on the
	// request: REFUSED_STREAM, HTTP_1_1_REQUIRED, or a GOAWAY that leaves it
	// out (RFC 9113 §8.7).
	NotProcessed bool
	// Code is the HTTP/2 error code sent or received, if HasCode.
	Code    http2.ErrCode
	HasCode bool
	// Remote says that the peer ended the stream or the connection.
	Remote bool
	// Stream says that the stream alone failed; the connection goes on.
	Stream bool
	// GoAway says that the peer had sent GOAWAY.
	GoAway bool
	// Err is the cause: an I/O error as the net.Conn returned it, the
	// context's error, or what was wrong with the request or the response.
	Err error
}

// Error names the cause, and the HTTP/2 error code if there is one.
func (e *Error) Error() string {
	what := "http2: connection"
	if e.Stream {
		what = "http2: stream"
	}
	if e.GoAway && e.Remote {
		what = "http2: GOAWAY from the peer"
	} else if e.Remote && e.HasCode {
		what += " reset by the peer"
	}
	if e.HasCode {
		what += ": " + e.Code.String()
	}
	if e.Err != nil {
		what += ": " + e.Err.Error()
	}
	return what
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// RequestSent reports whether bytes of the request may have reached the origin.
func (e *Error) RequestSent() bool { return e.Sent }

// Unprocessed reports whether the peer vouches for not having processed the
// request.
func (e *Error) Unprocessed() bool { return e.NotProcessed }

// HTTP2Code returns the HTTP/2 error code and whether there is one.
func (e *Error) HTTP2Code() (code uint32, ok bool) { return uint32(e.Code), e.HasCode }

// Timeout reports whether the cause is a time-out.
func (e *Error) Timeout() bool {
	var t interface{ Timeout() bool }
	return errors.As(e.Err, &t) && t.Timeout()
}

// ErrPlaceLost says that a place taken by Reserve is gone, because the peer's
// SETTINGS allow fewer streams than it was taken to allow. Nothing was sent and
// the request's body was not touched.
var ErrPlaceLost = errors.New("the stream that was reserved is not allowed any more")

// Causes that have no type of their own in the standard library.
var (
	errNoStream     = errors.New("no stream is free")
	errGoingAway    = errors.New("the connection takes no more requests")
	errPeerStalled  = errors.New("the peer does not read what is sent")
	errPingTimeout  = timeoutError("the peer did not answer a ping")
	errBodyTooLong  = errors.New("request body is longer than its declared length")
	errBodyTooShort = errors.New("request body is shorter than its declared length")
)

type timeoutError string

func (e timeoutError) Error() string { return string(e) }
func (timeoutError) Timeout() bool   { return true }

// localFault is an error of the whole connection that this side found.
func localFault(code http2.ErrCode, format string, args ...any) *Error {
	return &Error{Code: code, HasCode: true, Err: fmt.Errorf(format, args...)}
}

// streamFault is an error of one stream that this side found.
func streamFault(code http2.ErrCode, err error) *Error {
	return &Error{Code: code, HasCode: true, Stream: true, Err: err}
}

// contextFault is the error of a request whose context ended.
func contextFault(ctx context.Context) *Error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause != nil && !errors.Is(cause, err) {
		err = &causeError{err: err, cause: cause}
	} else if cause != nil {
		err = cause
	}
	return &Error{Stream: true, Err: err}
}

// causeError is a context's error together with the cause given for it.
type causeError struct{ err, cause error }

func (e *causeError) Error() string   { return e.err.Error() + ": " + e.cause.Error() }
func (e *causeError) Unwrap() []error { return []error{e.err, e.cause} }

// HTTP2Local reports whether this side found the peer at fault.
func (e *Error) HTTP2Local() bool { return e.HasCode && !e.Remote }

// HTTP2Stream reports whether the stream alone failed, rather than the connection.
func (e *Error) HTTP2Stream() bool { return e.Stream && !e.GoAway }
