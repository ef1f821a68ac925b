package h1

import (
	"bytes"
	"sync"

	"github.com/mien-http/mien/fingerprint"
)

// stage is where the byte stream that net/http writes stands.
type stage uint8

const (
	stageIdle   stage = iota // no request announced, or the last one written whole
	stageHead                // a request announced: its head comes next
	stageLength              // in a body of known length
	stageChunks              // in a chunked body or its trailer section
)

// writer turns net/http's byte stream into ours. It knows where each request
// ends from that stream alone. Not safe for concurrent use; Conn.mu guards it.
type writer struct {
	stage        stage
	head         *fingerprint.Head // until it is written
	absoluteForm string
	upgrade      bool   // the request asks for another protocol
	kept         []byte // a head's bytes so far, when they came in several Writes
	left         int64  // of a body of known length
	chunks       chunks
}

// between reports whether a request may begin: nothing of the last one is
// outstanding. One that began without a byte having come is nothing.
func (w *writer) between() bool {
	return w.stage == stageIdle || w.stage == stageHead && len(w.kept) == 0
}

func (w *writer) begin(head *fingerprint.Head, absoluteForm string) {
	*w = writer{stage: stageHead, head: head, absoluteForm: absoluteForm, upgrade: has(head, "Upgrade")}
}

// take reads p, as far as there is no error in it, and returns what must go out
// for it, how many of its first bytes are a head (out is then from getBuffer,
// otherwise p's own memory) and how many bytes of p it covers.
func (w *writer) take(p []byte) (out []byte, head, used int, err error) {
	if w.stage == stageHead {
		out, used, err = w.takeHead(p)
		if err != nil || len(out) == 0 {
			return nil, 0, used, err
		}
	}
	n, err := w.takeBody(p[used:])
	if head = len(out); head == 0 {
		return p[:n], 0, n, err
	}
	return append(out, p[used:used+n]...), head, used + n, err
}

// takeHead returns the request's head when p has brought its last byte.
func (w *writer) takeHead(p []byte) (out []byte, used int, err error) {
	raw := p
	if len(w.kept) > 0 {
		raw = append(w.kept, p...)
	}
	from := max(0, len(w.kept)-3)
	i := bytes.Index(raw[from:], []byte("\r\n\r\n"))
	if i < 0 {
		if len(raw) > MaxHeadBytes {
			return nil, 0, ErrHeadTooLarge
		}
		if len(w.kept) == 0 {
			raw = bytes.Clone(p)
		}
		w.kept = raw
		return nil, len(p), nil
	}
	end := from + i + 4
	if end > MaxHeadBytes {
		return nil, 0, ErrHeadTooLarge
	}
	req, err := parse(raw[:end-2])
	if err != nil {
		return nil, 0, err
	}
	if w.absoluteForm != "" {
		req.target = []byte(w.absoluteForm)
	}
	out = appendHead(getBuffer(), &req, w.head)
	if len(out) > MaxHeadBytes {
		putBuffer(out)
		return nil, 0, ErrHeadTooLarge
	}
	used = end - len(w.kept)
	w.head, w.kept = nil, nil
	switch {
	case req.chunked:
		w.stage, w.chunks = stageChunks, chunks{}
	case req.length > 0:
		w.stage, w.left = stageLength, req.length
	default:
		w.stage = stageIdle
	}
	return out, used, nil
}

// takeBody returns how many of p's bytes belong to the body of the request.
func (w *writer) takeBody(p []byte) (n int, err error) {
	switch w.stage {
	case stageLength:
		n = int(min(w.left, int64(len(p))))
		if w.left -= int64(n); w.left == 0 {
			w.stage = stageIdle
		}
	case stageChunks:
		var done bool
		if n, done, err = w.chunks.take(p); err != nil {
			return n, err
		}
		if done {
			w.stage = stageIdle
		}
	}
	if n < len(p) {
		return n, ErrNoRequest
	}
	return n, nil
}

// buffers holds the memory that heads are put together in: connections are
// many, and each needs it for the length of one Write.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// keptBuffer is the largest buffer worth keeping: four of net/http's own.
const keptBuffer = 16 << 10

func getBuffer() []byte { return (*buffers.Get().(*[]byte))[:0] }

func putBuffer(b []byte) {
	if cap(b) <= keptBuffer {
		buffers.Put(&b)
	}
}
