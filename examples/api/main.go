// Command api is a service that calls another one, which kills the first handshake,
// through a plain http.Client over a mien Session. /health tells how handshakes fare.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
)

func main() {
	if err := run(os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// quotes is an API client as any SDK has one. It knows nothing of package mien.
type quotes struct {
	http *http.Client
	base string
}

func (q *quotes) price(symbol string) (price int, err error) {
	resp, err := q.http.Get(q.base + "/price/" + symbol)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = fmt.Fscan(resp.Body, &price)
	return price, err
}

func run(out io.Writer) error {
	upstream, err := mientest.New(mientest.Config{
		Faults:  mientest.Faults{Handshake: mientest.HandshakeFaults{First: 1}},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "42") }),
	})
	if err != nil {
		return err
	}
	defer upstream.Close()
	session, err := mien.New(mien.Config{TLS: upstream.ClientTLS()})
	if err != nil {
		return err
	}
	defer session.Close()
	api := &quotes{http: session.Client(), base: upstream.URL}
	http.HandleFunc("/price", func(w http.ResponseWriter, _ *http.Request) {
		price, err := api.price("MIEN")
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
		}
		fmt.Fprintln(w, price)
	})
	http.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
		s := session.Stats()
		if s.HandshakeFailureRate > 0.6 { // somebody should look
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprintf(w, "%d handshakes, failure rate %.2f\n", s.Handshakes, s.HandshakeFailureRate)
	})
	service := httptest.NewServer(nil) // nil: http.DefaultServeMux
	defer service.Close()
	for _, path := range []string{"/price", "/health"} {
		resp, err := http.Get(service.URL + path)
		if err != nil {
			return err
		}
		fmt.Fprint(out, path, " ", resp.StatusCode, " ")
		io.Copy(out, resp.Body)
		resp.Body.Close()
	}
	return nil
}
