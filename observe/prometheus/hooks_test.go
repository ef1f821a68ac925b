package prometheus_test

import (
	"errors"
	"testing"
	"time"

	prom "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/observe/prometheus"
	"github.com/mien-http/mien/retry"
)

// TestUnbound: without a session the hooks' figures are there, and nothing else.
func TestUnbound(t *testing.T) {
	c := prometheus.New(prometheus.Options{Buckets: []float64{1, 2}})
	h := c.Hooks()
	h.Done(mien.RequestInfo{Origin: "https://a.test:443", Status: 200, Protocol: "HTTP/2.0", Duration: 1500 * time.Millisecond})
	got := watch(t, c)()
	want(t, got, `mien_request_duration_seconds_bucket{protocol="HTTP/2.0",status="2xx",le="1"}`, 0)
	want(t, got, `mien_request_duration_seconds_bucket{protocol="HTTP/2.0",status="2xx",le="2"}`, 1)
	if _, ok := got["mien_requests_total"]; ok {
		t.Error("Stats of no session are reported")
	}
}

// TestStrangeValues: whatever a peer says, the values of labels stay few and
// the scrape works.
func TestStrangeValues(t *testing.T) {
	c := prometheus.New(prometheus.Options{})
	h := c.Hooks()
	for status := range 2000 {
		h.Done(mien.RequestInfo{Origin: "https://a.test:443", Status: status, Protocol: "HTTP/1.7"})
	}
	h.Done(mien.RequestInfo{Origin: "https://\xff.test:443", Err: &mien.Error{}})
	h.Handshake(mien.HandshakeInfo{Origin: "https://\xff.test:443", Err: errors.New("broken")})
	h.Retry(mien.RetryInfo{Origin: "https://a.test:443"})
	h.Phase(mien.PhaseInfo{Phase: retry.PhaseDial, Err: errors.New("broken")})
	got := watch(t, c)()
	if n := families(got)["mien_request_duration_seconds_count"]; n != 8 { // 1xx to 5xx, other, none; none without protocol
		t.Errorf("%d pairs of status and protocol", n)
	}
	want(t, got, "mien_origin_requests_total{origin=\"https://\uFFFD.test:443\",outcome=\"Unknown\",proxy=\"\"}", 1)
	want(t, got, "mien_origin_handshakes_total{origin=\"https://\uFFFD.test:443\",outcome=\"Unknown\",proxy=\"\"}", 1)
	want(t, got, `mien_retry_causes_total{class="Unknown",of="connection"}`, 1)
	want(t, got, `mien_phase_duration_seconds_count{outcome="failed",phase="dial"}`, 1)
}

// TestSeveral: two sessions share a registry by a label.
func TestSeveral(t *testing.T) {
	registry := prom.NewPedanticRegistry()
	for _, name := range []string{"one", "two"} {
		c := prometheus.New(prometheus.Options{})
		c.Bind(newSession(t, mien.Config{Hooks: c.Hooks()}))
		if err := prom.WrapRegistererWith(prom.Labels{"session": name}, registry).Register(c); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := testutil.GatherAndCount(registry, "mien_requests_total"); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}
