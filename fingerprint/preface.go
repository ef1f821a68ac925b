package fingerprint

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
)

// A Preface is how a client opened an HTTP/2 connection (RFC 9113 §3.4): all it
// sent up to the end of its first header block.
type Preface struct {
	// Settings of the first SETTINGS frame, in order.
	Settings []Setting
	// WindowUpdate is the first increment of the connection window, 0 without one.
	WindowUpdate uint32
	// Priorities are the PRIORITY frames, in order.
	Priorities []PriorityFrame
	// PseudoHeaders in the order of the first request: ":method", …
	PseudoHeaders []string
	// FirstStreamID is the stream of the first request.
	FirstStreamID uint32
	// HeadersPriority is the priority on its HEADERS frame; Weight 0: none.
	HeadersPriority PriorityFrame
	// Fields is its whole field section, pseudo-header fields included.
	Fields []HPACKField
	// HPACK has read that field section and can read the next ones.
	HPACK *HPACKDecoder
	// Len is how many bytes all of this took.
	Len int
}

// PriorityFrame is the content of a PRIORITY frame, or of the priority part of
// a HEADERS frame (RFC 9113 §6.3, §5.3.2).
type PriorityFrame struct {
	StreamID  uint32 // the stream it is about
	Exclusive bool   // the exclusive bit
	DependsOn uint32 // the stream depended on
	Weight    uint16 // 1–256, one more than the byte on the wire
}

// prefaceMagic opens every client connection (RFC 9113 §3.4).
const prefaceMagic = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// Frame types and flags (RFC 9113 §6).
const (
	prefaceHeaders      = 1
	prefacePriority     = 2
	prefaceSettings     = 4
	prefaceWindowUpdate = 8
	prefaceContinuation = 9

	prefaceFlagAck        = 0x1
	prefaceFlagEndHeaders = 0x4
	prefaceFlagPadded     = 0x8
	prefaceFlagPriority   = 0x20
)

// ParsePreface reads the bytes that a client sent from the start of a
// connection, up to and including its first header block; what follows is left
// alone. An error is a [*WireError]; it wraps io.ErrUnexpectedEOF as long as
// more bytes may complete the preface.
func ParsePreface(b []byte) (*Preface, error) {
	n := min(len(b), len(prefaceMagic))
	for i := range n {
		if b[i] != prefaceMagic[i] {
			return nil, prefaceErr(i, nil, "not the connection preface")
		}
	}
	if n < len(prefaceMagic) {
		return nil, prefaceErr(n, io.ErrUnexpectedEOF, "the connection preface is cut off")
	}
	p := &Preface{}
	pos := n
	for first := true; ; first = false {
		f, err := prefaceRead(b, pos)
		if err != nil {
			return nil, err
		}
		if first && (f.typ != prefaceSettings || f.flags&prefaceFlagAck != 0) {
			return nil, prefaceErr(pos+3, nil, "frame type %d where SETTINGS is due", f.typ)
		}
		pos = f.end()
		switch f.typ {
		case prefaceSettings:
			err = p.settings(f, first)
		case prefaceWindowUpdate:
			err = p.windowUpdate(f)
		case prefacePriority:
			var prio PriorityFrame
			if prio, err = f.priority(f.payload, f.at); err == nil {
				p.Priorities = append(p.Priorities, prio)
			}
		case prefaceContinuation:
			err = prefaceErr(f.at, nil, "CONTINUATION without HEADERS")
		case prefaceHeaders:
			p.Len, err = p.headers(b, f)
			if err == nil {
				return p, nil
			}
		}
		if err != nil {
			return nil, err
		}
	}
}

func (p *Preface) settings(f prefaceFrame, first bool) error {
	if len(f.payload)%6 != 0 {
		return prefaceErr(f.at, nil, "SETTINGS of %d bytes, not a multiple of 6", len(f.payload))
	}
	if !first {
		return nil
	}
	for s := f.payload; len(s) > 0; s = s[6:] {
		p.Settings = append(p.Settings, Setting{ID: binary.BigEndian.Uint16(s), Value: binary.BigEndian.Uint32(s[2:])})
	}
	return nil
}

func (p *Preface) windowUpdate(f prefaceFrame) error {
	if len(f.payload) != 4 {
		return prefaceErr(f.at, nil, "WINDOW_UPDATE of %d bytes, not 4", len(f.payload))
	}
	if f.stream == 0 && p.WindowUpdate == 0 {
		p.WindowUpdate = binary.BigEndian.Uint32(f.payload) & math.MaxInt32
	}
	return nil
}

