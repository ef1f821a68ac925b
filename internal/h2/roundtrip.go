package h2

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"

	"github.com/mien-http/mien/fingerprint"
)

// RoundTrip sends one request and returns when its response's header section
// is there. Of req it takes the method, URL, Host, Body, ContentLength,
// Trailer and context, of a CONNECT the ":protocol" in its Header too (RFC 8441),
// without which it is refused; the fields that are sent are head's alone, with those
// that HTTP/2 forbids left out. Names must be lower case and everything valid:
// that is checked where requests come in.
//
// It uses a slot taken by Reserve if there is one and else waits for a free
// stream. The body of req is closed in any case but that of ErrPlaceLost,
// perhaps after RoundTrip returned. Errors are *[Error]; the response's body
// returns them too.
func (c *Conn) RoundTrip(req *http.Request, head *fingerprint.Head) (*http.Response, error) {
	ctx := req.Context()
	s := &stream{
		c:        c,
		ctx:      ctx,
		req:      req,
		weight:   head.Priority.Weight,
		declared: -1,
	}
	trace := httptrace.ContextClientTrace(ctx)
	s.wantInfo = trace != nil && (trace.Got1xxResponse != nil || trace.Got100Continue != nil)
	if hasContent(req) {
		s.upload = newUpload(s, head, trace)
	}
	if err := c.start(s, head); err != nil {
		if errors.Is(err, ErrPlaceLost) {
			return nil, err
		}
		if s.upload != nil {
			s.upload.closeBody()
		}
		wroteRequest(trace, err)
		return nil, err
	}
	c.wroteFields(trace, req, head)
	if s.upload != nil {
		go s.upload.run()
	} else {
		wroteRequest(trace, nil)
	}
	return s.await(trace)
}

// start gives s a slot and an id and queues its header section.
func (c *Conn) start(s *stream, head *fingerprint.Head) error {
	if s.ctx.Err() != nil {
		c.Release()
		return contextFault(s.ctx)
	}
	target, err := requestTarget(s.req)
	if err == nil && s.req.ContentLength > 0 && (s.upload == nil || s.upload.body == nil) {
		err = errNoContent
	}
	if err != nil {
		c.Release()
		return &Error{Stream: true, Err: err}
	}
	if e := c.acquire(s.ctx); e != nil {
		return e
	}
	c.open(s)
	c.queueRequest(s, head, target)
	c.queued()
	c.unlock()
	return nil
}

// await returns the response once it is answered.
func (s *stream) await(trace *httptrace.ClientTrace) (*http.Response, error) {
	first := true
	for {
		select {
		case <-s.wake:
		case <-s.ctx.Done():
			s.watchEnded()
			return nil, s.failure()
		}
		answered, infos, err := s.progress()
		if first && (answered || len(infos) > 0) {
			first = false
			if trace != nil && trace.GotFirstResponseByte != nil {
				trace.GotFirstResponseByte()
			}
		}
		for _, info := range infos {
			if e := info.report(trace); e != nil {
				s.c.mu.Lock()
				s.c.cancel(s, &Error{Stream: true, Err: e})
				s.c.unlock()
				return nil, s.failure()
			}
		}
		switch {
		case answered:
			return s.deliver(), nil
		case err != nil:
			return nil, err
		}
	}
}

// progress takes what the reading goroutine left for RoundTrip.
func (s *stream) progress() (answered bool, infos []interim, err error) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	infos, s.infos = s.infos, nil
	if s.answered && !s.silenced {
		return true, infos, nil
	}
	if s.err != nil {
		return false, infos, s.err
	}
	return false, infos, nil
}

// failure returns why the stream failed.
func (s *stream) failure() error {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	return s.err
}

// deliver hands the response to the caller and leaves somebody watching the
// context of a response that is still coming.
func (s *stream) deliver() *http.Response {
	c := s.c
	resp := &s.response
	c.mu.Lock()
	if s.bodyless || (s.remoteDone && s.content.empty() && s.err == nil) {
		s.setTrailer()
		c.consumed(s)
		s.rest()
		c.unlock()
		resp.Body = http.NoBody
		return resp
	}
	over := s.remoteDone && s.localDone || s.err != nil
	c.unlock()
	resp.Body = (*body)(s)
	if !over && s.ctx.Done() != nil {
		s.stopWatch = context.AfterFunc(s.ctx, s.watchEnded)
	}
	return resp
}

// wroteRequest tells a trace that the request is on its way, or why not.
func wroteRequest(trace *httptrace.ClientTrace, err error) {
	if trace != nil && trace.WroteRequest != nil {
		trace.WroteRequest(httptrace.WroteRequestInfo{Err: err})
	}
}

var (
	errNoHost    = errors.New("request has no host")
	errConnect   = errors.New("method CONNECT has no place on a connection to an origin")
	errNoContent = errors.New("request declares a content length and has no body")
)
