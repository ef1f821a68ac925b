package otel

import (
	"net"
	"strconv"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// defaultMaxOrigins is as many as Stats names.
const defaultMaxOrigins = 100

// other is the address of all origins that have no name of their own.
const other = "other"

// server is an origin as attributes have it.
type server struct {
	scheme, address string
	port            int // 0: none to tell
}

// serverOf reads scheme://host:port.
func serverOf(origin string) server {
	scheme, authority, ok := strings.Cut(origin, "://")
	if !ok {
		return server{address: origin}
	}
	host, port, err := net.SplitHostPort(authority)
	if err != nil {
		return server{scheme: scheme, address: authority}
	}
	n, _ := strconv.Atoi(port) // 0, and left out, if it is no number
	return server{scheme: scheme, address: host, port: n}
}

// attributes appends those of s to list.
func (s server) attributes(list []attribute.KeyValue) []attribute.KeyValue {
	list = append(list, semconv.ServerAddress(s.address))
	if s.port != 0 {
		list = append(list, semconv.ServerPort(s.port))
	}
	if s.scheme != "" {
		list = append(list, semconv.URLScheme(s.scheme))
	}
	return list
}

// names gives the first origins that it meets a name in metrics and calls all
// others "other". A name is never taken back: a counter that lost it would go back.
type names struct {
	limit int // immutable

	mu    sync.RWMutex
	known map[string]server // guarded by mu; by origin
}

func newNames(limit int) *names {
	if limit == 0 {
		limit = defaultMaxOrigins
	}
	return &names{limit: limit, known: make(map[string]server)}
}

// of is what metrics call origin.
func (n *names) of(origin string) server {
	n.mu.RLock()
	s, ok := n.known[origin]
	full := len(n.known) >= n.limit
	n.mu.RUnlock()
	if ok {
		return s
	}
	s = serverOf(origin)
	rest := server{scheme: s.scheme, address: other}
	if full || origin == other {
		return rest
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, ok := n.known[origin]; !ok {
		if len(n.known) >= n.limit {
			return rest
		}
		n.known[strings.Clone(origin)] = s
	}
	return s
}
