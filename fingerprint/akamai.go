package fingerprint

import (
	"fmt"
	"strings"
)

// Akamai returns the fingerprint that Akamai proposed for HTTP/2 clients:
// SETTINGS, connection WINDOW_UPDATE, PRIORITY frames and the order of the
// pseudo-header fields, "1:65536;2:0|15663105|0|m,a,s,p". Only the four
// pseudo-header fields of an ordinary request count.
func (p *Preface) Akamai() string {
	return prefaceAkamai(p.Settings, p.WindowUpdate, p.Priorities, p.PseudoHeaders)
}

// Akamai returns the fingerprint, as [Preface.Akamai] does, of a connection
// that is opened in this way. No profile sends PRIORITY frames.
func (h HTTP2) Akamai() string {
	return prefaceAkamai(h.Settings, h.WindowUpdate, nil, h.PseudoHeaders)
}

func prefaceAkamai(settings []Setting, window uint32, priorities []PriorityFrame, pseudo []string) string {
	var b strings.Builder
	for i, s := range settings {
		if i > 0 {
			b.WriteByte(';')
		}
		fmt.Fprintf(&b, "%d:%d", s.ID, s.Value)
	}
	if window == 0 {
		b.WriteString("|00|")
	} else {
		fmt.Fprintf(&b, "|%d|", window)
	}
	if len(priorities) == 0 {
		b.WriteByte('0')
	}
	for i, p := range priorities {
		if i > 0 {
			b.WriteByte(',')
		}
		exclusive := 0
		if p.Exclusive {
			exclusive = 1
		}
		fmt.Fprintf(&b, "%d:%d:%d:%d", p.StreamID, exclusive, p.DependsOn, p.Weight)
	}
	sep := byte('|')
	for _, name := range pseudo {
		switch name {
		case ":method", ":authority", ":scheme", ":path":
			b.WriteByte(sep)
			b.WriteByte(name[1])
			sep = ','
		}
	}
	if sep == '|' {
		b.WriteByte('|')
	}
	return b.String()
}
