package mien_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// mine fails unless err is an *mien.Error of req alone, in which other is the cause.
func mine(t *testing.T, err error, req *http.Request, other *mien.Error) {
	t.Helper()
	var e *mien.Error
	if !errors.As(err, &e) || e == other || e.Request != req || !errors.Is(err, other) {
		t.Errorf("error %v is not the request's own with the other in it", err)
		return
	}
	if origin := "https://" + req.URL.Host; e.Origin != origin {
		t.Errorf("error of %s, want %s", e.Origin, origin)
	}
}

// refused is an error of another request, as a Session that something else works
// through makes it.
func refused(t *testing.T) *mien.Error {
	t.Helper()
	s := newSession(t, mien.Config{Retry: retry.Policy{MaxAttempts: -1}})
	_, err := s.Get(t.Context(), "gopher://example.net/")
	var e *mien.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	return e
}

type failingResolver struct{ err error }

func (r failingResolver) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return nil, r.err
}

// A Resolver that asks over HTTPS through another Session fails with an *Error of
// its own. Each request that waited for it has an error of its own around that.
func TestErrorOfAResolverIsNotTheRequests(t *testing.T) {
	other := refused(t)
	s := newSession(t, mien.Config{Resolver: failingResolver{other}})
	var wg sync.WaitGroup
	for range 8 {
		req := request(t, http.MethodGet, "https://example.com/", nil)
		wg.Go(func() {
			_, err := s.Do(req)
			mine(t, err, req, other)
		})
	}
	wg.Wait()
	if other.Origin == "https://example.com" || other.Phase != "" {
		t.Errorf("the resolver's own error was changed: %+v", other)
	}
}

// A group of requests cancels its context with the error of the first that failed.
// The others were canceled: their errors are their own.
func TestErrorAsCauseOfTheContext(t *testing.T) {
	arrived := make(chan struct{})
	origin := newOrigin(t, mientest.Config{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-r.Context().Done()
	})})
	s := newSession(t, mien.Config{})
	other := refused(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	var wg sync.WaitGroup
	for range 4 {
		req := request(t, http.MethodGet, origin.URL, nil).WithContext(ctx)
		wg.Go(func() {
			_, err := s.Do(req)
			mine(t, err, req, other)
			var e *mien.Error
			if errors.As(err, &e); !errors.Is(err, context.Canceled) || e.Class != retry.Canceled || !strings.Contains(err.Error(), "context canceled") {
				t.Errorf("%v of class %s", err, e.Class)
			}
		})
	}
	for range 4 {
		<-arrived
	}
	cancel(other)
	wg.Wait()
	if n := s.Stats().Retries; n != 0 {
		t.Errorf("%d retries of what was canceled", n)
	}
}

// A deadline with a cause of the caller's is a deadline, wherever it strikes.
func TestDeadlineWithCause(t *testing.T) {
	origin := newOrigin(t, mientest.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
		}
		<-r.Context().Done()
	})})
	s := newSession(t, mien.Config{})
	why := errors.New("the page is old news")
	for _, path := range []string{"/headers", "/body"} {
		ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, why)
		resp, err := s.Get(ctx, origin.URL+path)
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			_ = resp.Body.Close()
		}
		var e *mien.Error
		if !errors.As(err, &e) || !e.Timeout() || !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, why) {
			t.Errorf("%s: %v", path, err)
		}
		cancel()
	}
}

// A body that is what another request is being answered with may fail with that
// one's error.
func TestErrorOfABodyIsNotTheRequests(t *testing.T) {
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			origin := newOrigin(t, mientest.Config{Protocols: p.alpn})
			s := newSession(t, mien.Config{})
			other := refused(t)
			req := request(t, http.MethodPost, origin.URL, iotest.ErrReader(other))
			_, err := s.Do(req)
			mine(t, err, req, other)
		})
	}
}

// sliceContext is a context that cannot be compared with another.
type sliceContext struct {
	context.Context
	values []any
}

func TestContextThatCannotBeCompared(t *testing.T) {
	origin := newOrigin(t, mientest.Config{})
	for _, wait := range []time.Duration{0, time.Minute} {
		s := newSession(t, mien.Config{Timeouts: mien.Timeouts{Headers: wait}})
		resp, err := s.Do(request(t, http.MethodGet, origin.URL, nil).WithContext(sliceContext{Context: t.Context(), values: []any{1}}))
		if err != nil {
			t.Fatal(err)
		}
		readAll(t, resp)
	}
}

// A token with the line break of the file that it was read from is no valid value.
// The error says so without the token.
func TestInvalidValueIsNotQuoted(t *testing.T) {
	s := newSession(t, mien.Config{})
	req := request(t, http.MethodGet, "https://example.com/", nil)
	req.Header["Authorization"] = []string{"Bearer höhle17\n"}
	_, onRequest := s.Do(req)
	_, onConfig := mien.New(mien.Config{Header: req.Header})
	for _, err := range []error{onRequest, onConfig} {
		if err == nil || strings.Contains(err.Error(), "höhle") || !strings.Contains(err.Error(), "Authorization holds byte 0x0a at 15") {
			t.Errorf("error %v", err)
		}
	}
}

// The text of a proxy's failure names the proxy once.
func TestProxyIsNamedOnce(t *testing.T) {
	for _, answer := range []string{"HTTP/1.1 403 Forbidden\r\n\r\n", "garbage\r\n\r\n", ""} {
		s := newSession(t, mien.Config{
			Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.test:3128"}),
			Retry: retry.Policy{MaxAttempts: -1},
			DialContext: func(context.Context, string, string) (net.Conn, error) {
				ours, theirs := net.Pipe()
				go func() {
					_, _ = theirs.Read(make([]byte, 4<<10))
					_, _ = io.WriteString(theirs, answer)
					_ = theirs.Close()
				}()
				return ours, nil
			},
		})
		_, err := s.Get(t.Context(), "https://example.test/")
		if err == nil || strings.Count(err.Error(), "proxy.test:3128") != 1 || !strings.HasPrefix(err.Error(), "proxy proxy.test:3128 for https://example.test: ") {
			t.Errorf("%q: %v", answer, err)
		}
	}
}
