package fetch

import (
	"context"
	"crypto/tls"
	"net/http/httptrace"
	"sync"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/retry"
)

// trace takes the time of each phase of one input line's requests. Its callbacks
// come from several goroutines, some when the request is over already.
type trace struct {
	mu       sync.Mutex
	took     map[retry.Phase]time.Duration // guarded by mu
	begun    map[retry.Phase]time.Time     // guarded by mu; phases that run
	attempts int                           // guarded by mu; of all hops
	over     bool                          // guarded by mu; nothing counts any more
}

type traceKey struct{}

// in returns ctx with what t needs to be told.
func (t *trace) in(ctx context.Context) context.Context {
	t.took, t.begun = make(map[retry.Phase]time.Duration), make(map[retry.Phase]time.Time)
	ctx = context.WithValue(ctx, traceKey{}, t)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart:          func(httptrace.DNSStartInfo) { t.begin(retry.PhaseDNS) },
		DNSDone:           func(httptrace.DNSDoneInfo) { t.end(retry.PhaseDNS) },
		ConnectStart:      func(string, string) { t.begin(retry.PhaseDial) },
		ConnectDone:       func(string, string, error) { t.end(retry.PhaseDial) },
		TLSHandshakeStart: func() { t.begin(retry.PhaseTLS) },
		TLSHandshakeDone:  func(tls.ConnectionState, error) { t.end(retry.PhaseTLS) },
	})
}

func (t *trace) begin(p retry.Phase) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.begun[p] = now
}

// end adds the time since begin; the second of two ends counts nothing.
func (t *trace) end(p retry.Phase) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if at, ok := t.begun[p]; ok && !t.over {
		t.took[p] += now.Sub(at)
		delete(t.begun, p)
	}
}

// result ends the trace.
func (t *trace) result(total time.Duration) (ms map[string]float64, attempts int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	ms = make(map[string]float64, len(t.took)+1)
	for p, d := range t.took {
		ms[string(p)] = milliseconds(d)
	}
	ms["total"] = milliseconds(total)
	return ms, t.attempts
}

// milliseconds are told to the microsecond.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// hooks tell each request's trace.
func hooks() mien.Hooks {
	return mien.Hooks{
		Phase: func(i mien.PhaseInfo) {
			if i.Request == nil {
				return // of a connection
			}
			if t, ok := i.Request.Context().Value(traceKey{}).(*trace); ok {
				t.mu.Lock()
				defer t.mu.Unlock()
				if !t.over {
					t.took[i.Phase] += i.Duration
				}
			}
		},
		Done: func(i mien.RequestInfo) {
			if t, ok := i.Request.Context().Value(traceKey{}).(*trace); ok {
				t.mu.Lock()
				defer t.mu.Unlock()
				t.attempts += i.Attempts
			}
		},
	}
}
