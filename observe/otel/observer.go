package otel

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	api "go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/httpconv"
	"go.opentelemetry.io/otel/trace"

	"github.com/mien-http/mien"
)

// scope names the instrumentation.
const scope = "github.com/mien-http/mien/observe/otel"

// Options say where an Observer reports to, and what. The zero value is a good one.
type Options struct {
	// TracerProvider makes the spans, MeterProvider the metrics; nil: the
	// global one at the time of New.
	TracerProvider trace.TracerProvider
	MeterProvider  metric.MeterProvider
	// MaxOrigins is how many origins have a server.address of their own in
	// metrics; the rest is under "other". 0: 100, negative: none. Spans always
	// have it.
	MaxOrigins int
	// SensitiveQuery are the query keys, case-sensitive, whose values are
	// REDACTED in url.full; "*" stands for all. nil: those that the conventions
	// name, which sign URLs of AWS, Google and Azure. Empty: none.
	SensitiveQuery []string
	// KnownMethods replace the methods that are reported as they are; others
	// are "_OTHER". nil: those of RFC 9110, PATCH and QUERY.
	KnownMethods []string
	// Attributes are on every span and in every metric, e.g. to tell sessions
	// apart.
	Attributes []attribute.KeyValue
}

// Observer reports one Session. Make one with [New]. It is safe for concurrent use.
type Observer struct {
	session   atomic.Pointer[mien.Session] // nil until Bind
	names     *names
	hops      hops
	phaseEnds sync.Map // phaseEnd to []metric.RecordOption
	tracer    trace.Tracer
	always    []attribute.KeyValue // not changed after New
	sensitive []string             // not changed after New
	methods   []string             // not changed after New

	duration   httpconv.ClientRequestDuration
	active     httpconv.ClientActiveRequests
	phases     metric.Float64Histogram
	handshakes metric.Int64Counter
	retries    metric.Int64Counter
	callback   metric.Registration // reads Stats
}

// New returns an Observer. It fails if the meter refuses an instrument.
func New(opt Options) (*Observer, error) {
	if opt.TracerProvider == nil {
		opt.TracerProvider = api.GetTracerProvider()
	}
	if opt.MeterProvider == nil {
		opt.MeterProvider = api.GetMeterProvider()
	}
	o := &Observer{
		names:     newNames(opt.MaxOrigins),
		tracer:    opt.TracerProvider.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL)),
		always:    slices.Clone(opt.Attributes),
		sensitive: slices.Clone(opt.SensitiveQuery),
		methods:   slices.Clone(opt.KnownMethods),
	}
	if opt.SensitiveQuery == nil {
		o.sensitive = sensitiveQuery
	}
	if opt.KnownMethods == nil {
		o.methods = knownMethods
	}
	if err := o.instruments(opt.MeterProvider.Meter(scope, metric.WithSchemaURL(semconv.SchemaURL))); err != nil {
		return nil, fmt.Errorf("mien otel: %w", err)
	}
	return o, nil
}

// Bind makes s the session whose Stats are reported whenever metrics are read.
// The Observer keeps it in memory until Close; another takes its place.
func (o *Observer) Bind(s *mien.Session) { o.session.Store(s) }

// Close stops the reports of Stats. Hooks go on working; the providers are the
// caller's and stay open. Calling it again does nothing.
func (o *Observer) Close() error {
	o.session.Store(nil)
	return o.callback.Unregister()
}

// instruments makes the metrics.
func (o *Observer) instruments(m metric.Meter) error {
	var err error
	if o.duration, err = httpconv.NewClientRequestDuration(m); err != nil {
		return err
	}
	if o.active, err = httpconv.NewClientActiveRequests(m); err != nil {
		return err
	}
	if o.phases, err = m.Float64Histogram("mien.client.phase.duration",
		metric.WithUnit("s"), metric.WithDescription("Duration of the phases of requests and connections."),
		// As the conventions have it for the whole request.
		metric.WithExplicitBucketBoundaries(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)); err != nil {
		return err
	}
	if o.handshakes, err = m.Int64Counter("mien.client.handshakes",
		metric.WithUnit("{handshake}"), metric.WithDescription("TLS handshakes tried.")); err != nil {
		return err
	}
	if o.retries, err = m.Int64Counter("mien.client.retries",
		metric.WithUnit("{retry}"), metric.WithDescription("Attempts beyond the first.")); err != nil {
		return err
	}
	o.callback, err = o.observeStats(m)
	return err
}
