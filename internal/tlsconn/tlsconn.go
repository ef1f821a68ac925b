package tlsconn

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

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
	// Verified, if not nil, is asked about every connection, resumed ones
	// included, once its certificates are verified and before the callbacks of
	// TLS. Its error ends the handshake. Under TLS.InsecureSkipVerify there are no
	// VerifiedChains.
	Verified func(tls.ConnectionState) error
	// Chains remembers chains that were verified; nil: each is built anew.
	Chains *Chains
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
// or what a callback returned, wrapped in one whose FailureClass method says
// Certificate where that callback verifies, and Invalid where it is
// GetClientCertificate or KeyLogWriter.
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
