package mien

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"reflect"
	"strings"

	"github.com/mien-http/mien/retry"
)

// callerError is the failure of something that the caller handed in: a body, a
// function. It is the caller's whatever its type says, and never a reason to try
// again: an error of package net in it is of another connection than ours.
type callerError struct {
	what string // that failed
	err  error
}

func (e *callerError) Error() string        { return e.what + ": " + e.err.Error() }
func (e *callerError) Unwrap() error        { return e.err }
func (e *callerError) FailureClass() string { return string(retry.Invalid) }

// ofCaller reports whether err is the caller's own doing.
func ofCaller(err error) bool {
	var mine interface{ FailureClass() string }
	return errors.As(err, &mine) && mine.FailureClass() == string(retry.Invalid)
}

// ownTrace returns ctx with a trace whose Got1xxResponse, the one hook that may
// fail, says whose its error is. False: ctx has no such hook.
func ownTrace(ctx context.Context) (context.Context, bool) {
	trace := httptrace.ContextClientTrace(ctx)
	if trace == nil || trace.Got1xxResponse == nil {
		return ctx, false
	}
	own, theirs := *trace, trace.Got1xxResponse
	own.Got1xxResponse = func(code int, header textproto.MIMEHeader) error {
		if err := theirs(code, header); err != nil {
			return &callerError{"httptrace's Got1xxResponse", err}
		}
		return nil
	}
	// In a context that has a trace, a second one would only be put before it.
	return &layered{Context: ctx, above: httptrace.WithClientTrace(context.Background(), &own)}, true
}

// layered is a context some of whose values are those of another.
type layered struct {
	context.Context
	above context.Context
}

func (c *layered) Value(key any) any {
	if v := c.above.Value(key); v != nil {
		return v
	}
	return c.Context.Value(key)
}

// ownBody is a request's body on its way to a connection. It knows the body's
// errors from the connection's, and holds it to the length that was declared.
type ownBody struct {
	io.ReadCloser
	length int64 // -1: not declared
	read   int64 // the reader's own
}

// owned returns body, of a request with this ContentLength, as an ownBody. One
// that is in memory is left alone: it cannot fail, and validate knows its length.
func owned(body io.ReadCloser, length int64) io.ReadCloser {
	if known(body) {
		return body
	}
	if length <= 0 {
		length = -1
	}
	return &ownBody{ReadCloser: body, length: length}
}

func (b *ownBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n < 0 || n > len(p) {
		return 0, &callerError{"reading the request's body", fmt.Errorf("Read of %d bytes returned %d", len(p), n)}
	}
	before := b.read
	b.read += int64(n)
	switch {
	case b.length >= 0 && b.read > b.length:
		return int(max(0, b.length-before)), invalidf("the body is longer than its ContentLength of %d bytes: %d bytes were read of it", b.length, b.read)
	case err == io.EOF && b.read < b.length:
		return n, invalidf("the body has %d bytes, and its ContentLength is %d", b.read, b.length)
	case err != nil && err != io.EOF:
		err = &callerError{"reading the request's body", err}
	}
	return n, err
}

// rewound is req with a new copy of its body.
func rewound(req *http.Request) (*http.Request, error) {
	again, err := retry.Rewind(req)
	if err != nil {
		return nil, &callerError{"GetBody", err}
	}
	return again, nil
}

// remaining returns how many bytes are left in body if package net/http knows it
// to be in memory: these readers, bare or in an io.NopCloser.
func remaining(body io.ReadCloser) (left int64, ok bool) {
	var r io.Reader = body
	if t := reflect.TypeOf(body); t == plainNopCloser || t == writingNopCloser {
		r, _ = reflect.ValueOf(body).Field(0).Interface().(io.Reader)
	}
	switch r := r.(type) {
	case *bytes.Reader:
		return int64(r.Len()), true
	case *bytes.Buffer:
		return int64(r.Len()), true
	case *strings.Reader:
		return int64(r.Len()), true
	}
	return 0, false
}

// known reports whether net/http knows body to be in memory.
func known(body io.ReadCloser) bool {
	_, ok := remaining(body)
	return ok
}

// The types that io.NopCloser returns; the second, where its reader has WriteTo.
var (
	plainNopCloser   = reflect.TypeOf(io.NopCloser(struct{ io.Reader }{}))
	writingNopCloser = reflect.TypeOf(io.NopCloser(strings.NewReader("")))
)

// checkLength refuses a body in memory that is not as long as declared.
func checkLength(req *http.Request) error {
	if req.ContentLength <= 0 || req.Body == nil {
		return nil
	}
	if left, ok := remaining(req.Body); ok && left != req.ContentLength {
		return fmt.Errorf("the body has %d bytes, and its ContentLength is %d", left, req.ContentLength)
	}
	return nil
}
