package retry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

func request(t *testing.T, method string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "https://example.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestIsIdempotent(t *testing.T) {
	for method, want := range map[string]bool{
		"": true, "GET": true, "HEAD": true, "OPTIONS": true, "TRACE": true, "PUT": true, "DELETE": true,
		"POST": false, "PATCH": false, "CONNECT": false, "get": false, "PROPFIND": false,
	} {
		if got := IsIdempotent(&http.Request{Method: method}); got != want {
			t.Errorf("%q: %v", method, got)
		}
	}
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key", "idempotency-key"} {
		if !IsIdempotent(&http.Request{Method: "POST", Header: http.Header{name: nil}}) {
			t.Errorf("POST with %s: nil is not idempotent", name)
		}
	}
}

func TestRewind(t *testing.T) {
	none := request(t, "GET")
	if again, err := Rewind(none); err != nil || again != none || !Replayable(none) {
		t.Errorf("no body: %v, %v", again, err)
	}
	req := request(t, "POST")
	req.Body = http.NoBody
	if again, err := Rewind(req); err != nil || again != req || !Replayable(req) {
		t.Errorf("NoBody: %v", err)
	}
	req.Body = io.NopCloser(strings.NewReader("once"))
	if _, err := Rewind(req); !errors.Is(err, ErrNotReplayable) || Replayable(req) {
		t.Errorf("no GetBody: %v", err)
	}
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("again")), nil }
	first := req.Body
	again, err := Rewind(req)
	if err != nil || again == req || req.Body != first {
		t.Fatalf("GetBody: %v, same request %v", err, again == req)
	}
	if got, _ := io.ReadAll(again.Body); string(got) != "again" {
		t.Errorf("body %q", got)
	}
	broken := errors.New("gone")
	req.GetBody = func() (io.ReadCloser, error) { return nil, broken }
	if _, err := Rewind(req); !errors.Is(err, broken) {
		t.Errorf("GetBody fails: %v", err)
	}
}

var (
	lost     = Failure{Phase: PhaseHeaders, Sent: true, Err: io.EOF}
	stale    = Failure{Phase: PhaseWrite, Reused: true, Err: io.EOF}
	refusedS = Failure{Phase: PhaseHeaders, Err: &h2Error{code: http2.ErrCodeRefusedStream, hasCode: true, sent: true, unprocessed: true}}
	goAway   = Failure{Phase: PhaseHeaders, Err: &h2Error{hasCode: true, conn: true, sent: true, unprocessed: true}}
	http11   = Failure{Phase: PhaseHeaders, Err: &h2Error{code: http2.ErrCodeHTTP11Required, hasCode: true, sent: true, unprocessed: true}}
	slow     = Failure{Phase: PhaseHeaders, Sent: true, Err: timeoutError{}}
	alert80  = Failure{Phase: PhaseTLS, Err: alertError(80)}
)

// tries feeds f until the run refuses, and gives the attempts and the reason.
func tries(r *Run, f Failure) (int, Reason) {
	for n := 1; n < 1000; n++ {
		if v := r.Failed(noon, f); !v.Retry {
			return n, v.Reason
		}
	}
	return 0, ""
}

func TestRunCaps(t *testing.T) {
	for _, c := range []struct {
		name   string
		method string
		f      Failure
		policy Policy
		want   int
		reason Reason
	}{
		{"lost GET", "GET", lost, Policy{}, 4, AttemptsSpent},
		{"lost POST", "POST", lost, Policy{}, 1, NotIdempotent},
		{"stale POST, nothing written", "POST", stale, Policy{}, 4, AttemptsSpent},
		{"refused stream POST", "POST", refusedS, Policy{}, 4, AttemptsSpent},
		{"first move after GOAWAY is free", "POST", goAway, Policy{}, 5, AttemptsSpent},
		{"header time-out once", "GET", slow, Policy{}, 2, AttemptsSpent},
		{"header time-out POST", "POST", slow, Policy{}, 1, NotIdempotent},
		{"handshake", "POST", reset, Policy{}, 24, OriginDown},
		{"refused port", "POST", refused, Policy{}, 4, OriginDown},
		{"alert 80 once", "POST", alert80, Policy{}, 2, AttemptsSpent},
		{"certificate", "GET", Failure{Phase: PhaseTLS, Err: alertError(42)}, Policy{}, 1, NotRetryable},
		{"attempts set", "GET", lost, Policy{MaxAttempts: 2}, 2, AttemptsSpent},
		{"one attempt", "GET", lost, Policy{MaxAttempts: 1}, 1, AttemptsSpent},
		{"one attempt leaves handshakes alone", "GET", reset, Policy{MaxAttempts: 1}, 24, OriginDown},
		{"off", "GET", lost, Policy{MaxAttempts: -1}, 1, Off},
		{"off, handshake", "GET", reset, Policy{MaxAttempts: -1}, 1, Off},
		{"off, refused stream", "GET", refusedS, Policy{MaxAttempts: -1}, 1, Off},
	} {
		connect := NewConnectTracker(c.policy)
		r := NewRun(noon, RunConfig{Policy: c.policy, Request: request(t, c.method), Connect: &connect})
		n, reason := tries(r, c.f)
		if n != c.want || reason != c.reason || r.Attempts() != n {
			t.Errorf("%s: %d attempts, %q; want %d, %q", c.name, n, reason, c.want, c.reason)
		}
	}
}

