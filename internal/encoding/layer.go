package encoding

import (
	"bufio"
	"io"
	"sync"
)

// layer decodes one coding of a body. Owned by whoever reads; see [reader].
type layer struct {
	pools  *Decoders
	coding string
	tap    tap
	outer  *layer // that tap reads from; nil: the body itself
	empty  bool   // there was nothing to decode, as the body is empty

	src *bufio.Reader // from sources; nil before the first Read and after release
	dec decoder       // from pools; nil likewise
	err error         // once set, what every Read returns

	limit *LimitError // nil: any number of decoded bytes
	left  int64       // of those that limit allows
	one   [1]byte
}

// tap is what a layer's decoder reads from. It keeps the error apart, so that a
// decoder cannot take a lost connection for the end of the data.
type tap struct {
	r   io.Reader
	err error // the first; io.EOF included
}

func (t *tap) Read(p []byte) (n int, err error) {
	if t.err != nil {
		return 0, t.err
	}
	n, err = t.r.Read(p)
	t.err = err
	return n, err
}

// sources are the decoders' input buffers. Their size is net/http's own.
var sources = sync.Pool{New: func() any { return bufio.NewReaderSize(none{}, 4<<10) }}

// Read decodes into p. After an error, which it keeps, it needs no decoder.
func (l *layer) Read(p []byte) (int, error) {
	if l.err != nil || len(p) == 0 {
		return 0, l.err
	}
	n, err := l.decode(p)
	if err != nil {
		l.err = l.explain(err)
		l.release()
	}
	return n, l.err
}

func (l *layer) decode(p []byte) (int, error) {
	if l.dec == nil {
		if err := l.open(); err != nil {
			return 0, err
		}
	}
	if l.limit == nil {
		return l.dec.Read(p)
	}
	if l.left == 0 {
		// Only another byte would be too much, so look for one.
		n, err := l.dec.Read(l.one[:])
		if n > 0 {
			err = l.limit
		}
		return 0, err
	}
	n, err := l.dec.Read(p[:min(l.left, int64(len(p)))])
	l.left -= int64(n)
	return n, err
}

// open takes a decoder and begins with the body. An empty body is one that was
// never encoded: servers put Content-Encoding on those too, and every browser
// takes it.
func (l *layer) open() error {
	l.src = sources.Get().(*bufio.Reader)
	l.src.Reset(&l.tap)
	if _, err := l.src.Peek(1); err != nil {
		if l.empty = l.outer == nil || l.outer.empty; l.empty {
			return err
		}
		return noEOF(err)
	}
	l.dec = l.pools.get(l.coding)
	return l.dec.start(l.src)
}

// explain says whose fault err is. The body's own error is returned as it is,
// whatever the decoder made of it.
func (l *layer) explain(err error) error {
	switch {
	case l.tap.err != nil && l.tap.err != io.EOF:
		return l.tap.err
	case err == io.EOF:
		return io.EOF
	}
	return &Error{l.coding, err}
}

// release gives the decoder and its buffer back. Idempotent.
func (l *layer) release() {
	if l.dec != nil {
		l.dec.drop()
		l.pools.put(l.coding, l.dec)
		l.dec = nil
	}
	if l.src != nil {
		l.src.Reset(none{})
		sources.Put(l.src)
		l.src = nil
	}
}
