package prometheus

import (
	"strings"
	"sync"
)

// defaultMaxOrigins is as many as Stats names.
const defaultMaxOrigins = 100

// other is the origin of all that have no name of their own.
const other = "other"

// route is where requests go and how; its fields are values of labels.
type route struct{ origin, proxy string }

// names gives the first routes that it meets a name and calls all others
// "other". A name is never taken back: a counter that lost it would go back, and
// a scraper that saw it once keeps it anyway.
type names struct {
	limit int // immutable

	mu    sync.RWMutex
	known map[route]route // guarded by mu; as given, to what can be a label
}

func newNames(limit int) *names {
	if limit == 0 {
		limit = defaultMaxOrigins
	}
	return &names{limit: limit, known: make(map[route]route)}
}

// of is the name of origin by way of proxy.
func (n *names) of(origin, proxy string) route {
	key := route{origin, proxy}
	n.mu.RLock()
	name, ok := n.known[key]
	full := len(n.known) >= n.limit
	n.mu.RUnlock()
	switch {
	case ok:
		return name
	case full, origin == other:
		return route{origin: other}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if name, ok := n.known[key]; ok {
		return name
	}
	if len(n.known) >= n.limit {
		return route{origin: other}
	}
	// A label that is not UTF-8 would make the whole scrape fail.
	name = route{strings.ToValidUTF8(origin, "\uFFFD"), strings.ToValidUTF8(proxy, "\uFFFD")}
	n.known[route{strings.Clone(origin), strings.Clone(proxy)}] = name
	return name
}
