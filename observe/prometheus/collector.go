package prometheus

import (
	"sync/atomic"

	prom "github.com/prometheus/client_golang/prometheus"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/retry"
)

// Options say what a Collector keeps. The zero value is a good one.
type Options struct {
	// MaxOrigins is how many pairs of origin and proxy get labels of their own;
	// the rest is under the origin "other". 0: 100, negative: none. Of the
	// figures from Stats, which names 100, more do not get one.
	MaxOrigins int
	// Buckets are the upper bounds of the histograms of durations, in seconds,
	// ascending. nil: 5 ms to 60 s. Servers that take native histograms get
	// those too.
	Buckets []float64
}

// Collector is a prometheus.Collector for one Session. Make one with [New]. It
// is safe for concurrent use.
type Collector struct {
	session atomic.Pointer[mien.Session] // nil until Bind
	names   *names

	requests   *prom.HistogramVec // by status and protocol
	phases     *prom.HistogramVec // by phase and outcome
	bytes      prom.Histogram
	causes     *prom.CounterVec // by what was retried, and class
	hops       *prom.CounterVec // by origin, proxy and outcome
	handshakes *prom.CounterVec // by origin, proxy and outcome
}

var _ prom.Collector = (*Collector)(nil)

// New returns a Collector that has seen nothing.
func New(o Options) *Collector {
	buckets := o.Buckets
	if buckets == nil {
		buckets = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}
	}
	return &Collector{
		names:    newNames(o.MaxOrigins),
		requests: seconds("mien_request_duration_seconds", "Duration of hops, from the call to the end of the response's body.", buckets, "status", "protocol"),
		phases:   seconds("mien_phase_duration_seconds", "Duration of the phases of requests and connections.", buckets, "phase", "outcome"),
		bytes: prom.NewHistogram(native(prom.HistogramOpts{
			Name:    "mien_response_body_bytes",
			Help:    "Decoded bytes of response bodies, as read by the caller.",
			Buckets: prom.ExponentialBuckets(256, 8, 9), // to 4 GiB
		})),
		causes:     counter("mien_retry_causes_total", "What was tried again, connections and requests, by the class of the failure.", "of", "class"),
		hops:       counter("mien_origin_requests_total", "Hops that were answered or failed.", "origin", "proxy", "outcome"),
		handshakes: counter("mien_origin_handshakes_total", "TLS handshakes tried.", "origin", "proxy", "outcome"),
	}
}

// Bind makes s the session whose Stats a scrape reports. The Collector keeps it
// in memory; another takes its place.
func (c *Collector) Bind(s *mien.Session) { c.session.Store(s) }

// Describe sends the descriptions of everything that Collect can send.
func (c *Collector) Describe(out chan<- *prom.Desc) {
	for _, d := range descriptions {
		out <- d
	}
	for _, v := range c.vectors() {
		v.Describe(out)
	}
}

// Collect sends what the hooks counted and, of a bound session, its Stats.
func (c *Collector) Collect(out chan<- prom.Metric) {
	for _, v := range c.vectors() {
		v.Collect(out)
	}
	if s := c.session.Load(); s != nil {
		stats := s.Stats()
		collectSession(out, &stats)
		c.collectOrigins(out, stats.Origins)
	}
}

func (c *Collector) vectors() []prom.Collector {
	return []prom.Collector{c.requests, c.phases, c.bytes, c.causes, c.hops, c.handshakes}
}

// Outcomes besides classes.
const (
	ok     = "ok"
	failed = "failed"
)

// outcome is the value of a label for something that ended with err.
func outcome(class retry.Class, err error) string {
	if err == nil {
		return ok
	}
	return class.String()
}

func counter(name, help string, labels ...string) *prom.CounterVec {
	return prom.NewCounterVec(prom.CounterOpts{Name: name, Help: help}, labels)
}

func seconds(name, help string, buckets []float64, labels ...string) *prom.HistogramVec {
	return prom.NewHistogramVec(native(prom.HistogramOpts{Name: name, Help: help, Buckets: buckets}), labels)
}

// native adds a native histogram of moderate size to the classic one.
func native(o prom.HistogramOpts) prom.HistogramOpts {
	o.NativeHistogramBucketFactor = 1.1
	o.NativeHistogramMaxBucketNumber = 100
	return o
}
