package doctor

import (
	"context"
	"sync"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/retry"
)

// crowds makes more and more handshakes at once, until failures jump.
func (e *examination) crowds(ctx context.Context, way Route) {
	if e.o.Concurrent < 0 {
		return
	}
	s, err := e.session(way, ProfileHello)
	if err != nil {
		return
	}
	defer s.Close()
	for n := 1; ; n = min(max(2*n, 8), e.o.Concurrent) {
		p := e.crowd(ctx, s, way, n)
		pause(ctx, p)
		switch {
		case jump(e.report.crowds(way)) != nil:
			e.crowd(ctx, s, way, 1) // is it over when the crowd is gone?
			return
		case n >= e.o.Concurrent || p.Tried < n || p.failedWith(retry.LocalLimit):
			return
		}
	}
}

// crowd makes n handshakes at once and keeps the probe. Too many for what is
// left are none.
func (e *examination) crowd(ctx context.Context, s *mien.Session, way Route, n int) Probe {
	p := Probe{What: TLS, Route: way, Hello: ProfileHello, AtOnce: n}
	if n > e.left || ctx.Err() != nil {
		return p
	}
	e.left -= n
	for _, r := range e.together(ctx, s, way, n) {
		p.add(r)
	}
	e.keep(p)
	return p
}

// minPause lies between two crowds.
const minPause = 50 * time.Millisecond

// pause gives the far side time to see that the crowd p is gone: what it still
// counts would be charged to the next one.
func pause(ctx context.Context, p Probe) {
	d := minPause
	if n := len(p.took); n > 0 {
		d = max(d, min(p.took[n/2], 10*minPause))
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func (e *examination) together(ctx context.Context, s *mien.Session, way Route, n int) []result {
	results := make([]result, n)
	line := newStartLine(n)
	var wg sync.WaitGroup
	for i := range results {
		a := &attempt{url: e.origin, line: line, patience: e.o.HandshakeTime / 2}
		if way == Direct {
			a.address = e.pinned
		}
		wg.Go(func() { results[i] = a.run(ctx, s, 3*e.o.HandshakeTime) })
	}
	wg.Wait()
	return results
}

// jump finds the crowd in which failures set in: at least two, and a tenth of
// all handshakes more than in the smaller crowds before it. nil: there is none.
func jump(crowds []*Probe) *Probe {
	tried, failed := 0, 0
	for _, p := range crowds {
		n := p.Tried - p.Completed - p.Failed[retry.LocalLimit]
		usual := 0.0
		if tried > 0 {
			usual = float64(failed) / float64(tried)
		}
		if n >= 2 && float64(n)/float64(p.Tried) > usual+0.1 {
			return p
		}
		tried, failed = tried+p.Tried, failed+n
	}
	return nil
}
