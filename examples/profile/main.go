// Command profile alters a browser's profile, keeps it in a file, and shows what
// an origin sees of it. Browsers that are not built in come in such files too:
// "mien capture" writes them.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
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
	p, err := fingerprint.Lookup("chrome-156-windows") // a copy of our own
	if err != nil {
		return err
	}
	p.Name = "chrome-156-windows-german"
	for i, f := range p.Identity {
		if f.Name == "accept-language" {
			p.Identity[i].Value = "de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7"
		}
	}
	file, err := os.CreateTemp("", "profile-*.json")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	if err := json.NewEncoder(file).Encode(p); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	p.Browser.Platform = "macOS" // which User-Agent and client hints give the lie
	fmt.Fprintln(out, "refused:", p.Validate())

	german, err := fingerprint.Load(file.Name()) // refuses what Validate refuses
	if err != nil {
		return err
	}
	origin, err := mientest.New(mientest.Config{})
	if err != nil {
		return err
	}
	defer origin.Close()
	s, err := mien.New(mien.Config{Profile: german, TLS: origin.ClientTLS()})
	if err != nil {
		return err
	}
	defer s.Close()
	// By name, as sites are: to an address browsers send no server_name, which JA4 shows.
	resp, err := s.Get(ctx, strings.Replace(origin.URL, "127.0.0.1", "localhost", 1))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var saw mientest.Report
	if err := json.NewDecoder(resp.Body).Decode(&saw); err != nil {
		return err
	}
	fmt.Fprintln(out, "JA4", saw.JA4, "as recorded:", saw.JA4 == german.Digests.JA4)
	for _, h := range saw.Headers {
		fmt.Fprintf(out, "  %s: %s\n", h[0], h[1])
	}
	return nil
}
