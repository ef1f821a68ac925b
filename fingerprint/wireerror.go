package fingerprint

import (
	"fmt"
	"io"
)

// A WireError says at which byte recorded traffic stops making sense.
type WireError struct {
	// Part is what was being read: "ClientHello", "TLS record", "HTTP/2
	// connection", "HPACK".
	Part string
	// Offset is the byte at fault, counted from 0 in what the parser was given.
	Offset int
	// Problem is what is wrong there.
	Problem string
	// Err is io.ErrUnexpectedEOF where the bytes end too early, so that a
	// caller that still receives may try again with more; otherwise nil.
	Err error
}

// Error implements error.
func (e *WireError) Error() string {
	return fmt.Sprintf("fingerprint: %s: byte %d: %s", e.Part, e.Offset, e.Problem)
}

// Unwrap returns e.Err.
func (e *WireError) Unwrap() error { return e.Err }

// helloReader reads the length-prefixed vectors of TLS (RFC 8446 §3.4). The
// first failure stays: later reads yield nothing.
type helloReader struct {
	b    []byte
	base int // offset of b[0] in what the caller was given
	pos  int
	open bool // more bytes than b may exist: running out of them is io.ErrUnexpectedEOF
	err  *WireError
}

func (r *helloReader) fail(at int, format string, args ...any) {
	if r.err == nil {
		r.err = &WireError{Part: "ClientHello", Offset: at, Problem: fmt.Sprintf(format, args...)}
	}
}

func (r *helloReader) offset() int { return r.base + r.pos }
func (r *helloReader) left() int   { return len(r.b) - r.pos }
func (r *helloReader) more() bool  { return r.err == nil && r.pos < len(r.b) }

// take returns the next n bytes, or nil.
func (r *helloReader) take(n int, what string) []byte {
	if r.err != nil {
		return nil
	}
	if n > r.left() {
		r.fail(r.offset(), "%s: %d bytes needed, %d left", what, n, r.left())
		if r.open {
			r.err.Err = io.ErrUnexpectedEOF
		}
		return nil
	}
	b := r.b[r.pos : r.pos+n : r.pos+n]
	r.pos += n
	return b
}

// uint returns the next n bytes as a big-endian number.
func (r *helloReader) uint(n int, what string) int {
	v := 0
	for _, c := range r.take(n, what) {
		v = v<<8 | int(c)
	}
	return v
}

// vector returns a reader of the vector that starts here, whose length is
// written in prefix bytes.
func (r *helloReader) vector(prefix int, what string) *helloReader {
	n := r.uint(prefix, what+" length")
	base := r.offset()
	return &helloReader{b: r.take(n, what), base: base, err: r.err}
}

// codes reads the rest as a list of 16-bit values.
func (r *helloReader) codes(what string) []Code {
	if r.err == nil && r.left()%2 != 0 {
		r.fail(r.base, "%s: odd length %d", what, r.left())
	}
	if r.err != nil {
		return nil
	}
	out := make([]Code, 0, r.left()/2)
	for r.more() {
		out = append(out, Code(r.uint(2, what)))
	}
	return out
}

// end fails unless everything has been read.
func (r *helloReader) end(what string) {
	if r.more() {
		r.fail(r.offset(), "%s: %d bytes too many", what, r.left())
	}
}

// join takes over the failure of a vector read from r.
func (r *helloReader) join(v *helloReader) {
	if r.err == nil {
		r.err = v.err
	}
}
