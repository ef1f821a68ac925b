// Command metrics shows how a session fares to Prometheus, on a /metrics that
// your program may have already.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"

	prom "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/observe/prometheus"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) error {
	origin, err := mientest.New(mientest.Config{
		Faults: mientest.Faults{Handshake: mientest.HandshakeFaults{First: 3}},
	})
	if err != nil {
		return err
	}
	defer origin.Close()

	collector := prometheus.New(prometheus.Options{})
	registry := prom.NewRegistry()
	if err := registry.Register(collector); err != nil {
		return err
	}
	s, err := mien.New(mien.Config{TLS: origin.ClientTLS(), Hooks: collector.Hooks()})
	if err != nil {
		return err
	}
	defer s.Close()
	collector.Bind(s) // hooks count what happens, Bind adds what is going on

	for range 5 {
		resp, err := s.Get(ctx, origin.URL)
		if err != nil {
			return err
		}
		if err := resp.Body.Close(); err != nil {
			return err
		}
	}

	metrics := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	defer metrics.Close()
	resp, err := http.Get(metrics.URL) // as Prometheus does
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	some := regexp.MustCompile(`^mien_(requests|retries|handshakes_failed|handshake_failure|retry_causes)\w*[{ ]`)
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if some.MatchString(lines.Text()) {
			fmt.Fprintln(out, lines.Text())
		}
	}
	return lines.Err()
}
