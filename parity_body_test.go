package mien_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
)

// Whatever ends a request, its body is closed.
func TestParityBodyClosedOnErrors(t *testing.T) {
	untrusted := newOrigin(t, mientest.Config{Cert: mientest.CertUntrusted})
	broken := newOrigin(t, mientest.Config{Faults: mientest.Faults{Handshake: mientest.HandshakeFaults{Share: 1}}})
	refused := "https://" + nobody(t)
	setURL := func(s string) func(*http.Request) {
		return func(r *http.Request) { r.URL, _ = url.Parse(s) }
	}
	forEach(t, func(t *testing.T, origin *mientest.Origin, do func(*http.Request) (*http.Response, error)) {
		for _, tt := range []struct {
			name   string
			change func(*http.Request)
		}{
			{"nil URL", func(r *http.Request) { r.URL = nil }},
			{"RequestURI", func(r *http.Request) { r.RequestURI = "/" }},
			{"no host", func(r *http.Request) { r.URL.Host = "" }},
			{"bad scheme", func(r *http.Request) { r.URL.Scheme = "gopher" }},
			{"bad method", func(r *http.Request) { r.Method = "a b" }},
			{"bad header name", func(r *http.Request) { r.Header = http.Header{"a b": {"c"}} }},
			{"bad header value", func(r *http.Request) { r.Header.Set("X", "a\nb") }},
			{"refused", setURL(refused)},
			{"handshake refused", setURL(untrusted.URL)},
			{"handshake reset", func(r *http.Request) {
				setURL(broken.URL)(r)
				ctx, cancel := context.WithTimeout(r.Context(), 50*time.Millisecond)
				t.Cleanup(cancel)
				*r = *r.WithContext(ctx)
			}},
			{"cancelled", func(r *http.Request) {
				ctx, cancel := context.WithCancel(r.Context())
				cancel()
				*r = *r.WithContext(ctx)
			}},
			{"body fails", func(r *http.Request) {
				r.Body.(*watchedBody).Reader = io.MultiReader(strings.NewReader("x"), brokenReader{})
			}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				body := watch(strings.NewReader("content"))
				req := request(t, http.MethodPost, origin.URL+"/after", nil)
				req.Body, req.ContentLength = body, 7
				tt.change(req)
				resp, err := do(req)
				if err == nil {
					readAll(t, resp)
					t.Fatal("no error")
				}
				if resp != nil {
					t.Error("a response with the error")
				}
				body.mustClose(t)
			})
		}
	})
}

var errBroken = errors.New("this body is broken")

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errBroken }

// An error of the caller's own body comes back, and is never a reason to repeat.
func TestParityBodyError(t *testing.T) {
	forEach(t, func(t *testing.T, origin *mientest.Origin, do func(*http.Request) (*http.Response, error)) {
		reads := 0
		req := request(t, http.MethodPut, origin.URL+"/after", io.MultiReader(strings.NewReader("x"), brokenReader{}))
		req.GetBody = func() (io.ReadCloser, error) {
			reads++
			return io.NopCloser(brokenReader{}), nil
		}
		if _, err := do(req); !errors.Is(err, errBroken) {
			t.Errorf("%v", err)
		}
		if reads > 0 {
			t.Errorf("the body was rewound %d times", reads)
		}
	})
}

func TestParityContentLengthMismatch(t *testing.T) {
	forEach(t, func(t *testing.T, origin *mientest.Origin, do func(*http.Request) (*http.Response, error)) {
		for length, text := range map[int64]string{10: "short", 3: "longer than said"} {
			if length == 10 && strings.HasSuffix(t.Name(), "h2/net/http") {
				continue // waits for the answer to what it cut short
			}
			body := watch(strings.NewReader(text))
			req := request(t, http.MethodPost, origin.URL+"/after", nil)
			req.Body, req.ContentLength = body, length
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			_, err := do(req.WithContext(ctx))
			if err == nil || ctx.Err() != nil {
				t.Errorf("length %d for %q: %v", length, text, err)
			}
			cancel()
			body.mustClose(t)
		}
	})
}

