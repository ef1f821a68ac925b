// Package mien is a concurrent HTTP client that looks, on the wire, like the
// browser it says it is.
//
// A [Session] sends ordinary *http.Request values and returns ordinary
// *http.Response values. Its TLS ClientHello, its HTTP/2 connection and its
// header fields are those of the browser that Config.Profile describes, byte
// for byte except what that browser draws at random.
//
//	s, err := mien.New(mien.Config{})
//	if err != nil { … }
//	defer s.Close()
//	resp, err := s.Get(ctx, "https://example.com/")
//	if err != nil { … }
//	defer resp.Body.Close()
//
// A browser sends other fields for a page than for an image or a fetch() in it.
// [WithOptions] says what a request is; without it that is inferred.
//
// # Concurrency
//
// One process keeps thousands of requests in flight. Every connection has a
// TLS state of its own; bounded semaphores hold back what the network would not
// survive; a handshake that the peer resets (what curl reports as
// SSL_ERROR_SYSCALL) is made again, because nothing of the request had left.
//
// # Retries
//
// A failure is classified by where it happened and whether a byte of the
// request can have reached the origin, never by its text. What was sent is
// repeated only if it is safe to repeat. See package retry.
//
// # Proxies
//
// Config.Proxy, or [Options] for one request, says which way out a request takes:
// it goes that way or fails. Connections, tickets and addresses of names are never
// shared between different ways out, nor between sessions.
//
// # Cancellation
//
// The context of a request bounds it whole: queue, dial, handshake, answer and
// body. Cancelling one request fails no other, even if it was the one that set
// off a dial they all wait for.
//
// # Errors
//
// Every failed request ends in an *[Error] with a phase, a class and whether the
// request was sent; errors.As and errors.Is find the cause in the standard
// library's types.
//
// # Limitations
//
// No HTTP/3, no JavaScript. Connections are not coalesced across origins, and no
// early data is sent. TCP and IP traits are those of the operating system.
package mien
