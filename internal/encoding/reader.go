package encoding

import (
	"errors"
	"io"
	"net/http"
	"sync"
)

// reader is a decoded body. One goroutine reads at a time; Close may come from
// any other, also during a Read.
type reader struct {
	body io.ReadCloser

	mu      sync.Mutex // guards reading and closed; never held while reading
	reading bool       // a Read is running
	closed  bool

	// layers are in decoding order: the first reads body, each next one the one
	// before it. Owned by the running Read; without one, by whoever holds mu.
	layers []layer
}

var (
	errUnknown    = errors.New("unknown content coding")
	errConcurrent = errors.New("content-encoding: concurrent Reads of one body")
)

// NewReader returns body decoded by codings, which are in the order in which
// they were applied, as [Codings] returns them. limit is how many decoded bytes
// may be read, 0 or less: any number. Without codings it is body itself, not limited.
// Close closes body, interrupts a Read as
// body's own Close does, and makes every later Read fail with
// [http.ErrBodyReadAfterClose].
//
// A coding that is not known, or more than [MaxCodings], are an [*Error]; body
// is neither read nor closed then.
func NewReader(codings []string, body io.ReadCloser, limit int64) (io.ReadCloser, error) {
	return shared.NewReader(codings, body, limit)
}

// NewReader is what the function of that name is, with d's decoders.
func (d *Decoders) NewReader(codings []string, body io.ReadCloser, limit int64) (io.ReadCloser, error) {
	if len(codings) == 0 {
		return body, nil
	}
	if len(codings) > MaxCodings {
		return nil, &Error{Err: errStack}
	}
	r := &reader{body: body, layers: make([]layer, len(codings))}
	var src io.Reader = body
	for i := range r.layers {
		coding := codings[len(codings)-1-i]
		if makers[coding] == nil {
			return nil, &Error{coding, errUnknown}
		}
		l := &r.layers[i]
		l.pools, l.coding, l.tap.r = d, coding, src
		if i > 0 {
			l.outer = &r.layers[i-1]
		}
		if limit > 0 {
			l.limit, l.left = &LimitError{limit}, limit
			if more := limit + limit/8 + 64<<10; i < len(codings)-1 && more > limit {
				l.left = more // still coded: it may be a little larger than what comes out
			}
		}
		src = l
	}
	return r, nil
}

// Read decodes into p.
func (r *reader) Read(p []byte) (int, error) {
	r.mu.Lock()
	switch {
	case r.closed:
		r.mu.Unlock()
		return 0, http.ErrBodyReadAfterClose
	case r.reading:
		r.mu.Unlock()
		return 0, errConcurrent
	}
	r.reading = true
	r.mu.Unlock()

	n, err := r.layers[len(r.layers)-1].Read(p)

	r.mu.Lock()
	defer r.mu.Unlock()
	r.reading = false
	if r.closed || err != nil {
		r.release()
	}
	return n, err
}

// Close closes the body below and gives the decoders back, or lets the running
// Read do that when it returns. Only the first call does anything.
func (r *reader) Close() error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil
	}
	r.closed = true
	if !r.reading {
		r.release()
	}
	r.mu.Unlock()
	return r.body.Close()
}

// release gives back what the layers hold. Called with mu held and no Read
// running.
func (r *reader) release() {
	for i := range r.layers {
		r.layers[i].release()
	}
}
