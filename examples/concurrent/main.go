// Command concurrent sends 5,000 requests at once to an origin that kills a
// fifth of the TLS handshakes, and loses none.
package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"log"
	"net/http"
	"os"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
)

const requests = 5000

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) error {
	origin, err := mientest.New(mientest.Config{
		Faults: mientest.Faults{Handshake: mientest.HandshakeFaults{Share: 0.2}},
	})
	if err != nil {
		return err
	}
	defer origin.Close()
	s, err := mien.New(mien.Config{TLS: origin.ClientTLS()})
	if err != nil {
		return err
	}
	defer s.Close()

	var ok, failed int
	var bytes int64
	for resp, err := range s.All(ctx, pages(ctx, origin.URL)) {
		if err != nil {
			failed++
			fmt.Fprintln(out, err) // a *mien.Error, whose Request tells which one it was
			continue
		}
		n, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close() // gives the request's place to the next one
		if err != nil {
			failed++
			continue
		}
		ok++
		bytes += n
	}
	stats := s.Stats()
	fmt.Fprintf(out, "%d ok, %d failed, %d kB\n", ok, failed, bytes/1000)
	fmt.Fprintf(out, "%d handshakes, %.0f %% of them killed, %d retries\n",
		stats.Handshakes, 100*stats.HandshakeFailureRate, stats.Retries)
	return nil
}

// pages makes the requests one by one, as they are wanted.
func pages(ctx context.Context, url string) iter.Seq[*http.Request] {
	return func(yield func(*http.Request) bool) {
		for i := range requests {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/page/%d", url, i), nil)
			if err != nil || !yield(req) {
				return
			}
		}
	}
}
