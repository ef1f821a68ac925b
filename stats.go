package mien

import (
	"cmp"
	"context"
	"crypto/tls"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mien-http/mien/retry"
)

// counters are what Stats reports of the whole session. The zero value is ready.
type counters struct {
	requests, failed, retries atomic.Int64
	all                       meter
}

// meter counts what happens on the way to one origin, or to all. The zero value
// is ready; it is safe for concurrent use.
type meter struct {
	mu      sync.Mutex
	tried   int64                 // guarded by mu; TLS handshakes
	resumed int64                 // guarded by mu
	failed  map[retry.Class]int64 // guarded by mu
	recent  failureWindow         // guarded by mu
	dial    latency               // guarded by mu
	tls     latency               // guarded by mu
	first   latency               // guarded by mu; request sent to response header section
}

// handshake counts one TLS handshake. One that ended because nobody waited any
// more says nothing about the network and is not a failure.
func (m *meter) handshake(now time.Time, i *HandshakeInfo, abandoned bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tried++
	if i.Resumed {
		m.resumed++
	}
	failed := i.Err != nil && !abandoned
	if failed {
		if m.failed == nil {
			m.failed = make(map[retry.Class]int64)
		}
		m.failed[i.Class]++
	}
	if !abandoned {
		m.recent.add(now, failed)
	}
	if i.Err == nil {
		m.tls.add(now, i.Duration)
	}
}

func (m *meter) dialled(now time.Time, took time.Duration) {
	m.mu.Lock()
	m.dial.add(now, took)
	m.mu.Unlock()
}

func (m *meter) firstByte(now time.Time, took time.Duration) {
	m.mu.Lock()
	m.first.add(now, took)
	m.mu.Unlock()
}

// fill reports the meter.
func (m *meter) fill(o *OriginStats, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o.Handshakes, o.Resumed = m.tried, m.resumed
	o.HandshakesFailed = maps.Clone(m.failed)
	o.HandshakeFailureRate = m.recent.rate(now)
	o.Dial, o.TLS, o.FirstByte = m.dial.quantiles(now), m.tls.quantiles(now), m.first.quantiles(now)
}

// shook counts a TLS handshake of the origin and tells the hook.
func (o *origin) shook(ctx context.Context, err error, state *tls.ConnectionState, took time.Duration) {
	t := o.egress.transport
	info := HandshakeInfo{Origin: o.key.String(), Proxy: o.egress.proxy, Duration: took, Err: err}
	if err == nil {
		info.Resumed, info.Protocol = state.DidResume, state.NegotiatedProtocol
	} else {
		info.Class = retry.Classify(retry.Failure{Phase: retry.PhaseTLS, Err: err})
	}
	now, abandoned := time.Now(), ctx.Err() != nil
	t.stats.all.handshake(now, &info, abandoned)
	o.health.handshake(now, &info, abandoned)
	if t.cfg.Hooks.Handshake != nil {
		t.cfg.Hooks.Handshake(info)
	}
	if log := t.cfg.Logger; log.Enabled(ctx, slog.LevelDebug) {
		log.Debug("tls handshake", "origin", info.Origin, "proxy", info.Proxy, "took", took, "protocol", info.Protocol,
			"resumed", info.Resumed, "class", info.Class, "error", err)
	}
	t.phase(PhaseInfo{Origin: info.Origin, Proxy: info.Proxy, Phase: retry.PhaseTLS, Duration: took, Class: info.Class, Err: err})
}

// phase tells the hook that a phase ended.
func (t *transport) phase(info PhaseInfo) {
	if t.cfg.Hooks.Phase != nil {
		t.cfg.Hooks.Phase(info)
	}
}

// stats describes the origin.
func (o *origin) stats(now time.Time) OriginStats {
	s := OriginStats{Origin: o.key.String(), Proxy: o.egress.proxy}
	o.health.fill(&s, now)
	gate := o.gate.Stats()
	s.HandshakeWidth, s.Handshaking = gate.Width, gate.Held
	o.mu.Lock()
	defer o.mu.Unlock()
	s.Connections, s.Waiting = len(o.conns), o.waiters.Len()
	for _, pc := range o.conns {
		s.InFlight += pc.InFlight()
	}
	return s
}

// statOrigins is how many origins Stats names.
const statOrigins = 100

// originStats lists the busiest origins and sums up the rest.
func (t *transport) originStats(now time.Time) []OriginStats {
	var list []OriginStats
	for _, o := range t.all() {
		list = append(list, o.stats(now))
	}
	slices.SortFunc(list, func(a, b OriginStats) int {
		return cmp.Or(cmp.Compare(b.Handshakes, a.Handshakes), cmp.Compare(a.Origin, b.Origin), cmp.Compare(a.Proxy, b.Proxy))
	})
	if len(list) <= statOrigins {
		return list
	}
	other := OriginStats{Origin: "other", HandshakesFailed: make(map[retry.Class]int64)}
	for _, s := range list[statOrigins:] {
		other.Connections += s.Connections
		other.InFlight += s.InFlight
		other.Waiting += s.Waiting
		other.Handshaking += s.Handshaking
		other.Handshakes += s.Handshakes
		other.Resumed += s.Resumed
		for class, n := range s.HandshakesFailed {
			other.HandshakesFailed[class] += n
		}
	}
	return append(list[:statOrigins:statOrigins], other)
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
