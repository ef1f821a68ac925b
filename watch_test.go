package mien_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
)

// logged is a logger's text, safe for concurrent use.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.FieldsFunc(l.buf.String(), func(r rune) bool { return r == '\n' })
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func TestStarvingQueueIsTold(t *testing.T) { synctest.Test(t, testStarvingQueueIsTold) }

// Two bodies are left open and a third request waits: after ten seconds there
// is one warning, with their number and ages, and no second.
func testStarvingQueueIsTold(t *testing.T) {
	var network mientest.Network
	listener, err := network.Listen(":80")
	if err != nil {
		t.Fatal(err)
	}
	newOrigin(t, mientest.Config{Plain: true, Listener: listener})
	var log logged
	s := newSession(t, mien.Config{DialContext: network.DialContext, Limits: mien.Limits{InFlight: 2}, Logger: log.logger()})
	var open []*http.Response
	for range 2 {
		resp, err := s.Get(t.Context(), "http://one.test/")
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, resp)
		time.Sleep(time.Second)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		get(t, s, "http://one.test/")
	}()
	time.Sleep(9 * time.Second)
	synctest.Wait()
	if l := log.lines(); len(l) != 0 {
		t.Errorf("told early: %q", l)
	}
	time.Sleep(time.Minute)
	synctest.Wait()
	l := log.lines()
	if len(l) != 1 || !strings.Contains(l[0], "open=2") || !strings.Contains(l[0], "waiting=1") || !strings.Contains(l[0], `oldest="12s 11s"`) {
		t.Errorf("told %q", l)
	}
	for _, resp := range open {
		readAll(t, resp)
	}
	<-done
}

func TestShortageShrinksTheLimit(t *testing.T) { synctest.Test(t, testShortageShrinksTheLimit) }

// A machine out of descriptors runs fewer requests at once, says so once, and
// loses none.
func testShortageShrinksTheLimit(t *testing.T) {
	var network mientest.Network
	listener, err := network.Listen(":80")
	if err != nil {
		t.Fatal(err)
	}
	newOrigin(t, mientest.Config{Plain: true, Listener: listener, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		time.Sleep(time.Second) // so that all want a connection at once
	})})
	var open, failed atomic.Int64
	dial := func(ctx context.Context, nw, addr string) (net.Conn, error) {
		if open.Add(1) > 50 {
			open.Add(-1)
			failed.Add(1)
			return nil, &net.OpError{Op: "dial", Net: nw, Err: syscall.EMFILE}
		}
		c, err := network.DialContext(ctx, nw, addr)
		return &countedConn{Conn: c, open: &open}, err
	}
	var log logged
	s := newSession(t, mien.Config{DialContext: dial, Logger: log.logger()})
	getAll(t, s, "http://one.test/", 200)
	if failed.Load() == 0 {
		t.Error("there was no shortage")
	}
	if l := log.lines(); len(l) != 1 || !strings.Contains(l[0], "out of file descriptors") {
		t.Errorf("told %q", l)
	}
}

// countedConn is a connection that frees a descriptor once.
type countedConn struct {
	net.Conn
	open *atomic.Int64
	once sync.Once
}

func (c *countedConn) Close() error {
	c.once.Do(func() { c.open.Add(-1) })
	return c.Conn.Close()
}
