package h1

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Every captured head leaves byte for byte, in one Write with its body.
func TestGoldenHeads(t *testing.T) {
	for name, c := range captures(t) {
		t.Run(name, func(t *testing.T) {
			got := make(chan string, 1)
			addr := serve(t, func(nc *net.TCPConn, br *bufio.Reader) {
				head, _ := readHead(br)
				body := make([]byte, len(c.Body))
				_, _ = io.ReadFull(br, body)
				got <- head + string(body)
				_, _ = io.WriteString(nc, okResponse)
			})
			cl := dial(t, addr)
			if s := cl.text(t, c.request(t), c.head()); s != "ok" {
				t.Error("body", s)
			}
			want := c.RawHead + c.Body
			if g := <-got; g != want {
				t.Errorf("received\n%q\nwant\n%q", g, want)
			}
			if w := cl.rec.taken(); len(w) != 1 || string(w[0]) != want {
				t.Errorf("%d writes below, want 1 with everything", len(w))
			}
		})
	}
}

// echo answers with what it understood of a request.
func echo(w http.ResponseWriter, r *http.Request) {
	h := sha256.New()
	n, err := io.Copy(h, r.Body)
	fmt.Fprintf(w, "%s %s %s %d %x %v %v %d", r.Method, r.Host, r.RequestURI, n, h.Sum(nil)[:4], err, r.Trailer, len(r.Header.Get("Cookie")))
}

func sum(s string) string {
	return fmt.Sprintf("%d %x", len(s), sha256.Sum256([]byte(s)))[:len(fmt.Sprint(len(s)))+9]
}

// unsized hides the length of a body.
type unsized struct{ io.Reader }

// One connection carries every kind of body, one after the other.
func TestBodies(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(echo))
	defer srv.Close()
	cl := dial(t, srv.Listener.Addr().String())

	big := strings.Repeat("0123456789abcdef", 20_000)
	cookie := strings.Repeat("k", 20_000)
	wide := fields("Host", "", "Content-Length", "", "Cookie", cookie, "Connection", "keep-alive")
	tests := []struct {
		name, method, body, want string
		sized                    bool
		head                     [2]string // of the *http.Request
		trailer                  string
		cookie                   int
	}{
		{name: "none", method: "GET"},
		{name: "empty", method: "POST", sized: true},
		{name: "sized", method: "POST", body: "hello", sized: true},
		{name: "sized, large", method: "PUT", body: big, sized: true},
		{name: "chunked", method: "POST", body: "hello"},
		{name: "chunked, large", method: "POST", body: big},
		{name: "trailer", method: "POST", body: big[:5000], trailer: "tail"},
		{name: "continue", method: "POST", body: big[:30_000], sized: true, head: [2]string{"Expect", "100-continue"}},
		{name: "continue, chunked", method: "POST", body: big[:30_000], head: [2]string{"Expect", "100-continue"}},
		{name: "wide head", method: "POST", body: "q", sized: true, cookie: len(cookie)},
		{name: "wide head written by net/http too", method: "GET", head: [2]string{"X-Wide", cookie}},
		{name: "delete", method: "DELETE"},
	}
	for _, tt := range tests {
		var body io.Reader
		switch {
		case tt.sized:
			body = strings.NewReader(tt.body)
		case tt.body != "":
			body = unsized{strings.NewReader(tt.body)}
		}
		req := newRequest(t, tt.method, body)
		if tt.head[0] != "" {
			req.Header.Set(tt.head[0], tt.head[1])
		}
		trailer := "map[]"
		if tt.trailer != "" {
			req.Trailer = http.Header{"X-Tail": {tt.trailer}}
			trailer = "map[X-Tail:[" + tt.trailer + "]]"
		}
		head := plain()
		if tt.cookie > 0 {
			head = wide
		}
		want := fmt.Sprintf("%s origin.test /x?q=1 %s <nil> %s %d", tt.method, sum(tt.body), trailer, tt.cookie)
		if got := cl.text(t, req, head); got != want {
			t.Errorf("%s: server saw\n%s, want\n%s", tt.name, got, want)
		}
		first := string(cl.rec.taken()[0])
		if i := strings.Index(first, "\r\n\r\n"); i < 0 {
			t.Errorf("%s: the head did not leave in one Write", tt.name)
		} else if strings.Contains(first[:i], "User-Agent") || strings.Contains(first[:i], "X-Wide") {
			t.Errorf("%s: a field of net/http's left:\n%s", tt.name, first[:i])
		}
		if !cl.conn.Sent() || !cl.conn.Answered() || cl.conn.Stale() {
			t.Errorf("%s: sent %v, answered %v, stale %v", tt.name, cl.conn.Sent(), cl.conn.Answered(), cl.conn.Stale())
		}
	}
}

