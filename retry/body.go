package retry

import (
	"errors"
	"io"
	"net/http"
	"sync"
)

// errSealed is what a RoundTripper gets that reads a request's body after it
// has given the request up.
var errSealed = errors.New("retry: the attempt that this request body belonged to is over")

// source gives each attempt its request. A body with GetBody is got again; one
// without stays the same as long as nothing has been read of it, so that a
// stream survives handshakes that fail. It belongs to the goroutine that sends
// the request.
type source struct {
	req  *http.Request
	used bool    // the caller's own body has been handed out
	lent *borrow // the last attempt's hold on a body without GetBody
}

// replayable reports whether another attempt could be given the whole body.
func (s *source) replayable() bool {
	return Replayable(s.req) || s.lent == nil || s.lent.seal()
}

// next gives the body for the next attempt.
func (s *source) next() (io.ReadCloser, error) {
	switch {
	case !hasBody(s.req):
		return s.req.Body, nil
	case s.req.GetBody == nil:
		if !s.replayable() {
			return nil, ErrNotReplayable
		}
		s.lent = &borrow{body: s.req.Body}
		return s.lent, nil
	case !s.used:
		s.used = true
		return s.req.Body, nil
	}
	again, err := Rewind(s.req)
	if err != nil {
		return nil, err
	}
	return again.Body, nil
}

// settle says that there is no other attempt: the body is closed as soon as the
// last attempt is done with it, or now if there was no attempt.
func (s *source) settle() {
	if s.lent != nil {
		s.lent.settle()
	} else if hasBody(s.req) && !s.used {
		_ = s.req.Body.Close()
	}
}

// borrow is a body lent to one attempt. Until something has been read of it,
// closing it does not close the body, so that the next attempt may have it.
type borrow struct {
	body io.ReadCloser

	mu       sync.Mutex
	read     bool // guarded by mu; a Read has begun
	over     bool // guarded by mu; no Read may begin
	returned bool // guarded by mu; the attempt has closed it
	last     bool // guarded by mu; there is no other attempt
	closed   bool // guarded by mu; body is closed, or its Close under way
}

// Read reads the body, unless the attempt is over.
func (b *borrow) Read(p []byte) (int, error) {
	b.mu.Lock()
	if b.over {
		b.mu.Unlock()
		return 0, errSealed
	}
	b.read = true
	b.mu.Unlock()
	return b.body.Read(p)
}

// Close ends the attempt's use of the body.
func (b *borrow) Close() error {
	b.mu.Lock()
	b.over, b.returned = true, true
	return b.unlockAndClose()
}

// settle says that there is no other attempt.
func (b *borrow) settle() {
	b.mu.Lock()
	b.last = true
	_ = b.unlockAndClose()
}

// unlockAndClose closes the body if the attempt is done with it and no other
// can have it.
func (b *borrow) unlockAndClose() error {
	now := b.returned && (b.read || b.last) && !b.closed
	b.closed = b.closed || now
	b.mu.Unlock()
	if now {
		return b.body.Close()
	}
	return nil
}

// seal lets no Read begin any more, and reports whether none has. If one has,
// it changes nothing.
func (b *borrow) seal() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.read {
		return false
	}
	b.over = true
	return true
}
