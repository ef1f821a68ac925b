package compat_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
)

// echoSockets answers each message with itself. The message "close" has it end
// the connection with a code of its own, "silence" has it read no more until
// the client has gone.
func echoSockets(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols:    []string{"echo"},
		CompressionMode: websocket.CompressionContextTakeover,
	})
	if err != nil {
		return
	}
	defer c.CloseNow()
	c.SetReadLimit(-1)
	for {
		kind, b, err := c.Read(r.Context())
		if err != nil {
			return
		}
		switch string(b) {
		case "close":
			_ = c.Close(4321, "as asked")
			return
		case "silence":
			<-c.CloseRead(r.Context()).Done()
			return
		}
		if c.Write(r.Context(), kind, b) != nil {
			return
		}
	}
}

// socketPaths are the ways to an origin.
var socketPaths = []struct {
	name, proxy string // proxy is its scheme, "" for none
	plain       bool
}{
	{"tls", "", false},
	{"cleartext", "", true},
	{"tls through CONNECT", "http", false},
	{"cleartext through CONNECT", "http", true},
	{"tls through SOCKS5", "socks5", false},
	{"cleartext through SOCKS5", "socks5", true},
}

func onEachSocketPath(t *testing.T, test func(t *testing.T, s *mien.Session, url string)) {
	for _, path := range socketPaths {
		t.Run(path.name, func(t *testing.T) {
			origin := newOrigin(t, mientest.Config{Plain: path.plain, Handler: http.HandlerFunc(echoSockets)})
			var cfg mien.Config
			if path.proxy != "" {
				p, at := newTunnel(t, path.proxy)
				cfg.Proxy = func(*http.Request) (*url.URL, error) { return at, nil }
				defer func() {
					if p.carried.Load() == 0 {
						t.Error("the proxy carried nothing")
					}
				}()
			}
			test(t, newSession(t, cfg), named(origin))
		})
	}
}

func dialSocket(t *testing.T, s *mien.Session, url string, mode websocket.CompressionMode) *websocket.Conn {
	t.Helper()
	c, resp, err := websocket.Dial(timeout(t), url, &websocket.DialOptions{
		HTTPClient:      s.Client(),
		Subprotocols:    []string{"echo"},
		CompressionMode: mode,
	})
	check(t, err)
	if resp.StatusCode != http.StatusSwitchingProtocols || c.Subprotocol() != "echo" {
		t.Errorf("status %d, subprotocol %q", resp.StatusCode, c.Subprotocol())
	}
	c.SetReadLimit(-1)
	t.Cleanup(func() { _ = c.CloseNow() })
	return c
}

func TestWebSocket(t *testing.T) {
	onEachSocketPath(t, func(t *testing.T, s *mien.Session, url string) {
		ctx := timeout(t)
		c := dialSocket(t, s, url, websocket.CompressionDisabled)
		var got string
		check(t, wsjson.Write(ctx, c, "Grüße"))
		if check(t, wsjson.Read(ctx, c, &got)); got != "Grüße" {
			t.Errorf("echo of a short message: %q", got)
		}
		large := junk(5 << 20)
		sent := make(chan error, 1)
		go func() { sent <- c.Write(ctx, websocket.MessageBinary, large) }()
		kind, b, err := c.Read(ctx)
		check(t, err)
		check(t, <-sent)
		if kind != websocket.MessageBinary || !bytes.Equal(b, large) {
			t.Errorf("echo of %d bytes: kind %v, %d bytes", len(large), kind, len(b))
		}

		check(t, c.Write(ctx, websocket.MessageText, []byte("close")))
		_, _, err = c.Read(ctx)
		var closed websocket.CloseError
		if !errors.As(err, &closed) || closed.Code != 4321 || closed.Reason != "as asked" {
			t.Errorf("the origin's close is %v", err)
		}
	})
}

// TestWebSocketPing: compressed messages and pings go both ways, and a close by
// the client is answered.
func TestWebSocketPing(t *testing.T) {
	onEachSocketPath(t, func(t *testing.T, s *mien.Session, url string) {
		ctx, cancel := context.WithCancel(timeout(t))
		defer cancel()
		c := dialSocket(t, s, url, websocket.CompressionContextTakeover)
		text := strings.Repeat("deflated ", 1000)
		check(t, c.Write(ctx, websocket.MessageText, []byte(text)))
		if _, b, err := c.Read(ctx); err != nil || string(b) != text {
			t.Errorf("echo of compressed text: %d bytes, %v", len(b), err)
		}
		read := c.CloseRead(ctx) // a ping is answered only while somebody reads
		for range 3 {
			check(t, c.Ping(ctx))
		}
		check(t, c.Close(websocket.StatusNormalClosure, "done"))
		<-read.Done()
	})
}

// TestWebSocketCancel: the end of a context ends a Read that hears nothing.
func TestWebSocketCancel(t *testing.T) {
	onEachSocketPath(t, func(t *testing.T, s *mien.Session, url string) {
		c := dialSocket(t, s, url, websocket.CompressionDisabled)
		check(t, c.Write(timeout(t), websocket.MessageText, []byte("silence")))
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() {
			_, _, err := c.Read(ctx)
			ended <- err
		}()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Read ended with %v", err)
		}
	})
}

// TestWebSocketDialCancel: the context of Dial bounds the handshake and, by
// its contract, nothing after it.
func TestWebSocketDialCancel(t *testing.T) {
	onEachSocketPath(t, func(t *testing.T, s *mien.Session, url string) {
		ctx, cancel := context.WithCancel(context.Background())
		c, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: s.Client()})
		check(t, err)
		defer c.CloseNow()
		cancel()
		check(t, c.Write(timeout(t), websocket.MessageText, []byte("still there")))
		if _, b, err := c.Read(timeout(t)); err != nil || string(b) != "still there" {
			t.Errorf("after the context of Dial ended: %q, %v", b, err)
		}
	})
}