func TestRunMarkedIdempotent(t *testing.T) {
	r := NewRun(noon, RunConfig{Request: request(t, "POST"), Idempotent: true})
	if n, reason := tries(r, lost); n != 4 || reason != AttemptsSpent {
		t.Errorf("%d attempts, %q", n, reason)
	}
}

func TestRunWithoutTrackerLeavesConnectingToOthers(t *testing.T) {
	r := NewRun(noon, RunConfig{Request: request(t, "GET")})
	if v := r.Failed(noon, reset); v.Retry || v.Reason != NotRetryable || v.Class != HandshakeReset {
		t.Errorf("%+v", v)
	}
}

func TestRunBodyThatCannotBeRewound(t *testing.T) {
	req := request(t, "PUT")
	req.Body = io.NopCloser(strings.NewReader("x"))
	for _, f := range []Failure{lost, refusedS, stale} {
		r := NewRun(noon, RunConfig{Request: req})
		if v := r.Failed(noon, f); v.Retry || v.Reason != NotReplayable {
			t.Errorf("%v: %+v", f, v)
		}
	}
}

func TestRunBudget(t *testing.T) {
	spent := 0
	cfg := RunConfig{Request: request(t, "GET"), Spend: func(time.Time) bool { spent++; return false }}
	for _, c := range []struct {
		f     Failure
		costs bool
	}{{lost, true}, {stale, false}, {refusedS, false}, {goAway, false}} {
		spent = 0
		v := NewRun(noon, cfg).Failed(noon, c.f)
		if c.costs != (spent == 1) || v.Retry == c.costs || c.costs && v.Reason != BudgetSpent {
			t.Errorf("%v: spent %d, %+v", Classify(c.f), spent, v)
		}
	}
	spent = 0
	cfg.Policy.Statuses = []int{503}
	if v := NewRun(noon, cfg).Answered(noon, answerWith(503, "")); v.Retry || spent != 1 || v.Reason != BudgetSpent {
		t.Errorf("503: spent %d, %+v", spent, v)
	}
}

func answerWith(status int, retryAfter string) *http.Response {
	resp := &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody}
	if retryAfter != "" {
		resp.Header.Set("Retry-After", retryAfter)
	}
	return resp
}

func TestRunStatuses(t *testing.T) {
	listed := Policy{Statuses: []int{429, 503}, Rand: func() float64 { return 1 }}
	for _, c := range []struct {
		name   string
		method string
		policy Policy
		status int
		after  string
		wait   time.Duration
		reason Reason
	}{
		{"default hands 429 over", "GET", Policy{}, 429, "1", 0, NotRetryable},
		{"listed, seconds", "GET", listed, 429, "7", 7 * time.Second, ""},
		{"listed, date", "GET", listed, 503, "Sun, 01 Mar 2026 12:00:09 GMT", 9 * time.Second, ""},
		{"listed, nothing said", "GET", listed, 503, "", 100 * time.Millisecond, ""},
		{"listed, nonsense", "GET", listed, 503, "later", 100 * time.Millisecond, ""},
		{"listed, now", "GET", listed, 503, "0", 100 * time.Millisecond, ""},
		{"listed, one minute", "GET", listed, 503, "60", time.Minute, ""},
		{"listed, too long", "GET", listed, 503, "61", 0, WaitTooLong},
		{"listed, POST", "POST", listed, 503, "1", 0, NotIdempotent},
		{"too early", "POST", Policy{Rand: listed.Rand}, 425, "", 100 * time.Millisecond, ""},
		{"success", "GET", listed, 200, "1", 0, NotRetryable},
	} {
		r := NewRun(noon, RunConfig{Policy: c.policy, Request: request(t, c.method)})
		v := r.Answered(noon, answerWith(c.status, c.after))
		if v.Wait != c.wait || v.Reason != c.reason || v.Retry != (c.reason == "") {
			t.Errorf("%s: %+v", c.name, v)
		}
	}
}

func TestRunMisdirected(t *testing.T) {
	r := NewRun(noon, RunConfig{Request: request(t, "POST")})
	if v := r.Answered(noon, answerWith(421, "")); !v.Retry || !v.Fresh || v.Class != NotProcessed {
		t.Errorf("first 421: %+v", v)
	}
	if v := r.Answered(noon, answerWith(421, "")); v.Retry {
		t.Errorf("second 421: %+v", v)
	}
}

func TestRunHTTP11Required(t *testing.T) {
	r := NewRun(noon, RunConfig{Request: request(t, "POST")})
	if v := r.Failed(noon, http11); !v.Retry || !v.HTTP1 || !v.Fresh || v.Class != NotProcessed {
		t.Errorf("%+v", v)
	}
}

