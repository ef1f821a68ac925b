package h2

import (
	"time"

	"github.com/mien-http/mien/fingerprint"
)

const settingInitialWindow, settingTableSize, settingFrameSize = 4, 1, 5

// windows is the flow control that a profile announces, in bytes.
type windows struct {
	stream, conn             int64 // what the peer may send before any credit
	streamCredit, connCredit int64 // consumed bytes after which credit is given
	// small is the time since the last credit after which fewer do; 0: never.
	small time.Duration
}

func newWindows(p *fingerprint.HTTP2) windows {
	w := windows{
		stream:       int64(p.Setting(settingInitialWindow, initialWindow)) + int64(p.StreamWindowUpdate),
		conn:         initialWindow + int64(p.WindowUpdate),
		streamCredit: int64(p.StreamCredit),
		connCredit:   int64(p.ConnCredit),
		small:        time.Duration(p.SmallCreditAfter) * time.Millisecond,
	}
	// Credit that comes only after the whole window would never come.
	if w.streamCredit <= 0 || w.streamCredit > w.stream {
		w.streamCredit = max(1, w.stream/2)
	}
	if w.connCredit <= 0 || w.connCredit > w.conn {
		w.connCredit = max(1, w.conn/2)
	}
	return w
}

// recvWindow is the receiving side of flow control, of the connection or of a
// stream. Its owner is the connection's mutex.
type recvWindow struct {
	n    int64     // bytes the peer may still send
	owed int64     // consumed bytes that were not credited yet
	last time.Time // when credit was given, or the window opened; zero if small credit is not
}

// opened starts the time after which small credit is given.
func (w *windows) opened(n int64) recvWindow {
	r := recvWindow{n: n}
	if w.small > 0 {
		r.last = time.Now()
	}
	return r
}

// due counts n more bytes as consumed and returns the credit to give for all,
// or 0 while there are fewer than enough.
func (r *recvWindow) due(n, enough int64, small time.Duration) uint32 {
	r.owed += n
	if r.owed == 0 {
		return 0
	}
	if small > 0 {
		now := time.Now()
		if r.owed < enough && now.Sub(r.last) < small {
			return 0
		}
		r.last = now
	} else if r.owed < enough {
		return 0
	}
	credit := r.owed
	r.n += credit
	r.owed = 0
	return uint32(credit)
}

// creditConn counts n received bytes of any stream as consumed. mu is held.
func (c *Conn) creditConn(n int64) {
	if c.err != nil {
		c.recv.owed += n
		return
	}
	if credit := c.recv.due(n, c.windows.connCredit, c.windows.small); credit > 0 {
		c.out.queue = appendWindowUpdate(c.out.queue, 0, credit)
		c.queued()
	}
}

// credit counts n bytes of s as consumed, on its own window and the
// connection's. mu is held.
func (c *Conn) credit(s *stream, n int64) {
	if !s.remoteDone && s.err == nil {
		if credit := s.recv.due(n, c.windows.streamCredit, c.windows.small); credit > 0 {
			c.out.queue = appendWindowUpdate(c.out.queue, s.id, credit)
			c.queued()
		}
	}
	c.creditConn(n)
}

// sendWindow is the sending side of the connection's flow control, with the
// uploads that wait for it in order. Its owner is the connection's mutex.
type sendWindow struct {
	n       int64     // bytes that may still be sent
	senders []*upload // waiting for n or for room in the queue; FIFO
}

// sendable returns how many bytes of content may be queued now, on any stream.
func (c *Conn) sendable() int64 {
	return min(c.send.n, int64(uploadRoom-len(c.out.queue)))
}

// nextSender wakes the upload that waits longest if it can go on. mu is held.
func (c *Conn) nextSender() {
	if len(c.send.senders) > 0 && c.sendable() > 0 {
		c.send.senders[0].signal()
	}
}

// queueSender lets u wait for its turn, if it does not already.
func (w *sendWindow) queueSender(u *upload) {
	if !u.queued {
		u.queued = true
		w.senders = append(w.senders, u)
	}
}

// removeSender takes u out of the queue.
func (w *sendWindow) removeSender(u *upload) {
	if !u.queued {
		return
	}
	u.queued = false
	for i := range w.senders {
		if w.senders[i] == u {
			w.senders = append(w.senders[:i], w.senders[i+1:]...)
			return
		}
	}
}

// myTurn reports whether u need not wait for others.
func (w *sendWindow) myTurn(u *upload) bool {
	return len(w.senders) == 0 || w.senders[0] == u
}
