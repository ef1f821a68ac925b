package capture

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/mien-http/mien/mientest"
)

// Frame types and flags (RFC 9113 §6).
const (
	frameHeaders      = 1
	frameContinuation = 9

	flagEndHeaders = 0x4
	flagPadded     = 0x8
	flagPriority   = 0x20

	priorityLen = 5
)

// frameNames are the names that recordings use (RFC 9113 §6, RFC 9218 §7.1).
var frameNames = map[uint8]string{
	0: "DATA", 1: "HEADERS", 2: "PRIORITY", 3: "RST_STREAM", 4: "SETTINGS", 5: "PUSH_PROMISE", 6: "PING", 7: "GOAWAY",
	8: "WINDOW_UPDATE", 9: "CONTINUATION", 16: "PRIORITY_UPDATE",
}

func rawOf(conn int, f mientest.Frame) rawFrame {
	name := frameNames[f.Type]
	if name == "" {
		name = fmt.Sprintf("0x%x", f.Type)
	}
	raw := rawFrame{
		Conn: connName(conn), Event: "frame", Dir: "C>S", Type: name,
		Flags: fmt.Sprintf("0x%02x", f.Flags), Stream: f.Stream, Len: f.Length,
	}
	if f.Payload != nil || f.Length == 0 {
		head := []byte{byte(f.Length >> 16), byte(f.Length >> 8), byte(f.Length), f.Type, f.Flags}
		head = binary.BigEndian.AppendUint32(head, f.Stream)
		raw.Hex = hex.EncodeToString(append(head, f.Payload...))
	}
	return raw
}

// block is the header block that opened a stream: without padding and priority.
// nil if its frames were not recorded.
func block(frames []mientest.Frame, stream uint32) []byte {
	var out []byte
	begun := false
	for _, f := range frames {
		if f.Stream != stream || f.Type != frameHeaders && f.Type != frameContinuation {
			continue
		}
		b := f.Payload
		if f.Type == frameHeaders {
			if begun {
				break // trailers
			}
			begun = true
			pad := 0
			if f.Flags&flagPadded != 0 && len(b) > 0 {
				pad, b = int(b[0]), b[1:]
			}
			if f.Flags&flagPriority != 0 && len(b) >= priorityLen {
				b = b[priorityLen:]
			}
			b = b[:max(0, len(b)-pad)]
		}
		out = append(out, b...)
		if f.Flags&flagEndHeaders != 0 {
			break
		}
	}
	return out
}
