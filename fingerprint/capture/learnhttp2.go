package capture

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	fp "github.com/mien-http/mien/fingerprint"
)

// Frame types (RFC 9113 §6).
const (
	frameData         = 0
	frameHeaders      = 1
	framePriority     = 2
	frameRSTStream    = 3
	frameSettings     = 4
	frameGoAway       = 7
	frameWindowUpdate = 8

	flagEndStream = 1
	flagAck       = 1
	mebibyte      = 1 << 20
)

// connKey is one HTTP/2 connection of the recording.
type connKey struct{ run, conn string }

// conns lists the connections that a request was sent on, in order.
func (c *Capture) conns() []connKey {
	var out []connKey
	for _, f := range c.Frames {
		k := connKey{f.Run, f.Conn}
		if f.Type == frameHeaders && !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}

func (c *Capture) framesOf(k connKey) []Frame {
	var out []Frame
	for _, f := range c.Frames {
		if f.Run == k.run && f.Conn == k.conn {
			out = append(out, f)
		}
	}
	return out
}

// learnHTTP2 reads how connections were opened and run. nil: the recording has
// no frames.
func (c *Capture) learnHTTP2(engine string) (*fp.HTTP2, error) {
	conns := c.conns()
	if len(conns) == 0 {
		return nil, nil
	}
	var h *fp.HTTP2
	credit := credits{}
	for _, k := range conns {
		one := opening(c.framesOf(k), &credit)
		for _, r := range c.Requests {
			if r.Run == k.run && r.Conn == k.conn && r.Stream == one.FirstStreamID {
				one.PseudoHeaders = pseudo(&r)
			}
		}
		if h == nil {
			h = one
			continue
		}
		h.GoAwayOnClose = h.GoAwayOnClose || one.GoAwayOnClose
		for _, m := range one.EndWithData {
			if !slices.Contains(h.EndWithData, m) {
				h.EndWithData = append(h.EndWithData, m)
			}
		}
		if a, b := h.Akamai(), one.Akamai(); a != b && one.PseudoHeaders != nil || one.StreamWindowUpdate != h.StreamWindowUpdate {
			return nil, fmt.Errorf("%s/%s opened with %s, %s/%s with %s", conns[0].run, conns[0].conn, a, k.run, k.conn, b)
		}
	}
	credit.fill(h)
	c.learnHPACK(h, engine)
	if engine == "blink" {
		h.SmallCreditAfter = 5000 // quiche's rule: no recording is long enough to tell
	}
	if engine == "gecko" && slices.Contains(h.EndWithData, "POST") {
		h.EndWithData = []string{"POST", "PUT", "REPORT"} // as HttpBaseChannel has it
	}
	return h, nil
}

// opening reads one connection.
func opening(frames []Frame, credit *credits) *fp.HTTP2 {
	h := &fp.HTTP2{}
	last := Frame{Type: 255}
	var asked uint32    // the stream whose HEADERS came last, until its content
	var headers int     // HEADERS frames
	var atOnce []uint32 // increments that followed one at once
	for _, f := range frames {
		switch f.Type {
		case frameSettings:
			if f.Flags&flagAck == 0 && h.Settings == nil {
				for p := f.Payload; len(p) >= 6; p = p[6:] {
					h.Settings = append(h.Settings, fp.Setting{ID: binary.BigEndian.Uint16(p), Value: binary.BigEndian.Uint32(p[2:])})
				}
			}
		case frameWindowUpdate:
			n := uint32(0)
			if len(f.Payload) == 4 {
				n = binary.BigEndian.Uint32(f.Payload) &^ (1 << 31)
			}
			switch {
			case f.Stream == 0 && h.FirstStreamID == 0:
				h.WindowUpdate = n
			case f.Stream != 0 && last.Type == frameHeaders && last.Stream == f.Stream:
				atOnce = append(atOnce, n)
				last = f
			case f.Stream == 0:
				credit.conn = append(credit.conn, n)
			default:
				credit.stream = append(credit.stream, n)
			}
		case frameHeaders:
			headers++
			asked = f.Stream
			if h.FirstStreamID == 0 {
				h.FirstStreamID = f.Stream
			}
		case frameData:
			if f.Stream == asked && f.Len == 0 && f.Flags&flagEndStream != 0 {
				h.EndWithData = []string{"POST"}
			}
			asked = 0
		case frameGoAway:
			h.GoAwayOnClose = h.GoAwayOnClose || len(f.Payload) >= 8 && binary.BigEndian.Uint32(f.Payload[4:]) == 0
		}
		if f.Type != frameWindowUpdate {
			last = f
		}
	}
	if len(atOnce) >= headers && len(slices.Compact(atOnce)) == 1 {
		h.StreamWindowUpdate = atOnce[0]
	} else {
		credit.stream = append(credit.stream, atOnce...)
	}
	return h
}

// credits are the increments of WINDOW_UPDATE frames for received content.
type credits struct{ conn, stream []uint32 }

// fill says from which amount on the browser gives credit: the largest round
// number that no increment is below, half a window or whole mebibytes. Where the
// recording has no download it is half a window, as in every browser known.
func (c *credits) fill(h *fp.HTTP2) {
	stream := h.Setting(4, 65535) + h.StreamWindowUpdate
	h.StreamCredit = threshold(c.stream, stream)
	h.ConnCredit = threshold(c.conn, 65535+h.WindowUpdate)
}

func threshold(increments []uint32, window uint32) uint32 {
	// Timed and final updates are smaller; half a window is not met by chance.
	if half := window / 2; slices.ContainsFunc(increments, func(n uint32) bool { return n >= half && n < half+half/8 }) {
		return half
	}
	least := uint32(0)
	for _, n := range increments {
		if n >= mebibyte && (least == 0 || n < least) { // smaller ones are given for time
			least = n
		}
	}
	if least == 0 || window/2 <= least {
		return max(window/2, 1)
	}
	return least / mebibyte * mebibyte
}

// pseudo lists the pseudo-header fields of r.
func pseudo(r *Request) []string {
	var out []string
	for _, f := range r.Fields {
		if strings.HasPrefix(f.Name, ":") && f.Name != ":protocol" {
			out = append(out, f.Name)
		}
	}
	return out
}
