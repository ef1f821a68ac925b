package otel_test

import (
	"net/http"
	"testing"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/observe/otel"
	"github.com/mien-http/mien/retry"
)

// BenchmarkHooks is what watching adds to a request on a connection that stands.
func BenchmarkHooks(b *testing.B) {
	for name, sampler := range map[string]sdktrace.Sampler{"sampled": sdktrace.AlwaysSample(), "dropped": sdktrace.NeverSample()} {
		b.Run(name, func(b *testing.B) {
			o, err := otel.New(otel.Options{
				TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSampler(sampler)),
				MeterProvider:  sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader())),
			})
			if err != nil {
				b.Fatal(err)
			}
			defer o.Close()
			h := o.Hooks()
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				req, _ := http.NewRequestWithContext(b.Context(), http.MethodGet, "https://a.test/path?q=1", nil)
				for pb.Next() {
					for _, phase := range []retry.Phase{retry.PhaseQueue, retry.PhaseHeaders, retry.PhaseBody} {
						h.Phase(mien.PhaseInfo{Request: req, Origin: "https://a.test:443", Phase: phase, Duration: time.Millisecond})
					}
					h.Done(mien.RequestInfo{Request: req, Origin: "https://a.test:443", Status: 200, Protocol: "HTTP/2.0", Attempts: 1, Bytes: 1000, Duration: time.Millisecond})
				}
			})
		})
	}
}
