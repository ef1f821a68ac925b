package h2

import (
	"errors"

	"golang.org/x/net/http2"
)

var (
	errDataFirst   = errors.New("content before the header section")
	errDataLate    = errors.New("frame after the end of the stream")
	errDataNone    = errors.New("content in a response that has none")
	errStreamFlow  = errors.New("more content than the stream's window allows")
	errWindowLarge = errors.New("window beyond 2^31-1 bytes")
)

// onData handles DATA (RFC 9113 §6.1).
func (c *Conn) onData(f *http2.DataFrame) *Error {
	size, data := int64(f.Length), f.Data()
	c.mu.Lock()
	defer c.unlock()
	if size > c.recv.n {
		return localFault(http2.ErrCodeFlowControl, "%d bytes of content where the window allows %d", size, c.recv.n)
	}
	c.recv.n -= size
	s, e := c.find(f.StreamID)
	if e != nil {
		return e
	}
	if s == nil || s.toReset {
		c.creditConn(size)
		if s == nil {
			return c.stray(f.FrameHeader)
		}
		if f.StreamEnded() {
			c.endRemote(s)
		}
		return c.flood.ignored(f.FrameHeader)
	}
	if fault := c.checkData(s, f); fault != nil {
		c.creditConn(size)
		c.abort(s, fault)
		return nil
	}
	s.recv.n -= size
	s.received += int64(len(data))
	if padding := size - int64(len(data)); padding > 0 {
		c.credit(s, padding)
	}
	if len(data) > 0 {
		c.flood.progress()
		s.content.add(data)
	} else if !f.StreamEnded() {
		if e := c.flood.count(f.FrameHeader); e != nil {
			return e
		}
	}
	if f.StreamEnded() {
		c.endRemote(s)
	} else if len(data) > 0 {
		s.signal()
	}
	return nil
}

// checkData returns what is wrong with content for s, or nil.
func (c *Conn) checkData(s *stream, f *http2.DataFrame) *Error {
	n := int64(len(f.Data()))
	switch {
	case s.remoteDone:
		return streamFault(http2.ErrCodeStreamClosed, errDataLate)
	case int64(f.Length) > s.recv.n:
		return streamFault(http2.ErrCodeFlowControl, errStreamFlow)
	case !s.answered:
		return streamFault(http2.ErrCodeProtocol, errDataFirst)
	case s.bodyless && n > 0:
		return streamFault(http2.ErrCodeProtocol, errDataNone)
	case s.declared >= 0 && !s.bodyless && s.received+n > s.declared:
		return streamFault(http2.ErrCodeProtocol, &lengthError{s.declared, s.received + n, nil})
	}
	return nil
}

// onWindowUpdate handles WINDOW_UPDATE (RFC 9113 §6.9). The framer has refused
// increments of 0.
func (c *Conn) onWindowUpdate(f *http2.WindowUpdateFrame) *Error {
	c.mu.Lock()
	defer c.unlock()
	if e := c.flood.window(f.FrameHeader); e != nil {
		return e
	}
	if f.StreamID == 0 {
		if c.send.n += int64(f.Increment); c.send.n > maxWindow {
			return &Error{Code: http2.ErrCodeFlowControl, HasCode: true, Err: errWindowLarge}
		}
		c.nextSender()
		return nil
	}
	s, e := c.find(f.StreamID)
	if e != nil || s == nil {
		return e
	}
	if s.send += int64(f.Increment); s.send > maxWindow {
		c.abort(s, streamFault(http2.ErrCodeFlowControl, errWindowLarge))
		return nil
	}
	if s.upload != nil {
		s.upload.signal()
	}
	return nil
}

// onReset handles RST_STREAM (RFC 9113 §6.4).
func (c *Conn) onReset(f *http2.RSTStreamFrame) *Error {
	c.mu.Lock()
	defer c.unlock()
	s, e := c.find(f.StreamID)
	if e != nil {
		return e
	}
	if s == nil {
		return c.flood.count(f.FrameHeader)
	}
	c.endedByPeer(s, f.ErrCode)
	return nil
}

// onGoAway handles GOAWAY (RFC 9113 §6.8). A peer may send several, with ever
// lower ids: streams above the lowest are left out.
func (c *Conn) onGoAway(f *http2.GoAwayFrame) *Error {
	c.mu.Lock()
	defer c.unlock()
	if c.goAway != nil {
		if e := c.flood.count(f.FrameHeader); e != nil {
			return e
		}
	}
	c.goAway = &Error{Code: f.ErrCode, HasCode: true, Remote: true, GoAway: true}
	if debug := f.DebugData(); len(debug) > 0 {
		c.goAway.Err = debugError(debug)
	}
	c.lastID = min(c.lastID, f.LastStreamID)
	c.closing, c.changed = true, true
	c.slots.refuse()
	for id, s := range c.streams {
		if id > c.lastID {
			left := *c.goAway
			left.NotProcessed = true
			c.resets.remember(ending{id: id, theirs: true})
			c.lose(s, &left)
		}
	}
	if len(c.streams) == 0 {
		c.fail(c.goAway)
	}
	return nil
}

// debugError is the debug data of a GOAWAY, which is the peer's text.
func debugError(data []byte) error {
	const enough = 256
	return &peerText{string(data[:min(len(data), enough)])}
}

type peerText struct{ text string }

func (e *peerText) Error() string { return "the peer says " + quote(e.text) }
