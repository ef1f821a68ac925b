package h1

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mien-http/mien/fingerprint"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder notes each Write that reaches it.
type recorder struct {
	net.Conn
	mu     sync.Mutex
	writes [][]byte
	fail   error // what Write returns instead of writing
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	r.writes = append(r.writes, bytes.Clone(p))
	fail := r.fail
	r.mu.Unlock()
	if fail != nil {
		return 0, fail
	}
	return r.Conn.Write(p)
}

func (r *recorder) taken() [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.writes
	r.writes = nil
	return w
}

// client is an http.ClientConn over a Conn over a recorder.
type client struct {
	*http.ClientConn
	conn *Conn
	rec  *recorder
}

// connect makes net/http's client connection over nc.
func connect(t testing.TB, nc net.Conn) *client {
	t.Helper()
	c := &client{rec: &recorder{Conn: nc}}
	c.conn = NewConn(c.rec)
	tr := &http.Transport{
		DisableCompression:    true,
		ExpectContinueTimeout: time.Second,
		DialContext:           dialed(c.conn),
	}
	cc, err := tr.NewClientConn(t.Context(), "http", "origin.test:80")
	if err != nil {
		t.Fatal(err)
	}
	c.ClientConn = cc
	t.Cleanup(func() { _ = cc.Close() })
	return c
}

// dialed is a dialer that has its connection already.
func dialed(nc net.Conn) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) { return nc, nil }
}

// dial connects to addr.
func dial(t testing.TB, addr string) *client {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return connect(t, nc)
}

// do is one request as the pool makes it.
func (c *client) do(t testing.TB, req *http.Request, head *fingerprint.Head, absolute string) (*http.Response, error) {
	t.Helper()
	if err := c.Reserve(); err != nil {
		t.Fatal("reserve:", err)
	}
	c.conn.Begin(head, absolute)
	return c.RoundTrip(req)
}

// text is a whole exchange that must succeed.
func (c *client) text(t testing.TB, req *http.Request, head *fingerprint.Head) string {
	t.Helper()
	resp, err := c.do(t, req, head, "")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// serve runs script for each connection to the address that it returns.
func serve(t testing.TB, script func(c *net.TCPConn, br *bufio.Reader)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				script(c.(*net.TCPConn), bufio.NewReader(c))
			})
		}
	})
	t.Cleanup(func() { _ = ln.Close(); wg.Wait() })
	return ln.Addr().String()
}

// readHead reads a request head as it came.
func readHead(br *bufio.Reader) (string, error) {
	var b strings.Builder
	for {
		line, err := br.ReadString('\n')
		b.WriteString(line)
		if err != nil || line == "\r\n" {
			return b.String(), err
		}
	}
}

const okResponse = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// capture is a request that a browser sent.
type capture struct {
	Method, Host, Path, Body string
	Headers                  [][2]string
	RawHead                  string `json:"raw_head"`
}

func captures(t testing.TB) map[string]capture {
	t.Helper()
	files, err := filepath.Glob("testdata/heads/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no captures:", err)
	}
	m := map[string]capture{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var c capture
		if err := json.Unmarshal(b, &c); err != nil {
			t.Fatal(f, err)
		}
		m[strings.TrimSuffix(filepath.Base(f), ".json")] = c
	}
	return m
}

// head is the capture's field section with places for what net/http writes.
func (c capture) head() *fingerprint.Head {
	var h fingerprint.Head
	for _, f := range c.Headers {
		switch f[0] {
		case "Host", "Content-Length":
			f[1] = ""
		}
		h.Fields = append(h.Fields, fingerprint.HeaderField{Name: f[0], Value: f[1]})
	}
	return &h
}

func (c capture) request(t testing.TB) *http.Request {
	var body io.Reader
	if c.Body != "" {
		body = strings.NewReader(c.Body)
	}
	req, err := http.NewRequestWithContext(t.Context(), c.Method, "http://"+c.Host+c.Path, body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func newRequest(t testing.TB, method string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://origin.test/x?q=1", body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// fields makes a head from pairs of a name and a value.
func fields(pairs ...string) *fingerprint.Head {
	var h fingerprint.Head
	for i := 0; i < len(pairs); i += 2 {
		h.Fields = append(h.Fields, fingerprint.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	return &h
}

// plain is a head with the usual places.
func plain() *fingerprint.Head {
	return fields("Host", "", "Connection", "keep-alive", "Content-Length", "", "sec-ch-ua", `"x"`, "Accept", "*/*")
}
