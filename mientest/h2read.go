package mientest

import (
	"encoding/binary"
	"io"
	"strconv"
	"strings"

	"github.com/mien-http/mien/fingerprint"
)

// HTTP/2 frame types, flags and sizes (RFC 9113 §4.1, §6).
const (
	frameData         = 0
	frameHeaders      = 1
	framePriority     = 2
	frameRSTStream    = 3
	frameSettings     = 4
	frameGoAway       = 7
	frameWindowUpdate = 8
	frameContinuation = 9

	flagEndStream  = 0x1
	flagAck        = 0x1
	flagEndHeaders = 0x4
	flagPadded     = 0x8
	flagPriority   = 0x20

	frameHeaderLen = 9
	maxFrame       = 1 << 20 // what http2.Server takes; longer ones end the connection
	maxBlock       = 1 << 21 // a header block, all its frames together
)

// connectProtocol is SETTINGS_ENABLE_CONNECT_PROTOCOL = 1 (RFC 8441 §3).
var connectProtocol = []byte{0, 8, 0, 0, 0, 1}

const clientPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// streamField is the field that h2Reader adds to each request. http2.Server
// tells a handler neither its stream nor anything else that would; with this
// the handler finds what was recorded of its own request.
const streamField = "Mientest-Stream"

// h2Frame is a frame header and, where the frame was kept, its payload.
type h2Frame struct {
	typ, flags byte
	stream     uint32
	length     int
	payload    []byte
}

func parseFrameHeader(h []byte) h2Frame {
	return h2Frame{
		length: int(h[0])<<16 | int(h[1])<<8 | int(h[2]),
		typ:    h[3],
		flags:  h[4],
		stream: binary.BigEndian.Uint32(h[5:]) &^ (1 << 31),
	}
}

// h2Request is a header block that opened a stream.
type h2Request struct {
	stream   uint32
	priority fingerprint.PriorityFrame
	fields   []fingerprint.HPACKField
}

// h2Reader reads the client's side of an HTTP/2 connection, reports its frames
// and requests, and hands the bytes on with one CONTINUATION frame added to
// each request: streamField. What it holds is the frame it is within, unless
// that is DATA, and the header block. It is owned by the goroutine that reads.
type h2Reader struct {
	src       io.Reader
	onFrame   func(h2Frame)
	onRequest func(h2Request)

	opened  bool   // the client preface is behind us
	broken  bool   // not HTTP/2, or not understood: bytes pass as they are
	queue   []byte // to be handed out before anything else is read
	frame   h2Frame
	left    int  // payload bytes of frame to come
	keep    bool // collect them in frame.payload
	mark    bool // the block ends with frame, and opens a stream
	block   []byte
	request h2Request
	highest uint32 // stream that was opened last
	hpack   fingerprint.HPACKDecoder
}

func (r *h2Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(r.queue) == 0 {
		if r.broken {
			return r.src.Read(p)
		}
		if r.left > 0 {
			n, err := r.src.Read(p[:min(len(p), r.left)])
			if r.keep {
				r.frame.payload = append(r.frame.payload, p[:n]...)
			}
			if r.left -= n; r.left == 0 {
				r.endFrame()
			}
			return n, err
		}
		if err := r.next(); err != nil && len(r.queue) == 0 {
			return 0, err
		}
	}
	n := copy(p, r.queue)
	r.queue = r.queue[n:]
	return n, nil
}

