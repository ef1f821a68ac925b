package tlsconn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	utls "github.com/refraction-networking/utls"

	"github.com/mien-http/mien/fingerprint"
)

// Config is what one connection needs. Profile is required, and so is a name to
// verify (ServerName or TLS.ServerName) unless TLS.InsecureSkipVerify is set.
// Client reads it and writes to nothing in it, so that one Config may serve any
// number of connections at once.
type Config struct {
	// Profile gives the ClientHello.
	Profile *fingerprint.Profile
	// TLS holds the caller's choices; nil means none. These fields are honoured:
	// RootCAs, Certificates, GetClientCertificate, ServerName, KeyLogWriter,
	// InsecureSkipVerify, VerifyPeerCertificate, VerifyConnection,
	// SessionTicketsDisabled and Time. All else is the profile's.
	TLS *tls.Config
	// ServerName is the host to verify and to name in server_name, unless
	// TLS.ServerName is set. An IP literal is verified and not sent.
	ServerName string
	// ALPN replaces the protocols that the profile offers; nil keeps them, an
	// empty list offers none. An application_settings extension goes when none
	// of its protocols is offered any more.
	ALPN []string
	// Tickets keeps sessions to resume; nil: no resumption.
	Tickets *Tickets
	// TicketKey says which tickets may be used here. It must name everything
	// that a session must not be shared across.
	TicketKey string
	// NoTicket offers no session even if one is held. Tickets that the server
	// sends are stored all the same.
	NoTicket bool
}

// Client performs the TLS handshake over nc and returns the connection. On any
// error it closes nc. When ctx ends before the handshake does, the error is
// ctx.Err(); ctx plays no part afterwards.
//
// Errors of the network (io.EOF, io.ErrUnexpectedEOF, *net.OpError) are returned
// as they came. Others are crypto/tls's and crypto/x509's types
// (tls.RecordHeaderError, *tls.CertificateVerificationError), an [*AlertError],
// or what a callback of cfg.TLS returned.
func Client(ctx context.Context, nc net.Conn, cfg Config) (*Conn, error) {
	c, err := client(ctx, nc, cfg)
	if err != nil {
		nc.Close()
		return nil, err
	}
	return c, nil
}

func client(ctx context.Context, nc net.Conn, cfg Config) (*Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if cfg.Profile == nil {
		return nil, errors.New("tlsconn: Config.Profile is nil")
	}
	if cfg.TLS == nil {
		cfg.TLS = &tls.Config{}
	}
	if cfg.TLS.ServerName != "" {
		cfg.ServerName = cfg.TLS.ServerName
	}
	if cfg.ServerName == "" && !cfg.TLS.InsecureSkipVerify {
		return nil, errors.New("tlsconn: Config.ServerName is empty: there is no name to verify")
	}
	h := &handshake{cfg: cfg, tap: newTap(nc)}

	// The connection is closed from outside when ctx ends: uTLS has no other
	// way of being interrupted. A timer-like callback costs no goroutine per
	// handshake.
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		nc.Close()
	})
	err := h.run()
	if !stop() {
		<-ended
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, h.explain(err)
	}
	return h.conn(), nil
}

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
		return nil
	}
}

// connect applies hello to a new uTLS connection over the tap.
func (h *handshake) connect(hello *hello, t *ticket) (*utls.UConn, error) {
	h.verify = &verifier{cfg: h.cfg.TLS, host: h.cfg.ServerName, now: h.now, tap: h.tap}
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
