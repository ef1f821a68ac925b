package tlsconn

import (
	"sync/atomic"

	utls "github.com/refraction-networking/utls"
)

// A sessionCache is the store as the uTLS configuration of one connection sees
// it. uTLS's own keys, which say too little, are ignored.
type sessionCache struct {
	tickets *Tickets
	key     string
	verify  *verifier

	// offer is the session of this connection. uTLS asks for it in the
	// handshake and may put a new one from whichever goroutine reads.
	offer *ticket
	asked atomic.Bool
}

// Get returns the session that this connection offers.
func (c *sessionCache) Get(string) (*utls.ClientSessionState, bool) {
	if c.offer == nil || c.asked.Swap(true) {
		return nil, false
	}
	return c.offer.session, true
}

// Put stores a session that the server sent. A nil session means that the one
// offered is of no use.
func (c *sessionCache) Put(_ string, s *utls.ClientSessionState) {
	if s == nil {
		if c.offer != nil && !c.offer.tls13() {
			c.tickets.drop(c.key)
		}
		return
	}
	if c.verify.ok.Load() {
		c.tickets.put(&ticket{key: c.key, session: s, expires: c.verify.expires})
	}
}
