package mien

import (
	"context"
	"fmt"
	"net/http/httptrace"
	"time"

	"github.com/mien-http/mien/retry"
)

// headerWait bounds the time from a request written whole to the header
// section of its response.
type headerWait struct {
	ctx    context.Context // of the attempt and of its response's body
	cancel context.CancelCauseFunc
	timer  *time.Timer
}

// newHeaderWait starts no clock yet: that happens when the request is written.
func newHeaderWait(ctx context.Context, limit time.Duration) *headerWait {
	w := &headerWait{}
	ctx, w.cancel = context.WithCancelCause(ctx)
	w.timer = time.AfterFunc(limit, func() { w.cancel(&headerTimeout{limit}) })
	w.timer.Stop()
	w.ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { w.timer.Reset(limit) },
	})
	return w
}

// headerTimeout is Timeouts.Headers running out.
type headerTimeout struct{ after time.Duration }

func (e *headerTimeout) Error() string        { return fmt.Sprintf("no response for %v", e.after) }
func (e *headerTimeout) Timeout() bool        { return true }
func (e *headerTimeout) FailureClass() string { return string(retry.HeaderTimeout) }
func (e *headerTimeout) Is(target error) bool { return target == context.DeadlineExceeded }
