// Package tlsconn opens client TLS connections that look like the browser of a
// [fingerprint.Profile]. It is the only package of this module that knows uTLS:
// no type, error or habit of uTLS leaves it.
//
// Every connection gets its own ClientHello specification, keys and random
// draws; connections meet in two bounded places only, the [Tickets] of their
// egress and the [Chains] of their session.
//
// # Verification
//
// The server's certificates are verified with crypto/x509 on every connection,
// resumed ones included, against the host name, the roots and the clock of this
// connection. uTLS's own verification is off: it skips resumed connections. What
// [Chains] spares is building the path to a root again, never a look at the host
// name, the dates or the signature of the handshake. SSLKEYLOGFILE is not read.
//
// # Limitations
//
// A tls.ConnectionState made here cannot export keying material, because the
// exporter is an unexported field of it; use [Conn.ExportKeyingMaterial]. The
// Context method of a tls.CertificateRequestInfo given to GetClientCertificate
// returns nil for the same reason. CurveID is zero for TLS 1.2. No early data is
// sent, and a server's record_size_limit is not heeded. A HelloRetryRequest in
// answer to a ticket costs a new connection: see [NeedsFreshHello]. Certificates
// with ML-DSA keys cannot be verified, though Chromium 156 offers them. Application
// settings are answered with empty ones, and the server's are not looked at.
package tlsconn
