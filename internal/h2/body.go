package h2

import (
	"fmt"
	"io"
	"net/http"
)

// body is a stream's response body. Read and Close may be called concurrently,
// but not Read with itself.
type body stream

// Read returns content as it arrives. Its errors are io.EOF at the end of a
// complete response, http.ErrBodyReadAfterClose, or an *[Error]; a connection
// or stream that ends early is never reported as io.EOF.
func (b *body) Read(p []byte) (int, error) {
	s := (*stream)(b)
	if len(p) == 0 {
		return 0, nil
	}
	if s.ctx.Err() != nil {
		s.watchEnded()
	} else if s.chunk != nil && !s.closed.Load() {
		return s.readChunk(p), nil
	}
	for {
		n, ready, err := s.readNext(p)
		if ready {
			return n, err
		}
		select {
		case <-s.wake:
		case <-s.ctx.Done():
			s.watchEnded()
		}
	}
}

// Ready reports whether a Read would not have to wait. Only the reader may call
// it.
func (b *body) Ready() bool {
	s := (*stream)(b)
	if s.chunk != nil {
		return true
	}
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	return s.silenced || !s.content.empty() || s.err != nil || s.remoteDone
}

// readChunk reads from the chunk that the reader owns.
func (s *stream) readChunk(p []byte) int {
	k := s.chunk
	n := copy(p, k.data[k.start:k.end])
	if k.start += n; k.start == k.end {
		s.chunk = nil
		k.free()
	}
	return n
}

// readNext reads what the connection has, if it has anything.
func (s *stream) readNext(p []byte) (n int, ready bool, err error) {
	c := s.c
	c.mu.Lock()
	defer c.unlock()
	switch {
	case s.silenced:
		if s.err == nil {
			return 0, true, http.ErrBodyReadAfterClose
		}
		return 0, true, bodyError(s.err)
	case !s.content.empty():
		s.chunk = s.content.take()
		c.credit(s, int64(s.chunk.end-s.chunk.start))
		return s.readChunk(p), true, nil
	case s.err != nil:
		return 0, true, bodyError(s.err)
	case s.remoteDone:
		s.setTrailer()
		c.consumed(s)
		s.unwatch()
		s.rest()
		return 0, true, io.EOF
	}
	return 0, false, nil
}

// Close gives up what was not read. A stream that has not ended is reset.
func (b *body) Close() error {
	s := (*stream)(b)
	c := s.c
	s.closed.Store(true)
	c.mu.Lock()
	c.silence(s)
	s.signal()
	c.consumed(s)
	c.unlock()
	s.unwatch()
	return nil
}

// watchEnded cancels the stream because its context ended.
func (s *stream) watchEnded() {
	s.c.mu.Lock()
	if s.err == nil || !s.silenced {
		s.c.cancel(s, contextFault(s.ctx))
	}
	s.c.unlock()
}

func (s *stream) unwatch() {
	if s.stopWatch != nil {
		s.stopWatch()
	}
}

// setTrailer makes the trailers visible in the response, whose reader has just
// come to its end.
func (s *stream) setTrailer() {
	if s.trailer == nil {
		return
	}
	if s.response.Trailer == nil {
		s.response.Trailer = make(http.Header, len(s.trailer))
	}
	for k, v := range s.trailer {
		s.response.Trailer[k] = v
	}
	s.trailer = nil
}

// bodyError makes an end of the connection that a Read must not take for the
// end of the content.
func bodyError(e *Error) error {
	if e.Err == io.EOF {
		cut := *e
		cut.Err = io.ErrUnexpectedEOF
		return &cut
	}
	return e
}

// lengthError is a response whose content does not have its declared length.
type lengthError struct {
	declared, received int64
	cause              error
}

func (e *lengthError) Error() string {
	return fmt.Sprintf("response declares %d bytes of content and has %d", e.declared, e.received)
}

func (e *lengthError) Unwrap() error { return e.cause }
