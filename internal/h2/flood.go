package h2

import (
	"strconv"
	"time"

	"golang.org/x/net/http2"
)

const (
	// maxIdle is how much of what brings nothing forward may come in a row,
	// counting every frame as one and its payload as one per 256 bytes.
	maxIdle = 10_000
	// idleTime is how long that must take to be no flood: a peer may send ten
	// PINGs a second over a connection on which nothing else happens.
	idleTime = 1000 * time.Second
	// maxIgnored is how many bytes may come in a row for streams that have
	// ended. It is more than any browser's connection window, which is what a
	// peer may rightly have under way.
	maxIgnored = 16<<20 - 1
	// windowsPerSend is how many WINDOW_UPDATE frames an outgoing DATA frame
	// may call for.
	windowsPerSend = 4
)

// flood counts what a peer sends without serving any request. Anything that
// does resets the count. Its owner is the connection's mutex.
type flood struct {
	idle    int
	since   time.Time // of the first that idle counts
	bytes   int64
	updates int // WINDOW_UPDATE frames that uploads have called for
}

// progress notes that a request was served.
func (f *flood) progress() { f.idle, f.bytes = 0, 0 }

// sent notes that content was sent, for which the peer owes window updates.
func (f *flood) sent() { f.updates = min(f.updates+windowsPerSend, maxIdle) }

// count adds a frame that serves nothing.
func (f *flood) count(h http2.FrameHeader) *Error {
	if f.idle == 0 {
		f.since = time.Now()
	}
	if f.idle += 1 + int(h.Length>>8); f.idle <= maxIdle {
		return nil
	}
	if time.Since(f.since) < idleTime {
		return localFault(http2.ErrCodeEnhanceYourCalm, "flood of frames that serve no request, the last %v", h.Type)
	}
	f.idle = 0
	return nil
}

// window adds a WINDOW_UPDATE frame.
func (f *flood) window(h http2.FrameHeader) *Error {
	if f.updates > 0 {
		f.updates--
		return nil
	}
	return f.count(h)
}

// ignored adds a frame of a stream that has ended.
func (f *flood) ignored(h http2.FrameHeader) *Error {
	if f.bytes += int64(h.Length); f.bytes > maxIgnored {
		return localFault(http2.ErrCodeEnhanceYourCalm, "%d bytes for streams that have ended", f.bytes)
	}
	if h.Length >= 256 {
		return nil
	}
	return f.count(h)
}

// quote makes a peer's text safe to print, and short.
func quote(s string) string {
	const enough = 100
	if len(s) > enough {
		return strconv.QuoteToASCII(s[:enough]) + "..."
	}
	return strconv.QuoteToASCII(s)
}
