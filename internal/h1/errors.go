package h1

import (
	"errors"
	"fmt"
	"io"
)

// Errors of [Conn.Write]. net/http wraps them; errors.Is finds them.
var (
	// ErrNoRequest: net/http wrote bytes that no Begin announced. They were not
	// passed on, for they would have had net/http's own image.
	ErrNoRequest = errors.New("h1: bytes written without a request having begun")
	// ErrUnfinished: a request began before the one in front of it was written
	// whole, or after a 101 response. The connection carries no more requests.
	ErrUnfinished = errors.New("h1: request begun on a connection that is not between requests")
	// ErrIdleClosed: the server had ended the connection, or sent something
	// unasked, before a byte of the request left. Nothing was sent. It comes with
	// the error of the Read that told, or io.EOF.
	ErrIdleClosed = errors.New("h1: connection was ended by the server while idle")
	// ErrHeadTooLarge: a request head is longer than [MaxHeadBytes].
	ErrHeadTooLarge = errors.New("h1: request head too large")
)

// A HeadError says why a request head cannot be sent. Nothing of it was.
type HeadError struct {
	Part   string // "method", "target", "absolute form", "field name", "field value", "framing", …
	Name   string // of the field, where Part is about one
	Reason string // what is wrong with it
}

func (e *HeadError) Error() string {
	if e.Name != "" {
		return "h1: " + e.Part + " of " + e.Name + ": " + e.Reason
	}
	return "h1: " + e.Part + ": " + e.Reason
}

// FailureClass says that the request itself is at fault, for classification.
func (e *HeadError) FailureClass() string { return "Invalid" }

// idleClosed is ErrIdleClosed with its cause. Called with mu held.
func (c *Conn) idleClosed() error {
	cause := c.closed
	if cause == nil {
		cause = io.EOF
	}
	return fmt.Errorf("%w: %w", ErrIdleClosed, cause)
}

// A ResponseError says what net/http's error for a response head cannot be asked.
type ResponseError struct {
	Limit bool  // the head is longer than net/http was allowed to read
	Err   error // net/http's
}

func (e *ResponseError) Error() string { return e.Err.Error() }

// Unwrap returns net/http's error, after which, if the head was cut,
// [io.ErrUnexpectedEOF].
func (e *ResponseError) Unwrap() []error {
	if e.Limit {
		return []error{e.Err}
	}
	return []error{e.Err, io.ErrUnexpectedEOF}
}

// LimitExceeded reports whether the head is too long.
func (e *ResponseError) LimitExceeded() bool { return e.Limit }

// FailureClass is Protocol for a head that is too long.
func (e *ResponseError) FailureClass() string {
	if e.Limit {
		return "Protocol"
	}
	return ""
}

// Explain adds to err, with which net/http ended the request begun last, what
// was seen of the response: that its head, interim responses included, reached
// limit, which is http.Transport's MaxResponseHeaderBytes, or was cut; or that
// the connection had ended before anything was sent, which is then ErrIdleClosed.
// Any other err is returned as it is.
func (c *Conn) Explain(err error, limit int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.sent && c.closed != nil && !errors.Is(err, ErrIdleClosed):
		return fmt.Errorf("%w: %w", err, c.idleClosed())
	case !c.answered || c.r.done:
		return err
	case limit > 0 && int64(c.r.size) >= limit:
		return &ResponseError{Limit: true, Err: err}
	case errors.Is(c.closed, io.EOF):
		return &ResponseError{Err: err}
	}
	return err
}
