package h1

import (
	"bufio"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipe is an in-memory connection with room for what is written.
type pipe struct {
	net.Conn // nil: addresses and deadlines are not used
	in, out  *half
}

type half struct {
	mu     sync.Mutex
	more   sync.Cond
	data   []byte
	closed bool
}

func newPipe() (a, b *pipe) {
	x, y := &half{}, &half{}
	x.more.L, y.more.L = &x.mu, &y.mu
	return &pipe{in: x, out: y}, &pipe{in: y, out: x}
}

func (p *pipe) Read(b []byte) (int, error) {
	h := p.in
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.data) == 0 && !h.closed {
		h.more.Wait()
	}
	if len(h.data) == 0 {
		return 0, io.EOF
	}
	n := copy(b, h.data)
	h.data = h.data[n:]
	return n, nil
}

func (p *pipe) Write(b []byte) (int, error) {
	h := p.out
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return 0, io.ErrClosedPipe
	}
	h.data = append(h.data, b...)
	h.more.Broadcast()
	return len(b), nil
}

func (p *pipe) Close() error {
	for _, h := range []*half{p.in, p.out} {
		h.mu.Lock()
		h.closed = true
		h.more.Broadcast()
		h.mu.Unlock()
	}
	return nil
}

const longBody = 30 << 10

// A server that says nothing gets the body when net/http has waited long enough.
func TestExpectSilence(t *testing.T) { synctest.Test(t, testExpectSilence) }

func testExpectSilence(t *testing.T) {
	near, far := newPipe()
	defer far.Close()
	cl := connect(t, near)
	start := time.Now()
	waited := make(chan time.Duration, 1)
	go func() {
		br := bufio.NewReader(far)
		_, _ = readHead(br)
		_, _ = io.CopyN(io.Discard, br, longBody)
		waited <- time.Since(start)
		_, _ = io.WriteString(far, okResponse)
	}()
	req := newRequest(t, "POST", strings.NewReader(strings.Repeat("b", longBody)))
	req.Header.Set("Expect", "100-continue")
	if s := cl.text(t, req, plain()); s != "ok" {
		t.Error(s)
	}
	if d := <-waited; d != time.Second {
		t.Error("the body came after", d)
	}
	if n := len(cl.rec.taken()[0]); n > 300 {
		t.Error("the body did not wait:", n, "bytes in the first Write")
	}
}

// A server that refuses and closes never gets the body: the connection is done.
func TestExpectRefused(t *testing.T) { synctest.Test(t, testExpectRefused) }

func testExpectRefused(t *testing.T) {
	near, far := newPipe()
	defer far.Close()
	cl := connect(t, near)
	go func() {
		_, _ = readHead(bufio.NewReader(far))
		_, _ = io.WriteString(far, "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	}()
	req := newRequest(t, "POST", strings.NewReader(strings.Repeat("b", longBody)))
	req.Header.Set("Expect", "100-continue")
	resp, err := cl.do(t, req, plain(), "")
	if err != nil || resp.StatusCode != 417 {
		t.Fatal(resp, err)
	}
	_ = resp.Body.Close()
	synctest.Wait()
	if cl.Err() == nil || cl.Reserve() == nil {
		t.Error("the connection can be used again")
	}
	if w := cl.rec.taken(); len(w) != 1 {
		t.Errorf("%d writes, want the head alone", len(w))
	}
	cl.conn.Begin(plain(), "")
	if _, err := cl.conn.Write([]byte("GET / HTTP/1.1\r\nHost: h\r\n\r\n")); err != ErrUnfinished {
		t.Error("a request in the place of the body:", err)
	}
}
