package retry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// script is a RoundTripper that plays what it is given, one step per attempt,
// the last step for ever.
type script struct {
	steps  []func(*http.Request) (*http.Response, error)
	bodies []string // what each attempt read
	sent   int
	idled  int
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	step := s.steps[min(s.sent, len(s.steps)-1)]
	s.sent++
	resp, err := step(req)
	if req.Body != nil {
		_ = req.Body.Close()
	}
	return resp, err
}

func (s *script) CloseIdleConnections() { s.idled++ }

func (s *script) reads(then func(*http.Request) (*http.Response, error)) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		b, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		s.bodies = append(s.bodies, string(b))
		return then(req)
	}
}

func fail(err error) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

func respond(status int, retryAfter string, body *trackedBody) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		resp := answerWith(status, retryAfter)
		resp.Request = req
		if body != nil {
			resp.Body = body
		}
		return resp, nil
	}
}

// trackedBody counts what is done to a body.
type trackedBody struct {
	io.Reader
	read, closed int
}

func body(s string) *trackedBody { return &trackedBody{Reader: strings.NewReader(s)} }

func (b *trackedBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.read += n
	return n, err
}

func (b *trackedBody) Close() error { b.closed++; return nil }

func unsent(err error) error { return &h2Error{err: err} } // RequestSent() is false
func unprocessed() error {
	return &h2Error{code: 7, hasCode: true, sent: true, unprocessed: true}
}

var one = func() float64 { return 1 }

func TestTransportRetriesAndTells(t *testing.T) { synctest.Test(t, testTransportRetriesAndTells) }

func testTransportRetriesAndTells(t *testing.T) {
	base := &script{steps: []func(*http.Request) (*http.Response, error){fail(unprocessed()), fail(io.EOF), respond(200, "", nil)}}
	var events []Event
	tr := &Transport{Base: base, Policy: Policy{Rand: one}, OnRetry: func(e Event) { events = append(events, e) }}
	req := request(t, "GET")
	start := time.Now()
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.Request != req {
		t.Error("resp.Request is not the caller's")
	}
	if took := time.Since(start); took != 300*time.Millisecond {
		t.Errorf("took %v, want 100 ms and 200 ms of back-off", took)
	}
	if len(events) != 2 || events[0].Attempt != 1 || events[0].Class != NotProcessed || events[0].Wait != 100*time.Millisecond ||
		events[1].Attempt != 2 || events[1].Class != ConnectionLost || events[1].Wait != 200*time.Millisecond || events[1].Request != req {
		t.Errorf("events: %+v", events)
	}
}

// A RoundTripper that shows nothing may have sent everything.
func TestTransportTakesTheUnknownAsSent(t *testing.T) {
	for method, want := range map[string]int{"GET": 4, "POST": 1} {
		base := &script{steps: []func(*http.Request) (*http.Response, error){fail(io.EOF)}}
		_, err := (&Transport{Base: base, Policy: Policy{Rand: func() float64 { return 0 }}}).RoundTrip(request(t, method))
		var e *Error
		if !errors.As(err, &e) || !e.Sent || e.Class != ConnectionLost || e.Attempt != want || !errors.Is(err, io.EOF) {
			t.Errorf("%s: %v (%+v)", method, err, e)
		}
		if base.sent != want {
			t.Errorf("%s sent %d times, want %d", method, base.sent, want)
		}
	}
}

func TestTransportReturnsTheLastErrorWithItsReason(t *testing.T) {
	base := &script{steps: []func(*http.Request) (*http.Response, error){fail(io.EOF)}}
	_, err := (&Transport{Base: base}).RoundTrip(request(t, "POST"))
	want := "headers: the connection broke before the response: EOF (attempt 1, may have been sent; the request may have been sent and must not be repeated)"
	if err == nil || err.Error() != want {
		t.Errorf("text\n got %v\nwant %s", err, want)
	}
}

func TestTransportStopsWaitingAtOnce(t *testing.T) { synctest.Test(t, testStopsWaiting) }

func testStopsWaiting(t *testing.T) {
	cause := errors.New("user left")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(30*time.Millisecond, func() { cancel(cause) })
	base := &script{steps: []func(*http.Request) (*http.Response, error){fail(io.EOF)}}
	start := time.Now()
	_, err := (&Transport{Base: base, Policy: Policy{Rand: one}}).RoundTrip(request(t, "GET").WithContext(ctx))
	if took := time.Since(start); took != 30*time.Millisecond {
		t.Errorf("returned after %v, want 30 ms", took)
	}
	var e *Error
	if !errors.As(err, &e) || e.Class != Canceled || !errors.Is(err, cause) || !errors.Is(err, context.Canceled) || e.Timeout() || !errors.Is(err, io.EOF) || base.sent != 1 {
		t.Errorf("%v (%+v), sent %d", err, e, base.sent)
	}
}

