// Command sse follows server-sent events (HTML standard, §9.2) as a page's
// EventSource does: a stream that breaks off is taken up again behind its last event.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/mientest"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) error {
	origin, err := mientest.New(mientest.Config{Handler: http.HandlerFunc(events), Protocols: []string{"http/1.1"}})
	if err != nil {
		return err
	}
	defer origin.Close()
	s, err := mien.New(mien.Config{TLS: origin.ClientTLS()})
	if err != nil {
		return err
	}
	defer s.Close()
	ctx = mien.WithOptions(ctx, mien.Options{
		Destination: fingerprint.Empty, // of whatever a script fetches
		Variant:     fingerprint.EventSource,
		Initiator:   origin.URL + "/dashboard", // the page
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, origin.URL+"/events", nil)
	if err != nil {
		return err
	}
	for range 3 { // as long as the page is open; browsers wait in between, as "retry:" says
		fmt.Fprintln(out, "stream ended:", follow(s, req, out))
	}
	return nil
}

// follow reads a stream to its end. Each event makes req one for those behind it.
func follow(s *mien.Session, req *http.Request, out io.Writer) error {
	resp, err := s.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	event := map[string]string{}
	lines := bufio.NewScanner(resp.Body) // may be silent for hours: Timeouts.BodyStall is not for streams
	for lines.Scan() {
		if lines.Text() == "" { // the event is complete
			req.Header.Set("Last-Event-ID", event["id"])
			fmt.Fprintln(out, "event", event["id"], event["data"])
		}
		name, value, _ := strings.Cut(lines.Text(), ": ")
		event[name] = value
	}
	return lines.Err()
}

// events sends the two events after the client's last one and breaks off in the third.
func events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	n, _ := strconv.Atoi(r.Header.Get("Last-Event-ID"))
	fmt.Fprintf(w, "id: %d\ndata: %s\n\nid: %d\ndata: again\n\nid: %d\ndata: bro", n+1, r.Header.Get("Accept"), n+2, n+3)
	http.NewResponseController(w).Flush()
	mientest.EndConnection(r, mientest.FIN)
}
