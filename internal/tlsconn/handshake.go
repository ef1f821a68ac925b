package tlsconn

import (
	"fmt"
	"time"

	utls "github.com/refraction-networking/utls"
)

// A handshake is one attempt to open a connection. It belongs to the goroutine
// that called Client; only its verifier and cache live on, inside the
// connection's uTLS configuration.
type handshake struct {
	cfg    Config
	tap    *tap
	uconn  *utls.UConn
	verify *verifier
}

// run performs the handshake. Assertions of uTLS are panics, and a peer must not
// be able to end the process with one.
func (h *handshake) run() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("tlsconn: uTLS panicked: %v", r)
		}
	}()
	if err := h.prepare(h.ticket()); err != nil {
		return err
	}
	return h.uconn.Handshake()
}

// ticket takes the session to offer out of the store, if there is one.
func (h *handshake) ticket() *ticket {
	if h.cfg.Tickets == nil || h.cfg.NoTicket || h.cfg.TLS.SessionTicketsDisabled {
		return nil
	}
	return h.cfg.Tickets.take(h.cfg.TicketKey, h.now())
}

// prepare makes the uTLS connection with its hello built, nothing sent yet.
func (h *handshake) prepare(t *ticket) error {
	for {
		hello, err := newHello(&h.cfg.Profile.TLS, helloOptions{
			serverName: h.cfg.ServerName,
			alpn:       h.cfg.ALPN,
			ticket:     t,
		})
		if err != nil {
			return err
		}
		u, err := h.connect(hello, t)
		if err != nil {
			return err
		}
		h.tap.begin(hello, t.tls13())
		h.uconn = u
		if !t.tls13() {
			return nil
		}
		if err := u.BuildHandshakeState(); err != nil {
			return err
		}
		if len(u.HandshakeState.Hello.PskIdentities) > 0 {
			return nil
		}
		// The ticket has expired or no longer fits the hello, which is shaped
		// as if it were offered: begin anew without.
		t = nil
	}
}

// connect applies hello to a new uTLS connection over the tap.
func (h *handshake) connect(hello *hello, t *ticket) (*utls.UConn, error) {
	h.verify = &verifier{
		cfg: h.cfg.TLS, host: h.cfg.ServerName, now: h.now,
		known: h.cfg.Chains, verified: h.cfg.Verified, tap: h.tap,
	}
	config := &utls.Config{
		// What uTLS would verify is verified in VerifyConnection.
		InsecureSkipVerify:   true,
		VerifyConnection:     h.verify.connection,
		ServerName:           h.cfg.ServerName,
		Time:                 h.now,
		KeyLogWriter:         &keyLog{tap: h.tap, to: h.cfg.TLS.KeyLogWriter},
		GetClientCertificate: h.tap.clientCertificate(h.cfg.TLS.GetClientCertificate),
		Certificates:         certificates(h.cfg.TLS.Certificates),
		// Without these two uTLS panics or fails where a hello has no
		// pre_shared_key, or has one and no session.
		OmitEmptyPsk:                       true,
		PreferSkipResumptionOnNilExtension: true,
		SessionTicketsDisabled:             true,
	}
	if h.cfg.Tickets != nil && !h.cfg.TLS.SessionTicketsDisabled {
		config.SessionTicketsDisabled = false
		config.ClientSessionCache = &sessionCache{
			tickets: h.cfg.Tickets, key: h.cfg.TicketKey, offer: t, verify: h.verify,
		}
	}
	u := utls.UClient(h.tap, config, utls.HelloCustom)
	if err := u.ApplyPreset(hello.spec); err != nil {
		return nil, fmt.Errorf("tlsconn: profile %q: %w", h.cfg.Profile.Name, err)
	}
	hello.keys.install(u)
	// Some presets offer older versions; the floor holds for them too.
	config.MinVersion = max(config.MinVersion, utls.VersionTLS12)
	return u, nil
}

func (h *handshake) now() time.Time {
	if h.cfg.TLS.Time != nil {
		return h.cfg.TLS.Time()
	}
	return time.Now()
}

// conn makes the Conn of a completed handshake.
func (h *handshake) conn() *Conn {
	state := h.tap.connectionState(h.uconn.ConnectionState())
	state.VerifiedChains = h.verify.chains
	// What only the handshake needed is several kB of keys and bytes for each
	// connection; uTLS keeps it for renegotiation, which is refused.
	h.uconn.Extensions = nil
	h.uconn.HandshakeState = utls.PubClientHandshakeState{}
	h.tap.finish()
	return &Conn{u: h.uconn, nc: h.tap.Conn, state: state}
}
