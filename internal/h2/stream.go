package h2

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"

	"golang.org/x/net/http2"
)

// A stream is one request and its response.
type stream struct {
	// Written before the stream opens, and read by anybody after.
	c        *Conn
	ctx      context.Context
	req      *http.Request
	upload   *upload // nil: the request has no content
	id       uint32
	weight   uint16 // of the HEADERS frame; 0: no priority fields
	wantInfo bool   // somebody traces interim responses

	// Capacity 1. Set when the stream opens; nil again once its only receiver,
	// RoundTrip and then the body's reader, will wait no more.
	wake chan struct{}

	// Guarded by the connection's mutex.

	// Those of one byte stand together: a stream is made for each request, and
	// its size is most of what a request allocates.
	localDone  bool // END_STREAM queued
	remoteDone bool // END_STREAM received
	gone       bool // ended: no longer among the connection's streams
	silenced   bool // nobody reads the response any more
	toReset    bool // RST_STREAM is due and waits in resets
	answered   bool // response is complete and may be taken
	bodyless   bool // the response has no content, whatever its header says
	resetCode  http2.ErrCode
	infoCount  int32       // interim responses, at most maxInterim and one
	infoBytes  int32       // of them, up to the largest int32
	closed     atomic.Bool // the body was closed; needs no mutex
	err        *Error      // why it failed, if it did

	older, younger *stream // see dependencies
	headAt         int64   // where in the connection's output its HEADERS start

	send int64 // flow control: what may be sent
	recv recvWindow

	infos []interim

	declared int64 // content-length, or -1
	received int64 // bytes of content
	content  recvBuffer
	trailer  http.Header

	// Owned by the reading goroutine until answered, then by RoundTrip's
	// caller.
	response http.Response

	// Owned by the body's reader.
	chunk *chunk

	stopWatch func() bool // ends the watch on ctx; set by RoundTrip before it returns
}

// signal wakes whoever waits for the stream. mu is held.
func (s *stream) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// maxWakes is how many channels a connection keeps for later streams.
const maxWakes = 256

// awake gives s a channel to wait on. mu is held.
func (s *stream) awake() {
	if n := len(s.c.wakes); n > 0 {
		s.wake = s.c.wakes[n-1]
		s.c.wakes = s.c.wakes[:n-1]
		return
	}
	s.wake = make(chan struct{}, 1)
}

// rest takes the channel of s back: the receiver, who calls this, has seen the
// end of the response. mu is held.
func (s *stream) rest() {
	if s.wake == nil {
		return
	}
	select {
	case <-s.wake:
	default:
	}
	if len(s.c.wakes) < maxWakes {
		s.c.wakes = append(s.c.wakes, s.wake)
	}
	s.wake = nil
}

// facts returns e with what is known of this stream added to it. While the
// connection lives, what is queued will be sent; when it ends, what is queued
// is dropped. mu is held.
func (s *stream) facts(e *Error) *Error {
	known := *e
	known.Sent = s.id != 0 && (s.c.err == nil || s.headAt < s.c.out.taken)
	return &known
}

// detach takes s, which is over on both sides, out of the connection. mu is
// held.
func (c *Conn) detach(s *stream) {
	if s.gone {
		return
	}
	s.gone = true
	delete(c.streams, s.id)
	c.order.remove(s)
	c.resets.remove(s)
	c.slots.open--
	c.slots.grant()
	c.changed = true
	if c.closing && len(c.streams) == 0 {
		e := c.goAway
		if e == nil {
			e = &Error{Err: errGoingAway}
		}
		c.fail(e)
	}
}

// lose ends s because of what happened to it or to its connection: nothing is
// sent. A response that is complete wins. mu is held.
func (c *Conn) lose(s *stream, e *Error) {
	if !s.remoteDone && s.err == nil {
		s.err = s.facts(e)
		if s.answered {
			s.err.NotProcessed = false
		}
	}
	c.stopUpload(s)
	c.detach(s)
	s.signal()
}

// abort ends s from this side with RST_STREAM. mu is held.
func (c *Conn) abort(s *stream, e *Error) {
	if s.gone || s.toReset {
		return
	}
	if s.err == nil && !s.remoteDone {
		s.err = s.facts(e)
	}
	code := e.Code
	if !e.HasCode {
		code = http2.ErrCodeCancel
	}
	c.stopUpload(s)
	c.reset(s, code)
	s.signal()
}

// cancel ends s for a caller that wants no more of it, and drops what came of
// the response. mu is held.
func (c *Conn) cancel(s *stream, e *Error) {
	if s.err == nil {
		s.err = s.facts(e)
	}
	c.silence(s)
	c.stopUpload(s)
	switch {
	case s.gone:
	case !s.remoteDone:
		c.reset(s, http2.ErrCodeCancel)
	case !s.localDone:
		c.reset(s, http2.ErrCodeNo)
	}
	s.signal()
}

// silence drops what was received and not read. mu is held.
func (c *Conn) silence(s *stream) {
	s.silenced = true
	if n := s.content.drop(); n > 0 {
		c.creditConn(int64(n))
	}
}

// consumed is called when the caller has all of the response: an upload that
// is still running serves nobody. mu is held.
func (c *Conn) consumed(s *stream) {
	if s.gone {
		return
	}
	c.stopUpload(s)
	switch {
	case s.remoteDone && s.localDone:
	case s.remoteDone:
		c.reset(s, http2.ErrCodeNo)
	case s.bodyless:
		// The peer ends the stream with an empty frame, most likely now.
		c.resetLater(s, http2.ErrCodeCancel)
	default:
		c.silence(s)
		c.reset(s, http2.ErrCodeCancel)
	}
}

// endLocal notes that END_STREAM was queued. mu is held.
func (c *Conn) endLocal(s *stream) {
	s.localDone = true
	if s.remoteDone {
		c.detach(s)
	}
}

// endRemote notes that END_STREAM was received. mu is held.
func (c *Conn) endRemote(s *stream) {
	if !s.bodyless && s.declared >= 0 && s.received != s.declared && s.err == nil {
		c.abort(s, streamFault(http2.ErrCodeProtocol, &lengthError{s.declared, s.received, io.ErrUnexpectedEOF}))
		return
	}
	s.remoteDone = true
	if s.localDone || s.toReset {
		c.detach(s)
	}
	s.signal()
}

// endedByPeer handles a RST_STREAM. One without an error where all of the
// declared content is there ends the response, as END_STREAM would have: Node
// sends that for a request that was not read. Without a declared length nobody
// can tell it from a response cut short. mu is held.
func (c *Conn) endedByPeer(s *stream, code http2.ErrCode) {
	c.resets.remember(ending{id: s.id, theirs: true})
	if code == http2.ErrCodeNo && s.answered && !s.toReset && s.declared >= 0 && s.received == s.declared {
		s.remoteDone = true
	}
	c.lose(s, &Error{
		Code: code, HasCode: true, Remote: true, Stream: true,
		NotProcessed: code == http2.ErrCodeRefusedStream || code == http2.ErrCodeHTTP11Required,
	})
}
