// Command websocket speaks through a WebSocket that is opened as a browser opens
// one. The library is coder/websocket; any that takes an http.Client will do.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"

	"github.com/coder/websocket"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) error {
	origin, err := mientest.New(mientest.Config{Handler: http.HandlerFunc(echo)})
	if err != nil {
		return err
	}
	defer origin.Close()
	s, err := mien.New(mien.Config{TLS: origin.ClientTLS()})
	if err != nil {
		return err
	}
	defer s.Close()

	// The page that opens the socket: its origin is what the server checks.
	ctx = mien.WithOptions(ctx, mien.Options{Initiator: origin.URL + "/chat"})
	conn, resp, err := websocket.Dial(ctx, origin.URL+"/socket", &websocket.DialOptions{
		HTTPClient:      s.Client(),
		CompressionMode: websocket.CompressionContextTakeover, // which browsers offer
	})
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	// Over a connection of HTTP/1.1, which the handshake is for. Where an HTTP/2
	// connection is open whose server takes WebSockets (RFC 8441) it is a stream
	// of that, as with browsers, and nothing here changes.
	fmt.Fprintln(out, resp.Status)
	for _, word := range []string{"ping", "Grüße"} {
		if err := conn.Write(ctx, websocket.MessageText, []byte(word)); err != nil {
			return err
		}
		_, answer, err := conn.Read(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "sent %s, got %s\n", word, answer)
	}
	for _, f := range origin.Requests()[0].Fields {
		fmt.Fprintf(out, "  %s: %s\n", f.Name, f.Value)
	}
	return conn.Close(websocket.StatusNormalClosure, "")
}

// echo answers each message with itself.
func echo(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer conn.CloseNow()
	for {
		kind, message, err := conn.Read(r.Context())
		if err != nil || conn.Write(r.Context(), kind, message) != nil {
			return
		}
	}
}
