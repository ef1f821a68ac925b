// Package h1 is the [net.Conn] under a [net/http.ClientConn]. net/http speaks
// HTTP/1.1 and decides the framing; this connection replaces the head of each
// request on its way out, so that field names, their case and their order are
// the browser's, and it knows what has left and what has come back.
//
// # Usage
//
// Whoever holds a reservation on the ClientConn calls [Conn.Begin] with the
// head, then ClientConn.RoundTrip. When that fails, [Conn.Sent],
// [Conn.Answered] and [Conn.Stale] say what a retry may assume.
//
// # What comes from where
//
// The method and the target come from net/http, and so do the values that frame
// the message: Host, Content-Length, Transfer-Encoding, Trailer, Expect and
// "Connection: close". Every other field comes from the head. Bodies, trailers
// and, after a 101 response, raw bytes pass through unchanged.
//
// # Limitations
//
// One request at a time: nothing is pipelined. CONNECT is refused, because a
// tunnel has no end that could be known here.
package h1
