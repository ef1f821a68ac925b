package otel_test

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/observe/otel"
	"github.com/mien-http/mien/retry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// backend is where an Observer's spans and metrics are exported to.
type backend struct {
	*otel.Observer
	t      *testing.T
	spans  *tracetest.InMemoryExporter
	tracer *sdktrace.TracerProvider
	reader *sdkmetric.ManualReader
}

func newBackend(t *testing.T, opt otel.Options) *backend {
	t.Helper()
	b := &backend{t: t, spans: tracetest.NewInMemoryExporter(), reader: sdkmetric.NewManualReader()}
	// In batches, as programs export.
	b.tracer = sdktrace.NewTracerProvider(sdktrace.WithBatcher(b.spans))
	meter := sdkmetric.NewMeterProvider(sdkmetric.WithReader(b.reader))
	opt.TracerProvider, opt.MeterProvider = b.tracer, meter
	var err error
	if b.Observer, err = otel.New(opt); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.Close()
		// Not t.Context, which has ended here.
		_ = b.tracer.Shutdown(context.Background())
		_ = meter.Shutdown(context.Background())
	})
	return b
}

// exported are the client spans so far, those of the test itself left out.
func (b *backend) exported() []tracetest.SpanStub {
	b.t.Helper()
	if err := b.tracer.ForceFlush(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	var list []tracetest.SpanStub
	for _, s := range b.spans.GetSpans() {
		if s.SpanKind == trace.SpanKindClient {
			list = append(list, s)
		}
	}
	return list
}

// read collects the metrics: the sum, or a histogram's count, by name and
// attributes, "name{k=v,k=v}", attributes sorted by key.
func (b *backend) read() map[string]float64 {
	b.t.Helper()
	var data metricdata.ResourceMetrics
	if err := b.reader.Collect(b.t.Context(), &data); err != nil {
		b.t.Fatal(err)
	}
	got := make(map[string]float64)
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			put := func(set attribute.Set, v float64) {
				got[m.Name+"{"+set.Encoded(attribute.DefaultEncoder())+"}"] = v
			}
			switch d := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range d.DataPoints {
					put(p.Attributes, float64(p.Value))
				}
			case metricdata.Gauge[float64]:
				for _, p := range d.DataPoints {
					put(p.Attributes, p.Value)
				}
			case metricdata.Histogram[float64]:
				for _, p := range d.DataPoints {
					put(p.Attributes, float64(p.Count))
				}
			default:
				b.t.Errorf("%s: %T", m.Name, d)
			}
		}
	}
	return got
}

func newOrigin(t *testing.T, cfg mientest.Config) *mientest.Origin {
	t.Helper()
	origin, err := mientest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(origin.Close)
	return origin
}

func newSession(t *testing.T, b *backend, cfg mien.Config) *mien.Session {
	t.Helper()
	cfg.Hooks = b.Hooks()
	s, err := mien.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	b.Bind(s)
	return s
}

func send(s *mien.Session, req *http.Request) error {
	resp, err := s.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

func request(ctx context.Context, t *testing.T, method, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func want(t *testing.T, got map[string]float64, name string, value float64) {
	t.Helper()
	if v, ok := got[name]; !ok || v != value {
		t.Errorf("%s = %v (there: %v), want %v", name, v, ok, value)
	}
}

// attributes of a span or event as text.
func texts(list []attribute.KeyValue) map[string]string {
	m := make(map[string]string, len(list))
	for _, kv := range list {
		m[string(kv.Key)] = kv.Value.String()
	}
	return m
}

func wantAll(t *testing.T, got, want map[string]string) {
	t.Helper()
	for k, v := range want {
		if found, ok := got[k]; !ok || found != v {
			t.Errorf("%s = %q, want %q", k, found, v)
		}
	}
	for k, v := range got {
		if _, ok := want[k]; !ok {
			t.Errorf("%s = %q, want none", k, v)
		}
	}
}

var answering = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "0123456789") })