func TestTransportLeavesTheCallersErrorAlone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	base := &script{steps: []func(*http.Request) (*http.Response, error){func(req *http.Request) (*http.Response, error) {
		cancel()
		return nil, req.Context().Err()
	}}}
	_, err := (&Transport{Base: base}).RoundTrip(request(t, "GET").WithContext(ctx))
	if err != context.Canceled || base.sent != 1 {
		t.Errorf("%v, sent %d", err, base.sent)
	}
}

func TestTransportDeadlineNear(t *testing.T) { synctest.Test(t, testDeadlineNear) }

func testDeadlineNear(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
	defer cancel()
	base := &script{steps: []func(*http.Request) (*http.Response, error){fail(io.EOF)}}
	start := time.Now()
	_, err := (&Transport{Base: base, Policy: Policy{Rand: one}}).RoundTrip(request(t, "GET").WithContext(ctx))
	var e *Error
	if !errors.As(err, &e) || e.Reason != DeadlineNear || e.Attempt != 2 || e.Timeout() {
		t.Errorf("%v", err)
	}
	if took := time.Since(start); took != 100*time.Millisecond {
		t.Errorf("returned after %v: the last error is returned at once", took)
	}
}

func TestTransportRewindsBodies(t *testing.T) { synctest.Test(t, testRewindsBodies) }

func testRewindsBodies(t *testing.T) {
	base := &script{}
	base.steps = []func(*http.Request) (*http.Response, error){
		base.reads(fail(unprocessed())), fail(unsent(errors.New("unknown"))), base.reads(respond(200, "", nil)),
	}
	req, _ := http.NewRequestWithContext(t.Context(), "POST", "https://example.com/", strings.NewReader("payload"))
	base.steps[1] = base.reads(fail(unprocessed()))
	first := body("payload")
	req.Body = first
	if _, err := (&Transport{Base: base}).RoundTrip(req); err != nil {
		t.Fatal(err)
	}
	if len(base.bodies) != 3 || base.bodies[0] != "payload" || base.bodies[1] != "payload" || base.bodies[2] != "payload" {
		t.Errorf("attempts read %q", base.bodies)
	}
	if first.closed != 1 || req.Body != first {
		t.Errorf("the caller's body: closed %d times, replaced %v", first.closed, req.Body != first)
	}
}

func TestTransportStreamsSurviveUntilTheyAreRead(t *testing.T) {
	synctest.Test(t, testStreams)
}

func testStreams(t *testing.T) {
	stream := body("stream")
	req := request(t, "POST")
	req.Body = stream
	base := &script{}
	base.steps = []func(*http.Request) (*http.Response, error){fail(unprocessed()), fail(unprocessed()), base.reads(respond(200, "", nil))}
	if _, err := (&Transport{Base: base}).RoundTrip(req); err != nil {
		t.Fatal(err)
	}
	if len(base.bodies) != 1 || base.bodies[0] != "stream" || stream.closed != 1 {
		t.Errorf("read %q, closed %d times", base.bodies, stream.closed)
	}

	stream = body("stream")
	req.Body = stream
	base = &script{}
	base.steps = []func(*http.Request) (*http.Response, error){base.reads(fail(unprocessed())), base.reads(respond(200, "", nil))}
	_, err := (&Transport{Base: base}).RoundTrip(req)
	var e *Error
	if !errors.As(err, &e) || e.Reason != NotReplayable || base.sent != 1 || stream.closed != 1 {
		t.Errorf("after a read: %v, sent %d, closed %d", err, base.sent, stream.closed)
	}

	stream = body("stream")
	req.Body = stream
	base = &script{steps: []func(*http.Request) (*http.Response, error){fail(unprocessed())}}
	if _, err := (&Transport{Base: base}).RoundTrip(req); err == nil || base.sent != 4 || stream.closed != 1 || stream.read != 0 {
		t.Errorf("never read: %v, sent %d, closed %d", err, base.sent, stream.closed)
	}
}

