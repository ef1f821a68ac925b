package h1

import "errors"

// Errors of [Conn.Write]. net/http wraps them; errors.Is finds them.
var (
	// ErrNoRequest: net/http wrote bytes that no Begin announced. They were not
	// passed on, for they would have had net/http's own image.
	ErrNoRequest = errors.New("h1: bytes written without a request having begun")
	// ErrUnfinished: a request began before the one in front of it was written
	// whole, or after a 101 response. The connection carries no more requests.
	ErrUnfinished = errors.New("h1: request begun on a connection that is not between requests")
	// ErrIdleClosed: the server had ended the connection, or sent something
	// unasked, before a byte of the request left. Nothing was sent.
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
