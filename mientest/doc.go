// Package mientest provides an HTTPS origin for tests, as net/http/httptest
// does, that tells how each connection and each request looked on the wire, and
// that breaks handshakes and requests on demand.
//
//	origin, err := mientest.New(mientest.Config{
//		Faults: mientest.Faults{Handshake: mientest.HandshakeFaults{Share: 0.2}},
//	})
//	defer origin.Close()
//	client.Get(origin.URL)      // a fifth of the handshakes dies
//	origin.Connections()[0].JA4 // how the client's first ClientHello looked
//
// # What is seen
//
// [Origin.Connections] holds the ClientHello of each connection with its JA3
// and JA4 digests, the HTTP/2 frames with the Akamai digest, and whether the
// session was resumed. [Origin.Requests] holds the field section of each
// request in the order, and over HTTP/1.1 in the case, in which it was sent.
// [Origin.Counters] holds totals and peaks. A handler finds the same about its
// own request with [ReportOf]; the default handler answers with that [Report].
//
// # What can be broken
//
// See [Faults]: handshakes killed by FIN or RST, before or after the
// ClientHello, an exact share of them or the first few; stalls; delays; raw
// bytes in place of a TLS answer; requests whose connection ends before the
// answer, HTTP/2 stream resets and GOAWAY.
//
// # Limitations
//
// TLS is that of crypto/tls and HTTP that of net/http and
// golang.org/x/net/http2, so a request that they refuse (400, or an HTTP/2
// connection error) is recorded but reaches no handler. HTTP/3 is not served.
package mientest
