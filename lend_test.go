package mien

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/retry"
)

// brokenConn is a connection that ends under its first request.
type brokenConn struct {
	read, sent bool // it reads of the body; a byte leaves
	body       io.ReadCloser
	dead       atomic.Bool
	ended      func()
}

func (c *brokenConn) RoundTrip(req *http.Request, _ *fingerprint.Head) (*http.Response, error) {
	c.body = req.Body
	if c.read {
		_, _ = c.body.Read(make([]byte, 1))
	}
	_ = c.body.Close()
	c.dead.Store(true)
	c.ended()
	return nil, &h1Error{sent: c.sent, err: io.EOF}
}
func (c *brokenConn) Reserve() error { return c.Err() }
func (c *brokenConn) Release()       {}
func (c *brokenConn) InFlight() int  { return 0 }
func (c *brokenConn) Close() error   { return nil }
func (c *brokenConn) Available() int {
	if c.dead.Load() {
		return 0
	}
	return 1
}
func (c *brokenConn) Err() error {
	if c.dead.Load() {
		return io.EOF
	}
	return nil
}

// watchedBody counts what is done to it.
type watchedBody struct {
	io.Reader
	closed atomic.Int32
}

func (b *watchedBody) Close() error { b.closed.Add(1); return nil }

// A body that cannot be had again is sent again if nothing was read of it and
// nothing of the request had left, and never otherwise.
func TestBodyWithoutGetBody(t *testing.T) {
	for _, tt := range []struct {
		name       string
		read, sent bool
	}{
		{"nothing read, nothing sent", false, false},
		{"read, nothing sent", true, false},
		{"nothing read, sent", false, true},
		{"read and sent", true, true},
	} {
		for _, method := range []string{http.MethodPost, http.MethodPut} {
			got := make(chan string, 1)
			s := inMemory(t, func(c net.Conn) { serveBody(c, got) })
			e, err := s.t.egressFor(&http.Request{}, defaultOptions)
			if err != nil {
				t.Fatal(err)
			}
			o := e.origin(originKey{"http", "example.test", "80"})
			broken := &brokenConn{read: tt.read, sent: tt.sent}
			pc := &pooled{clientConn: broken, origin: o, wire: fingerprint.OverCleartext}
			pc.uses.Add(1) // it has carried a request before
			broken.ended = func() { o.changed(pc) }
			o.mu.Lock()
			o.add(pc, time.Now())
			o.mu.Unlock()

			body := &watchedBody{Reader: strings.NewReader("content")}
			req, err := http.NewRequestWithContext(t.Context(), method, "http://example.test/", body)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := s.Do(req)
			again := !tt.read && !tt.sent
			if again != (err == nil) {
				t.Fatalf("%s, %s: %v", tt.name, method, err)
			}
			if err == nil {
				_ = resp.Body.Close()
				if b := <-got; b != "content" {
					t.Errorf("%s, %s: %q was delivered", tt.name, method, b)
				}
				if n, err := broken.body.Read(make([]byte, 1)); n != 0 || err == nil {
					t.Errorf("%s, %s: an attempt that is over reads %d bytes, %v", tt.name, method, n, err)
				}
			} else {
				var failed *Error
				want := retry.NotReplayable
				if method == http.MethodPost && tt.sent {
					want = retry.NotIdempotent
				}
				if !errors.As(err, &failed) || failed.Reason != want || failed.Attempt != 1 || failed.Sent != tt.sent {
					t.Errorf("%s, %s: %+v", tt.name, method, err)
				}
			}
			_ = s.Close()
			if body.closed.Load() == 0 {
				t.Errorf("%s, %s: the body was not closed", tt.name, method)
			}
		}
	}
}

// serveBody answers one request and tells its body.
func serveBody(c net.Conn, got chan<- string) {
	defer c.Close()
	var all strings.Builder
	buf := make([]byte, 4<<10)
	for !strings.HasSuffix(all.String(), "0\r\n\r\n") {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		all.Write(buf[:n])
	}
	_, body, _ := strings.Cut(all.String(), "\r\n\r\n")
	got <- strings.TrimSuffix(strings.TrimPrefix(body, "7\r\n"), "\r\n0\r\n\r\n")
	_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
}

// A body that a connection closed without having read it is closed once the
// answer that made it so is the last.
func TestLentBodyIsClosed(t *testing.T) {
	body := &watchedBody{Reader: strings.NewReader("content")}
	b := &lentBody{body: body}
	_ = b.Close()
	if n := body.closed.Load(); n != 0 {
		t.Error("it was closed while another attempt might have it")
	}
	b.settle()
	_ = b.Close()
	if n := body.closed.Load(); n != 1 {
		t.Errorf("closed %d times", n)
	}
	b = &lentBody{body: body}
	b.settle() // while the upload runs
	if _, err := io.ReadAll(b); err != nil || body.closed.Load() != 1 {
		t.Error(err)
	}
	_ = b.Close()
	if n := body.closed.Load(); n != 2 {
		t.Errorf("closed %d times", n)
	}
}

// A body that net/http knows to be in memory goes to it as it is over
// HTTP/1.1, once; over HTTP/2, and any other body, is lent.
func TestWhatIsLent(t *testing.T) {
	memory := func() io.ReadCloser { return io.NopCloser(strings.NewReader("content")) }
	for _, tt := range []struct {
		wire fingerprint.Wire
		body io.ReadCloser
		lent bool
	}{
		{fingerprint.OverHTTP1, memory(), false},
		{fingerprint.OverCleartext, memory(), false},
		{fingerprint.OverHTTP1, io.NopCloser(struct{ io.Reader }{strings.NewReader("content")}), true},
		{fingerprint.OverHTTP2, memory(), true},
		{fingerprint.OverHTTP1, &watchedBody{Reader: strings.NewReader("content")}, true},
	} {
		req := &http.Request{Body: tt.body}
		c := &call{req: req}
		out, err := c.lend(req.Clone(t.Context()), tt.wire)
		if err != nil || (out.Body != tt.body) != tt.lent || c.replayable() != tt.lent {
			t.Errorf("%s, %T: %T, %v", tt.wire, tt.body, out.Body, err)
		}
		if _, err := c.lend(out, tt.wire); (err == nil) != tt.lent {
			t.Errorf("%s, %T a second time: %v", tt.wire, tt.body, err)
		}
	}
}
