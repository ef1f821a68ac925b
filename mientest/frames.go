package mientest

import (
	"bytes"
	"encoding/binary"

	"github.com/mien-http/mien/fingerprint"
)

// onFrame acts on a frame of the client: it is recorded, counts towards the
// Akamai digest, and may end a request.
func (c *conn) onFrame(f h2Frame) {
	if c.full {
		kept := Frame{Type: f.typ, Flags: f.flags, Stream: f.stream, Length: f.length}
		if f.typ != frameData {
			kept.Payload = bytes.Clone(f.payload)
		}
		c.origin.rec.frame(c.rec, kept)
	}
	if f.typ == frameRSTStream {
		c.end(f.stream)
	}
	p := c.preface
	if p == nil {
		return
	}
	switch {
	case f.typ == frameSettings && f.flags&flagAck == 0 && p.Settings == nil:
		for b := f.payload; len(b) >= 6; b = b[6:] {
			p.Settings = append(p.Settings, fingerprint.Setting{
				ID: binary.BigEndian.Uint16(b), Value: binary.BigEndian.Uint32(b[2:]),
			})
		}
	case f.typ == frameWindowUpdate && f.stream == 0 && p.WindowUpdate == 0 && len(f.payload) == 4:
		p.WindowUpdate = binary.BigEndian.Uint32(f.payload) &^ (1 << 31)
	case f.typ == framePriority && len(f.payload) == 5 && len(p.Priorities) < maxFrames:
		p.Priorities = append(p.Priorities, parsePriority(f.stream, f.payload))
	}
}

// opened takes the digest of how the client opened the connection.
func (c *conn) opened() {
	p := c.preface
	c.preface = nil
	akamai := p.Akamai()
	c.mu.Lock()
	c.akamai = akamai
	c.mu.Unlock()
	c.origin.rec.count(func(n *Counters) { tally(n.Akamai, akamai) })
	c.origin.rec.update(c.rec, func(rec *Connection) {
		rec.Akamai = akamai
		if c.full {
			rec.Preface = p
		}
	})
}
