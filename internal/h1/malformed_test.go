package h1

import (
	"bufio"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
)

// What net/http will not read is named, by what came and not by net/http's text,
// even if the server keeps the connection open and never ends its line.
func TestMalformedResponse(t *testing.T) {
	const (
		settings = "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64"
		goAway   = "\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
		alert    = "\x15\x03\x03\x00\x02\x02\x46"
	)
	for _, tt := range []struct {
		name, answer string
		ends         bool // the server closes behind it
		fault        Fault
		text         string // in the error's
	}{
		{"garbage", "what do you want?", false, Malformed, `malformed HTTP/1.1 response: `},
		{"garbage line", "what do you want?\r\n\r\n", false, Malformed, `"do"`},
		{"garbage, then the end", "nothing", true, Malformed, `malformed HTTP/1.1 response: `},
		{"one byte of garbage", "x", false, Malformed, `malformed HTTP/1.1 response: `},
		{"old protocol", "ICY 200 OK\r\n\r\n", false, Malformed, "malformed HTTP/1.1 response: "},
		{"no code", "HTTP/1.1 OK\r\n\r\n", false, Malformed, `"OK"`},
		{"long code", "HTTP/1.1 2000 OK\r\n\r\n", false, Malformed, "2000"},
		{"unknown version", "HTTP/1.12 200 OK\r\n\r\n", false, Malformed, "HTTP/1.12"},
		{"HTTP/2 settings", settings, false, HTTP2, "looks like HTTP/2"},
		{"HTTP/2 goaway", goAway, false, HTTP2, "looks like HTTP/2"},
		{"HTTP/2 settings, then the end", settings, true, HTTP2, "looks like HTTP/2"},
		{"zeros", strings.Repeat("\x00", 9), false, Malformed, `malformed HTTP/1.1 response: `},
		{"few zeros, then the end", "\x00\x00", true, Malformed, `malformed HTTP/1.1 response: `},
		{"TLS alert", alert, false, TLS, "looks like TLS; is the scheme right?"},
		{"TLS alert, then the end", alert, true, TLS, "looks like TLS"},
		{"one byte of TLS, then the end", "\x15", true, Malformed, `malformed HTTP/1.1 response: `},
		{"TLS type, other version", "\x16\x09", false, Malformed, `malformed HTTP/1.1 response: `},
		{"line without a colon", "HTTP/1.1 200 OK\r\nno field\r\n\r\n", false, Malformed, `"no field"`},
		{"length", "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", false, Malformed, `"many"`},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", false, Malformed, "malformed HTTP/1.1 response: "},
		{"coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: rot13\r\n\r\n", false, Malformed, "rot13"},
		{"behind an interim response", "HTTP/1.1 103 Early Hints\r\n\r\nHTTQ/1.1 200 OK\r\n\r\n", false, Malformed, "HTTQ"},
		{"line without a colon, then the end", "HTTP/1.1 200 OK\r\nno field\r\n\r\n", true, Malformed, `"no field"`},
		{"cut in a line", "HTTP/1.1 200 OK\r\nContent-Le", true, Cut, ""},
		{"whole", okResponse, false, 0, ""},
		{"cut", "HTT", true, Cut, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			addr := serve(t, func(nc *net.TCPConn, br *bufio.Reader) {
				_, _ = readHead(br)
				_, _ = io.WriteString(nc, tt.answer)
				if tt.ends {
					_ = nc.CloseWrite()
				}
				_, _ = io.Copy(io.Discard, br)
			})
			cl := dial(t, addr)
			resp, err := cl.do(t, newRequest(t, "GET", nil), plain(), "")
			if err == nil {
				_ = resp.Body.Close()
				if tt.fault != 0 {
					t.Fatal("it was taken for a response")
				}
				return
			}
			err = cl.conn.Explain(err, 1<<20)
			var e *ResponseError
			if !errors.As(err, &e) || e.Fault != tt.fault || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%v (%+v), want fault %d", err, e, tt.fault)
			}
			if class := e.FailureClass(); (class == "Protocol") != (tt.fault != Cut) {
				t.Errorf("class %q", class)
			}
		})
	}
}

// A response that was never read to the end of its head is not called malformed
// because the caller's own body failed.
func TestOwnBodyFails(t *testing.T) {
	addr := serve(t, func(nc *net.TCPConn, br *bufio.Reader) {
		_, _ = readHead(br)
		_, _ = io.WriteString(nc, "HTTP/1.1 103 Early Hints\r\n\r\n")
		_, _ = io.Copy(io.Discard, br)
	})
	cl := dial(t, addr)
	ours := errors.New("the disk is gone")
	_, err := cl.do(t, newRequest(t, "POST", &failing{cl: cl, err: ours}), plain(), "")
	if !errors.Is(err, ours) {
		t.Fatal(err)
	}
	if got := cl.conn.Explain(err, 1<<20); got != err {
		t.Errorf("%#v", got)
	}
}

// failing is a body that fails once an interim response is there.
type failing struct {
	cl   *client
	err  error
	once bool
}

func (f *failing) Read(p []byte) (int, error) {
	if !f.once {
		f.once = true
		return copy(p, strings.Repeat("x", 8<<10)), nil
	}
	for !f.cl.conn.Answered() {
		runtime.Gosched()
	}
	return 0, f.err
}

// Chunks and trailer sections that are not HTTP/1.1's are told from a body that
// was cut.
func TestMalformedBody(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		ends       bool
		framing    bool
	}{
		{"size", "zz\r\nhello\r\n0\r\n\r\n", false, true},
		{"size, then the end", "zz\r\nhello\r\n0\r\n\r\n", true, true},
		{"size too large", "11111111111111111\r\n", false, true},
		{"no end of a chunk", "5\r\nhelloworld\r\n0\r\n\r\n", false, true},
		{"trailer section", "5\r\nhello\r\n0\r\nno field\r\n\r\n", false, true},
		{"cut", "5\r\nhel", true, false},
		{"cut in the size", "5", true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			addr := serve(t, func(nc *net.TCPConn, br *bufio.Reader) {
				_, _ = readHead(br)
				_, _ = io.WriteString(nc, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"+tt.body)
				if tt.ends {
					_ = nc.CloseWrite()
				}
				_, _ = io.Copy(io.Discard, br)
			})
			cl := dial(t, addr)
			resp, err := cl.do(t, newRequest(t, "GET", nil), plain(), "")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			_, err = io.ReadAll(resp.Body)
			err = cl.conn.ExplainBody(err)
			var e *ResponseError
			framing := errors.As(err, &e) && e.Fault == Framing && e.FailureClass() == "Protocol" &&
				strings.HasPrefix(err.Error(), "malformed HTTP/1.1 response body: ")
			if framing != tt.framing || errors.Is(err, io.ErrUnexpectedEOF) == tt.framing {
				t.Errorf("%v, want framing at fault: %v", err, tt.framing)
			}
		})
	}
}
