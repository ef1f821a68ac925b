// Package encoding decodes HTTP content codings (RFC 9110 §8.4.1) while a body
// streams: gzip, x-gzip, deflate, br and zstd, alone or stacked.
//
// # Usage
//
// [Decode] turns a response's body into the decoded one, as net/http does for
// gzip. [NewReader] does the same for any body. [Decoders] keeps decoders of
// every coding between bodies.
//
// # What it promises
//
// A part that the sender flushed can be read at once. A body that is broken, cut
// short or followed by bytes that belong to nothing ends in an [*Error], never
// in io.EOF. An error of the body itself (a lost connection, an ended context)
// comes through as it is. Decoders are pooled: they are taken at the first Read
// and given back at the end of the body, at an error, or by Close.
//
// # Limitations
//
// "compress" and dictionary codings (dcb, dcz) are not decoded. A zstd window
// may be 8 MiB (RFC 9659), a brotli window 16 MiB (RFC 7932). A zstd decoder takes
// the memory of the window that the data announces at once, however short the data.
package encoding
