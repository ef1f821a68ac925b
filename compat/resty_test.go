package compat_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-resty/resty/v2"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

func TestResty(t *testing.T) {
	onEachWire(t, newAPI(), func(t *testing.T, s *mien.Session, o *mientest.Origin) {
		c := resty.NewWithClient(s.Client()).SetBaseURL(named(o)).SetBasicAuth("user", "secret")
		c.SetDisableWarn(true) // of a password over http
		req := func(e *echoed) *resty.Request { return c.R().SetContext(timeout(t)).SetResult(e) }

		var e echoed
		resp, err := req(&e).SetHeader("X-Custom", "x").SetQueryParam("q", "a b").SetBody(map[string]int{"n": 1}).Post("/echo")
		check(t, err)
		if e.Method != "POST" || e.Body != `{"n":1}` || e.ContentType != "application/json" || e.Custom != "x" || e.Query != "q=a+b" || e.User != "user" {
			t.Errorf("JSON: %+v", e)
		}
		if !strings.HasPrefix(e.Agent, "go-resty/") {
			t.Errorf("resty no longer sets User-Agent, %q", e.Agent)
		}
		if ti := resp.Request.TraceInfo(); ti.TotalTime != 0 {
			t.Errorf("a trace nobody asked for: %v", ti)
		}

		e = echoed{}
		_, err = req(&e).SetFormData(map[string]string{"k": "v w"}).Put("/echo")
		check(t, err)
		if e.Method != "PUT" || e.Form["k"][0] != "v w" {
			t.Errorf("form: %+v", e)
		}

		e = echoed{}
		_, err = req(&e).SetMultipartFormData(map[string]string{"k": "v"}).
			SetFileReader("file", "name.txt", strings.NewReader("content")).Post("/echo")
		check(t, err)
		if e.Form["k"][0] != "v" || e.Files["file"] != "name.txt:content" {
			t.Errorf("multipart: %+v", e)
		}

		e = echoed{}
		resp, err = req(&e).EnableTrace().Get("/login")
		check(t, err)
		if e.Query != "from=login" || e.Cookie != "sid=s1" {
			t.Errorf("redirect with a cookie: %+v", e)
		}
		if ti := resp.Request.TraceInfo(); ti.TotalTime <= 0 || ti.RemoteAddr == nil {
			t.Errorf("trace: %+v", ti)
		}

		e = echoed{}
		_, err = req(&e).SetBody("again").Post("/again")
		check(t, err)
		if e.Method != "POST" || e.Body != "again" {
			t.Errorf("307: %+v", e)
		}

		resp, err = c.R().SetDoNotParseResponse(true).Get("/large")
		check(t, err)
		if n, err := io.Copy(io.Discard, resp.RawBody()); n != 1<<20 || err != nil {
			t.Errorf("streamed %d bytes, %v", n, err)
		}
		check(t, resp.RawBody().Close())
	})
}

// TestRestyBrowser: what resty sets by itself can be taken back, so that the
// profile's field is sent.
func TestRestyBrowser(t *testing.T) {
	onEachWire(t, newAPI(), func(t *testing.T, s *mien.Session, o *mientest.Origin) {
		c := resty.NewWithClient(s.Client()).SetBaseURL(named(o))
		c.SetPreRequestHook(func(_ *resty.Client, r *http.Request) error {
			r.Header.Del("User-Agent")
			return nil
		})
		var e echoed
		_, err := c.R().SetResult(&e).Get("/echo")
		check(t, err)
		if !strings.HasPrefix(e.Agent, "Mozilla/5.0 ") {
			t.Errorf("User-Agent is %q", e.Agent)
		}
	})
}

func TestRestyRetry(t *testing.T) {
	a := newAPI()
	onEachWire(t, a, func(t *testing.T, s *mien.Session, o *mientest.Origin) {
		c := resty.NewWithClient(s.Client()).SetBaseURL(named(o)).
			SetRetryCount(2).SetRetryWaitTime(time.Millisecond).SetRetryMaxWaitTime(2 * time.Millisecond).
			AddRetryCondition(func(r *resty.Response, err error) bool { return err != nil || r.StatusCode() == 503 })
		for _, method := range []string{"GET", "POST"} {
			a.calls.Store(0)
			var e echoed
			_, err := c.R().SetResult(&e).SetBody("x").Execute(method, "/flaky")
			check(t, err)
			if n, own := a.calls.Load(), s.Stats().Retries; n != 3 || own != 0 {
				t.Errorf("%s: a status had %d requests, %d of them the session's retries", method, n, own)
			}
		}

	})
}

// TestRestyRetryTwice: of a connection that ends without an answer, a GET is
// the session's to retry, and resty does all of it again; what must not be sent
// twice is resty's alone. MaxAttempts 1 leaves all of it to resty.
func TestRestyRetryTwice(t *testing.T) {
	a := newAPI()
	for _, c := range []struct {
		method   string
		attempts int // of the session, 0: the default of 4
		want     int64
	}{{"GET", 0, 3 * 4}, {"POST", 0, 3}, {"GET", 1, 3}, {"POST", 1, 3}} {
		for _, w := range wires {
			cfg := w.origin
			cfg.Handler = a
			o := newOrigin(t, cfg)
			s := newSession(t, mien.Config{Retry: retry.Policy{MaxAttempts: c.attempts, Base: time.Millisecond}})
			client := resty.NewWithClient(s.Client()).SetBaseURL(named(o)).SetLogger(quiet{}).
				SetRetryCount(2).SetRetryWaitTime(time.Millisecond).SetRetryMaxWaitTime(2 * time.Millisecond)
			a.calls.Store(0)
			_, err := client.R().Execute(c.method, "/cut")
			var me *mien.Error
			if !errors.As(err, &me) || me.Class != retry.ConnectionLost {
				t.Errorf("%s over %s: error is %v", c.method, w.name, err)
			}
			if n := a.calls.Load(); n != c.want {
				t.Errorf("%s over %s, MaxAttempts %d: %d requests, want %d", c.method, w.name, c.attempts, n, c.want)
			}
		}
	}
}

// quiet is a logger of resty that drops everything.
type quiet struct{}

func (quiet) Errorf(string, ...any) {}
func (quiet) Warnf(string, ...any)  {}
func (quiet) Debugf(string, ...any) {}

func TestRestyCancel(t *testing.T) {
	a := newAPI()
	onEachWire(t, a, func(t *testing.T, s *mien.Session, o *mientest.Origin) {
		c := resty.NewWithClient(s.Client()).SetBaseURL(named(o)).SetLogger(quiet{}).SetRetryCount(3)
		ctx, cancel := context.WithCancel(timeout(t))
		before := a.calls.Load()
		go func() {
			eventually(t, "the request arrives", func() bool { return a.calls.Load() > before })
			cancel()
		}()
		if _, err := c.R().SetContext(ctx).Get("/never"); !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v", err)
		}
		if n := a.calls.Load() - before; n != 1 {
			t.Errorf("a cancelled request was sent %d times", n)
		}
	})
}
