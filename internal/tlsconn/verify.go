package tlsconn

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"sync/atomic"
	"time"

	utls "github.com/refraction-networking/utls"
)

// A verifier checks the server's certificates for one connection.
type verifier struct {
	cfg  *tls.Config
	host string
	now  func() time.Time
	tap  *tap // only while the handshake lasts

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
	// As in crypto/tls: this callback sees full handshakes only, the next one all.
	if v.cfg.VerifyPeerCertificate != nil && !state.DidResume {
		raw := make([][]byte, len(state.PeerCertificates))
		for i, c := range state.PeerCertificates {
			raw[i] = c.Raw
		}
		if err := v.cfg.VerifyPeerCertificate(raw, state.VerifiedChains); err != nil {
			return err
		}
	}
	if v.cfg.VerifyConnection != nil {
		return v.cfg.VerifyConnection(*state)
	}
	return nil
}

func (v *verifier) chain(certs []*x509.Certificate) ([][]*x509.Certificate, error) {
	if len(certs) == 0 {
		return nil, errors.New("tlsconn: server has no certificate")
	}
	opts := x509.VerifyOptions{
		Roots:         v.cfg.RootCAs,
		Intermediates: x509.NewCertPool(),
		DNSName:       v.host,
		CurrentTime:   v.now(),
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
