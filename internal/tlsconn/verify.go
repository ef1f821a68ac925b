package tlsconn

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"sync/atomic"
	"time"

	utls "github.com/refraction-networking/utls"

	"github.com/mien-http/mien/retry"
)

// A verifier checks the server's certificates for one connection.
type verifier struct {
	cfg      *tls.Config
	host     string
	now      func() time.Time
	known    *Chains                         // nil: every chain is built anew
	verified func(tls.ConnectionState) error // Config.Verified
	tap      *tap                            // only while the handshake lasts

	// Written by the handshake, read by it when it is over.
	chains  [][]*x509.Certificate
	err     error
	expires time.Time // when the last of chains stops being valid; zero: unknown

	// ok is set once everything passed. The session cache asks for it, from
	// whichever goroutine reads.
	ok atomic.Bool
}

// connection is called by uTLS when the certificates are known: those the server
// sent, or on a resumed connection those of the session's first handshake.
func (v *verifier) connection(us utls.ConnectionState) error {
	state := v.tap.connectionState(us)
	v.err = v.check(&state)
	v.chains = state.VerifiedChains
	v.expires = expiry(v.chains)
	v.ok.Store(v.err == nil)
	return v.err
}

func (v *verifier) check(state *tls.ConnectionState) error {
	if !v.cfg.InsecureSkipVerify {
		chains, err := v.chain(state.PeerCertificates)
		if err != nil {
			return &tls.CertificateVerificationError{UnverifiedCertificates: state.PeerCertificates, Err: err}
		}
		state.VerifiedChains = chains
	}
	if v.verified != nil {
		if err := v.verified(*state); err != nil {
			return &refusedError{err}
		}
	}
	// As in crypto/tls: this callback sees full handshakes only, the next one all.
	if v.cfg.VerifyPeerCertificate != nil && !state.DidResume {
		raw := make([][]byte, len(state.PeerCertificates))
		for i, c := range state.PeerCertificates {
			raw[i] = c.Raw
		}
		if err := v.cfg.VerifyPeerCertificate(raw, state.VerifiedChains); err != nil {
			return &refusedError{err}
		}
	}
	if v.cfg.VerifyConnection != nil {
		if err := v.cfg.VerifyConnection(*state); err != nil {
			return &refusedError{err}
		}
	}
	return nil
}

// refusedError is what somebody besides crypto/x509 found wrong with the peer.
type refusedError struct{ err error }

func (e *refusedError) Error() string { return e.err.Error() }

// Unwrap returns the error as the callback gave it.
func (e *refusedError) Unwrap() error { return e.err }

// FailureClass is that of a certificate that does not verify: the same peer
// would be refused again.
func (e *refusedError) FailureClass() string { return string(retry.Certificate) }

// chain verifies certs. A chain that is known is not built again; whom it is for
// and whether it is valid now is looked at each time.
func (v *verifier) chain(certs []*x509.Certificate) ([][]*x509.Certificate, error) {
	if len(certs) == 0 {
		return nil, errors.New("tlsconn: server has no certificate")
	}
	now := v.now()
	if now.IsZero() {
		now = time.Now() // as crypto/x509 takes it
	}
	if !v.remembers() {
		return v.build(certs, now)
	}
	key := keyOf(certs, v.host)
	if chains := v.known.find(key, certs, v.cfg.RootCAs, now); chains != nil {
		if err := certs[0].VerifyHostname(v.host); err != nil {
			return nil, err
		}
		return chains, nil
	}
	chains, err := v.build(certs, now)
	if err == nil {
		v.known.store(key, v.cfg.RootCAs, chains)
	}
	return chains, err
}

// remembers reports whether nobody but crypto/x509 decides on chains.
func (v *verifier) remembers() bool {
	return v.known != nil && v.cfg.VerifyPeerCertificate == nil && v.cfg.VerifyConnection == nil &&
		!platformVerifies() && !constrained(v.cfg.RootCAs)
}

// build looks for paths from certs to the roots.
func (v *verifier) build(certs []*x509.Certificate, now time.Time) ([][]*x509.Certificate, error) {
	opts := x509.VerifyOptions{
		Roots:         v.cfg.RootCAs,
		Intermediates: x509.NewCertPool(),
		DNSName:       v.host,
		CurrentTime:   now,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, c := range certs[1:] {
		opts.Intermediates.AddCert(c)
	}
	return certs[0].Verify(opts)
}

// expiry returns when the last of chains stops being valid.
func expiry(chains [][]*x509.Certificate) time.Time {
	var last time.Time
	for _, chain := range chains {
		first := chain[0].NotAfter
		for _, c := range chain[1:] {
			if c.NotAfter.Before(first) {
				first = c.NotAfter
			}
		}
		if first.After(last) {
			last = first
		}
	}
	return last
}