// A RoundTripper that goes on reading after it gave up gets an error, not the
// next attempt's bytes.
func TestTransportSealsAnAbandonedBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		req := request(t, "POST")
		req.Body = body("stream")
		var late io.Reader
		base := &script{}
		base.steps = []func(*http.Request) (*http.Response, error){
			func(r *http.Request) (*http.Response, error) { late = r.Body; return nil, unprocessed() },
			base.reads(respond(200, "", nil)),
		}
		if _, err := (&Transport{Base: base}).RoundTrip(req); err != nil {
			t.Fatal(err)
		}
		if n, err := late.Read(make([]byte, 9)); n != 0 || err != errSealed {
			t.Errorf("late read: %d, %v", n, err)
		}
		if base.bodies[0] != "stream" {
			t.Errorf("second attempt read %q", base.bodies)
		}
	})
}

func TestTransportStatuses(t *testing.T) { synctest.Test(t, testStatuses) }

func testStatuses(t *testing.T) {
	long := body(strings.Repeat("x", 1<<20))
	base := &script{steps: []func(*http.Request) (*http.Response, error){respond(503, "7", long), respond(200, "", nil)}}
	start := time.Now()
	tr := &Transport{Base: base, Policy: Policy{Statuses: []int{503}}, OnRetry: func(e Event) {
		if e.Response == nil || long.closed != 1 || long.read > drainLimit || e.Wait != 7*time.Second {
			t.Errorf("before the pause: closed %d, read %d, event %+v", long.closed, long.read, e)
		}
	}}
	resp, err := tr.RoundTrip(request(t, "GET"))
	if err != nil || resp.StatusCode != 200 || time.Since(start) != 7*time.Second {
		t.Errorf("%v, %v after %v", resp, err, time.Since(start))
	}

	kept := body("busy")
	base = &script{steps: []func(*http.Request) (*http.Response, error){respond(503, "3600", kept)}}
	resp, err = (&Transport{Base: base, Policy: tr.Policy}).RoundTrip(request(t, "GET"))
	if err != nil || resp.StatusCode != 503 || kept.closed != 0 || kept.read != 0 {
		t.Errorf("too long a wait: %v, closed %d, read %d", err, kept.closed, kept.read)
	}
}

func TestTransportContextEndsAfterADiscardedResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		base := &script{steps: []func(*http.Request) (*http.Response, error){respond(503, "7", nil)}}
		_, err := (&Transport{Base: base, Policy: Policy{Statuses: []int{503}}}).RoundTrip(request(t, "GET").WithContext(ctx))
		if err != context.Canceled {
			t.Errorf("%v", err)
		}
	})
}

func TestTransportMisdirected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &script{steps: []func(*http.Request) (*http.Response, error){respond(421, "", nil)}}
		resp, err := (&Transport{Base: base}).RoundTrip(request(t, "POST"))
		if err != nil || resp.StatusCode != 421 || base.sent != 2 || base.idled != 1 {
			t.Errorf("%v, sent %d, idle connections closed %d times", err, base.sent, base.idled)
		}
	})
}

func TestTransportBudgetPerOrigin(t *testing.T) { synctest.Test(t, testBudgetPerOrigin) }

func testBudgetPerOrigin(t *testing.T) {
	base := &script{steps: []func(*http.Request) (*http.Response, error){fail(io.EOF)}}
	tr := &Transport{Base: base, Policy: Policy{Rand: func() float64 { return 0 }}}
	const n = 100
	var spent int
	for range n {
		_, err := tr.RoundTrip(request(t, "GET"))
		var e *Error
		if errors.As(err, &e) && e.Reason == BudgetSpent {
			spent++
		}
	}
	if retries := base.sent - n; retries != n/5 || spent == 0 {
		t.Errorf("%d retries for %d requests, want a fifth; %d told that the budget is spent", retries, n, spent)
	}
	other, _ := http.NewRequestWithContext(t.Context(), "GET", "https://other.example/", nil)
	before := base.sent
	_, _ = tr.RoundTrip(other)
	if base.sent-before != 4 {
		t.Errorf("another origin: %d attempts, want 4", base.sent-before)
	}
}

func TestTransportInvalid(t *testing.T) {
	b := body("x")
	req := request(t, "POST")
	req.Body = b
	_, err := (&Transport{Policy: Policy{Base: -1}}).RoundTrip(req)
	if err == nil || !strings.Contains(err.Error(), "Policy.Base") || b.closed != 1 {
		t.Errorf("%v, body closed %d times", err, b.closed)
	}
	b = body("x")
	if _, err := (&Transport{}).RoundTrip(&http.Request{Body: b}); err == nil || b.closed != 1 {
		t.Errorf("no URL: %v, body closed %d times", err, b.closed)
	}
}
