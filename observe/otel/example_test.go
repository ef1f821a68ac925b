package otel_test

import (
	"context"
	"fmt"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/observe/otel"
)

func Example() {
	origin, err := mientest.New(mientest.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer origin.Close()

	exporter := tracetest.NewInMemoryExporter() // or that of your collector
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	o, err := otel.New(otel.Options{TracerProvider: tracer}) // metrics to the global provider
	if err != nil {
		fmt.Println(err)
		return
	}
	defer o.Close()
	mine := mien.Hooks{Done: func(i mien.RequestInfo) { fmt.Println("done:", i.Status) }}
	s, err := mien.New(mien.Config{
		TLS:   origin.ClientTLS(),
		Hooks: mien.ChainHooks(o.Hooks(), mine),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	o.Bind(s)

	resp, err := s.Get(context.Background(), origin.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()

	for _, span := range exporter.GetSpans() {
		fmt.Println(span.SpanKind, span.Name)
		for _, event := range span.Events {
			fmt.Println(event.Name)
		}
	}
	// Output:
	// done: 200
	// client GET
	// mien.phase.queue
	// mien.phase.headers
	// mien.phase.body
}