// A head larger than net/http's and any server's buffer.
func TestWideHead(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	srv.Config.MaxHeaderBytes = 2 << 20
	srv.Start()
	defer srv.Close()
	cl := dial(t, srv.Listener.Addr().String())
	for _, size := range []int{300_000, 900_000} {
		want := fmt.Sprintf("GET origin.test /x?q=1 %s <nil> map[] %d", sum(""), size)
		if got := cl.text(t, newRequest(t, "GET", nil), fields("Host", "", "Cookie", strings.Repeat("c", size))); got != want {
			t.Errorf("server saw %s, want %s", got, want)
		}
		if w := cl.rec.taken(); len(w) != 1 {
			t.Errorf("%d writes, want 1", len(w))
		}
	}
	_, err := cl.do(t, newRequest(t, "GET", nil), fields("Host", "", "Cookie", strings.Repeat("c", MaxHeadBytes)), "")
	if !errors.Is(err, ErrHeadTooLarge) || cl.conn.Sent() {
		t.Errorf("a head of 1 MiB: %v, sent %v", err, cl.conn.Sent())
	}

	cl = dial(t, srv.Listener.Addr().String())
	req := newRequest(t, "GET", nil)
	req.Header.Set("X-Wide", strings.Repeat("w", MaxHeadBytes))
	if _, err := cl.do(t, req, plain(), ""); !errors.Is(err, ErrHeadTooLarge) || cl.conn.Sent() {
		t.Errorf("1 MiB from net/http: %v, sent %v", err, cl.conn.Sent())
	}
}

