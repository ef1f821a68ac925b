// Command proxies sends requests by several exits: two proxies in turn, one that
// is chosen for a request, and a gateway that gives each tunnel another exit. The
// origin answers with the exit that a request came by.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"sync/atomic"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) error {
	var seen exits // proxy.go
	origin, err := mientest.New(mientest.Config{Handler: &seen})
	if err != nil {
		return err
	}
	defer origin.Close()
	proxies := []*url.URL{seen.proxy("berlin"), seen.proxy("lima")}
	gateway := seen.proxy("exit 1", "exit 2", "exit 3")

	var turn atomic.Int64
	s, err := mien.New(mien.Config{
		TLS: origin.ClientTLS(),
		// Asked for each attempt: what failed on the way takes the next proxy.
		Proxy: func(*http.Request) (*url.URL, error) {
			return proxies[(turn.Add(1)-1)%2], nil
		},
	})
	if err != nil {
		return err
	}
	defer s.Close()
	for _, way := range []struct {
		what string
		mien.Options
	}{
		{"in turn", mien.Options{}},
		{"in turn", mien.Options{}},
		{"chosen", mien.Options{Proxy: proxies[1]}},
		{"gateway", mien.Options{Proxy: gateway}},
		{"same tunnel", mien.Options{Proxy: gateway}},
		// A tunnel of its own, which shares neither tickets nor cookies with others.
		{"new tunnel", mien.Options{Proxy: gateway, FreshConnection: true, Isolation: "anna"}},
		{"new tunnel", mien.Options{Proxy: gateway, FreshConnection: true, Isolation: "ben"}},
	} {
		resp, err := s.Get(mien.WithOptions(ctx, way.Options), origin.URL)
		if err != nil {
			return err
		}
		exit, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s: %s\n", way.what, exit)
	}
	return nil
}
