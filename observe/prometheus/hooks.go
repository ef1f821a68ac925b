package prometheus

import (
	"strconv"

	"github.com/mien-http/mien"
)

// Hooks returns the hooks that fill the Collector, for [mien.Config]. With hooks
// of your own, see [Chain].
func (c *Collector) Hooks() mien.Hooks {
	return mien.Hooks{Handshake: c.handshake, Retry: c.retry, Phase: c.phase, Done: c.done}
}

func (c *Collector) handshake(info mien.HandshakeInfo) {
	to := c.names.of(info.Origin, info.Proxy)
	c.handshakes.WithLabelValues(to.origin, to.proxy, outcome(info.Class, info.Err)).Inc()
}

func (c *Collector) retry(info mien.RetryInfo) {
	of := "request"
	if info.Request == nil {
		of = "connection"
	}
	c.causes.WithLabelValues(of, info.Class.String()).Inc()
}

func (c *Collector) phase(info mien.PhaseInfo) {
	o := ok
	if info.Err != nil {
		o = failed
	}
	c.phases.WithLabelValues(string(info.Phase), o).Observe(info.Duration.Seconds())
}

func (c *Collector) done(info mien.RequestInfo) {
	result := ok
	if info.Err != nil {
		result = info.Err.Class.String()
	}
	to := c.names.of(info.Origin, info.Proxy)
	c.hops.WithLabelValues(to.origin, to.proxy, result).Inc()
	c.requests.WithLabelValues(statusClass(info.Status), protocol(info.Protocol)).Observe(info.Duration.Seconds())
	if info.Status != 0 {
		c.bytes.Observe(float64(info.Bytes))
	}
}

// statusClass is "2xx" for 200, "none" without a response.
func statusClass(status int) string {
	switch {
	case status == 0:
		return "none"
	case status < 100 || status > 599:
		return "other"
	}
	return strconv.Itoa(status/100) + "xx"
}

// protocol keeps to the values that a label may have: a peer can write any
// HTTP/1 version it likes.
func protocol(proto string) string {
	switch proto {
	case "HTTP/1.0", "HTTP/1.1", "HTTP/2.0", "HTTP/3.0":
		return proto
	case "":
		return "none"
	}
	return "other"
}