// TestExport: under concurrency and with a fifth of the handshakes dying, each
// request has one span under its caller's, and metrics say what the origin saw.
func TestExport(t *testing.T) {
	const requests = 100
	origin := newOrigin(t, mientest.Config{
		Handler: answering,
		Faults:  mientest.Faults{Handshake: mientest.HandshakeFaults{Share: 0.2}},
	})
	b := newBackend(t, otel.Options{Attributes: []attribute.KeyValue{attribute.String("session", "x")}})
	s := newSession(t, b, mien.Config{TLS: origin.ClientTLS()})
	ctx := mien.WithOptions(t.Context(), mien.Options{FreshConnection: true})
	parents := make(map[trace.SpanID]int)
	var mu sync.Mutex // guards parents
	var callers sync.WaitGroup
	for i := range requests {
		callers.Go(func() {
			ctx, parent := b.tracer.Tracer("test").Start(ctx, "caller")
			defer parent.End()
			mu.Lock()
			parents[parent.SpanContext().SpanID()] = i
			mu.Unlock()
			if err := send(s, request(ctx, t, "GET", origin.URL+"/"+strconv.Itoa(i))); err != nil {
				t.Error(err)
			}
		})
		if i%20 == 0 {
			b.read() // metrics are collected while requests run
		}
	}
	callers.Wait()

	host, port, _ := strings.Cut(origin.Addr().String(), ":")
	spans := b.exported()
	if len(spans) != requests {
		t.Fatalf("%d spans, want %d", len(spans), requests)
	}
	for _, span := range spans {
		i, ok := parents[span.Parent.SpanID()]
		if !ok {
			t.Errorf("parent %v is no caller's, or had another span", span.Parent.SpanID())
			continue
		}
		delete(parents, span.Parent.SpanID())
		if span.Name != "GET" || span.Status.Code != codes.Unset {
			t.Errorf("%s, %v", span.Name, span.Status)
		}
		wantAll(t, texts(span.Attributes), map[string]string{
			"session":                   "x",
			"http.request.method":       "GET",
			"url.full":                  origin.URL + "/" + strconv.Itoa(i),
			"url.scheme":                "https",
			"server.address":            host,
			"server.port":               port,
			"http.response.status_code": "200",
			"network.protocol.name":     "http",
			"network.protocol.version":  "2",
			"mien.response.bytes_read":  "10",
		})
		var events []string
		at := span.StartTime
		for _, e := range span.Events {
			events = append(events, e.Name)
			if e.Time.Before(at) || e.Time.After(span.EndTime) {
				t.Errorf("%s at %v, not between %v and %v", e.Name, e.Time, at, span.EndTime)
			}
			at = e.Time
		}
		if got := strings.Join(events, " "); got != "mien.phase.queue mien.phase.headers mien.phase.body" {
			t.Errorf("events %s", got)
		}
	}

	saw, got := origin.Counters(), b.read()
	killed, tried := float64(saw.HandshakesKilled), float64(saw.Handshakes)
	if killed == 0 {
		t.Fatal("the origin killed no handshake")
	}
	at := "server.address=" + host + ",server.port=" + port + ",session=x,url.scheme=https"
	for name, value := range map[string]float64{
		"http.client.request.duration{http.request.method=GET,http.response.status_code=200,network.protocol.version=2," + at + "}": requests,
		"http.client.active_requests{http.request.method=GET," + at + "}":                                                           0,
		"mien.client.handshakes{" + at + "}":                                                                                        tried - killed,
		"mien.client.handshakes{error.type=HandshakeReset," + at + "}":                                                              killed,
		"mien.client.retries{error.type=HandshakeReset,mien.retry.of=connection,session=x}":                                         killed,
		"mien.client.phase.duration{error.type=HandshakeReset,mien.phase=tls,session=x}":                                            killed,
		"mien.client.phase.duration{mien.phase=body,session=x}":                                                                     requests,
		"mien.client.requests.queued{session=x}":                                                                                    0,
		"mien.client.handshake.failure_ratio{session=x}":                                                                            killed / tried,
		"http.client.open_connections{http.connection.state=active," + at + "}":                                                     0,
	} {
		want(t, got, name, value)
	}
}

