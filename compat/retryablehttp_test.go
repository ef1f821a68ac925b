package compat_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

func newRetryable(hc *http.Client) *retryablehttp.Client {
	c := retryablehttp.NewClient()
	c.HTTPClient, c.Logger = hc, nil
	c.RetryMax, c.RetryWaitMin, c.RetryWaitMax = 2, time.Millisecond, 2*time.Millisecond
	return c
}

func TestRetryable(t *testing.T) {
	a := newAPI()
	onEachWire(t, a, func(t *testing.T, s *mien.Session, o *mientest.Origin) {
		c := newRetryable(s.Client())
		for _, body := range []any{nil, []byte("text"), strings.NewReader("text"), retryablehttp.ReaderFunc(func() (io.Reader, error) {
			return io.MultiReader(strings.NewReader("te"), strings.NewReader("xt")), nil
		})} {
			a.calls.Store(0)
			req, err := retryablehttp.NewRequestWithContext(timeout(t), "POST", named(o)+"/flaky", body)
			check(t, err)
			resp, err := c.Do(req)
			check(t, err)
			var e echoed
			check(t, json.NewDecoder(strings.NewReader(readAll(t, resp))).Decode(&e))
			if n, own := a.calls.Load(), s.Stats().Retries; n != 3 || own != 0 {
				t.Errorf("%T: a status had %d requests, %d of them the session's retries", body, n, own)
			}
			if body != nil && e.Body != "text" || !strings.HasPrefix(e.Agent, "Mozilla/5.0 ") {
				t.Errorf("%T: the last request was %+v", body, e)
			}
		}

		// As an http.Client again, the way SDKs take it; cookies stay the session's.
		resp, err := c.StandardClient().Get(named(o) + "/login")
		check(t, err)
		var e echoed
		check(t, json.NewDecoder(strings.NewReader(readAll(t, resp))).Decode(&e))
		if e.Cookie != "sid=s1" || e.Query != "from=login" {
			t.Errorf("through StandardClient: %+v", e)
		}
	})
}

// TestRetryableTwice: the attempts of both multiply where a request may have
// been sent, and MaxAttempts 1 leaves them to the library.
func TestRetryableTwice(t *testing.T) {
	a := newAPI()
	for attempts, want := range map[int]int64{0: 3 * 4, 1: 3} {
		for _, w := range wires {
			cfg := w.origin
			cfg.Handler = a
			o := newOrigin(t, cfg)
			s := newSession(t, mien.Config{Retry: retry.Policy{MaxAttempts: attempts, Base: time.Millisecond}})
			a.calls.Store(0)
			_, err := newRetryable(s.Client()).Get(named(o) + "/cut")
			if err == nil {
				t.Errorf("%s: no error", w.name)
			}
			if n := a.calls.Load(); n != want {
				t.Errorf("%s, MaxAttempts %d: %d requests, want %d", w.name, attempts, n, want)
			}
		}
	}
}

// TestRetryableHandshakes: a killed handshake is the session's matter. The
// library sees none of it.
func TestRetryableHandshakes(t *testing.T) {
	o := newOrigin(t, mientest.Config{Faults: mientest.Faults{Handshake: mientest.HandshakeFaults{First: 5}}})
	s := newSession(t, mien.Config{})
	c := newRetryable(s.Client())
	tries := 0
	c.RequestLogHook = func(retryablehttp.Logger, *http.Request, int) { tries++ }
	resp, err := c.Post(named(o), "text/plain", strings.NewReader("x"))
	check(t, err)
	readAll(t, resp)
	if tries != 1 || o.Counters().HandshakesKilled != 5 || o.Counters().Requests != 1 {
		t.Errorf("%d tries of the library; the origin saw %+v", tries, o.Counters())
	}
}

// TestRetryableFinal: what the library would not repeat over net/http, which it
// knows by the words of the error, it does not repeat over a session.
func TestRetryableFinal(t *testing.T) {
	o := newOrigin(t, mientest.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/", http.StatusFound)
	})})
	for name, target := range map[string]string{
		"redirects": named(o), "scheme": "ftp://localhost/", "no scheme": "localhost/", "header": named(o) + "/header",
	} {
		s := newSession(t, mien.Config{})
		c := newRetryable(s.Client())
		tries := 0
		c.RequestLogHook = func(retryablehttp.Logger, *http.Request, int) { tries++ }
		req, err := retryablehttp.NewRequestWithContext(timeout(t), "GET", target, nil)
		check(t, err)
		if name == "header" {
			req.Header["Bad Name"] = []string{"x"}
		}
		if _, err := c.Do(req); err == nil || tries != 1 {
			t.Errorf("%s: %d tries, %v", name, tries, err)
		}
	}
}

// TestRetryableCertificate: the library knows a certificate that does not
// verify by its type only, which is further down in an *Error, and repeats. A
// CheckRetry that asks the Error leaves to the session what is the session's.
func TestRetryableCertificate(t *testing.T) {
	o := newOrigin(t, mientest.Config{Cert: mientest.CertUntrusted})
	s := newSession(t, mien.Config{})
	c := newRetryable(s.Client())
	tries := 0
	c.RequestLogHook = func(retryablehttp.Logger, *http.Request, int) { tries++ }
	for _, want := range []int{3, 1} {
		tries = 0
		var e *mien.Error
		if _, err := c.Get(named(o)); tries != want || want == 1 && (!errors.As(err, &e) || e.Class != retry.Certificate) {
			t.Errorf("%d tries, want %d: %v", tries, want, err)
		}
		c.CheckRetry = func(ctx context.Context, resp *http.Response, err error) (bool, error) {
			if e := (*mien.Error)(nil); errors.As(err, &e) {
				return false, err
			}
			return retryablehttp.DefaultRetryPolicy(ctx, resp, err)
		}
	}
}

func TestRetryableCancel(t *testing.T) {
	a := newAPI()
	onEachWire(t, a, func(t *testing.T, s *mien.Session, o *mientest.Origin) {
		ctx, cancel := context.WithCancel(timeout(t))
		before := a.calls.Load()
		go func() {
			eventually(t, "the request arrives", func() bool { return a.calls.Load() > before })
			cancel()
		}()
		req, err := retryablehttp.NewRequestWithContext(ctx, "GET", named(o)+"/never", nil)
		check(t, err)
		if _, err := newRetryable(s.Client()).Do(req); !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v", err)
		}
		if n := a.calls.Load() - before; n != 1 {
			t.Errorf("a cancelled request was sent %d times", n)
		}
	})
}
