package prometheus

import (
	prom "github.com/prometheus/client_golang/prometheus"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/retry"
)

// What Stats is reported as.
var (
	descInFlight = describe("mien_requests_in_flight", "Requests that hold a slot.")
	descQueued   = describe("mien_requests_queued", "Requests that wait for a slot.")
	descOldest   = describe("mien_oldest_request_age_seconds", "Age of the oldest request in flight.")
	descSockets  = describe("mien_sockets_open", "Sockets open now.")
	descRatio    = describe("mien_handshake_failure_ratio", "Share of the TLS handshakes of the last 60 seconds that failed.")

	descRequests   = describe("mien_requests_total", "Hops that were answered or failed.")
	descFailed     = describe("mien_requests_failed_total", "Hops that failed.")
	descRetries    = describe("mien_retries_total", "Attempts beyond the first, of connections and requests.")
	descHandshakes = describe("mien_handshakes_total", "TLS handshakes tried.")
	descResumed    = describe("mien_handshakes_resumed_total", "TLS handshakes that a ticket resumed.")
	descBroken     = describe("mien_handshakes_failed_total", "TLS handshakes that failed, by class.", "class")

	descOriginConns       = describe("mien_origin_connections", "Connections open now.", "origin", "proxy")
	descOriginInFlight    = describe("mien_origin_requests_in_flight", "Requests on connections now.", "origin", "proxy")
	descOriginWaiting     = describe("mien_origin_requests_waiting", "Requests that wait for a connection.", "origin", "proxy")
	descOriginHandshaking = describe("mien_origin_handshaking", "TLS handshakes in progress.", "origin", "proxy")
	descOriginWidth       = describe("mien_origin_handshake_width", "TLS handshakes that may be in progress at once; 0 is any number.", "origin", "proxy")
	descOriginRatio       = describe("mien_origin_handshake_failure_ratio", "Share of the TLS handshakes of the last 60 seconds that failed.", "origin", "proxy")
	descOriginLatency     = describe("mien_origin_latency_seconds", "Percentiles of the last minute: dial (name, TCP and proxy), tls, first_byte.", "origin", "proxy", "phase", "percentile")

	descriptions = []*prom.Desc{
		descInFlight, descQueued, descOldest, descSockets, descRatio,
		descRequests, descFailed, descRetries, descHandshakes, descResumed, descBroken,
		descOriginConns, descOriginInFlight, descOriginWaiting, descOriginHandshaking, descOriginWidth, descOriginRatio, descOriginLatency,
	}
)

func describe(name, help string, labels ...string) *prom.Desc {
	return prom.NewDesc(name, help, labels, nil)
}

func gauge(out chan<- prom.Metric, d *prom.Desc, value float64, labels ...string) {
	out <- prom.MustNewConstMetric(d, prom.GaugeValue, value, labels...)
}

func count(out chan<- prom.Metric, d *prom.Desc, value int64, labels ...string) {
	out <- prom.MustNewConstMetric(d, prom.CounterValue, float64(value), labels...)
}

func collectSession(out chan<- prom.Metric, s *mien.Stats) {
	gauge(out, descInFlight, float64(s.InFlight))
	gauge(out, descQueued, float64(s.Queued))
	gauge(out, descOldest, s.Oldest.Seconds())
	gauge(out, descSockets, float64(s.Sockets))
	gauge(out, descRatio, s.HandshakeFailureRate)
	count(out, descRequests, s.Requests)
	count(out, descFailed, s.Failed)
	count(out, descRetries, s.Retries)
	count(out, descHandshakes, s.Handshakes)
	count(out, descResumed, s.Resumed)
	// The classes that handshakes fail with most are there from the start, at
	// 0: the first failure is then an increase that rate() sees.
	for _, class := range []retry.Class{retry.HandshakeReset, retry.HandshakeTimeout, retry.Alert, retry.Certificate} {
		if s.HandshakesFailed[class] == 0 {
			count(out, descBroken, 0, class.String())
		}
	}
	for class, n := range s.HandshakesFailed {
		if n > 0 {
			count(out, descBroken, n, class.String())
		}
	}
}

// collectOrigins reports the origins. Several entries may have one name: origins
// beyond the limit, and ways out that differ in what is no label (credentials,
// isolation). What can be summed up is, of the rest the busiest counts, which
// Stats lists first.
func (c *Collector) collectOrigins(out chan<- prom.Metric, list []mien.OriginStats) {
	var order []route
	sums := make(map[route]*mien.OriginStats)
	for i := range list {
		o := &list[i]
		name := c.names.of(o.Origin, o.Proxy)
		sum := sums[name]
		if sum == nil {
			first := *o
			sums[name] = &first
			order = append(order, name)
			continue
		}
		sum.Connections += o.Connections
		sum.InFlight += o.InFlight
		sum.Waiting += o.Waiting
		sum.Handshaking += o.Handshaking
	}
	for _, name := range order {
		o := sums[name]
		gauge(out, descOriginConns, float64(o.Connections), name.origin, name.proxy)
		gauge(out, descOriginInFlight, float64(o.InFlight), name.origin, name.proxy)
		gauge(out, descOriginWaiting, float64(o.Waiting), name.origin, name.proxy)
		gauge(out, descOriginHandshaking, float64(o.Handshaking), name.origin, name.proxy)
		if name.origin == other {
			continue
		}
		gauge(out, descOriginWidth, float64(o.HandshakeWidth), name.origin, name.proxy)
		gauge(out, descOriginRatio, o.HandshakeFailureRate, name.origin, name.proxy)
		latency(out, name, "dial", o.Dial)
		latency(out, name, "tls", o.TLS)
		latency(out, name, "first_byte", o.FirstByte)
	}
}

// latency says nothing of what was not measured: 0 would read as very fast.
func latency(out chan<- prom.Metric, name route, phase string, q mien.Quantiles) {
	if q.Count == 0 {
		return
	}
	gauge(out, descOriginLatency, q.P50.Seconds(), name.origin, name.proxy, phase, "50")
	gauge(out, descOriginLatency, q.P99.Seconds(), name.origin, name.proxy, phase, "99")
}
