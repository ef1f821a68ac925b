package mien

import (
	"context"
	"errors"
	"io"
	"testing"
)

// endedBody has come to its end, and says so.
type endedBody struct{ err error }

func (b endedBody) Ready() bool              { return true }
func (b endedBody) Read([]byte) (int, error) { return 0, b.err }
func (b endedBody) Close() error             { return nil }

// A body that the timer ended as its last content came fails with the timer's
// error, not with what ending it looks like from below.
func TestStallTimerIsNamedByAReadThatNeedNotWait(t *testing.T) {
	reset := errors.New("stream reset")
	for _, fired := range []bool{true, false} {
		b := &stallBody{ReadCloser: endedBody{reset}, limit: 1}
		b.fired.Store(fired)
		_, err := b.Read(make([]byte, 1))
		if named := errors.Is(err, context.DeadlineExceeded); named != fired || !fired && !errors.Is(err, reset) {
			t.Errorf("fired %v: %v", fired, err)
		}
	}
	if _, err := (&stallBody{ReadCloser: endedBody{io.EOF}}).Read(make([]byte, 1)); err != io.EOF {
		t.Error(err)
	}
}