func TestParityGetBody(t *testing.T) {
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			for i := range everyClient(t, mien.Config{}) {
				if p.name == "h1" && i == 0 {
					continue // net/http gives up if the connection ends while it writes
				}
				var broken atomic.Bool
				origin := newOrigin(t, mientest.Config{
					Protocols: p.alpn,
					Handler:   http.HandlerFunc(parityHandler),
					Faults: mientest.Faults{Request: mientest.RequestFaults{Script: func(_ int, r *http.Request) mientest.RequestAction {
						if r.Method != http.MethodPut || broken.Swap(true) {
							return mientest.RequestAction{}
						}
						if p.name == "h2" {
							return mientest.RequestAction{Reset: true, ResetCode: 7} // REFUSED_STREAM
						}
						return mientest.RequestAction{End: mientest.FIN}
					}}},
				})
				c := everyClient(t, mien.Config{})[i]
				mustDo(t, c.do, request(t, http.MethodGet, origin.URL+"/empty", nil))
				first, second := watch(strings.NewReader("content")), watch(strings.NewReader("content"))
				calls := 0
				req := request(t, http.MethodPut, origin.URL+"/echo", nil)
				req.Header.Set("Idempotency-Key", "k")
				req.Body, req.ContentLength = first, 7
				req.GetBody = func() (io.ReadCloser, error) {
					calls++
					return second, nil
				}
				if _, got := mustDo(t, c.do, req); got != "content" || calls != 1 {
					t.Errorf("%s: %q after %d calls of GetBody", c.name, got, calls)
				}
				first.mustClose(t)
				second.mustClose(t)
			}
		})
	}
}

func TestParityExpectContinue(t *testing.T) {
	forEach(t, func(t *testing.T, origin *mientest.Origin, do func(*http.Request) (*http.Response, error)) {
		for path, want := range map[string]struct {
			status int
			body   string
		}{"/echo": {200, "content"}, "/refuse": {417, ""}} {
			body := watch(strings.NewReader("content"))
			var continued atomic.Bool
			req := request(t, http.MethodPost, origin.URL+path, nil)
			req.Body, req.ContentLength = body, 7
			req.Header.Set("Expect", "100-continue")
			req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{Got100Continue: func() { continued.Store(true) }}))
			resp, got := mustDo(t, do, req)
			if resp.StatusCode != want.status || got != want.body || continued.Load() != (want.status == 200) {
				t.Errorf("%s: %d %q, 100 seen: %v", path, resp.StatusCode, got, continued.Load())
			}
			body.mustClose(t)
			if n := body.reads.Load(); want.status != 200 && n > 0 {
				t.Errorf("%s: the body was read %d times", path, n)
			}
		}
	})
}

// trailing sets a trailer field once its content has been read.
type trailing struct {
	io.Reader
	trailer http.Header
}

func (r *trailing) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err == io.EOF {
		r.trailer.Set("X-Sum", "42")
	}
	return n, err
}

func TestParityTrailers(t *testing.T) {
	forEach(t, func(t *testing.T, origin *mientest.Origin, do func(*http.Request) (*http.Response, error)) {
		trailer := http.Header{"X-Sum": nil}
		req := request(t, http.MethodPost, origin.URL+"/trailers", &trailing{strings.NewReader("content"), trailer})
		req.Trailer = trailer
		resp, err := do(req)
		if err != nil {
			t.Fatal(err)
		}
		if _, announced := resp.Trailer["X-Declared"]; !announced || resp.Trailer.Get("X-Declared") != "" {
			t.Errorf("trailer before the body: %v", resp.Trailer)
		}
		if got := readAll(t, resp); got != "content map[X-Sum:[42]]" {
			t.Errorf("the origin got %q", got)
		}
		if resp.Trailer.Get("X-Declared") != "yes" || resp.Trailer.Get("X-Late") != "too" {
			t.Errorf("trailer after the body: %v", resp.Trailer)
		}
	})
}
