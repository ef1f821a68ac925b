package mientest_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/mien-http/mien/mientest"
)

// A fifth of the handshakes dies; net/http, which does not retry them, loses as
// many requests.
func Example() {
	origin, err := mientest.New(mientest.Config{
		Faults: mientest.Faults{Handshake: mientest.HandshakeFaults{Share: 0.2, How: mientest.FIN}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer origin.Close()

	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig:   origin.ClientTLS(),
		DisableKeepAlives: true,
	}}
	lost := 0
	for range 20 {
		res, err := client.Get(origin.URL)
		if errors.Is(err, io.EOF) {
			lost++
			continue
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		res.Body.Close()
	}
	counters := origin.Counters()
	fmt.Println("lost:", lost)
	fmt.Println("handshakes:", counters.Handshakes, "killed:", counters.HandshakesKilled)
	fmt.Println("requests seen:", counters.Requests)
	// Output:
	// lost: 4
	// handshakes: 20 killed: 4
	// requests seen: 16
}

// What was sent is recorded as it was on the wire: order, case and repetition.
func ExampleOrigin_Requests() {
	origin, err := mientest.New(mientest.Config{Protocols: []string{"http/1.1"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer origin.Close()

	conn, err := tls.Dial("tcp", origin.Addr().String(), origin.ClientTLS())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: example.com\r\nx-b: 1\r\nX-A: 2\r\n\r\n")
	conn.Read(make([]byte, 1)) // the answer has begun

	for _, field := range origin.Requests()[0].Fields {
		fmt.Printf("%s = %s\n", field.Name, field.Value)
	}
	// Output:
	// Host = example.com
	// x-b = 1
	// X-A = 2
}
