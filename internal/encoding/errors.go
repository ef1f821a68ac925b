package encoding

import (
	"errors"
	"fmt"
)

// Causes of an [*Error], besides those of the decoders.
var (
	errTrailing = errors.New("bytes after the end of the coded data")
	errStack    = fmt.Errorf("more than %d content codings", MaxCodings)
)

// An Error says that a body does not decode. Its cause is io.ErrUnexpectedEOF
// for a body that was cut short, a [*LimitError] for one that is too large, or
// the decoder's own error.
type Error struct {
	Coding string // as Content-Encoding names it; "" if it concerns all of them
	Err    error  // the cause
}

func (e *Error) Error() string {
	if e.Coding == "" {
		return "content-encoding: " + e.Err.Error()
	}
	return "content-encoding " + e.Coding + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ContentCoding returns e.Coding. It tells this error from others that also wrap
// io.ErrUnexpectedEOF, without importing this package.
func (e *Error) ContentCoding() string { return e.Coding }

// A LimitError says that a body decodes to more than Limit bytes. The first
// Limit of them have been read.
type LimitError struct {
	Limit int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("decoded body is larger than the limit of %d bytes", e.Limit)
}
