package mientest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"slices"
)

// Config says what an [Origin] is to be. The zero value is a TLS origin on a
// free loopback port that speaks HTTP/2 and HTTP/1.1, breaks nothing, and
// answers every request with a JSON [Report]. New copies it.
type Config struct {
	// Handler answers the requests. nil: 200 and the JSON of the [Report].
	Handler http.Handler
	// Protocols are ALPN names, "h2" and "http/1.1", in the order of the
	// origin's preference. nil: both, h2 first. With Plain, nil is
	// {"http/1.1"}, and {"h2"} is HTTP/2 with prior knowledge.
	Protocols []string
	// MaxConcurrentStreams is what the HTTP/2 SETTINGS announce. 0: 250.
	MaxConcurrentStreams uint32
	// ExtendedConnect has the HTTP/2 SETTINGS offer WebSockets by RFC 8441. Such a
	// request is recorded, and its stream reset: http2.Server takes none.
	ExtendedConnect bool
	// Listener takes the connections; the Origin closes it. nil: 127.0.0.1,
	// a free port. See [Network] for one in memory.
	Listener net.Listener
	// TLS is cloned and added to: certificates if it has none, and NextProtos.
	// nil: crypto/tls's defaults.
	TLS *tls.Config
	// Cert chooses what is wrong with the origin's certificate. "": nothing.
	Cert CertKind
	// Hosts are names and IP addresses in the certificate besides localhost,
	// example.com, *.example.com, *.test, 127.0.0.1 and ::1.
	Hosts []string
	// RequireClientCert refuses clients without a certificate; any will do.
	RequireClientCert bool
	// Plain serves cleartext HTTP.
	Plain bool
	// Faults are what the Origin breaks.
	Faults Faults
	// RecordFull is the number of connections, and of requests, that are
	// recorded in full; of the rest digests are kept. 0: 100, negative: none.
	RecordFull int
	// RecordMax is the number of connections, and of requests, recorded at
	// all; the rest are only counted. 0: 100,000.
	RecordMax int
	// ErrorLog gets what net/http and http2 log, panics of Handler among it.
	// nil: nothing is logged.
	ErrorLog *log.Logger
}

// CertKind names a kind of certificate.
type CertKind string

// The kinds of certificate.
const (
	CertValid     CertKind = ""           // signed by the CA of [Origin.CertPool], valid 1970–2120
	CertExpired   CertKind = "expired"    // no longer valid since 1971
	CertWrongHost CertKind = "wrong-host" // only for wrong.invalid
	CertUntrusted CertKind = "untrusted"  // signed by a CA that is in no pool
)

const (
	protoH2 = "h2"
	protoH1 = "http/1.1"
)

// withDefaults returns c with every default filled in, or what is wrong with c.
func (c Config) withDefaults() (Config, error) {
	if c.Protocols == nil {
		c.Protocols = []string{protoH2, protoH1}
		if c.Plain {
			c.Protocols = []string{protoH1}
		}
	}
	c.Protocols = slices.Clone(c.Protocols)
	if len(c.Protocols) == 0 {
		return c, errors.New("mientest: Config.Protocols is empty; nil means h2 and http/1.1")
	}
	for _, p := range c.Protocols {
		if p != protoH2 && p != protoH1 {
			return c, fmt.Errorf("mientest: Config.Protocols: %q is neither h2 nor http/1.1", p)
		}
	}
	if c.Plain {
		switch {
		case len(c.Protocols) > 1:
			return c, errors.New("mientest: Config.Plain: cleartext has no ALPN, so Protocols must name one protocol")
		case c.TLS != nil, c.Cert != "", c.RequireClientCert, len(c.Hosts) > 0:
			return c, errors.New("mientest: Config.Plain contradicts TLS, Cert, RequireClientCert and Hosts")
		case c.Faults.Handshake != HandshakeFaults{}, c.Faults.Script != nil, c.Faults.Delay != 0:
			return c, errors.New("mientest: Config.Plain has no handshake to break")
		}
	}
	switch c.Cert {
	case CertValid, CertExpired, CertWrongHost, CertUntrusted:
	default:
		return c, fmt.Errorf("mientest: Config.Cert: no kind %q", c.Cert)
	}
	if c.MaxConcurrentStreams == 0 {
		c.MaxConcurrentStreams = 250
	}
	if c.RecordFull == 0 {
		c.RecordFull = 100
	}
	if c.RecordMax == 0 {
		c.RecordMax = 100_000
	}
	return c, c.Faults.validate()
}
