package retry_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/mien-http/mien/retry"
)

// Facts go in: where it failed, what was sent, the error by its type.
func ExampleClassify() {
	for _, f := range []retry.Failure{
		{Phase: retry.PhaseDNS, Err: &net.DNSError{IsNotFound: true}},
		{Phase: retry.PhaseDial, Err: syscall.ECONNREFUSED},
		{Phase: retry.PhaseTLS, Err: io.EOF},
		{Phase: retry.PhaseTLS, Err: tls.RecordHeaderError{}},
		{Phase: retry.PhaseHeaders, Sent: true, Err: syscall.ECONNRESET},
		{Phase: retry.PhaseHeaders, Sent: true, Reused: true, Err: io.EOF},
	} {
		class := retry.Classify(f)
		fmt.Printf("%s: %s\n", class, class.Describe())
	}
	// Output:
	// NameNotFound: the host name does not exist
	// Refused: the address refused the connection or cannot be reached
	// HandshakeReset: peer closed the connection (curl calls this SSL_ERROR_SYSCALL)
	// NotTLS: the peer does not speak TLS on this port (is the scheme right?)
	// ConnectionLost: the connection broke before the response
	// StaleConnection: a reused connection had been closed by the peer
}

// What was not sent may be sent again, whatever it is; what may have been, only if
// HTTP says that it does no harm.
func ExampleDecide() {
	for _, f := range []retry.Failure{
		{Phase: retry.PhaseTLS, Err: io.EOF},
		{Phase: retry.PhaseHeaders, Sent: true, Err: io.EOF},
		{Phase: retry.PhaseTLS, Err: &tls.CertificateVerificationError{Err: errors.New("expired")}},
	} {
		class := retry.Classify(f)
		fmt.Println(class, "- sent:", f.Sent, "- again:", retry.Decide(class, f))
	}
	// Output:
	// HandshakeReset - sent: false - again: Any
	// ConnectionLost - sent: true - again: Idempotent
	// Certificate - sent: false - again: Never
}

// Only two statuses say by themselves that nothing was done; others are the
// policy's to name.
func ExampleDecideStatus() {
	for _, status := range []int{http.StatusMisdirectedRequest, http.StatusServiceUnavailable, http.StatusInternalServerError} {
		_, decision := retry.DecideStatus(status, []int{http.StatusServiceUnavailable})
		fmt.Println(status, decision)
	}
	// Output:
	// 421 AnyOnce
	// 503 Idempotent
	// 500 Never
}

func ExampleIsIdempotent() {
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodPost} {
		req, err := http.NewRequest(method, "https://example.test/", nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(method, retry.IsIdempotent(req))
	}
	req, err := http.NewRequest(http.MethodPost, "https://example.test/", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	req.Header.Set("Idempotency-Key", "7f3a")
	fmt.Println("POST with a key", retry.IsIdempotent(req))
	// Output:
	// GET true
	// PUT true
	// POST false
	// POST with a key true
}

// A body of which net/http keeps a copy can be had again; a stream cannot.
func ExampleRewind() {
	req, err := http.NewRequest(http.MethodPut, "https://example.test/", strings.NewReader("content"))
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := io.ReadAll(req.Body); err != nil { // an attempt that failed
		fmt.Println(err)
		return
	}
	again, err := retry.Rewind(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	body, err := io.ReadAll(again.Body)
	fmt.Printf("%s %v\n", body, err)

	stream, err := http.NewRequest(http.MethodPut, "https://example.test/", io.MultiReader(strings.NewReader("once")))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = retry.Rewind(stream)
	fmt.Println(errors.Is(err, retry.ErrNotReplayable))
	// Output:
	// content <nil>
	// true
}

func ExampleParseRetryAfter() {
	now := time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)
	for _, value := range []string{"120", "Mon, 23 Nov 2026 12:00:30 GMT", "soon"} {
		fmt.Println(retry.ParseRetryAfter(value, now))
	}
	// Output:
	// 2m0s true
	// 30s true
	// 0s false
}

// Pauses are random, up to a bound that doubles.
func ExampleNewBackoff() {
	most := func() float64 { return 1 } // in place of random numbers
	b := retry.NewBackoff(100*time.Millisecond, time.Second, most)
	for range 5 {
		fmt.Println(b.Next())
	}
	// Output:
	// 100ms
	// 200ms
	// 400ms
	// 800ms
	// 1s
}

// No more than a fifth of an origin's requests of the last ten seconds is sent
// again, but ten are in any case.
func ExampleBudget() {
	now := time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)
	b := retry.NewBudget(retry.Policy{})
	for range 100 {
		b.Request(now)
	}
	allowed := 0
	for b.Spend(now) {
		allowed++
	}
	fmt.Println(allowed)
	// Output: 20
}

