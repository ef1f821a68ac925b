package egress

import (
	"crypto/tls"
	"net"
)

// prefixed is a connection of which some bytes were read too early. As with any
// connection here, one goroutine at a time reads.
type prefixed struct {
	net.Conn
	early []byte // owned by the reader; not empty at first
}

func (c *prefixed) Read(p []byte) (int, error) {
	if len(c.early) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.early)
	if c.early = c.early[n:]; len(c.early) == 0 {
		c.early = nil
	}
	return n, nil
}

// NetConn gives the connection below.
func (c *prefixed) NetConn() net.Conn { return c.Conn }

// tlsLeg is a connection to an https proxy. Close closes what is below without
// a close_notify, whose write could wait five seconds for a peer that is gone;
// what runs through the tunnel has endings of its own.
type tlsLeg struct {
	*tls.Conn
}

func (c *tlsLeg) Close() error { return c.NetConn().Close() }
