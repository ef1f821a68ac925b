package mien_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mien-http/mien"
)

// What was written before Close arrives, and the end after it: a Close frame, say.
func TestWebSocketCloseLosesNothing(t *testing.T) {
	peer := &webSocketPeer{offers: true, status: "200"}
	url, client := peer.start(t)
	s := newSession(t, mien.Config{TLS: client, Profile: webSocketProfile()})
	getAll(t, s, url, 1)
	const n = 40
	for range n {
		resp, err := s.Do(webSocketRequest(t.Context(), url))
		if err != nil {
			t.Fatal(err)
		}
		conn := resp.Body.(io.ReadWriteCloser)
		if sent, err := conn.Write([]byte("bye")); sent != 3 || err != nil {
			t.Fatalf("wrote %d, %v", sent, err)
		}
		for range 2 {
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	getAll(t, s, url, 1) // behind them all, on the one connection
	peer.mu.Lock()
	defer peer.mu.Unlock()
	if string(peer.got) != strings.Repeat("bye", n) || peer.ended != n {
		t.Errorf("of %d WebSockets %d bytes arrived and %d ends", n, len(peer.got), peer.ended)
	}
}

// A Write that waits for the peer's window does not keep Close from returning.
func TestWebSocketCloseWhileWriting(t *testing.T) {
	peer := &webSocketPeer{offers: true, status: "200", keeps: true}
	url, client := peer.start(t)
	s := newSession(t, mien.Config{TLS: client, Profile: webSocketProfile()})
	getAll(t, s, url, 1)
	resp, err := s.Do(webSocketRequest(t.Context(), url))
	if err != nil {
		t.Fatal(err)
	}
	conn := resp.Body.(io.ReadWriteCloser)
	wrote := make(chan error, 1)
	go func() {
		_, err := conn.Write(make([]byte, 1<<20))
		wrote <- err
	}()
	if _, err := io.ReadFull(conn, make([]byte, 65535)); err != nil { // the window's first size: it is full now
		t.Error(err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if err := <-wrote; err == nil {
		t.Error("a Write that was given up tells of no error")
	}
}

// watchedContext counts what waits for its end. It never ends.
type watchedContext struct {
	context.Context
	done chan struct{}
	n    *atomic.Int64
}

func (c watchedContext) Done() <-chan struct{} { return c.done }

// AfterFunc is what context.AfterFunc and the contexts derived from c call.
func (c watchedContext) AfterFunc(func()) (stop func() bool) {
	c.n.Add(1)
	var stopped atomic.Bool
	return func() bool {
		if stopped.Swap(true) {
			return false
		}
		c.n.Add(-1)
		return true
	}
}

// The context of a program that runs for long is not left holding on to every
// WebSocket there was, accepted or not.
func TestWebSocketLeavesContext(t *testing.T) {
	for _, status := range []string{"200", "403", "404 with content"} {
		t.Run(status, func(t *testing.T) {
			code, text, _ := strings.Cut(status, " with ")
			peer := &webSocketPeer{offers: true, status: code, text: text}
			url, client := peer.start(t)
			s := newSession(t, mien.Config{TLS: client, Profile: webSocketProfile()})
			getAll(t, s, url, 1)
			ctx := watchedContext{t.Context(), make(chan struct{}), new(atomic.Int64)}
			resp, err := s.Do(webSocketRequest(ctx, url))
			if err != nil {
				t.Fatal(err)
			}
			if text != "" && readAll(t, resp) != text {
				t.Error("another content")
			}
			_ = resp.Body.Close()
			if n := ctx.n.Load(); n != 0 {
				t.Errorf("%d functions wait for the context's end", n)
			}
		})
	}
}

// The key's name is the same in whatever case the caller writes it.
func TestWebSocketKeySpelling(t *testing.T) {
	peer := &webSocketPeer{offers: true, status: "200"}
	url, client := peer.start(t)
	s := newSession(t, mien.Config{TLS: client, Profile: webSocketProfile()})
	getAll(t, s, url, 1)
	req := webSocketRequest(t.Context(), url)
	req.Header["Sec-WebSocket-Key"] = req.Header["Sec-Websocket-Key"]
	delete(req.Header, "Sec-Websocket-Key")
	resp, err := s.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if got := resp.Header.Get("Sec-Websocket-Accept"); resp.StatusCode != http.StatusSwitchingProtocols || got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" { // RFC 6455 §1.3
		t.Errorf("answer %d, accept %q", resp.StatusCode, got)
	}
}
