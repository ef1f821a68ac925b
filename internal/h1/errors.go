package h1

import (
	"errors"
	"fmt"
	"io"
	"net/textproto"
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

// A Fault is what is wrong with a response.
type Fault uint8

// The faults. The zero value is none.
const (
	Cut       Fault = iota + 1 // the head ended too early
	TooLarge                   // the head is longer than net/http was allowed to read
	Malformed                  // the head is not HTTP/1.1's
	HTTP2                      // the first bytes are an HTTP/2 frame
	TLS                        // the first bytes are a TLS record
	Framing                    // the content's chunks or trailer section are not HTTP/1.1's
)

// A ResponseError says what net/http's error for a response cannot be asked.
type ResponseError struct {
	Fault Fault // what is wrong; never 0
	Limit int64 // bytes that the head may have, where that is the fault
	Err   error // net/http's
}

// Error says what is wrong, in net/http's words where they tell more. It quotes
// the response only where net/http does.
func (e *ResponseError) Error() string {
	switch e.Fault {
	case TooLarge:
		return fmt.Sprintf("response head is longer than %d bytes", e.Limit)
	case HTTP2:
		return "not an HTTP/1.1 response: looks like HTTP/2"
	case TLS:
		return "not an HTTP/1.1 response: looks like TLS; is the scheme right?"
	case Malformed:
		return "malformed HTTP/1.1 response: " + innermost(e.Err).Error()
	case Framing:
		return "malformed HTTP/1.1 response body: " + innermost(e.Err).Error()
	}
	return e.Err.Error()
}

// Unwrap returns net/http's error, after which, if the head was cut,
// [io.ErrUnexpectedEOF].
func (e *ResponseError) Unwrap() []error {
	if e.Fault != Cut {
		return []error{e.Err}
	}
	return []error{e.Err, io.ErrUnexpectedEOF}
}

// LimitExceeded reports whether the head is too long.
func (e *ResponseError) LimitExceeded() bool { return e.Fault == TooLarge }

// FailureClass is Protocol, but for a head that was cut.
func (e *ResponseError) FailureClass() string {
	if e.Fault == Cut {
		return ""
	}
	return "Protocol"
}

// errStrange is what net/http reads from a peer that speaks something else, so
// that it does not wait for the end of a line that may never come.
var errStrange = errors.New("h1: not a status line")

// Explain adds to err, with which net/http ended the request begun last, what
// was seen of the response: that its head, interim responses included, reached
// limit, which is http.Transport's MaxResponseHeaderBytes, was cut or is not
// HTTP/1.1's; or that the connection had ended before anything was sent, which
// is then ErrIdleClosed. Any other err is returned as it is. The request's
// context must not have ended: what that did is not told from the rest.
func (c *Conn) Explain(err error, limit int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.answered {
		if !c.sent && c.closed != nil && !errors.Is(err, ErrIdleClosed) {
			return fmt.Errorf("%w: %w", err, c.idleClosed())
		}
		return err
	}
	if f, _ := c.r.strange(); f != 0 {
		return &ResponseError{Fault: f, Err: err}
	}
	switch {
	case !c.r.done && limit > 0 && int64(c.r.size) >= limit:
		return &ResponseError{Fault: TooLarge, Limit: limit, Err: err}
	case !c.r.done && errors.Is(c.closed, io.EOF):
		return &ResponseError{Fault: Cut, Err: err} // net/http may blame the line that was cut
	case isMIME(err):
		return &ResponseError{Fault: Malformed, Err: err}
	case c.failed == nil && !c.unread && c.w.between():
		// Nothing failed but what net/http made of the bytes.
		return &ResponseError{Fault: Malformed, Err: err}
	}
	return err
}

// ExplainBody adds to err, with which net/http ended the response's body before
// it was closed, that the framing was not HTTP/1.1's. Any other err is returned
// as it is, as is [io.EOF].
func (c *Conn) ExplainBody(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	// A Read may have brought the last bytes and the end together.
	if isMIME(err) || !c.unread || c.closed == io.EOF {
		return &ResponseError{Fault: Framing, Err: err}
	}
	return err
}

// isMIME reports whether err is about the lines of a head or a trailer section.
func isMIME(err error) bool {
	var e textproto.ProtocolError
	return errors.As(err, &e)
}

// innermost is err without what was said around it.
func innermost(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
