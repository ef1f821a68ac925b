package otel

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/retry"
)

// Hooks returns the hooks that report, for [mien.Config]. With hooks of your
// own, see [Chain].
func (o *Observer) Hooks() mien.Hooks {
	return mien.Hooks{Handshake: o.handshake, Retry: o.retry, Phase: o.phase, Done: o.done}
}

// common is what everything carries, with room for n more.
func (o *Observer) common(n int) []attribute.KeyValue {
	return append(make([]attribute.KeyValue, 0, len(o.always)+n), o.always...)
}

func (o *Observer) handshake(info mien.HandshakeInfo) {
	list := o.names.of(info.Origin).attributes(o.common(4))
	if info.Err != nil {
		list = append(list, errorType(info.Class))
	}
	o.handshakes.Add(context.Background(), 1, metric.WithAttributes(list...))
}

func (o *Observer) retry(info mien.RetryInfo) {
	ctx, of := context.Background(), "connection"
	if info.Request != nil {
		of = "request"
		if h := o.hops.find(info.Request); h != nil {
			ctx = h.ctx
			h.span.AddEvent("mien.retry", trace.WithAttributes(
				keyAttempt.Int(info.Attempt), errorType(info.Class), keyWait.Float64(info.Wait.Seconds())))
		}
	}
	o.retries.Add(ctx, 1, metric.WithAttributes(append(o.common(2), keyRetryOf.String(of), errorType(info.Class))...))
}

// phase begins a hop with the end of its wait for a slot, the first that is
// heard of it, and marks the ends of its other phases.
func (o *Observer) phase(info mien.PhaseInfo) {
	now := time.Now()
	ctx := context.Background()
	var h *hop
	switch {
	case info.Request == nil:
	case info.Phase == retry.PhaseQueue:
		h = o.begin(&info, now.Add(-info.Duration))
		o.hops.add(info.Request, h)
		o.active.AddSet(h.ctx, 1, h.active)
	default:
		h = o.hops.find(info.Request)
	}
	if h != nil {
		ctx = h.ctx
		if h.span.IsRecording() {
			facts := []attribute.KeyValue{keyDuration.Float64(info.Duration.Seconds())}
			if info.Err != nil {
				facts = append(facts, errorType(info.Class))
			}
			h.span.AddEvent("mien.phase."+string(info.Phase), trace.WithTimestamp(now), trace.WithAttributes(facts...))
		}
	}
	o.phases.Record(ctx, info.Duration.Seconds(), o.phaseOptions(&info)...)
}

// phaseEnd is how a phase ended; there are few, so their attributes are kept.
type phaseEnd struct {
	phase  retry.Phase
	class  retry.Class
	failed bool
}

func (o *Observer) phaseOptions(info *mien.PhaseInfo) []metric.RecordOption {
	end := phaseEnd{info.Phase, info.Class, info.Err != nil}
	if made, ok := o.phaseEnds.Load(end); ok {
		return made.([]metric.RecordOption)
	}
	list := append(o.common(2), keyPhase.String(string(end.phase)))
	if end.failed {
		list = append(list, errorType(end.class))
	}
	made := []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(list...))}
	o.phaseEnds.Store(end, made)
	return made
}

// begin starts the span of a hop and settles what it counts as while it is active.
func (o *Observer) begin(info *mien.PhaseInfo, start time.Time) *hop {
	ctx, span := o.span(&mien.RequestInfo{Request: info.Request, Origin: info.Origin}, start)
	method, _ := o.methodOf(info.Request)
	return &hop{
		ctx: ctx, span: span, start: start,
		active: attribute.NewSet(o.names.of(info.Origin).attributes(append(o.common(4), method))...),
	}
}

// span starts the span of a hop with what a sampler may want to know.
func (o *Observer) span(info *mien.RequestInfo, start time.Time) (context.Context, trace.Span) {
	ctx := context.Background()
	full := info.Origin
	if info.Request != nil {
		ctx = info.Request.Context()
		full = fullURL(info.Request.URL, info.Origin, o.sensitive)
	}
	method, original := o.methodOf(info.Request)
	name := original
	list := append(o.common(6), method, semconv.URLFull(full))
	if method == semconv.HTTPRequestMethodOther {
		name = "HTTP"
		list = append(list, semconv.HTTPRequestMethodOriginal(original))
	}
	return o.tracer.Start(ctx, name,
		trace.WithSpanKind(trace.SpanKindClient),
		trace.WithTimestamp(start),
		trace.WithAttributes(serverOf(info.Origin).attributes(list)...))
}

// done ends the hop's span and counts it.
func (o *Observer) done(info mien.RequestInfo) {
	now := time.Now()
	start := now.Add(-info.Duration)
	h := o.hops.take(info.Request, start)
	if h != nil {
		o.active.AddSet(h.ctx, -1, h.active)
	} else {
		// It never came to waiting for a slot: the session was closed.
		h = new(hop)
		h.ctx, h.span = o.span(&info, start)
	}
	method, _ := o.methodOf(info.Request)
	list := o.names.of(info.Origin).attributes(append(o.common(7), method))
	o.duration.RecordSet(h.ctx, info.Duration.Seconds(), attribute.NewSet(outcome(list, &info)...))
	if h.span.IsRecording() {
		describe(h.span, &info)
	}
	h.span.End(trace.WithTimestamp(now))
}

// describe tells the span how the hop ended.
func describe(span trace.Span, info *mien.RequestInfo) {
	list := outcome(make([]attribute.KeyValue, 0, 12), info)
	if version(info.Protocol) != "" {
		list = append(list, semconv.NetworkProtocolName("http"))
	}
	if n := resends(info); n > 0 {
		list = append(list, semconv.HTTPRequestResendCount(n))
	}
	if info.Proxy != "" {
		list = append(list, keyProxy.String(info.Proxy))
	}
	if info.Status != 0 {
		list = append(list, keyBytesRead.Int64(info.Bytes))
	}
	if e := info.Err; e != nil {
		list = append(list, keyPhase.String(string(e.Phase)), keySent.Bool(e.Sent))
		if e.Alert != 0 {
			list = append(list, keyAlert.Int(int(e.Alert)))
		}
		if e.Reason != "" {
			list = append(list, keyReason.String(string(e.Reason)))
		}
		// Not the error's own text: what it quotes is not ours to publish.
		span.SetStatus(codes.Error, e.Class.Describe())
	} else if _, bad := failure(info); bad {
		span.SetStatus(codes.Error, "")
	}
	span.SetAttributes(list...)
}
