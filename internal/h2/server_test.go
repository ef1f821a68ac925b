package h2

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/net/http2"

	"github.com/mien-http/mien/fingerprint"
)

func TestMain(m *testing.M) {
	if os.Getenv(conformanceClient) != "" {
		os.Exit(conformanceMain(os.Args[1:]))
	}
	goleak.VerifyTestMain(m)
}

// serve runs handler behind a real server's HTTP/2 and returns a connection to it.
func serve(t testing.TB, profile *fingerprint.HTTP2, handler http.HandlerFunc) *Conn {
	t.Helper()
	client, server := memPipe(0)
	done := make(chan struct{})
	go func() {
		defer close(done)
		new(http2.Server).ServeConn(server, &http2.ServeConnOpts{Handler: handler})
	}()
	c := New(client, Config{Profile: profile})
	t.Cleanup(func() {
		c.Close()
		<-c.Done()
		<-done
	})
	return c
}

func newRequest(t testing.TB, method, url string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestGet(t *testing.T) {
	for name, profile := range map[string]*fingerprint.HTTP2{"chromium": chromium(), "firefox": firefox()} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, profile, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Path", r.URL.RequestURI())
				w.Header().Set("X-Host", r.Host)
				fmt.Fprintf(w, "hello %s", r.Header.Get("User-Agent"))
			})
			for range 3 {
				req := newRequest(t, "GET", "https://example.com:443/a?b=c", nil)
				req.Header.Set("User-Agent", "test")
				resp, err := c.RoundTrip(req, headOf(req))
				if err != nil {
					t.Fatal(err)
				}
				b, err := io.ReadAll(resp.Body)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				if string(b) != "hello test" || resp.Status != "200 OK" || resp.Proto != "HTTP/2.0" || resp.ContentLength != 10 ||
					resp.Header.Get("X-Path") != "/a?b=c" || resp.Header.Get("X-Host") != "example.com" || resp.Request != req {
					t.Fatalf("got %q, %+v", b, resp)
				}
			}
			if n := c.InFlight(); n != 0 {
				t.Errorf("%d in flight after all", n)
			}
		})
	}
}

func TestEcho(t *testing.T) {
	c := serve(t, chromium(), func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		n, err := io.Copy(w, r.Body)
		w.Header().Set("X-Sum", fmt.Sprint(n, err, r.Trailer.Get("X-Up")))
	})
	for _, length := range []int64{0, 1 << 20} {
		body := strings.Repeat("0123456789abcdef", 1<<16)
		req := newRequest(t, "POST", "https://example.com/", io.NopCloser(strings.NewReader(body)))
		req.ContentLength = length
		req.Trailer = http.Header{"X-Up": {"up"}}
		resp, err := c.RoundTrip(req, headOf(req))
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		if err != nil || string(b) != body {
			t.Fatalf("got %d bytes, %v", len(b), err)
		}
		if sum := resp.Trailer.Get("X-Sum"); sum != "1048576 <nil>up" {
			t.Errorf("trailer %q", sum)
		}
	}
}
