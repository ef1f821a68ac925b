package mien

import (
	"context"
	"fmt"
	"net/http/httptrace"
	"sync"
	"time"

	"github.com/mien-http/mien/retry"
)

// headerWait bounds the time from a request written whole to the header
// section of its response.
type headerWait struct {
	ctx    context.Context // of the attempt and of its response's body
	cancel context.CancelCauseFunc
	timer  *time.Timer

	mu    sync.Mutex
	over  bool // guarded by mu; the header section is there: the clock starts no more
	wrote bool // guarded by mu; the request has gone, or was given up
	last  bool // guarded by mu; nothing but the request's content needs ctx any more
}

// newHeaderWait starts no clock yet: that happens when the request is written.
func newHeaderWait(ctx context.Context, limit time.Duration) *headerWait {
	w := &headerWait{}
	ctx, w.cancel = context.WithCancelCause(ctx)
	w.timer = time.AfterFunc(limit, func() { w.cancel(&headerTimeout{limit}) })
	w.timer.Stop()
	w.ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { w.start(limit) },
	})
	return w
}

// start starts the clock, unless the answer came before the request had gone.
func (w *headerWait) start(limit time.Duration) {
	w.mu.Lock()
	w.wrote = true
	last := w.last
	if !w.over {
		w.timer.Reset(limit)
	}
	w.mu.Unlock()
	if last {
		w.cancel(nil)
	}
}

// answered stops the clock for good. A nil headerWait waits for nothing.
func (w *headerWait) answered() {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	w.timer.Stop()
}

// stop is answered for an attempt that is over: the request's context, which may
// outlive many, forgets it.
func (w *headerWait) stop() {
	if w != nil {
		w.answered()
		w.cancel(nil)
	}
}

// leave is stop once the request's content, which may still be on its way, has gone.
func (w *headerWait) leave() {
	if w == nil {
		return
	}
	w.answered()
	w.mu.Lock()
	w.last = true
	wrote := w.wrote
	w.mu.Unlock()
	if wrote {
		w.cancel(nil)
	}
}

// headerTimeout is Timeouts.Headers running out.
type headerTimeout struct{ after time.Duration }

func (e *headerTimeout) Error() string        { return fmt.Sprintf("no response for %v", e.after) }
func (e *headerTimeout) Timeout() bool        { return true }
func (e *headerTimeout) FailureClass() string { return string(retry.HeaderTimeout) }
func (e *headerTimeout) Is(target error) bool { return target == context.DeadlineExceeded }
