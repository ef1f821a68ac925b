package tlsconn

import (
	"crypto/tls"
	"errors"

	utls "github.com/refraction-networking/utls"
)

// connectionState converts what uTLS's type has. The tap adds the group and the
// retry, which uTLS keeps to itself, and the verifier VerifiedChains.
func (t *tap) connectionState(s utls.ConnectionState) tls.ConnectionState {
	return tls.ConnectionState{
		Version:                     s.Version,
		HandshakeComplete:           s.HandshakeComplete,
		DidResume:                   s.DidResume,
		CipherSuite:                 s.CipherSuite,
		NegotiatedProtocol:          s.NegotiatedProtocol,
		NegotiatedProtocolIsMutual:  s.NegotiatedProtocol != "",
		CurveID:                     tls.CurveID(t.group),
		HelloRetryRequest:           t.retried,
		ServerName:                  s.ServerName,
		PeerCertificates:            s.PeerCertificates,
		SignedCertificateTimestamps: s.SignedCertificateTimestamps,
		OCSPResponse:                s.OCSPResponse,
		TLSUnique:                   s.TLSUnique,
		ECHAccepted:                 s.ECHAccepted,
	}
}

func certificates(in []tls.Certificate) []utls.Certificate {
	if len(in) == 0 {
		return nil
	}
	out := make([]utls.Certificate, len(in))
	for i := range in {
		out[i] = certificate(&in[i])
	}
	return out
}

func certificate(c *tls.Certificate) utls.Certificate {
	return utls.Certificate{
		Certificate:                  c.Certificate,
		PrivateKey:                   c.PrivateKey,
		SupportedSignatureAlgorithms: convertSlice[utls.SignatureScheme](c.SupportedSignatureAlgorithms),
		OCSPStaple:                   c.OCSPStaple,
		SignedCertificateTimestamps:  c.SignedCertificateTimestamps,
		Leaf:                         c.Leaf,
	}
}

// clientCertificate adapts a crypto/tls callback; nil stays nil. The tap is told
// of an error, since uTLS may send an alert for it.
func (t *tap) clientCertificate(f func(*tls.CertificateRequestInfo) (*tls.Certificate, error)) func(*utls.CertificateRequestInfo) (*utls.Certificate, error) {
	if f == nil {
		return nil
	}
	return func(in *utls.CertificateRequestInfo) (*utls.Certificate, error) {
		c, err := f(&tls.CertificateRequestInfo{
			AcceptableCAs:    in.AcceptableCAs,
			SignatureSchemes: convertSlice[tls.SignatureScheme](in.SignatureSchemes),
			Version:          in.Version,
		})
		if err != nil {
			return nil, t.fail(&localError{"GetClientCertificate", err})
		}
		if c == nil {
			return nil, t.fail(&localError{"GetClientCertificate", errors.New("neither a certificate nor an error was returned")})
		}
		out := certificate(c)
		return &out, nil
	}
}

// convertSlice converts a list of 16-bit code points.
func convertSlice[Out, In ~uint16](in []In) []Out {
	if in == nil {
		return nil
	}
	out := make([]Out, len(in))
	for i, v := range in {
		out[i] = Out(v)
	}
	return out
}
