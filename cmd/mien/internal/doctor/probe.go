package doctor

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/retry"
)

// Route is a way to the origin.
type Route string

// The ways.
const (
	Direct  Route = "direct"
	Proxied Route = "proxy"
)

// What a Probe tries.
const (
	Lookup  = "lookup"  // the name
	TCP     = "tcp"     // a connection to one address
	TLS     = "tls"     // handshakes
	Request = "request" // one GET, as the browser
)

// Probe is one question and its answers.
type Probe struct {
	What    string `json:"what"`              // Lookup, TCP, TLS or Request
	Route   Route  `json:"route"`             // taken
	Hello   Hello  `json:"hello,omitempty"`   // of What TLS
	Address string `json:"address,omitempty"` // that it was tied to
	AtOnce  int    `json:"at_once,omitempty"` // handshakes begun together; 0: one after the other

	Tried     int                 `json:"tried"`                 // those that came to an end
	Completed int                 `json:"completed"`             // of these
	Failed    map[retry.Class]int `json:"failed,omitempty"`      // of these, by class
	HelloSize int                 `json:"hello_bytes,omitempty"` // with its record header; 0: none was sent
	Millis    float64             `json:"ms"`                    // median of those completed
	Detail    string              `json:"detail,omitempty"`      // what was learnt
	Error     string              `json:"error,omitempty"`       // of the first that failed

	first *mien.Error     // to fail
	took  []time.Duration // sorted when needed
}

func (p *Probe) add(r result) {
	if r.cut {
		return
	}
	p.Tried++
	p.HelloSize = max(p.HelloSize, r.bytes)
	if r.failed == nil {
		p.Completed++
		p.timed(r.took)
		if s := r.state; p.Detail == "" && s.Version != 0 {
			p.Detail = tls.VersionName(s.Version)
			if s.NegotiatedProtocol != "" {
				p.Detail += ", " + s.NegotiatedProtocol
			}
		}
		return
	}
	if p.Failed == nil {
		p.Failed = make(map[retry.Class]int)
	}
	p.Failed[retry.Class(r.failed.Class.String())]++ // Unknown has no text by itself
	if p.first == nil {
		p.first, p.Error = r.failed, words(r.failed)
	}
}

func (p *Probe) timed(d time.Duration) {
	p.took = append(p.took, d)
	slices.Sort(p.took)
	p.Millis = float64(p.took[len(p.took)/2].Microseconds()) / 1000
}

// words is the cause of e, with the class's plain words where they say more.
func words(e *mien.Error) string {
	switch e.Class {
	case retry.HandshakeReset, retry.HandshakeTimeout, retry.NotTLS, retry.LocalLimit, retry.ProxyReset:
		return e.Class.Describe() + ": " + e.Err.Error()
	case retry.Alert:
		return "alert " + alertName(e.Alert)
	}
	return e.Err.Error()
}

func alertName(code uint8) string {
	return fmt.Sprintf("%d, %s", code, strings.TrimPrefix(tls.AlertError(code).Error(), "tls: "))
}

// all, none and some of what was tried completed. A probe that was never tried
// has none of the three.
func (p *Probe) all() bool  { return p != nil && p.Tried > 0 && p.Completed == p.Tried }
func (p *Probe) none() bool { return p != nil && p.Tried > 0 && p.Completed == 0 }
func (p *Probe) some() bool { return p != nil && p.Completed > 0 && p.Completed < p.Tried }

// passed is Completed; none of what was never tried.
func (p *Probe) passed() int {
	if p == nil {
		return 0
	}
	return p.Completed
}

// broke counts the handshakes that the network ended: not those that an answer
// ended.
func (p *Probe) broke() int {
	if p == nil {
		return 0
	}
	return p.Failed[retry.HandshakeReset] + p.Failed[retry.HandshakeTimeout]
}

// stalled reports that most of the failures were silence.
func (p *Probe) stalled() bool {
	return p != nil && p.Failed[retry.HandshakeTimeout]*2 > p.Tried-p.Completed
}

// failedWith reports that something failed with class c.
func (p *Probe) failedWith(c retry.Class) bool { return p != nil && p.Failed[c] > 0 }

// String is the probe as a line of a note.
func (p *Probe) String() string {
	switch p.What {
	case Lookup, TCP, Request:
		if p.Error != "" {
			return p.subject() + ": " + p.Error
		}
		return fmt.Sprintf("%s: %s in %s", p.subject(), p.Detail, millis(p.Millis))
	}
	s := fmt.Sprintf("%s: %d of %d came through", p.subject(), p.Completed, p.Tried)
	if p.Tried == 1 && p.Completed == 1 {
		s = p.subject() + ": came through"
	}
	if p.Completed > 0 {
		s += " in " + millis(p.Millis)
		if p.AtOnce == 0 && p.Detail != "" {
			s += " (" + p.Detail + ")"
		}
	}
	if len(p.Failed) > 0 {
		s += "; " + p.failures()
	}
	return s
}

func (p *Probe) subject() string {
	way := ""
	if p.Route == Proxied {
		way = "proxy, "
	}
	switch p.What {
	case Lookup:
		return "name"
	case TCP:
		return p.Address + ", TCP"
	case Request:
		return way + "GET"
	}
	switch {
	case p.AtOnce > 0:
		return fmt.Sprintf("%s%d at once", way, p.AtOnce)
	case p.Address != "":
		return p.Address + ", TLS"
	}
	s := way + helloNames[p.Hello]
	if p.HelloSize > 0 {
		s += fmt.Sprintf(" of %d bytes", p.HelloSize)
	}
	return s
}

var helloNames = map[Hello]string{
	ProfileHello: "the browser's hello",
	SmallHello:   "the same without ML-KEM",
	PaddedHello:  "that one, padded",
	NamelessOne:  "without the server name",
}

func (p *Probe) failures() string {
	var parts []string
	for _, c := range append(retry.Classes(), retry.Class(retry.Unknown.String())) {
		if n := p.Failed[c]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d × %s", n, c))
		}
	}
	s := strings.Join(parts, ", ")
	if p.Error != "" && p.AtOnce == 0 {
		s += " (" + p.Error + ")"
	}
	return s
}

func millis(ms float64) string {
	if ms >= 10 {
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.1f ms", ms)
}
