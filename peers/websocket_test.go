package peers_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/mien-http/mien"
)

func (x *exchange) websocket(t *testing.T) {
	echo(t, x.client(t), "ws"+strings.TrimPrefix(x.url, "http")+"/app/ws")
}

// echo sends a message through a new WebSocket and awaits it back.
func echo(t *testing.T, c *client, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(mien.WithOptions(t.Context(), c.options), patience)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: c.Client()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ws.CloseNow() }()
	ws.SetReadLimit(1 << 20)
	message := large()[:32<<10] // what the server reads at most
	if err := ws.Write(ctx, websocket.MessageBinary, message); err != nil {
		t.Fatal(err)
	}
	if _, b, err := ws.Read(ctx); err != nil || !bytes.Equal(b, message) {
		t.Errorf("%d bytes came back: %v", len(b), err)
	}
}
