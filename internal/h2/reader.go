package h2

import (
	"bufio"
	"errors"
	"io"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	// readBuffer holds frame headers and small frames; the payload of a large
	// one is read past it. The TLS layer below keeps a record that is not read,
	// so that a small buffer costs no system calls, and each idle connection has
	// one.
	readBuffer = 1 << 10
	// lingerBytes is how much of a failed connection is still read, so that
	// the peer gets to see the GOAWAY.
	lingerBytes = 1 << 20
)

// reader is the state of the reading goroutine, its only owner.
type reader struct {
	framer  *http2.Framer
	decoder *hpack.Decoder
	names   nameCache
	section section // the header block being read
	greeted bool    // the peer's first SETTINGS have come
}

func (r *reader) init(c *Conn) {
	p := c.cfg.Profile
	r.framer = http2.NewFramer(nil, bufio.NewReaderSize(c.nc, readBuffer))
	r.framer.SetReuseFrames()
	r.framer.SetMaxReadFrameSize(p.Setting(settingFrameSize, initialFrameSize))
	r.section.limit = c.cfg.MaxHeaderBytes
	r.decoder = hpack.NewDecoder(defaultTableSize, r.section.add)
	r.decoder.SetAllowedMaxDynamicTableSize(p.Setting(settingTableSize, defaultTableSize))
	r.decoder.SetMaxStringLength(c.cfg.MaxHeaderBytes)
}

// readLoop is the reading goroutine.
func (c *Conn) readLoop() {
	defer c.exited()
	e := c.readFrames()
	c.mu.Lock()
	c.fail(e)
	linger := c.out.linger
	c.unlock()
	if linger {
		_, _ = io.CopyN(io.Discard, c.nc, lingerBytes)
	} else {
		c.nc.Close()
	}
}

// readFrames dispatches frames until the connection fails.
func (c *Conn) readFrames() *Error {
	for {
		header, err := c.reader.framer.ReadFrameHeader()
		var frame http2.Frame
		if err == nil {
			frame, err = c.reader.framer.ReadFrameForHeader(header)
		}
		if err != nil {
			if e := c.readFault(header, err); e != nil {
				return e
			}
			continue
		}
		if !c.reader.greeted && header.Type != http2.FrameSettings {
			return localFault(http2.ErrCodeProtocol, "first frame is %v, not SETTINGS", header.Type)
		}
		if e := c.dispatch(frame); e != nil {
			return e
		}
	}
}

// readFault turns what the framer found into an error of the connection, or
// of one stream, for which it returns nil.
func (c *Conn) readFault(header http2.FrameHeader, err error) *Error {
	var ofStream http2.StreamError
	var ofConn http2.ConnectionError
	switch {
	case errors.Is(err, http2.ErrFrameTooLarge):
		return localFault(http2.ErrCodeFrameSize, "%v frame of %d bytes", header.Type, header.Length)
	case errors.As(err, &ofStream):
		if header.Type == http2.FrameHeaders {
			// Its block was not decoded, so no later one can be.
			return localFault(ofStream.Code, "malformed HEADERS frame")
		}
		return c.streamError(header.StreamID, ofStream)
	case errors.As(err, &ofConn):
		e := localFault(http2.ErrCode(ofConn), "malformed %v frame", header.Type)
		if detail := c.reader.framer.ErrorDetail(); detail != nil {
			e.Err = detail
		}
		return e
	}
	return &Error{Remote: true, Err: err}
}

// streamError handles a frame that is an error of its stream alone.
func (c *Conn) streamError(id uint32, err http2.StreamError) *Error {
	c.mu.Lock()
	defer c.unlock()
	s, e := c.find(id)
	if e != nil || s == nil {
		return e
	}
	c.abort(s, streamFault(err.Code, err))
	return nil
}

// dispatch handles one frame.
func (c *Conn) dispatch(frame http2.Frame) *Error {
	c.ping.seen(c)
	switch f := frame.(type) {
	case *http2.DataFrame:
		return c.onData(f)
	case *http2.HeadersFrame:
		return c.onHeaders(f)
	case *http2.ContinuationFrame:
		return c.onContinuation(f)
	case *http2.WindowUpdateFrame:
		return c.onWindowUpdate(f)
	case *http2.SettingsFrame:
		return c.onSettings(f)
	case *http2.PingFrame:
		return c.onPing(f)
	case *http2.RSTStreamFrame:
		return c.onReset(f)
	case *http2.GoAwayFrame:
		return c.onGoAway(f)
	case *http2.PushPromiseFrame:
		return localFault(http2.ErrCodeProtocol, "PUSH_PROMISE although push is off")
	}
	// PRIORITY and unknown types mean nothing here (RFC 9113 §5.5).
	return c.idleFrame(frame.Header())
}

// idleFrame counts a frame that brings nothing forward.
func (c *Conn) idleFrame(h http2.FrameHeader) *Error {
	c.mu.Lock()
	defer c.unlock()
	return c.flood.count(h)
}

// find returns the open stream with this id, nil if it has ended, or an error
// if it never was. mu is held.
func (c *Conn) find(id uint32) (*stream, *Error) {
	if s := c.streams[id]; s != nil {
		return s, nil
	}
	if id%2 == 0 || id >= c.nextID || id < max(c.cfg.Profile.FirstStreamID, 1) {
		return nil, localFault(http2.ErrCodeProtocol, "frame on stream %d, which was never opened", id)
	}
	return nil, nil
}

// stray handles DATA or HEADERS on a stream that has ended (RFC 9113 §5.1):
// still under way if this side gave it up, an error of the stream if the peer
// did, and of the connection if the peer had ended it with END_STREAM, for
// then its framing cannot be trusted. mu is held.
func (c *Conn) stray(h http2.FrameHeader) *Error {
	switch known := c.resets.known(h.StreamID); {
	case known == nil:
		return localFault(http2.ErrCodeStreamClosed, "%v on stream %d, which the peer had ended", h.Type, h.StreamID)
	case known.theirs:
		known.theirs = false // once is enough
		c.out.queue = appendReset(c.out.queue, h.StreamID, http2.ErrCodeStreamClosed)
		c.queued()
	}
	return c.flood.ignored(h)
}
