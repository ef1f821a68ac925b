package mientest

import (
	"encoding/binary"
	"io"
	"sync"
)

// h2Writer follows the origin's side of an HTTP/2 connection, tells when a
// stream ends, and puts faults between the frames of http2.Server, which can
// send none of them itself. http2.Server writes from one goroutine at a time.
type h2Writer struct {
	dst   io.Writer
	onEnd func(stream uint32) // before the frame that ends the stream is written
	offer []byte              // settings to be added to the first SETTINGS frame; constant

	mu     sync.Mutex
	resets map[uint32]uint32 // guarded by mu: code for the RST_STREAM of a stream
	silent map[uint32]bool   // guarded by mu: streams whose RST_STREAM is not sent
	inject []byte            // guarded by mu: frames due at the next frame boundary

	// Owned by the writing goroutine.
	header [frameHeaderLen]byte
	have   int // bytes of header collected
	left   int // payload bytes of the current frame to come
	block  bool
	begun  bool // SETTINGS, which go first (RFC 9113 §3.4), are written or in out
	out    []byte
	drop   bool
}

// reset has the next RST_STREAM of the stream carry code.
func (w *h2Writer) reset(stream, code uint32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.resets == nil {
		w.resets = make(map[uint32]uint32)
	}
	w.resets[stream] = code
}

// ignore leaves out the next RST_STREAM of the stream.
func (w *h2Writer) ignore(stream uint32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.silent == nil {
		w.silent = make(map[uint32]bool)
	}
	w.silent[stream] = true
}

// add has frames written with http2.Server's next ones.
func (w *h2Writer) add(frames []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inject = append(w.inject, frames...)
}

// Write writes the frames in p, changed as asked for, in one write.
func (w *h2Writer) Write(p []byte) (int, error) {
	w.out = w.out[:0]
	for b := p; len(b) > 0; {
		if w.left > 0 {
			n := min(w.left, len(b))
			if !w.drop {
				w.out = append(w.out, b[:n]...)
			}
			w.left -= n
			b = b[n:]
			continue
		}
		n := copy(w.header[w.have:], b)
		w.have += n
		b = b[n:]
		if w.have == frameHeaderLen {
			w.have = 0
			w.startFrame()
		}
	}
	if w.left == 0 && w.have == 0 && !w.block {
		w.takeInjected()
	}
	if len(w.out) > 0 {
		if _, err := w.dst.Write(w.out); err != nil {
			return 0, err
		}
	}
	if cap(w.out) > 1<<15 {
		w.out = nil
	}
	return len(p), nil
}

func (w *h2Writer) takeInjected() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.out = append(w.out, w.inject...)
	w.inject = nil
}

// startFrame acts on a complete frame header. The payload of a RST_STREAM that
// is to carry another code is written here and the original left out.
func (w *h2Writer) startFrame() {
	if !w.block && w.begun {
		w.takeInjected()
	}
	f := parseFrameHeader(w.header[:])
	w.left, w.drop = f.length, false
	if !w.begun && f.typ == frameSettings && len(w.offer) > 0 {
		w.begun = true
		longer := w.header
		longer[2] += byte(len(w.offer)) // http2.Server sends five settings at most
		w.out = append(append(w.out, longer[:]...), w.offer...)
		return
	}
	w.begun = true
	switch f.typ {
	case frameHeaders, frameContinuation:
		w.block = f.flags&flagEndHeaders == 0
	}
	switch f.typ {
	case frameHeaders, frameData:
		if f.flags&flagEndStream != 0 {
			w.onEnd(f.stream)
		}
	case frameRSTStream:
		w.onEnd(f.stream)
		w.mu.Lock()
		code, patch := w.resets[f.stream]
		w.drop = w.silent[f.stream]
		delete(w.resets, f.stream)
		delete(w.silent, f.stream)
		w.mu.Unlock()
		if patch && !w.drop {
			w.out = appendFrame(w.out, frameRSTStream, 0, f.stream, binary.BigEndian.AppendUint32(nil, code))
			w.drop = true
		}
		if w.drop {
			return
		}
	}
	w.out = append(w.out, w.header[:]...)
}
