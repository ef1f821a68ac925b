package compat_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/http/httputil"
	"net/textproto"
	"net/url"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
)

// backend is what the proxy stands before.
type backend struct {
	more chan bool // lets a stream go on
	left chan bool // a client has gone
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	flush := func() { _ = http.NewResponseController(w).Flush() }
	switch r.URL.Path {
	case "/stream":
		for i := range 3 {
			_, _ = fmt.Fprintln(w, "line", i)
			flush()
			<-b.more
		}
	case "/trailers":
		w.Header().Set("Trailer", "X-Announced")
		_, _ = io.WriteString(w, "body")
		flush()
		w.Header().Set("X-Announced", "1")
		w.Header().Set(http.TrailerPrefix+"X-Unannounced", "2")
	case "/hints":
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusProcessing)
		w.Header().Del("Link")
		_, _ = io.WriteString(w, "body")
	case "/leave":
		_, _ = io.Copy(io.Discard, r.Body)
		flush()
		<-r.Context().Done()
		b.left <- true
	case "/socket":
		echoSockets(w, r)
	default:
		body, _ := io.ReadAll(r.Body)
		_, agent := r.Header["User-Agent"]
		_, _ = fmt.Fprintf(w, "%s %s %s for %s, agent %v", r.Method, r.URL.RequestURI(), body, r.Header.Get("X-Forwarded-For"), agent)
	}
}

// throughProxy runs test with the URL of a ReverseProxy whose Transport is a
// session, in front of a backend on each wire.
func throughProxy(t *testing.T, test func(t *testing.T, b *backend, url string)) {
	b := &backend{more: make(chan bool), left: make(chan bool, 1)}
	onEachWire(t, b, func(t *testing.T, s *mien.Session, o *mientest.Origin) {
		target, err := url.Parse(named(o))
		check(t, err)
		front := httptest.NewServer(&httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(target)
				r.SetXForwarded()
			},
			Transport: s,
			ErrorLog:  log.New(io.Discard, "", 0), // of clients that leave
		})
		t.Cleanup(front.Close) // before the session, which must be idle then
		t.Cleanup(http.DefaultClient.CloseIdleConnections)
		test(t, b, front.URL)
	})
}

func TestReverseProxy(t *testing.T) {
	throughProxy(t, func(t *testing.T, _ *backend, url string) {
		for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
			req, err := http.NewRequestWithContext(timeout(t), method, url+"/a%2Fb?q=1", strings.NewReader("content"))
			check(t, err)
			req.Header["User-Agent"] = nil
			resp, err := http.DefaultClient.Do(req)
			check(t, err)
			// The proxy says that there was no User-Agent, so none is added.
			if got := readAll(t, resp); got != method+" /a%2Fb?q=1 content for 127.0.0.1, agent false" {
				t.Errorf("the backend saw %q", got)
			}
		}
	})
}

func TestReverseProxyStream(t *testing.T) {
	throughProxy(t, func(t *testing.T, b *backend, url string) {
		resp, err := http.Get(url + "/stream")
		check(t, err)
		defer resp.Body.Close()
		lines := bufio.NewScanner(resp.Body)
		for i := range 3 { // each line arrives before the next is written
			if !lines.Scan() || lines.Text() != fmt.Sprint("line ", i) {
				t.Fatalf("line %d is %q, %v", i, lines.Text(), lines.Err())
			}
			b.more <- true
		}
	})
}

func TestReverseProxyTrailers(t *testing.T) {
	throughProxy(t, func(t *testing.T, _ *backend, url string) {
		resp, err := http.Get(url + "/trailers")
		check(t, err)
		body := readAll(t, resp)
		if body != "body" || resp.Trailer.Get("X-Announced") != "1" || resp.Trailer.Get("X-Unannounced") != "2" {
			t.Errorf("%q, trailers %v", body, resp.Trailer)
		}
	})
}

func TestReverseProxyInterim(t *testing.T) {
	throughProxy(t, func(t *testing.T, _ *backend, url string) {
		var got []string
		ctx := httptrace.WithClientTrace(timeout(t), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			got = append(got, fmt.Sprint(code, h.Get("Link")))
			return nil
		}})
		req, err := http.NewRequestWithContext(ctx, "GET", url+"/hints", nil)
		check(t, err)
		resp, err := http.DefaultClient.Do(req)
		check(t, err)
		readAll(t, resp)
		if fmt.Sprint(got) != "[103</style.css>; rel=preload 102</style.css>; rel=preload]" || resp.Header.Get("Link") != "" {
			t.Errorf("interim responses %v, then %v", got, resp.Header)
		}
	})
}

func TestReverseProxyUpgrade(t *testing.T) {
	throughProxy(t, func(t *testing.T, _ *backend, url string) {
		resp, err := http.Get(url + "/first") // on a connection that cannot be upgraded
		check(t, err)
		readAll(t, resp)
		c, _, err := websocket.Dial(timeout(t), url+"/socket", nil)
		check(t, err)
		defer c.CloseNow()
		check(t, c.Write(timeout(t), websocket.MessageText, []byte("through")))
		if _, b, err := c.Read(timeout(t)); err != nil || string(b) != "through" {
			t.Errorf("echo is %q, %v", b, err)
		}
		check(t, c.Close(websocket.StatusNormalClosure, ""))
	})
}

// TestReverseProxyClientLeaves: the backend learns that nobody waits any more.
func TestReverseProxyClientLeaves(t *testing.T) {
	throughProxy(t, func(t *testing.T, b *backend, url string) {
		for _, method := range []string{"GET", "POST"} {
			ctx, cancel := context.WithCancel(timeout(t))
			req, err := http.NewRequestWithContext(ctx, method, url+"/leave", strings.NewReader("content"))
			check(t, err)
			resp, err := http.DefaultClient.Do(req)
			check(t, err)
			cancel()
			<-b.left
			_ = resp.Body.Close()
		}
	})
}