// After a 101 response bytes pass both ways as they are.
func TestUpgrade(t *testing.T) {
	addr := serve(t, func(nc *net.TCPConn, br *bufio.Reader) {
		for range 2 {
			_, _ = readHead(br)
			_, _ = io.WriteString(nc, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
			_, _ = io.WriteString(nc, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nfirst")
			_, _ = io.Copy(nc, br)
		}
	})
	cl := dial(t, addr)
	resp, err := cl.do(t, newRequest(t, "GET", nil), fields("Host", "", "Connection", "Upgrade", "Upgrade", "echo"), "")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	rw, ok := resp.Body.(io.ReadWriteCloser)
	if !ok || resp.StatusCode != 101 {
		t.Fatal("status", resp.StatusCode, "body writable", ok)
	}
	for _, msg := range []string{"GET / HTTP/1.1\r\n\r\n", "\x00\xff raw", strings.Repeat("z", 100_000)} {
		if n, err := io.WriteString(rw, msg); n != len(msg) || err != nil {
			t.Fatal("write", n, err)
		}
		want := msg
		if msg[0] == 'G' {
			want = "first" + msg
		}
		b := make([]byte, len(want))
		if _, err := io.ReadFull(rw, b); err != nil || string(b) != want {
			t.Fatalf("read %.40q, %v", b, err)
		}
	}
	if err := rw.(interface{ CloseWrite() error }).CloseWrite(); !errors.Is(err, errors.ErrUnsupported) {
		t.Error("CloseWrite without support below:", err)
	}
	cl.conn.Begin(plain(), "")
	if _, err := rw.Write([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n")); !errors.Is(err, ErrUnfinished) {
		t.Error("request on an upgraded connection:", err)
	}
}

// An upgrade that was declined leaves an ordinary connection.
func TestUpgradeDeclined(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(echo))
	defer srv.Close()
	cl := dial(t, srv.Listener.Addr().String())
	cl.text(t, newRequest(t, "GET", nil), fields("Host", "", "Connection", "Upgrade", "Upgrade", "echo"))
	if _, err := cl.conn.Write([]byte("raw")); !errors.Is(err, ErrNoRequest) {
		t.Error("raw bytes after a declined upgrade:", err)
	}
}

func TestAbsoluteForm(t *testing.T) {
	got := make(chan string, 1)
	addr := serve(t, func(nc *net.TCPConn, br *bufio.Reader) {
		head, _ := readHead(br)
		got <- head
		_, _ = io.WriteString(nc, okResponse)
	})
	resp, err := dial(t, addr).do(t, newRequest(t, "GET", nil), plain(), "http://origin.test/x?q=1")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	want := "GET http://origin.test/x?q=1 HTTP/1.1\r\nHost: origin.test\r\nConnection: keep-alive\r\nsec-ch-ua: \"x\"\r\nAccept: */*\r\n\r\n"
	if g := <-got; g != want {
		t.Errorf("got %q\nwant %q", g, want)
	}
}

// Nothing leaves for a head that cannot be sent as it is.
func TestInjection(t *testing.T) {
	bad := map[string]struct {
		pairs    []string
		absolute string
	}{
		"CR in value":       {pairs: []string{"A", "x\ry"}},
		"LF in value":       {pairs: []string{"A", "x\nB: y"}},
		"NUL in value":      {pairs: []string{"A", "x\x00"}},
		"CRLF in name":      {pairs: []string{"A: x\r\nB", "y"}},
		"space in name":     {pairs: []string{"A ", "y"}},
		"empty name":        {pairs: []string{"", "y"}},
		"colon in name":     {pairs: []string{"A:", "y"}},
		"space in absolute": {absolute: "http://a/ HTTP/1.1"},
		"CRLF in absolute":  {absolute: "http://a/\r\nX: y"},
		"NUL in absolute":   {absolute: "http://a/\x00"},
	}
	addr := serve(t, func(_ *net.TCPConn, br *bufio.Reader) {
		if b, _ := io.ReadAll(br); len(b) > 0 {
			t.Errorf("sent %q", b)
		}
	})
	for name, tt := range bad {
		t.Run(name, func(t *testing.T) {
			head := fields(append([]string{"Host", ""}, tt.pairs...)...)
			cl := dial(t, addr)
			_, err := cl.do(t, newRequest(t, "GET", nil), head, tt.absolute)
			var he *HeadError
			if !errors.As(err, &he) || cl.conn.Sent() || len(cl.rec.taken()) > 0 {
				t.Errorf("%v, sent %v", err, cl.conn.Sent())
			}
			if err := Validate(head, tt.absolute); !errors.As(err, &he) {
				t.Error("Validate:", err)
			}
		})
	}
	if err := Validate(nil, ""); err == nil {
		t.Error("a nil head is valid")
	}
}

// What net/http would let through in a request of its own.
func TestSmuggling(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(echo))
	defer srv.Close()
	cl := dial(t, srv.Listener.Addr().String())
	req := newRequest(t, "GET", nil)
	req.Header["content-length"] = []string{"40"}
	req.Header["transfer-encoding"] = []string{"chunked"}
	req.Header["HOST"] = []string{"evil.test"}
	want := "GET origin.test /x?q=1 " + sum("") + " <nil> map[] 0"
	for range 2 {
		if got := cl.text(t, req, plain()); got != want {
			t.Errorf("server saw %s, want %s", got, want)
		}
	}

	req = newRequest(t, "GET", nil)
	req.URL.Opaque = "/a HTTP/1.1"
	var he *HeadError
	if _, err := cl.do(t, req, plain(), ""); !errors.As(err, &he) || cl.conn.Sent() {
		t.Error("a space in the target:", err)
	}
}
