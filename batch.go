package mien

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"sync"
)

// All sends the requests of reqs as [Session.Do] does, at most
// Config.Limits.InFlight at once, and yields each response or error in the
// order in which they complete. The caller closes each body; a body that is
// not read to its end keeps its place. Every error is an *[Error] whose Request
// is the one from reqs. reqs is pulled by one goroutine, which is not the caller's.
//
// Leaving the loop, or the end of ctx, cancels what is running and closes the
// bodies that were not delivered; All returns when all its goroutines have ended.
func (s *Session) All(ctx context.Context, reqs iter.Seq[*http.Request]) iter.Seq2[*http.Response, error] {
	return func(yield func(*http.Response, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		b := &batch{s: s, ctx: ctx, results: make(chan result)}
		b.wg.Go(func() { b.feed(reqs) })
		go func() {
			b.wg.Wait()
			close(b.results)
		}()
		defer func() {
			cancel()
			for r := range b.results {
				r.discard()
			}
		}()
		for r := range b.results {
			if !yield(r.resp, r.err) {
				return
			}
		}
	}
}

// batch is one run of All.
type batch struct {
	s       *Session
	ctx     context.Context
	wg      sync.WaitGroup
	results chan result
}

type result struct {
	resp *http.Response
	err  error
}

func (r result) discard() {
	if r.resp != nil && r.resp.Body != nil {
		_ = r.resp.Body.Close()
	}
}

// feed pulls requests while places are free.
func (b *batch) feed(reqs iter.Seq[*http.Request]) {
	var places chan struct{}
	if n := b.s.cfg.Limits.InFlight; n > 0 {
		places = make(chan struct{}, n)
	}
	for req := range reqs {
		if places != nil {
			select {
			case places <- struct{}{}:
			case <-b.ctx.Done():
				return
			}
		}
		if b.ctx.Err() != nil {
			return
		}
		b.wg.Go(func() {
			b.send(req)
			if places != nil {
				<-places
			}
		})
	}
}

// send makes one request, under its own context and the batch's, and delivers
// the outcome. Once delivered, only the request's own context bounds the body.
func (b *batch) send(req *http.Request) {
	if req == nil {
		_, err := b.s.Do(nil)
		select {
		case b.results <- result{nil, err}:
		case <-b.ctx.Done():
		}
		return
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	stop := context.AfterFunc(b.ctx, func() { cancel(context.Cause(b.ctx)) })
	resp, err := b.s.Do(req.WithContext(ctx))
	var e *Error
	switch {
	case errors.As(err, &e):
		e.Request = req
		cancel(nil)
	case err == nil && resp.Request.Response == nil:
		resp.Request = req
	}
	if err == nil {
		switch body := resp.Body.(type) {
		case *responseBody:
			body.atEnd(func() { cancel(nil) })
		default:
			if body == http.NoBody {
				cancel(nil)
			}
		}
	}
	// From here on the batch's end must not reach the body: it may be the
	// caller's already when the loop is left.
	if stop() {
		select {
		case b.results <- result{resp, err}:
			return
		case <-b.ctx.Done():
		}
	}
	result{resp, err}.discard()
	cancel(nil)
}
