package mien

import (
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/retry"
)

// errLent is what a connection gets that reads a request's body after the
// attempt is over.
var errLent = errors.New("mien: the attempt that this request body was lent to is over")

// lentBody is a body without GetBody, lent to one attempt. As long as nothing
// has been read of it the next attempt may have it, so that closing it then does
// not close the body. All methods may be called concurrently.
type lentBody struct {
	body io.ReadCloser

	mu     sync.Mutex
	read   bool // guarded by mu; a Read has begun
	over   bool // guarded by mu; no Read may begin
	gone   bool // guarded by mu; the attempt has closed it
	last   bool // guarded by mu; there is no other attempt
	closed bool // guarded by mu; body is closed, or its Close under way
}

func (b *lentBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	if b.over {
		b.mu.Unlock()
		return 0, errLent
	}
	b.read = true
	b.mu.Unlock()
	return b.body.Read(p)
}

func (b *lentBody) Close() error {
	b.mu.Lock()
	b.over, b.gone = true, true
	return b.unlock()
}

// settle says that there is no other attempt.
func (b *lentBody) settle() {
	b.mu.Lock()
	b.last = true
	_ = b.unlock()
}

// unlock closes the body if the attempt is done with it and no other can have it.
func (b *lentBody) unlock() error {
	now := b.gone && (b.read || b.last) && !b.closed
	b.closed = b.closed || now
	b.mu.Unlock()
	if now {
		return b.body.Close()
	}
	return nil
}

// seal lets no Read begin any more and reports whether none has. If one has, it
// changes nothing.
func (b *lentBody) seal() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = b.over || !b.read
	return !b.read
}

// replayable reports whether another attempt can have the whole body: it can be
// got again, or nothing of the request has left and nothing of it was read.
func (c *call) replayable() bool {
	return retry.Replayable(c.req) || !c.sent && !c.left && !c.given && (c.lent == nil || c.lent.seal())
}

// lend gives out, a copy of the request, the body for this attempt. net/http
// sends a head together with a body that it knows to be in memory, and reads it
// before anything leaves: such a body is given over HTTP/1.1 as it is.
func (c *call) lend(out *http.Request, wire fingerprint.Wire) (*http.Request, error) {
	switch {
	case c.given || c.lent != nil && !c.lent.seal():
		return nil, retry.ErrNotReplayable
	case wire != fingerprint.OverHTTP2 && known(c.req.Body):
		c.given = true
		return out, nil
	}
	c.lent = &lentBody{body: owned(c.req.Body, c.req.ContentLength)}
	out.Body = c.lent
	return out, nil
}

// settled says that the attempt that was answered is the last.
func (c *call) settled() {
	if c.lent != nil {
		c.lent.settle()
	}
}
