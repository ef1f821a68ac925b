package mien

import (
	"context"
	"crypto/tls"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mien-http/mien/retry"
)

// counters are what Stats reports. The zero value is ready.
type counters struct {
	requests, failed, retries atomic.Int64

	mu       sync.Mutex
	tried    int64                 // guarded by mu
	resumed  int64                 // guarded by mu
	byClass  map[retry.Class]int64 // guarded by mu
	recent   failureWindow         // guarded by mu
	observer func(HandshakeInfo)   // set before use
}

// handshake counts one TLS handshake and tells the hook. A handshake that ended
// because its caller gave up says nothing about the network and is not a failure.
func (c *counters) handshake(now time.Time, o *origin, ctx context.Context, err error, state *tls.ConnectionState, took time.Duration) {
	info := HandshakeInfo{Origin: o.key.String(), Duration: took, Err: err}
	if err == nil {
		info.Resumed, info.Protocol = state.DidResume, state.NegotiatedProtocol
	} else {
		info.Class = retry.Classify(retry.Failure{Phase: retry.PhaseTLS, Err: err})
	}
	failed := err != nil && ctx.Err() == nil
	c.mu.Lock()
	c.tried++
	if info.Resumed {
		c.resumed++
	}
	if failed {
		if c.byClass == nil {
			c.byClass = make(map[retry.Class]int64)
		}
		c.byClass[info.Class]++
	}
	c.recent.add(now, failed)
	c.mu.Unlock()
	if c.observer != nil {
		c.observer(info)
	}
}

func (c *counters) fill(s *Stats, now time.Time) {
	s.Requests, s.Failed, s.Retries = c.requests.Load(), c.failed.Load(), c.retries.Load()
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Handshakes, s.Resumed = c.tried, c.resumed
	s.HandshakesFailed = maps.Clone(c.byClass)
	s.HandshakeFailureRate = c.recent.rate(now)
}

// failureWindow counts by the second over the last minute.
type failureWindow struct {
	cells [60]struct {
		second        int64 // Unix time that the counts belong to
		tried, failed int64
	}
}

func (w *failureWindow) add(now time.Time, failed bool) {
	s := now.Unix()
	cell := &w.cells[uint64(s)%uint64(len(w.cells))]
	if cell.second != s {
		cell.second, cell.tried, cell.failed = s, 0, 0
	}
	cell.tried++
	if failed {
		cell.failed++
	}
}

func (w *failureWindow) rate(now time.Time) float64 {
	var tried, failed int64
	oldest := now.Unix() - int64(len(w.cells))
	for i := range w.cells {
		if c := &w.cells[i]; c.second > oldest {
			tried += c.tried
			failed += c.failed
		}
	}
	if tried == 0 {
		return 0
	}
	return float64(failed) / float64(tried)
}
