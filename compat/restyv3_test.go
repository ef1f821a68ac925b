package compat_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"resty.dev/v3"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
)

func newRestyV3(t *testing.T, hc *http.Client, o *mientest.Origin) *resty.Client {
	c := resty.NewWithClient(hc).SetBaseURL(named(o)).SetLogger(quiet{})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestRestyV3(t *testing.T) {
	onEachWire(t, newAPI(), func(t *testing.T, s *mien.Session, o *mientest.Origin) {
		c := newRestyV3(t, s.Client(), o)
		req := func(e *echoed) *resty.Request { return c.R().SetContext(timeout(t)).SetResult(e) }

		var e echoed
		_, err := req(&e).SetHeader("X-Custom", "x").SetQueryParam("q", "a b").SetBody(map[string]int{"n": 1}).Post("/echo")
		check(t, err)
		if e.Method != "POST" || strings.TrimSpace(e.Body) != `{"n":1}` || e.ContentType != "application/json" || e.Custom != "x" || e.Query != "q=a+b" {
			t.Errorf("JSON: %+v", e)
		}
		if !strings.HasPrefix(e.Agent, "go-resty/") {
			t.Errorf("resty no longer sets User-Agent, %q", e.Agent)
		}

		e = echoed{}
		_, err = req(&e).SetFormData(map[string]string{"k": "v w"}).Put("/echo")
		check(t, err)
		if e.Method != "PUT" || e.Form["k"][0] != "v w" {
			t.Errorf("form: %+v", e)
		}

		e = echoed{} // multipart is written through a pipe: a body of unknown length that cannot be rewound
		_, err = req(&e).SetMultipartFormData(map[string]string{"k": "v"}).
			SetFileReader("file", "name.txt", strings.NewReader("content")).Post("/echo")
		check(t, err)
		if e.Form["k"][0] != "v" || e.Files["file"] != "name.txt:content" {
			t.Errorf("multipart: %+v", e)
		}

		e = echoed{}
		resp, err := req(&e).SetTrace(true).Get("/login")
		check(t, err)
		if e.Query != "from=login" || e.Cookie != "sid=s1" {
			t.Errorf("redirect with a cookie: %+v", e)
		}
		if ti := resp.Request.TraceInfo(); ti.TotalTime <= 0 || ti.RemoteAddr == "" {
			t.Errorf("trace: %+v", ti)
		}

		resp, err = c.R().SetResponseDoNotParse(true).Get("/large")
		check(t, err)
		if n, err := io.Copy(io.Discard, resp.Body); n != 1<<20 || err != nil {
			t.Errorf("streamed %d bytes, %v", n, err)
		}
		check(t, resp.Body.Close())
	})
}

func TestRestyV3Browser(t *testing.T) {
	onEachWire(t, newAPI(), func(t *testing.T, s *mien.Session, o *mientest.Origin) {
		var e echoed
		_, err := newRestyV3(t, asBrowser(s), o).R().SetResult(&e).Get("/login")
		check(t, err)
		if !strings.HasPrefix(e.Agent, "Mozilla/5.0 ") || e.Cookie != "sid=s1" {
			t.Errorf("User-Agent is %q, Cookie %q", e.Agent, e.Cookie)
		}
	})
}

func TestRestyV3Retry(t *testing.T) {
	a := newAPI()
	onEachWire(t, a, func(t *testing.T, s *mien.Session, o *mientest.Origin) {
		c := newRestyV3(t, s.Client(), o).SetRetryCount(2).SetRetryAllowNonIdempotent(true).
			AddRetryConditions(resty.RetryConditionStatus5XX).
			SetRetryWaitTime(time.Millisecond).SetRetryMaxWaitTime(2 * time.Millisecond)
		for _, method := range []string{"GET", "POST"} {
			a.calls.Store(0)
			r := c.R()
			if method == "POST" {
				r.SetBody("x")
			}
			resp, err := r.Execute(method, "/flaky")
			check(t, err)
			_ = resp.String() // v3 leaves a body that nobody asked for to the caller
			if n, own := a.calls.Load(), s.Stats().Retries; n != 3 || own != 0 || resp.StatusCode() != 200 {
				t.Errorf("%s: status %d after %d requests, %d of them the session's retries", method, resp.StatusCode(), n, own)
			}
		}
	})
}

func TestRestyV3Cancel(t *testing.T) {
	a := newAPI()
	onEachWire(t, a, func(t *testing.T, s *mien.Session, o *mientest.Origin) {
		ctx, cancel := context.WithCancel(timeout(t))
		before := a.calls.Load()
		go func() {
			eventually(t, "the request arrives", func() bool { return a.calls.Load() > before })
			cancel()
		}()
		_, err := newRestyV3(t, s.Client(), o).SetRetryCount(3).R().SetContext(ctx).Get("/never")
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v", err)
		}
		if n := a.calls.Load() - before; n != 1 {
			t.Errorf("a cancelled request was sent %d times", n)
		}
	})
}
