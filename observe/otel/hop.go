package otel

import (
	"context"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// hop is a request that holds a slot, or that just failed to get one. It belongs
// to whoever took it out of hops; events may be added to the span at any time.
type hop struct {
	ctx    context.Context // the request's, with span
	span   trace.Span
	start  time.Time
	active attribute.Set // what it counts as among the active requests
	next   *hop          // guarded by hops.mu; begun before it, of the same *http.Request
}

// hops are those under way. Almost always a *http.Request has one; a caller that
// sends the same one several times at once has as many.
type hops struct {
	mu   sync.Mutex
	live map[*http.Request]*hop // guarded by mu; the newest of each
}

func (h *hops) add(req *http.Request, begun *hop) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.live == nil {
		h.live = make(map[*http.Request]*hop)
	}
	begun.next = h.live[req]
	h.live[req] = begun
}

// find is the newest hop of req; nil if there is none.
func (h *hops) find(req *http.Request) *hop {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.live[req]
}

// take removes the hop of req that began closest to start; nil if there is none.
func (h *hops) take(req *http.Request, start time.Time) *hop {
	h.mu.Lock()
	defer h.mu.Unlock()
	var best **hop
	head := h.live[req]
	for at := &head; *at != nil; at = &(*at).next {
		if best == nil || apart((*at).start, start) < apart((*best).start, start) {
			best = at
		}
	}
	if best == nil {
		return nil
	}
	found := *best
	*best = found.next
	if head == nil {
		delete(h.live, req)
	} else {
		h.live[req] = head
	}
	return found
}

func apart(a, b time.Time) time.Duration { return a.Sub(b).Abs() }
