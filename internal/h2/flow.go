package h2

import "github.com/mien-http/mien/fingerprint"

const settingInitialWindow, settingTableSize, settingFrameSize = 4, 1, 5

// windows is the flow control that a profile announces, in bytes.
type windows struct {
	stream, conn             int64 // what the peer may send before any credit
	streamCredit, connCredit int64 // consumed bytes after which credit is given
}

func newWindows(p *fingerprint.HTTP2) windows {
	w := windows{
		stream:       int64(p.Setting(settingInitialWindow, initialWindow)) + int64(p.StreamWindowUpdate),
		conn:         initialWindow + int64(p.WindowUpdate),
		streamCredit: int64(p.StreamCredit),
		connCredit:   int64(p.ConnCredit),
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

// recvWindow is the receiving side of the connection's flow control. Its owner
// is the connection's mutex.
type recvWindow struct {
	n    int64 // bytes the peer may still send
	owed int64 // consumed bytes that were not credited yet
}

// creditConn counts n received bytes of any stream as consumed. mu is held.
func (c *Conn) creditConn(n int64) {
	c.recv.owed += n
	if c.recv.owed < c.windows.connCredit || c.err != nil {
		return
	}
	c.recv.n += c.recv.owed
	c.out.queue = appendWindowUpdate(c.out.queue, 0, uint32(c.recv.owed))
	c.recv.owed = 0
	c.queued()
}

// credit counts n bytes of s as consumed, on its own window and the
// connection's. mu is held.
func (c *Conn) credit(s *stream, n int64) {
	if !s.remoteDone && s.err == nil {
		s.owed += n
		if s.owed >= c.windows.streamCredit {
			s.recv += s.owed
			c.out.queue = appendWindowUpdate(c.out.queue, s.id, uint32(s.owed))
			s.owed = 0
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