// A contradiction is an error that names the field.
func ExamplePolicy_Validate() {
	fmt.Println(retry.Policy{Base: time.Minute, Cap: time.Second}.Validate())
	// Output: retry: Policy.Cap (1s) is below Policy.Base (1m0s)
}

// A run judges attempt after attempt of one request. It neither waits nor reads a
// clock: whoever sends does.
func ExampleRun() {
	req, err := http.NewRequest(http.MethodGet, "https://example.test/", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)
	run := retry.NewRun(now, retry.RunConfig{
		Request: req,
		Policy:  retry.Policy{MaxAttempts: 2, Rand: func() float64 { return 1 }},
	})
	lost := retry.Failure{Phase: retry.PhaseHeaders, Sent: true, Err: io.ErrUnexpectedEOF}
	for {
		v := run.Failed(now, lost)
		if !v.Retry {
			fmt.Printf("attempt %d, %s: %s\n", v.Attempt, v.Class, v.Reason)
			break
		}
		fmt.Printf("attempt %d, %s: again after %v\n", v.Attempt, v.Class, v.Wait)
		now = now.Add(v.Wait)
	}
	// Output:
	// attempt 1, ConnectionLost: again after 100ms
	// attempt 2, ConnectionLost: all attempts are used up
}

// broken loses every connection.
type broken struct{}

func (broken) RoundTrip(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }

// The error of the last attempt says why there is no other.
func ExampleError() {
	client := &http.Client{Transport: &retry.Transport{Base: broken{}}}
	_, err := client.Post("http://example.test/", "text/plain", strings.NewReader("order"))
	var e *retry.Error
	if errors.As(err, &e) {
		fmt.Println(e.Class, e.Attempt)
		fmt.Println(e.Reason)
		fmt.Println(errors.Is(err, io.ErrUnexpectedEOF))
	}
	// Output:
	// ConnectionLost 1
	// the request may have been sent and must not be repeated
	// true
}

// A predicate has the last word.
func ExamplePolicy_predicate() {
	client := &http.Client{Transport: &retry.Transport{
		Base: new(flaky),
		Policy: retry.Policy{
			Base:      time.Millisecond,
			Predicate: func(e retry.Event) bool { return e.Request.URL.Path != "/orders" },
		},
	}}
	_, err := client.Get("http://example.test/orders")
	var e *retry.Error
	if errors.As(err, &e) {
		fmt.Println(e.Reason)
	}
	// Output: the predicate refused
}

// Whoever owns the connections to an origin counts the failures of all who wait
// for one together: after so many in a row it is down.
func ExampleNewConnectTracker() {
	now := time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)
	tracker := retry.NewConnectTracker(retry.Policy{MaxConnectAttempts: 3})
	dead := retry.Failure{Phase: retry.PhaseTLS, Err: io.EOF}
	for range 3 {
		begun, failed := now, now.Add(time.Second)
		fmt.Println("down:", tracker.Fail(failed, begun, dead, false, now))
		now = failed
	}
	fmt.Println(tracker.Failed(), "in a row")
	// Output:
	// down: false
	// down: false
	// down: true
	// 3 in a row
}
