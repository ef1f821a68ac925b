package mientest_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"

	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/mientest"
)

// exampleOrigin is New without an error to look at.
func exampleOrigin(cfg mientest.Config) *mientest.Origin {
	origin, err := mientest.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	return origin
}

// exampleClient is net/http's, over HTTP/2 or 1.1 as the origin chooses.
func exampleClient(origin *mientest.Origin) (client *http.Client, done func()) {
	t := &http.Transport{TLSClientConfig: origin.ClientTLS(), ForceAttemptHTTP2: true}
	return &http.Client{Transport: t}, t.CloseIdleConnections
}

// The default handler answers with how the request looked.
func ExampleNew() {
	origin := exampleOrigin(mientest.Config{})
	defer origin.Close()
	client, done := exampleClient(origin)
	defer done()

	resp, err := client.Get(origin.URL + "/path?query")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	var saw mientest.Report
	if err := json.NewDecoder(resp.Body).Decode(&saw); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(saw.Protocol, saw.TLSVersion)
	fmt.Println(saw.Method, saw.Path)
	for _, h := range saw.Headers {
		if h[0] == "user-agent" {
			fmt.Println(h[1])
		}
	}
	// Output:
	// h2 TLS 1.3
	// GET /path?query
	// Go-http-client/2.0
}

// A handler finds the same about its own request.
func ExampleReportOf() {
	origin := exampleOrigin(mientest.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		report, _ := mientest.ReportOf(r)
		fmt.Fprintf(w, "request %d on connection %d, stream %d", report.Request, report.Connection, report.Stream)
	})})
	defer origin.Close()
	client, done := exampleClient(origin)
	defer done()

	for range 2 {
		resp, err := client.Get(origin.URL)
		if err != nil {
			fmt.Println(err)
			return
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		fmt.Printf("%s %v\n", body, err)
	}
	// Output:
	// request 1 on connection 1, stream 1 <nil>
	// request 2 on connection 1, stream 3 <nil>
}

// A script decides on each handshake: here those for one name get an alert.
func ExampleFaults() {
	origin := exampleOrigin(mientest.Config{Faults: mientest.Faults{
		Script: func(_ int, hello *fingerprint.ClientHello) mientest.Action {
			if hello != nil && hello.ServerName() == "blocked.test" {
				return mientest.Action{Write: mientest.Alert(112)} // unrecognized_name
			}
			return mientest.Action{}
		},
	}})
	defer origin.Close()

	for _, name := range []string{"example.com", "blocked.test"} {
		cfg := origin.ClientTLS()
		cfg.ServerName = name
		conn, err := tls.Dial("tcp", origin.Addr().String(), cfg)
		fmt.Printf("%s: %v\n", name, err)
		if err == nil {
			conn.Close()
		}
	}
	// Output:
	// example.com: <nil>
	// blocked.test: remote error: tls: unrecognized name
}

// A script decides on each request: here the first is refused by GOAWAY, which
// says that nothing was done, so net/http sends it again.
func ExampleRequestFaults() {
	origin := exampleOrigin(mientest.Config{Faults: mientest.Faults{Request: mientest.RequestFaults{
		Script: func(n int, r *http.Request) mientest.RequestAction {
			fmt.Println("request", n, r.Method)
			if n == 1 {
				return mientest.RequestAction{GoAway: &mientest.GoAway{}}
			}
			return mientest.RequestAction{}
		},
	}}})
	defer origin.Close()
	client, done := exampleClient(origin)
	defer done()

	resp, err := client.Get(origin.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)
	// Output:
	// request 1 GET
	// request 2 GET
	// 200 OK
}

// The handler itself cuts an answer off.
func ExampleEndConnection() {
	origin := exampleOrigin(mientest.Config{Protocols: []string{"http/1.1"}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		fmt.Fprint(w, "only this")
		http.NewResponseController(w).Flush()
		mientest.EndConnection(r, mientest.FIN)
	})})
	defer origin.Close()
	client, done := exampleClient(origin)
	defer done()

	resp, err := client.Get(origin.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Printf("%s, then %v\n", body, err)
	// Output: only this, then unexpected EOF
}

// Connections are known by the ClientHello that they began with, and by how they
// opened HTTP/2.
func ExampleOrigin_Connections() {
	origin := exampleOrigin(mientest.Config{})
	defer origin.Close()
	client, done := exampleClient(origin)
	defer done()
	resp, err := client.Get(origin.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()

	c := origin.Connections()[0]
	hello, err := fingerprint.ParseClientHelloRecords(c.Hello)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Protocol, c.Requests, c.Resumed)
	fmt.Println(hello.ALPN(), hello.JA4() == c.JA4)
	fmt.Println(len(c.Preface.Settings) > 0)
	// Output:
	// h2 1 false
	// [h2 http/1.1] true
	// true
}

// Totals and peaks.
func ExampleOrigin_Counters() {
	origin := exampleOrigin(mientest.Config{
		Protocols: []string{"http/1.1"},
		Faults:    mientest.Faults{Handshake: mientest.HandshakeFaults{First: 1}},
	})
	defer origin.Close()
	client, done := exampleClient(origin)
	defer done()
	for range 3 {
		resp, err := client.Get(origin.URL)
		if err != nil {
			fmt.Println("one handshake failed")
			continue
		}
		io.Copy(io.Discard, resp.Body) // to the end, so that the connection is used again
		resp.Body.Close()
	}
	n := origin.Counters()
	fmt.Println("handshakes:", n.Handshakes, "killed:", n.HandshakesKilled)
	fmt.Println("requests:", n.Requests, "at most at once:", n.PeakRequests)
	// Output:
	// one handshake failed
	// handshakes: 2 killed: 1
	// requests: 2 at most at once: 1
}

// An origin in memory: no socket is opened, and names are what the test says.
func ExampleNetwork() {
	var network mientest.Network
	listener, err := network.Listen("example.com:443")
	if err != nil {
		fmt.Println(err)
		return
	}
	origin := exampleOrigin(mientest.Config{Listener: listener})
	defer origin.Close()
	t := &http.Transport{TLSClientConfig: origin.ClientTLS(), DialContext: network.DialContext}
	defer t.CloseIdleConnections()

	resp, err := (&http.Client{Transport: t}).Get("https://example.com/")
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println(resp.Status, origin.Requests()[0].Host)

	_, err = network.DialContext(context.Background(), "tcp", "example.org:443")
	fmt.Println("somebody listens at example.org:", err == nil)
	// Output:
	// 200 OK example.com
	// somebody listens at example.org: false
}

// A certificate that is not to be trusted.
func ExampleConfig_cert() {
	origin := exampleOrigin(mientest.Config{Cert: mientest.CertExpired})
	defer origin.Close()
	client, done := exampleClient(origin)
	defer done()
	_, err := client.Get(origin.URL)
	var bad *tls.CertificateVerificationError
	fmt.Println(errors.As(err, &bad), origin.Counters().Requests)
	// Output: true 0
}
