package mientest

import (
	"fmt"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/mien-http/mien/fingerprint"
)

// Faults are what an [Origin] breaks. The zero value breaks nothing.
type Faults struct {
	// Handshake kills a share of the handshakes, or the first few.
	Handshake HandshakeFaults
	// Delay is waited after each ClientHello before it is answered.
	Delay time.Duration
	// Script, if set, decides on each ClientHello that Handshake let live: n
	// counts them from 1, hello is nil if the bytes were not one. It is called
	// from many goroutines.
	Script func(n int, hello *fingerprint.ClientHello) Action
	// Request breaks requests.
	Request RequestFaults
}

// HandshakeFaults kills handshakes by count, so that a test knows how many die.
// The zero value kills none.
type HandshakeFaults struct {
	// Share of the handshakes that die, 0 to 1. It is exact: of the first N
	// handshakes N×Share die, rounded half up, for every N.
	Share float64
	// First handshakes all die; Share applies to those after them.
	First int
	// Skip handshakes live before First and Share apply.
	Skip int
	// How they die. "": Both.
	How Ending
	// When they die. Before the ClientHello handshakes are counted as they are
	// accepted, after it as their ClientHello is complete.
	When When
}

// When is a moment in a handshake.
type When string

// The moments at which a handshake can be killed.
const (
	AfterHello  When = ""             // the whole ClientHello was read, nothing answered
	BeforeHello When = "before-hello" // at once when the connection is accepted
)

// Ending is how a connection ends without a TLS close_notify.
type Ending string

// The ways to end a connection.
const (
	FIN   Ending = "fin"   // orderly at the TCP level: the peer reads EOF
	RST   Ending = "rst"   // the peer gets ECONNRESET
	Both  Ending = "both"  // FIN and RST in turn; of handshakes alone
	Stall Ending = "stall" // silence until the peer gives up; of handshakes alone
)

// Action is what a script does with one handshake. The zero value carries on.
type Action struct {
	// Delay is waited first.
	Delay time.Duration
	// Write is sent as it is, in place of a TLS answer; see [Alert]. The
	// connection then ends, by FIN unless End says otherwise.
	Write []byte
	// End is how the connection ends: FIN, RST or Stall. "": it does not,
	// unless Write is set.
	End Ending
}

// Alert returns the TLS record of a fatal alert with this code (RFC 8446 §6),
// for [Action].
func Alert(code uint8) []byte {
	return []byte{recordAlert, 3, 3, 0, 2, 2, code}
}

// RequestFaults breaks requests. The zero value breaks none.
type RequestFaults struct {
	// Script, if set, is asked for each request before the handler: n counts
	// requests from 1 in the order in which their heads arrived. [ReportOf]
	// knows the connection. It is called from many goroutines.
	Script func(n int, r *http.Request) RequestAction
	// CloseAfter ends each connection after this many requests as soon as it
	// is idle, unannounced: no Connection: close, no GOAWAY. 0: never.
	CloseAfter int
	// CloseHow is how: FIN or RST. "": FIN.
	CloseHow Ending
}

// RequestAction is what a script does with one request. The zero value lets the
// handler answer. The fields after Delay exclude each other; the first one set,
// in this order, applies.
type RequestAction struct {
	// Delay is waited first, or until the client is gone.
	Delay time.Duration
	// End ends the connection in place of an answer: FIN or RST.
	End Ending
	// GoAway sends GOAWAY; HTTP/2 only, over HTTP/1.1 it is FIN.
	GoAway *GoAway
	// Reset sends RST_STREAM with ResetCode; over HTTP/1.1 it is RST.
	Reset     bool
	ResetCode uint32
	// Status answers with it and an empty body, 421 for example.
	Status int
}

// GoAway is an HTTP/2 GOAWAY frame (RFC 9113 §6.8). Streams above LastStream
// get no answer any more, those up to it do. The connection closes when none is
// left, or, with Close set, at once.
type GoAway struct {
	LastStream uint32
	Code       uint32 // the error code
	Debug      string // the additional debug data
	Close      bool
}

func (f Faults) validate() error {
	h := f.Handshake
	switch {
	case math.IsNaN(h.Share) || h.Share < 0 || h.Share > 1:
		return fmt.Errorf("mientest: Faults.Handshake.Share is %v, not within 0 and 1", h.Share)
	case h.First < 0 || h.Skip < 0:
		return fmt.Errorf("mientest: Faults.Handshake.First and Skip must not be negative (%d, %d)", h.First, h.Skip)
	case h.When != AfterHello && h.When != BeforeHello:
		return fmt.Errorf("mientest: Faults.Handshake.When: no moment %q", h.When)
	case f.Delay < 0:
		return fmt.Errorf("mientest: Faults.Delay is negative: %v", f.Delay)
	case f.Request.CloseAfter < 0:
		return fmt.Errorf("mientest: Faults.Request.CloseAfter is negative: %d", f.Request.CloseAfter)
	}
	switch h.How {
	case "", FIN, RST, Both, Stall:
	default:
		return fmt.Errorf("mientest: Faults.Handshake.How: no ending %q", h.How)
	}
	switch f.Request.CloseHow {
	case "", FIN, RST:
		return nil
	default:
		return fmt.Errorf("mientest: Faults.Request.CloseHow: %q is neither FIN nor RST", f.Request.CloseHow)
	}
}

// A killer counts handshakes and picks those that die.
type killer struct {
	faults HandshakeFaults

	mu     sync.Mutex
	seen   int // guarded by mu
	killed int // guarded by mu
}

// next counts one handshake and returns how it dies, "" if it lives.
func (k *killer) next() Ending {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen++
	n := k.seen - k.faults.Skip
	due := func(n int) int {
		if n <= k.faults.First {
			return max(n, 0)
		}
		return k.faults.First + int(math.Floor(float64(n-k.faults.First)*k.faults.Share+0.5))
	}
	if n <= 0 || due(n) == due(n-1) {
		return ""
	}
	k.killed++
	switch k.faults.How {
	case "", Both:
		if k.killed%2 == 1 {
			return FIN
		}
		return RST
	default:
		return k.faults.How
	}
}