func TestRunProxyRetryAfter(t *testing.T) {
	connect := NewConnectTracker(Policy{})
	r := NewRun(noon, RunConfig{Request: request(t, "GET"), Connect: &connect})
	f := Failure{Phase: PhaseProxy, Err: &proxyError{status: 503, after: "3"}}
	if v := r.Failed(noon, f); !v.Retry || v.Wait != 3*time.Second || v.Class != ProxyRefused {
		t.Errorf("%+v", v)
	}
	f.Err = &proxyError{status: 503, after: "3600"}
	if v := r.Failed(noon, f); v.Retry || v.Reason != WaitTooLong {
		t.Errorf("%+v", v)
	}
}

func TestRunDoesNotWaitPastTheDeadline(t *testing.T) {
	ctx, cancel := context.WithDeadline(t.Context(), noon.Add(time.Hour*24*365*100))
	defer cancel()
	deadline, _ := ctx.Deadline()
	req := request(t, "GET").WithContext(ctx)
	r := NewRun(noon, RunConfig{Policy: Policy{Rand: func() float64 { return 1 }}, Request: req})
	if v := r.Failed(deadline.Add(-100*time.Millisecond), lost); v.Retry || v.Reason != DeadlineNear {
		t.Errorf("100 ms left, 100 ms to wait: %+v", v)
	}
	r = NewRun(noon, RunConfig{Policy: Policy{Rand: func() float64 { return 1 }}, Request: req})
	if v := r.Failed(deadline.Add(-101*time.Millisecond), lost); !v.Retry || v.Wait != 100*time.Millisecond {
		t.Errorf("101 ms left, 100 ms to wait: %+v", v)
	}
}

func TestPredicate(t *testing.T) {
	var asked []Event
	answer := false
	policy := Policy{Predicate: func(e Event) bool { asked = append(asked, e); return answer }}
	judge := func(p Policy, method string, f Failure) Verdict {
		asked = nil
		connect := NewConnectTracker(p)
		return NewRun(noon, RunConfig{Policy: p, Request: request(t, method), Connect: &connect}).Failed(noon, f)
	}
	if v := judge(policy, "GET", lost); v.Retry || v.Reason != Vetoed || len(asked) != 1 || asked[0].Attempt != 1 || asked[0].Class != ConnectionLost {
		t.Errorf("veto: %+v, asked %+v", v, asked)
	}
	answer = true
	if v := judge(policy, "GET", lost); !v.Retry {
		t.Errorf("consent: %+v", v)
	}
	if v := judge(policy, "POST", lost); v.Retry || len(asked) != 0 {
		t.Errorf("a predicate that may only narrow widens: %+v", v)
	}
	policy.Unsafe = true
	if v := judge(policy, "POST", lost); !v.Retry {
		t.Errorf("unsafe: %+v", v)
	}
	connect := NewConnectTracker(policy)
	if n, reason := tries(NewRun(noon, RunConfig{Policy: policy, Request: request(t, "POST"), Connect: &connect}), lost); n != 4 || reason != AttemptsSpent {
		t.Errorf("unsafe passes the caps: %d attempts, %q", n, reason)
	}
	for name, f := range map[string]Failure{
		"certificate": {Phase: PhaseTLS, Err: declaredError(Certificate)},
		"canceled":    {Phase: PhaseHeaders, Err: context.Canceled},
		"body":        {Phase: PhaseBody, Sent: true, Err: io.ErrUnexpectedEOF},
		"invalid":     {Err: declaredError(Invalid)},
	} {
		if v := judge(policy, "GET", f); v.Retry || len(asked) != 0 {
			t.Errorf("unsafe retries %s: %+v", name, v)
		}
	}
	once := NewRun(noon, RunConfig{Policy: policy, Request: request(t, "GET")})
	if v := once.Answered(noon, answerWith(200, "")); v.Retry {
		t.Error("unsafe retries a success")
	}
	if v := once.Answered(noon, answerWith(500, "")); !v.Retry {
		t.Errorf("unsafe does not retry a 500: %+v", v)
	}
	answer = false
	if v := judge(policy, "POST", lost); v.Retry || v.Reason != NotIdempotent {
		t.Errorf("unsafe and refused: %+v", v)
	}
}

// After a request went out, the connections that follow are counted anew.
func TestRunConnectsAgainAfterALoss(t *testing.T) {
	connect := NewConnectTracker(Policy{})
	r := NewRun(noon, RunConfig{Request: request(t, "GET"), Connect: &connect})
	connect.Succeeded(noon.Add(time.Second))
	if v := r.Failed(noon.Add(2*time.Second), lost); !v.Retry {
		t.Fatalf("%+v", v)
	}
	n := 0
	for v := (Verdict{Retry: true}); v.Retry && n < 100; n++ {
		v = r.Failed(noon.Add(3*time.Second), reset)
	}
	if n != 24 {
		t.Errorf("%d attempts to connect, want 24", n)
	}
}
