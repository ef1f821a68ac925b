// Package h2 is the HTTP/2 client connection: RFC 9113 as a browser speaks it.
//
// A [Conn] takes a net.Conn that has negotiated "h2" and carries requests over
// it until either side is done. What it sends first, how it compresses header
// fields and when it returns flow-control credit comes from a
// [fingerprint.HTTP2]; what it sends of a request comes from a
// [fingerprint.Head].
//
// # How it works
//
// Frames are read with golang.org/x/net/http2's Framer and header blocks are
// decoded with its hpack.Decoder; everything sent is written by this package.
// Each connection has two goroutines: one reads and dispatches frames, one
// hands queued bytes to the net.Conn. A request without content needs no
// goroutine of its own; a request with content has one while it is uploaded.
//
// All state of a connection and of its streams is guarded by one mutex that is
// never held across I/O, across a call of foreign code or across a wait. What
// a goroutine waits for is a channel, beside the request's context.
//
// Frames are appended to one queue; the writer takes all that is queued in one
// Write. A peer that stops reading therefore blocks the writer alone: callers
// wait for nothing but their slot, their window and their response.
//
// # Limits
//
// A peer is taken to allow 100 streams until its SETTINGS say otherwise. A
// decoded field section is limited to [Config.MaxHeaderBytes]; a header block
// to 128 frames, 8 of them empty; interim responses to 100. Frames that bring nothing
// forward are counted, and a connection that floods is closed with
// ENHANCE_YOUR_CALM. Server push is refused.
package h2
