package h1

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
)

type facts struct{ sent, answered, stale, reused bool }

func (c *Conn) facts() facts { return facts{c.Sent(), c.Answered(), c.Stale(), c.Reused()} }

func (f facts) check(t *testing.T, want facts) {
	t.Helper()
	if f != want {
		t.Errorf("%+v, want %+v", f, want)
	}
}

// The server reads the request and closes: it may have acted on it.
func TestClosedAfterRequest(t *testing.T) {
	for _, reset := range []bool{false, true} {
		addr := serve(t, func(nc *net.TCPConn, br *bufio.Reader) {
			_, _ = readHead(br)
			if reset {
				_ = nc.SetLinger(0)
			}
		})
		cl := dial(t, addr)
		_, err := cl.do(t, newRequest(t, "GET", nil), plain(), "")
		if err == nil {
			t.Fatal("no error")
		}
		if !reset && !errors.Is(err, io.EOF) || reset && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("error %v", err)
		}
		cl.conn.facts().check(t, facts{sent: true})
	}
}

// The server answers in part and closes.
func TestClosedInAnswer(t *testing.T) {
	addr := serve(t, func(nc *net.TCPConn, br *bufio.Reader) {
		_, _ = readHead(br)
		_, _ = io.WriteString(nc, "HTTP/1.1 2")
	})
	cl := dial(t, addr)
	if _, err := cl.do(t, newRequest(t, "GET", nil), plain(), ""); err == nil {
		t.Fatal("no error")
	}
	cl.conn.facts().check(t, facts{sent: true, answered: true})
}

// gone waits until net/http has noticed that the server closed.
func (c *client) gone(t *testing.T) {
	t.Helper()
	done := make(chan struct{})
	var once sync.Once
	c.SetStateHook(func(cc *http.ClientConn) {
		if cc.Err() != nil {
			once.Do(func() { close(done) })
		}
	})
	if c.Err() == nil {
		<-done
	}
}

// The server closes before the first request: nothing leaves.
func TestClosedBeforeRequest(t *testing.T) {
	addr := serve(t, func(*net.TCPConn, *bufio.Reader) {})
	cl := dial(t, addr)
	cl.gone(t)
	if err := cl.Reserve(); err == nil {
		t.Error("a closed connection was reserved")
	}
	cl.conn.Begin(plain(), "")
	if _, err := cl.conn.Write([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n")); !errors.Is(err, ErrIdleClosed) {
		t.Error("write:", err)
	}
	cl.conn.facts().check(t, facts{stale: true})
	if w := cl.rec.taken(); len(w) > 0 {
		t.Errorf("sent %q", w)
	}
}

// A connection that idled is closed by the server when the next request comes.
func TestStaleReused(t *testing.T) {
	addr := serve(t, func(nc *net.TCPConn, br *bufio.Reader) {
		_, _ = readHead(br)
		_, _ = io.WriteString(nc, okResponse)
		_, _ = readHead(br)
		_ = nc.SetLinger(0)
	})
	cl := dial(t, addr)
	cl.text(t, newRequest(t, "GET", nil), plain())
	cl.conn.facts().check(t, facts{sent: true, answered: true})
	if _, err := cl.do(t, newRequest(t, "GET", nil), plain(), ""); err == nil {
		t.Fatal("no error")
	}
	cl.conn.facts().check(t, facts{sent: true, stale: true, reused: true})
}

// An unsolicited 408 crosses with the second request, and net/http takes it for
// the answer; on a first request it is one.
func TestRequestTimeout(t *testing.T) {
	const timeout = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
	addr := serve(t, func(nc *net.TCPConn, br *bufio.Reader) {
		for first := true; ; first = false {
			head, err := readHead(br)
			if err != nil {
				return
			}
			if !first || strings.HasPrefix(head, "PUT") {
				_, _ = io.WriteString(nc, timeout)
				return
			}
			_, _ = io.WriteString(nc, okResponse)
		}
	})
	cl := dial(t, addr)
	cl.text(t, newRequest(t, "GET", nil), plain())
	resp, err := cl.do(t, newRequest(t, "GET", nil), plain(), "")
	if err != nil || resp.StatusCode != 408 {
		t.Fatal(resp, err)
	}
	cl.conn.facts().check(t, facts{sent: true, answered: true, stale: true, reused: true})

	cl = dial(t, addr)
	if resp, err = cl.do(t, newRequest(t, "PUT", nil), plain(), ""); err != nil || resp.StatusCode != 408 {
		t.Fatal(resp, err)
	}
	cl.conn.facts().check(t, facts{sent: true, answered: true})
}

// A 408 that came while the connection was idle, and the close behind it.
func TestIdleTimeout(t *testing.T) {
	addr := serve(t, func(nc *net.TCPConn, br *bufio.Reader) {
		_, _ = readHead(br)
		_, _ = io.WriteString(nc, okResponse)
		_, _ = io.WriteString(nc, "HTTP/1.0 408 Request Time-out\r\n\r\n")
	})
	cl := dial(t, addr)
	cl.text(t, newRequest(t, "GET", nil), plain())
	cl.gone(t)
	if err := cl.Reserve(); err == nil {
		t.Error("a closed connection was reserved")
	}
}

// What the server said before a request left is no answer to it.
func TestSpokeBefore(t *testing.T) {
	const notice = "HTTP/1.1 408 Request Timeout\r\n\r\n"
	near, far := newPipe()
	defer far.Close()
	c := NewConn(near)
	buf := make([]byte, len(notice))
	hear := func() {
		t.Helper()
		_, _ = io.WriteString(far, notice)
		if _, err := io.ReadFull(c, buf); err != nil {
			t.Fatal(err)
		}
	}
	send := func() error {
		_, err := c.Write([]byte("GET / HTTP/1.1\r\nHost: h\r\n\r\n"))
		return err
	}
	// Between two requests it might be the end of the first one's answer: the
	// second is sent, and net/http may take the notice for its answer.
	c.Begin(plain(), "")
	if err := send(); err != nil {
		t.Fatal(err)
	}
	hear()
	c.Begin(plain(), "")
	if err := send(); err != nil {
		t.Fatal(err)
	}
	c.facts().check(t, facts{sent: true, stale: true, reused: true})
	// Once a request has begun there is no doubt.
	c.Begin(plain(), "")
	hear()
	if err := send(); !errors.Is(err, ErrIdleClosed) {
		t.Error(err)
	}
	c.facts().check(t, facts{stale: true, reused: true})
	// Nor before the first.
	c = NewConn(near)
	hear()
	c.Begin(plain(), "")
	if err := send(); !errors.Is(err, ErrIdleClosed) {
		t.Error(err)
	}
	c.facts().check(t, facts{stale: true})
}

// A Write that fails may have sent something.
func TestFailedWrite(t *testing.T) {
	addr := serve(t, func(_ *net.TCPConn, br *bufio.Reader) { _, _ = io.ReadAll(br) })
	cl := dial(t, addr)
	cl.rec.mu.Lock()
	cl.rec.fail = syscall.EPIPE
	cl.rec.mu.Unlock()
	_, err := cl.do(t, newRequest(t, "GET", nil), plain(), "")
	if !errors.Is(err, syscall.EPIPE) {
		t.Error("error:", err)
	}
	cl.conn.facts().check(t, facts{sent: true})
	cl.conn.Begin(plain(), "")
	if _, err := cl.conn.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
		t.Error("a later write:", err)
	}
	if cl.conn.Sent() {
		t.Error("a refused write counts as sent")
	}
}

