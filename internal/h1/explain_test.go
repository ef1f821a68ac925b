package h1

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
)

// What net/http's error cannot be asked: whether the head was too long, or cut,
// or whether there was nobody to send it to.
func TestExplain(t *testing.T) {
	const limit = 4096
	for _, tt := range []struct {
		name, answer string
		fault        Fault
	}{
		{"nothing", "", 0},
		{"cut in the status line", "HTTP/1.1 20", Cut},
		{"cut in a field", "HTTP/1.1 200 OK\r\nContent-Le", Cut},
		{"cut in an interim response", "HTTP/1.1 103 Early Hints\r\nLin", Cut},
		{"cut behind an interim response", "HTTP/1.1 103 Early Hints\r\n\r\nHTTP", Cut},
		{"malformed", "HTTP/1.1 200 OK\r\nno field\r\n\r\n", Malformed},
		{"too long", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2*limit) + "\r\n\r\n", TooLarge},
		{"too many interim responses", strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 2*limit/28), TooLarge},
	} {
		addr := serve(t, func(nc *net.TCPConn, br *bufio.Reader) {
			_, _ = readHead(br)
			_, _ = io.WriteString(nc, tt.answer)
			_ = nc.CloseWrite()
			_, _ = io.Copy(io.Discard, br)
		})
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		c := NewConn(nc)
		c.Begin(plain(), "")
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, io.LimitReader(c, limit)) // as much as net/http reads
		if tt.fault != TooLarge {
			_, _ = io.Copy(io.Discard, c)
		}
		_ = c.Close()
		broken := errors.New("net/http's")
		if tt.fault == Malformed {
			broken = fmt.Errorf("broken: %w", textproto.ProtocolError("malformed MIME header"))
		}
		err = c.Explain(broken, limit)
		var explained *ResponseError
		var fault Fault
		if errors.As(err, &explained) {
			fault = explained.Fault
			class := "Protocol"
			if fault == Cut {
				class = ""
			}
			if explained.LimitExceeded() != (fault == TooLarge) || explained.FailureClass() != class {
				t.Errorf("%s: limit %v, class %q", tt.name, explained.LimitExceeded(), explained.FailureClass())
			}
		}
		if cut := errors.Is(err, io.ErrUnexpectedEOF); !errors.Is(err, broken) || fault != tt.fault || cut != (fault == Cut) {
			t.Errorf("%s: %v: fault %v, want %v; cut %v", tt.name, err, fault, tt.fault, cut)
		}
	}
}

// A connection that ended before anything was sent says so, with its cause,
// whatever net/http makes of it.
func TestExplainUnsent(t *testing.T) {
	addr := serve(t, func(*net.TCPConn, *bufio.Reader) {})
	cl := dial(t, addr)
	cl.gone(t)
	cl.conn.Begin(plain(), "")
	for _, err := range []error{http.ErrServerClosed, ErrIdleClosed} {
		if got := cl.conn.Explain(err, 0); !errors.Is(got, err) || !errors.Is(got, ErrIdleClosed) {
			t.Errorf("%v", got)
		}
	}
	if _, err := cl.conn.Write([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n")); !errors.Is(err, ErrIdleClosed) || !errors.Is(err, io.EOF) {
		t.Errorf("%v", err)
	}
}
