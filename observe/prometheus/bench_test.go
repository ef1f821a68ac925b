package prometheus_test

import (
	"testing"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/observe/prometheus"
	"github.com/mien-http/mien/retry"
)

// BenchmarkHooks is what watching adds to a request on a connection that stands.
func BenchmarkHooks(b *testing.B) {
	h := prometheus.New(prometheus.Options{}).Hooks()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			for _, phase := range []retry.Phase{retry.PhaseQueue, retry.PhaseHeaders, retry.PhaseBody} {
				h.Phase(mien.PhaseInfo{Origin: "https://a.test:443", Phase: phase, Duration: time.Millisecond})
			}
			h.Done(mien.RequestInfo{Origin: "https://a.test:443", Status: 200, Protocol: "HTTP/2.0", Attempts: 1, Bytes: 1000, Duration: time.Millisecond})
		}
	})
}
