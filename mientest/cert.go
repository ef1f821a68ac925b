package mientest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"
)

// authority is a CA and the key that all its leaves share.
type authority struct {
	cert    *x509.Certificate
	key     *ecdsa.PrivateKey
	leafKey *ecdsa.PrivateKey
}

// Made on first use and constant from then on: origins of one process share the
// CA, so that one client can trust several.
var (
	trusted  = sync.OnceValues(func() (*authority, error) { return newAuthority("mientest CA") })
	stranger = sync.OnceValues(func() (*authority, error) { return newAuthority("mientest untrusted CA") })
)

// The validity covers the year 2000, in which the clock of testing/synctest
// starts, and any today.
var (
	notBefore = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	notAfter  = time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC)
)

func newAuthority(name string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             notBefore,
		NotAfter:              notAfter,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	cert, err := sign(template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	return &authority{cert: cert, key: key, leafKey: leafKey}, nil
}

func sign(template, parent *x509.Certificate, pub *ecdsa.PublicKey, key *ecdsa.PrivateKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, pub, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// issue makes the leaf of one origin.
func issue(kind CertKind, hosts []string) (tls.Certificate, error) {
	ca, err := trusted()
	if kind == CertUntrusted {
		ca, err = stranger()
	}
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("mientest: making the CA: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("mientest: drawing a serial number: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "mientest origin"},
		NotBefore:    notBefore,
		NotAfter:     notAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     []string{"localhost", "example.com", "*.example.com", "*.test"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	switch kind {
	case CertExpired:
		template.NotAfter = notBefore.AddDate(1, 0, 0)
	case CertWrongHost:
		template.DNSNames, template.IPAddresses = []string{"wrong.invalid"}, nil
	}
	leaf, err := sign(template, ca.cert, &ca.leafKey.PublicKey, ca.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("mientest: making the certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: ca.leafKey, Leaf: leaf}, nil
}

// Certificate returns the certificate of the origin itself: nil with Plain, and
// with a Config.TLS that brought its own without a Leaf.
func (o *Origin) Certificate() *x509.Certificate { return o.leaf }

// CertPool returns a new pool with the CA of this package, which signs the
// certificates of all origins but those with [CertUntrusted].
func (o *Origin) CertPool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(o.ca)
	return pool
}

// CertPEM returns that CA in PEM, for a file that clients are told to trust.
func (o *Origin) CertPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: o.ca.Raw})
}

// ClientTLS returns a new client configuration that trusts the origin.
func (o *Origin) ClientTLS() *tls.Config {
	return &tls.Config{RootCAs: o.CertPool()}
}