// next queues the client preface or the next frame header.
func (r *h2Reader) next() error {
	if !r.opened {
		buf := make([]byte, len(clientPreface))
		n, err := io.ReadFull(r.src, buf)
		r.queue, r.opened = buf[:n], true
		r.broken = string(r.queue) != clientPreface
		return err
	}
	header := make([]byte, frameHeaderLen)
	n, err := io.ReadFull(r.src, header)
	r.queue = header[:n]
	if err != nil {
		r.broken = true
		return err
	}
	r.frame = parseFrameHeader(header)
	r.left, r.keep, r.mark = r.frame.length, r.frame.typ != frameData, false
	if r.frame.length > maxFrame {
		r.broken = true
		return nil
	}
	switch {
	case r.frame.typ == frameHeaders:
		r.block = nil
		r.mark = r.frame.stream > r.highest && r.frame.stream%2 == 1
		r.request = h2Request{}
		if r.mark {
			r.highest = r.frame.stream
			r.request.stream = r.frame.stream
		}
	case r.frame.typ == frameContinuation:
		r.mark = r.request.stream != 0 && r.frame.stream == r.request.stream
	}
	r.mark = r.mark && r.frame.flags&flagEndHeaders != 0
	if r.mark {
		header[4] &^= flagEndHeaders
	}
	if r.left == 0 {
		r.endFrame()
	}
	return nil
}

// endFrame acts on a frame whose last byte has been read.
func (r *h2Reader) endFrame() {
	f := r.frame
	r.frame.payload = nil
	r.onFrame(f)
	if f.typ != frameHeaders && f.typ != frameContinuation {
		return
	}
	payload := f.payload
	if f.typ == frameHeaders {
		if payload = r.unpad(f); payload == nil {
			r.broken = true
			r.unmark()
			return
		}
	}
	r.block = append(r.block, payload...)
	if len(r.block) > maxBlock {
		r.broken = true
		r.unmark()
		return
	}
	if f.flags&flagEndHeaders == 0 {
		return
	}
	fields, err := r.hpack.Decode(r.block)
	r.block = nil
	if err != nil {
		r.broken = true
	}
	if !r.mark {
		r.request = h2Request{}
		return
	}
	if err != nil {
		r.unmark()
		return
	}
	req := r.request
	r.request = h2Request{}
	req.fields = fields
	r.onRequest(req)
	id := strconv.FormatUint(uint64(req.stream), 10)
	field := append([]byte{0, byte(len(streamField))}, strings.ToLower(streamField)...)
	field = append(append(field, byte(len(id))), id...)
	r.continuation(req.stream, field)
}

// unmark ends a header block whose END_HEADERS was taken away for a field that
// will not come after all; http2.Server then judges the block as it was sent.
func (r *h2Reader) unmark() {
	if r.mark {
		r.continuation(r.frame.stream, nil)
	}
}

func (r *h2Reader) continuation(stream uint32, fragment []byte) {
	r.queue = append(r.queue, appendFrame(nil, frameContinuation, flagEndHeaders, stream, fragment)...)
}

// unpad returns the header block fragment of a HEADERS frame and takes its
// priority; nil if the frame is too short for what its flags say.
func (r *h2Reader) unpad(f h2Frame) []byte {
	p := f.payload
	if f.flags&flagPadded != 0 {
		if len(p) == 0 || int(p[0]) > len(p)-1 {
			return nil
		}
		p = p[1 : len(p)-int(p[0])]
	}
	if f.flags&flagPriority != 0 {
		if len(p) < 5 {
			return nil
		}
		r.request.priority = parsePriority(f.stream, p)
		p = p[5:]
	}
	if p == nil {
		p = []byte{}
	}
	return p
}

func parsePriority(stream uint32, p []byte) fingerprint.PriorityFrame {
	dep := binary.BigEndian.Uint32(p)
	return fingerprint.PriorityFrame{
		StreamID:  stream,
		Exclusive: dep>>31 == 1,
		DependsOn: dep &^ (1 << 31),
		Weight:    uint16(p[4]) + 1,
	}
}

func appendFrame(b []byte, typ, flags byte, stream uint32, payload []byte) []byte {
	n := len(payload)
	b = append(b, byte(n>>16), byte(n>>8), byte(n), typ, flags)
	b = binary.BigEndian.AppendUint32(b, stream)
	return append(b, payload...)
}