// Bytes that no Begin announced do not leave.
func TestWriteWithoutBegin(t *testing.T) {
	addr := serve(t, func(nc *net.TCPConn, br *bufio.Reader) {
		for {
			if _, err := readHead(br); err != nil {
				return
			}
			_, _ = io.WriteString(nc, okResponse)
		}
	})
	cl := dial(t, addr)
	if _, err := cl.RoundTrip(newRequest(t, "GET", nil)); !errors.Is(err, ErrNoRequest) {
		t.Error("first request:", err)
	}
	if w := cl.rec.taken(); len(w) > 0 {
		t.Errorf("sent %q", w)
	}
	cl = dial(t, addr)
	cl.text(t, newRequest(t, "GET", nil), plain())
	cl.rec.taken()
	if _, err := cl.RoundTrip(newRequest(t, "GET", nil)); !errors.Is(err, ErrNoRequest) {
		t.Error("second request:", err)
	}
	if w := cl.rec.taken(); len(w) > 0 {
		t.Errorf("sent %q", w)
	}
}

// Begin in the middle of a request ends the connection's use; after a request
// that was never written it is fine.
func TestBeginTwice(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	defer near.Close()
	go func() { _, _ = io.Copy(io.Discard, far) }()
	c := NewConn(near)
	c.Begin(plain(), "")
	c.Begin(plain(), "")
	if _, err := c.Write([]byte("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe")); err != nil {
		t.Fatal(err)
	}
	c.Begin(plain(), "")
	if _, err := c.Write([]byte("llo")); !errors.Is(err, ErrUnfinished) {
		t.Error(err)
	}
}

// Facts may be asked for from anywhere while net/http's goroutines write.
func TestConcurrentFacts(t *testing.T) {
	addr := serve(t, func(nc *net.TCPConn, br *bufio.Reader) {
		for {
			req, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			_, _ = io.WriteString(nc, okResponse)
		}
	})
	cl := dial(t, addr)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					cl.conn.facts()
					runtime.Gosched() // on one core they would keep it to themselves
				}
			}
		})
	}
	for range 50 {
		cl.text(t, newRequest(t, "POST", unsized{strings.NewReader(strings.Repeat("b", 10_000))}), plain())
	}
	close(stop)
	wg.Wait()
}
