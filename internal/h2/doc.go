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
// # States
//
// A connection takes requests until it is closing: GOAWAY came or its ids are
// used up. Closing, it finishes what is in flight and ends with the last
// stream. It ends at once on an error of the connection, on the peer's close
// and on Close; Err says why, every request is told with its own facts, and
// Done is closed when goroutines and net.Conn are gone.
//
// A stream is over when both sides sent END_STREAM or one of them RST_STREAM.
// What then still comes for it is let pass if this side gave it up, answered
// with STREAM_CLOSED if the peer did, and an error of the connection if the
// peer had come to its end.
//
// # Limits
//
// A peer is taken to allow 100 streams until its SETTINGS say otherwise. A
// decoded field section is limited to [Config.MaxHeaderBytes]; a header block
// to 128 frames, 8 of them empty; interim responses to 100. What a peer makes a
// connection hold without a request that asks for it stays below 16 MiB: unread
// content up to the window that the profile announces, 4 MiB of output that the
// peer does not read, 1,000 answers to its PINGs and SETTINGS. Frames that
// bring nothing forward are counted, and a connection that floods is closed
// with ENHANCE_YOUR_CALM. RST_STREAM is paced. Server push and CONNECT are
// refused. HOSTILE.md lists what a peer may try, with the test for each.
package h2
