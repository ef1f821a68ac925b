package h2

import "sync"

// chunkSize is the largest DATA payload without SETTINGS_MAX_FRAME_SIZE.
const chunkSize = 16 << 10

// A chunk is a piece of content. It has one owner at a time.
type chunk struct {
	data       *[chunkSize]byte // apart, because together they would take 18 KiB
	start, end int              // what is filled and not read
	next       *chunk
}

var chunks = sync.Pool{New: func() any { return &chunk{data: new([chunkSize]byte)} }}

func newChunk() *chunk {
	k := chunks.Get().(*chunk)
	k.start, k.end, k.next = 0, 0, nil
	return k
}

func (k *chunk) free() { chunks.Put(k) }

// recvBuffer holds content that was received and not read. Its owner is the
// connection's mutex.
type recvBuffer struct{ head, tail *chunk }

func (b *recvBuffer) empty() bool { return b.head == nil }

// add copies p to the end.
func (b *recvBuffer) add(p []byte) {
	for len(p) > 0 {
		if b.tail == nil || b.tail.end == chunkSize {
			k := newChunk()
			if b.tail == nil {
				b.head = k
			} else {
				b.tail.next = k
			}
			b.tail = k
		}
		n := copy(b.tail.data[b.tail.end:], p)
		b.tail.end += n
		p = p[n:]
	}
}

// take removes the first chunk, which becomes the caller's, or returns nil.
func (b *recvBuffer) take() *chunk {
	k := b.head
	if k != nil {
		if b.head = k.next; b.head == nil {
			b.tail = nil
		}
		k.next = nil
	}
	return k
}

// drop frees everything and returns how many bytes that was.
func (b *recvBuffer) drop() (n int) {
	for k := b.take(); k != nil; k = b.take() {
		n += k.end - k.start
		k.free()
	}
	return n
}
