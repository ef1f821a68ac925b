package mientest

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/nettest"
)

// TestMemConn runs the conformance test of golang.org/x/net.
func TestMemConn(t *testing.T) {
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		var n Network
		l, err := n.Listen("a:1")
		if err != nil {
			return nil, nil, nil, err
		}
		if c1, err = n.DialContext(t.Context(), "tcp", "a:1"); err != nil {
			return nil, nil, nil, err
		}
		c2, err = l.Accept()
		return c1, c2, func() { c1.Close(); c2.Close(); l.Close() }, err
	})
}

// memPair returns both ends of a connection.
func memPair(t *testing.T) (client, server net.Conn) {
	t.Helper()
	c, s := memPipe("client:1", "a:1")
	t.Cleanup(func() { c.Close(); s.Close() })
	return c, s
}

func TestMemConnEndings(t *testing.T) {
	c, s := memPair(t)
	io.WriteString(c, "left behind")
	closeWrite(c)
	if b, err := io.ReadAll(s); string(b) != "left behind" || err != nil {
		t.Errorf("after a half close: %q, %v", b, err)
	}
	io.WriteString(s, "still")
	if n, err := c.Read(make([]byte, 10)); n != 5 || err != nil {
		t.Errorf("the other direction: %d, %v", n, err)
	}

	c, s = memPair(t)
	io.WriteString(s, "lost")
	reset(s)
	if _, err := c.Read(make([]byte, 10)); !errors.Is(err, connReset) {
		t.Errorf("read after a reset: %v", err)
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, connReset) {
		t.Errorf("write after a reset: %v", err)
	}

	c, s = memPair(t)
	io.WriteString(c, "unread")
	s.Close()
	if _, err := c.Read(make([]byte, 10)); !errors.Is(err, connReset) {
		t.Errorf("closed with bytes unread: %v, want what a socket does", err)
	}
	c, s = memPair(t)
	s.Close()
	if _, err := c.Read(make([]byte, 10)); err != io.EOF {
		t.Errorf("closed in order: %v", err)
	}
	if err := s.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("second Close: %v", err)
	}
}

func TestMemConnHoldsWritersBack(t *testing.T) { synctest.Test(t, testMemConnHoldsWritersBack) }

func testMemConnHoldsWritersBack(t *testing.T) {
	c, s := memPipe("client:1", "a:1")
	wrote := make(chan int)
	go func() {
		n, _ := c.Write(make([]byte, memBuffer+10))
		wrote <- n
	}()
	synctest.Wait()
	select {
	case n := <-wrote:
		t.Fatalf("a write of %d bytes did not wait for the reader", n)
	default:
	}
	io.ReadFull(s, make([]byte, 10))
	if n := <-wrote; n != memBuffer+10 {
		t.Errorf("wrote %d bytes", n)
	}
	c.SetWriteDeadline(time.Now().Add(time.Minute))
	start := time.Now()
	if _, err := c.Write([]byte("x")); err == nil || time.Since(start) != time.Minute {
		t.Errorf("write past its deadline: %v after %v", err, time.Since(start))
	}
	s.Close()
	c.Close()
}

func TestNetwork(t *testing.T) {
	var n Network
	ctx := t.Context()
	if _, err := n.DialContext(ctx, "tcp", "a:1"); !errors.Is(err, connRefused) {
		t.Errorf("nobody listens: %v", err)
	}
	if _, err := n.Listen("no port"); err == nil {
		t.Error("listened without a port")
	}
	l, err := n.Listen("a:1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Listen("a:1"); err == nil {
		t.Error("listened twice")
	}
	if _, err := n.DialContext(ctx, "tcp", "b:1"); !errors.Is(err, connRefused) {
		t.Errorf("another host: %v", err)
	}
	c, err := n.DialContext(ctx, "tcp", "a:1")
	if err != nil {
		t.Fatal(err)
	}
	if c.RemoteAddr().String() != "a:1" || c.LocalAddr().String() == "" {
		t.Errorf("addresses %v, %v", c.LocalAddr(), c.RemoteAddr())
	}
	for range cap(l.(*memListener).queue) - 1 {
		if _, err := n.DialContext(ctx, "tcp", "a:1"); err != nil {
			t.Fatal(err)
		}
	}
	full, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := n.DialContext(full, "tcp", "a:1"); !errors.Is(err, context.Canceled) {
		t.Errorf("full backlog, cancelled: %v", err)
	}
	l.Close()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, connReset) {
		t.Errorf("never accepted: %v", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close: %v", err)
	}
	if l, err = n.Listen("a:1"); err != nil {
		t.Errorf("listening again: %v", err)
	}
	l.Close()
}
