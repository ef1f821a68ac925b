package mien

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/internal/semaphore"
	"github.com/mien-http/mien/retry"
)

// slots are the places that a request holds until it is over.
type slots struct {
	all, host *semaphore.Slot
}

func (s *slots) release() {
	s.all.Release()
	s.host.Release()
}

// responseBody is what the caller reads. It gives the request's slots back at
// the first of: end, error, Close, end of the context.
type responseBody struct {
	io.ReadCloser
	call  *call
	pc    *pooled
	raw   io.ReadCloser // the body as the connection gave it
	stall stallBody     // around raw, unless the body may be silent for as long as it likes
	resp  *http.Response
	since time.Time                   // when the header section was there
	read  atomic.Int64                // bytes the caller got
	stop  atomic.Pointer[func() bool] // undoes the context's AfterFunc, which may run before it is set
	after atomic.Pointer[func()]      // of All; called at the end, perhaps more than once
	over  atomic.Bool
}

func (b *responseBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read.Add(int64(n))
	if err == nil {
		return n, nil
	}
	if err == io.EOF {
		b.end(nil)
		return n, err
	}
	if ctx := b.call.req.Context(); ctx.Err() != nil {
		err = endOf(ctx)
	} else if !b.call.t.open() {
		err = errSessionClosed
	}
	failed := b.call.fail(retry.Failure{Phase: retry.PhaseBody, Sent: true, Err: err}, b.call.attempt)
	if req := b.resp.Request; req != nil { // the caller's where call.req is a copy with cookies
		failed.Request = firstHop(req)
	}
	b.end(failed)
	return n, failed
}

func (b *responseBody) Close() error {
	err := b.ReadCloser.Close()
	b.end(nil)
	return err
}

// expire is the end of the request's context.
func (b *responseBody) expire() {
	ctx := b.call.req.Context()
	b.end(b.call.fail(retry.Failure{Phase: retry.PhaseBody, Sent: true, Err: endOf(ctx)}, b.call.attempt))
}

// end is the end of the request; only the first counts.
func (b *responseBody) end(failed *Error) {
	if b.over.Swap(true) {
		return
	}
	b.call.slots.release()
	b.call.ended(b, failed)
	if stop := b.stop.Load(); stop != nil {
		(*stop)()
	}
	b.pc.letGo()
	b.call.wait.stop()
	if after := b.after.Load(); after != nil {
		(*after)()
	}
}

// abort ends a Read that another goroutine is in.
func (b *responseBody) abort() { b.pc.abort(b.raw) }

// atEnd has f called at the end of the request, at once if that has been.
func (b *responseBody) atEnd(f func()) {
	b.after.Store(&f)
	if b.over.Load() {
		f()
	}
}

// abort ends a body that is being read by another goroutine: on HTTP/2 its
// stream, on HTTP/1.1 the connection, because net/http's Close waits for Read.
func (pc *pooled) abort(body io.Closer) {
	if pc.wire == fingerprint.OverHTTP2 {
		_ = body.Close()
		return
	}
	_ = pc.Close()
}

// limitBody refuses a body that is longer than the caller allows. Decoded
// bodies are limited where they are decoded.
type limitBody struct {
	io.ReadCloser
	left  int64 // bytes that may still be read
	limit int64
}

func (b *limitBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, &limitError{b.limit}
	}
	if int64(len(p)) > b.left {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return n - 1, &limitError{b.limit}
	}
	return n, err
}

// limitError is Limits.BodyBytes passed.
type limitError struct{ limit int64 }

func (e *limitError) Error() string {
	return fmt.Sprintf("response body is longer than %d bytes", e.limit)
}
func (e *limitError) FailureClass() string { return string(retry.Encoding) }

// brokenBody is a body whose codings cannot be undone.
type brokenBody struct {
	io.ReadCloser
	err error
}

func (b *brokenBody) Read([]byte) (int, error) { return 0, b.err }

// stallBody ends a body that is silent for too long. Only a Read that has to
// wait needs a timer; one that knows that content is there says so by Ready.
type stallBody struct {
	io.ReadCloser
	limit time.Duration
	pc    *pooled
	timer *time.Timer // Read's own; nil until one had to wait
	fired atomic.Bool
}

func (b *stallBody) Read(p []byte) (int, error) {
	if r, ok := b.ReadCloser.(interface{ Ready() bool }); ok && r.Ready() {
		return b.late(b.ReadCloser.Read(p))
	}
	if b.timer == nil {
		b.timer = time.AfterFunc(b.limit, func() {
			b.fired.Store(true)
			b.pc.abort(b.ReadCloser)
		})
	} else {
		b.timer.Reset(b.limit)
	}
	n, err := b.ReadCloser.Read(p)
	b.timer.Stop()
	return b.late(n, err)
}

// late names the timer where an error is its doing.
func (b *stallBody) late(n int, err error) (int, error) {
	if err != nil && b.fired.Load() { // an EOF too: the server may have ended because we did
		err = &stallError{b.limit}
	}
	return n, err
}

// stallError is Timeouts.BodyStall running out.
type stallError struct{ after time.Duration }

func (e *stallError) Error() string {
	return fmt.Sprintf("no byte of the response body for %v", e.after)
}
func (e *stallError) Timeout() bool        { return true }
func (e *stallError) Is(target error) bool { return target == context.DeadlineExceeded }

// drainLimit is how much of a response that nobody will see is read so that its
// connection can be used again.
const drainLimit = 2 << 10

// drainTime is how long that may take: an answer that nobody will see must not
// hold the request up.
const drainTime = time.Second

// discard reads a little of resp's body and closes it. abort ends a Read of it.
func discard(resp *http.Response, abort func()) {
	if resp.Body == nil {
		return
	}
	timer := time.AfterFunc(drainTime, abort)
	defer timer.Stop()
	_, _ = io.CopyN(io.Discard, resp.Body, drainLimit)
	_ = resp.Body.Close()
}
