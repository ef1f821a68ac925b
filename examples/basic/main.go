// Command basic sends one request as Chrome and prints how the origin saw it.
// The origin runs beside it on loopback; leave it out and put any URL in its place.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"

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
	origin, err := mientest.New(mientest.Config{})
	if err != nil {
		return err
	}
	defer origin.Close()

	s, err := mien.New(mien.Config{
		Profile: fingerprint.Chrome(),
		TLS:     origin.ClientTLS(), // only because nobody else trusts this origin
	})
	if err != nil {
		return err
	}
	defer s.Close()

	resp, err := s.Get(ctx, origin.URL)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var saw mientest.Report
	if err := json.NewDecoder(resp.Body).Decode(&saw); err != nil {
		return err
	}
	fmt.Fprintln(out, resp.Status, "over", saw.Protocol)
	fmt.Fprintln(out, "HTTP/2 looks like", saw.Akamai)
	for _, h := range saw.Headers {
		fmt.Fprintf(out, "  %s: %s\n", h[0], h[1])
	}
	return nil
}
