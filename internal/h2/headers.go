package h2

import (
	"errors"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	// maxBlockFrames and maxEmptyFrames bound the CONTINUATION frames of one
	// header block (CVE-2024-27316); nghttp2 stops at 8 empty ones as well.
	maxBlockFrames = 128
	maxEmptyFrames = 8
	// blockSlack is how much larger a block may be on the wire than decoded.
	blockSlack = 16 << 10
)

var errHeaderBytes = errors.New("field section exceeds the limit")

// section is a header block while it is read. Its owner is the reading
// goroutine.
type section struct {
	limit  int // of size
	fields []hpack.HeaderField
	size   int // as RFC 9113 §6.5.2 counts

	stream uint32
	ends   bool // END_STREAM
	frames int
	empty  int
	wire   int
}

// add takes a decoded field line, unless there are too many.
func (b *section) add(f hpack.HeaderField) {
	b.size += len(f.Name) + len(f.Value) + 32
	if b.size <= b.limit {
		b.fields = append(b.fields, f)
	}
}

func (b *section) begin(f *http2.HeadersFrame) {
	clear(b.fields)
	*b = section{limit: b.limit, fields: b.fields[:0], stream: f.StreamID, ends: f.StreamEnded()}
}

// onHeaders handles HEADERS (RFC 9113 §6.2).
func (c *Conn) onHeaders(f *http2.HeadersFrame) *Error {
	c.reader.section.begin(f)
	return c.onFragment(f.HeaderBlockFragment(), f.HeadersEnded())
}

// onContinuation handles CONTINUATION (RFC 9113 §6.10). The framer has seen to
// it that it belongs here.
func (c *Conn) onContinuation(f *http2.ContinuationFrame) *Error {
	return c.onFragment(f.HeaderBlockFragment(), f.HeadersEnded())
}

// onFragment decodes a piece of a header block. Whatever stream it is for, all
// of it must be decoded, for the sake of the table.
func (c *Conn) onFragment(p []byte, last bool) *Error {
	b := &c.reader.section
	b.frames++
	b.wire += len(p)
	if len(p) == 0 && !last {
		b.empty++
	}
	if b.frames > maxBlockFrames || b.empty > maxEmptyFrames || b.wire > b.limit+blockSlack {
		return localFault(http2.ErrCodeEnhanceYourCalm, "header block of %d frames and %d bytes", b.frames, b.wire)
	}
	_, err := c.reader.decoder.Write(p)
	if err == nil && last {
		err = c.reader.decoder.Close()
	}
	switch {
	case errors.Is(err, hpack.ErrStringLength):
		return &Error{Code: http2.ErrCodeEnhanceYourCalm, HasCode: true, Err: errHeaderBytes}
	case err != nil:
		return &Error{Code: http2.ErrCodeCompression, HasCode: true, Err: err}
	case !last:
		return nil
	}
	return c.onSection(b)
}

// onSection handles a decoded field section: an interim response, a response
// or its trailers.
func (c *Conn) onSection(b *section) *Error {
	c.mu.Lock()
	defer c.unlock()
	header := http2.FrameHeader{Type: http2.FrameHeaders, StreamID: b.stream, Length: uint32(b.wire)}
	s, e := c.find(b.stream)
	switch {
	case e != nil:
		return e
	case s == nil:
		return c.stray(header)
	case s.toReset:
		if b.ends {
			c.endRemote(s)
		}
		return c.flood.ignored(header)
	}
	if fault := c.takeSection(s, b); fault != nil {
		c.abort(s, fault)
	}
	return nil
}

// takeSection gives b to s and returns what is wrong with it, or nil. mu is
// held.
func (c *Conn) takeSection(s *stream, b *section) *Error {
	malformed := func(err error) *Error { return streamFault(http2.ErrCodeProtocol, err) }
	switch {
	case s.remoteDone:
		return streamFault(http2.ErrCodeStreamClosed, errDataLate)
	case b.size > b.limit:
		return streamFault(http2.ErrCodeEnhanceYourCalm, errHeaderBytes)
	case s.answered && !b.ends:
		return malformed(errTrailerOpen)
	case s.answered:
		trailer, err := c.reader.trailer(b.fields)
		if err != nil {
			return malformed(err)
		}
		s.trailer = trailer
		c.flood.progress()
		c.endRemote(s)
		return nil
	}
	status, fields, err := splitStatus(b.fields)
	if err != nil {
		return malformed(err)
	}
	if status < 200 {
		err = c.takeInterim(s, status, fields, b)
	} else {
		err = c.takeResponse(s, status, fields, b.ends)
	}
	if err == errInterimFlood {
		return streamFault(http2.ErrCodeEnhanceYourCalm, err) // a limit of ours: it is not to be asked for again
	}
	if err != nil {
		return malformed(err)
	}
	return nil
}