// TestActive: a request counts, and its connection too, until its body has ended.
func TestActive(t *testing.T) {
	free := make(chan struct{})
	origin := newOrigin(t, mientest.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-free
	})})
	b := newBackend(t, otel.Options{})
	s := newSession(t, b, mien.Config{TLS: origin.ClientTLS(), Limits: mien.Limits{InFlight: 1}})
	resp, err := s.Do(request(t.Context(), t, "GET", origin.URL))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	queued := make(chan error, 1)
	second := request(ctx, t, "POST", origin.URL)
	go func() { queued <- send(s, second) }()
	host, port, _ := strings.Cut(origin.Addr().String(), ":")
	at := "server.address=" + host + ",server.port=" + port + ",url.scheme=https}"
	active := "http.client.active_requests{http.request.method="
	for deadline := time.Now().Add(time.Minute); b.read()["mien.client.requests.queued{}"] != 1; {
		if time.Now().After(deadline) {
			t.Fatal("the second request never queued")
		}
	}
	got := b.read()
	want(t, got, active+"GET,"+at, 1)
	if n, there := got[active+"POST,"+at]; there {
		t.Errorf("a queued request counts %v", n)
	}
	connections := "http.client.open_connections{http.connection.state="
	want(t, got, connections+"active,"+at, 1)
	want(t, got, connections+"idle,"+at, 0)
	cancel()
	if err := <-queued; err == nil {
		t.Error("the second request was not cancelled")
	}
	close(free)
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	got = b.read()
	want(t, got, active+"GET,"+at, 0)
	want(t, got, active+"POST,"+at, 0)
	want(t, got, connections+"active,"+at, 0)
	want(t, got, connections+"idle,"+at, 1)
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if _, there := b.read()["mien.client.requests.queued{}"]; there {
		t.Error("Stats are reported after Close")
	}
	for _, span := range b.exported() {
		if span.Name == "POST" && (span.Status.Code != codes.Error || len(span.Events) != 1) {
			t.Errorf("the queued request's span: %v, %d events", span.Status, len(span.Events))
		}
	}
}

// TestSameRequest: one *http.Request sent many times at once has as many spans,
// and none stays active.
func TestSameRequest(t *testing.T) {
	const times = 30
	origin := newOrigin(t, mientest.Config{Handler: answering})
	b := newBackend(t, otel.Options{})
	s := newSession(t, b, mien.Config{TLS: origin.ClientTLS()})
	req := request(t.Context(), t, "GET", origin.URL)
	var callers sync.WaitGroup
	for range times {
		callers.Go(func() {
			if err := send(s, req); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	if n := len(b.exported()); n != times {
		t.Errorf("%d spans, want %d", n, times)
	}
	for name, n := range b.read() {
		if strings.HasPrefix(name, "http.client.active_requests") && n != 0 {
			t.Errorf("%s = %v", name, n)
		}
	}
}

// TestBounded: with 500 origins metrics name as many as they may and sum up the rest.
func TestBounded(t *testing.T) {
	for limit, named := range map[int]int{0: 100, 7: 7, -1: 0} {
		b := newBackend(t, otel.Options{MaxOrigins: limit})
		h := b.Hooks()
		for i := range 1000 {
			h.Done(mien.RequestInfo{Origin: "https://host" + strconv.Itoa(i%500) + ".test:443", Status: 200, Duration: time.Second})
			h.Handshake(mien.HandshakeInfo{Origin: "https://host" + strconv.Itoa(i%500) + ".test:443", Class: retry.Alert, Err: io.EOF})
		}
		got := b.read()
		want(t, got, "mien.client.handshakes{error.type=Alert,server.address=other,url.scheme=https}", float64(2*(500-named)))
		if len(got) != 2*(named+1) {
			t.Errorf("MaxOrigins %d: %d series, want %d", limit, len(got), 2*(named+1))
		}
		if len(b.exported()) != 1000 {
			t.Errorf("%d spans", len(b.exported()))
		}
	}
}
