package tlsconn

import (
	"crypto/tls"
	"net"
	"time"

	utls "github.com/refraction-networking/utls"
)

// Conn is an established TLS connection. Its methods may be called from several
// goroutines at once, as a net.Conn's; reads do not wait for writes.
type Conn struct {
	u     *utls.UConn
	nc    net.Conn
	state tls.ConnectionState // written before the Conn is handed out
}

// Read reads application data. An alert from the server is an [*AlertError]; in
// TLS 1.3 a refused client certificate is reported here, by the first Read.
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.u.Read(b)
	if err != nil {
		err = convertError(err)
	}
	return n, err
}

// Write writes application data.
func (c *Conn) Write(b []byte) (int, error) {
	n, err := c.u.Write(b)
	if err != nil {
		err = convertError(err)
	}
	return n, err
}

// Close sends close_notify, waiting at most five seconds for that, and closes
// the connection below. It interrupts Read and Write.
func (c *Conn) Close() error { return convertError(c.u.Close()) }

// CloseWrite sends close_notify and no more; Read goes on.
func (c *Conn) CloseWrite() error { return convertError(c.u.CloseWrite()) }

// ConnectionState describes the connection, with VerifiedChains filled in on
// resumed ones too. Its ExportKeyingMaterial must not be called; use that of Conn.
func (c *Conn) ConnectionState() tls.ConnectionState { return c.state }

// ExportKeyingMaterial returns length bytes of keying material (RFC 5705, RFC
// 8446 §7.5). It fails on a TLS 1.2 connection without extended master secret.
func (c *Conn) ExportKeyingMaterial(label string, context []byte, length int) ([]byte, error) {
	state := c.u.ConnectionState()
	return state.ExportKeyingMaterial(label, context, length)
}

// HelloRetryRequested reports whether the server asked for a second ClientHello.
func (c *Conn) HelloRetryRequested() bool { return c.state.HelloRetryRequest }

// NetConn returns the connection that was given to Client. Reading from it or
// writing to it corrupts the TLS connection.
func (c *Conn) NetConn() net.Conn { return c.nc }

// LocalAddr returns the local address of the connection below.
func (c *Conn) LocalAddr() net.Addr { return c.nc.LocalAddr() }

// RemoteAddr returns the remote address of the connection below.
func (c *Conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// SetDeadline sets the deadlines of Read and Write. After a Write that timed out
// the connection is unusable.
func (c *Conn) SetDeadline(t time.Time) error { return c.nc.SetDeadline(t) }

// SetReadDeadline sets the deadline of Read.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.nc.SetReadDeadline(t) }

// SetWriteDeadline sets the deadline of Write.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.nc.SetWriteDeadline(t) }
