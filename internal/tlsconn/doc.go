// Package tlsconn opens client TLS connections that look like the browser of a
// [fingerprint.Profile]. It is the only package of this module that knows uTLS:
// no type, error or habit of uTLS leaves it.
//
// Every connection gets its own ClientHello specification, keys and random
// draws; connections meet in one place only, the bounded [Tickets] of their
// egress.
//
// # Verification
//
// The server's certificates are verified with crypto/x509 on every connection,
// resumed ones included, against the host name, the roots and the clock of this
// connection. uTLS's own verification is off: it skips resumed connections.
//
// # Limitations
//
// A tls.ConnectionState made here cannot export keying material, because the
// exporter is an unexported field of it; use [Conn.ExportKeyingMaterial]. The
// Context method of a tls.CertificateRequestInfo given to GetClientCertificate
// returns nil for the same reason. No early data is sent.
// The first hello after a HelloRetryRequest that came in answer to a ticket has
// to be a new one: see [NeedsFreshHello].
package tlsconn