// headers reads the HEADERS frame f and the CONTINUATION frames behind it, and
// returns the offset of what follows.
func (p *Preface) headers(b []byte, f prefaceFrame) (int, error) {
	part, at := f.payload, f.at
	if f.stream == 0 {
		return 0, prefaceErr(at-4, nil, "HEADERS on stream 0")
	}
	if f.flags&prefaceFlagPadded != 0 {
		if len(part) == 0 || int(part[0]) > len(part)-1 {
			return 0, prefaceErr(at, nil, "HEADERS: more padding than frame")
		}
		part = part[1 : len(part)-int(part[0])]
		at++
	}
	p.FirstStreamID = f.stream
	if f.flags&prefaceFlagPriority != 0 {
		if len(part) < 5 {
			return 0, prefaceErr(at, nil, "HEADERS of %d bytes, too short for its priority", len(part))
		}
		var err error
		if p.HeadersPriority, err = f.priority(part[:5], at); err != nil {
			return 0, err
		}
		part, at = part[5:], at+5
	}
	starts := []prefaceStart{{0, at}}
	block := append([]byte(nil), part...)
	for last := f; last.flags&prefaceFlagEndHeaders == 0; {
		next, err := prefaceRead(b, last.end())
		if err != nil {
			return 0, err
		}
		if next.typ != prefaceContinuation || next.stream != f.stream {
			return 0, prefaceErr(last.end()+3, nil, "frame type %d on stream %d where CONTINUATION is due", next.typ, next.stream)
		}
		starts = append(starts, prefaceStart{len(block), next.at})
		block = append(block, next.payload...)
		last, f.payload, f.at = next, next.payload, next.at
	}
	// The table size that the server allows is not known here, so that any is.
	p.HPACK = &HPACKDecoder{MaxTableSize: math.MaxUint32}
	var err error
	if p.Fields, err = p.HPACK.Decode(block); err != nil {
		if e, ok := err.(*WireError); ok {
			e.Offset = prefaceOffset(starts, e.Offset)
		}
		return 0, err
	}
	for _, field := range p.Fields {
		if strings.HasPrefix(field.Name, ":") {
			p.PseudoHeaders = append(p.PseudoHeaders, field.Name)
		}
	}
	return f.end(), nil
}

// prefaceStart says where a part of the header block stood in the connection.
type prefaceStart struct{ block, wire int }

func prefaceOffset(starts []prefaceStart, at int) int {
	wire := 0
	for _, s := range starts {
		if s.block <= at {
			wire = s.wire + at - s.block
		}
	}
	return wire
}

// prefaceFrame is one frame; at is the offset of its payload.
type prefaceFrame struct {
	typ, flags byte
	stream     uint32
	payload    []byte
	at         int
}

func (f prefaceFrame) end() int { return f.at + len(f.payload) }

func (f prefaceFrame) priority(b []byte, at int) (PriorityFrame, error) {
	if len(b) != 5 {
		return PriorityFrame{}, prefaceErr(at, nil, "PRIORITY of %d bytes, not 5", len(b))
	}
	if f.stream == 0 {
		return PriorityFrame{}, prefaceErr(f.at-4, nil, "PRIORITY on stream 0")
	}
	dep := binary.BigEndian.Uint32(b)
	return PriorityFrame{
		StreamID:  f.stream,
		Exclusive: dep>>31 == 1,
		DependsOn: dep & math.MaxInt32,
		Weight:    uint16(b[4]) + 1,
	}, nil
}

// prefaceRead reads the frame at pos (RFC 9113 §4.1).
func prefaceRead(b []byte, pos int) (prefaceFrame, error) {
	const header = 9
	if len(b)-pos < header {
		return prefaceFrame{}, prefaceErr(pos, io.ErrUnexpectedEOF, "frame header: %d bytes needed, %d left", header, len(b)-pos)
	}
	n := int(b[pos])<<16 | int(b[pos+1])<<8 | int(b[pos+2])
	f := prefaceFrame{
		typ:    b[pos+3],
		flags:  b[pos+4],
		stream: binary.BigEndian.Uint32(b[pos+5:]) & math.MaxInt32,
		at:     pos + header,
	}
	if left := len(b) - f.at; left < n {
		return prefaceFrame{}, prefaceErr(f.at, io.ErrUnexpectedEOF, "frame type %d: %d bytes needed, %d left", f.typ, n, left)
	}
	f.payload = b[f.at : f.at+n]
	return f, nil
}

func prefaceErr(at int, cause error, format string, args ...any) *WireError {
	return &WireError{Part: "HTTP/2 connection", Offset: at, Problem: fmt.Sprintf(format, args...), Err: cause}
}
