package peers_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// siteName is the host that the certificates are for, besides the loopback addresses.
const siteName = "shop.test"

// identity is a certificate that signed itself, and its key.
type identity struct {
	tls.Certificate
	certPEM, keyPEM []byte
}

var (
	ecdsaIdentity = sync.OnceValues(func() (*identity, error) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		return newIdentity(key)
	})
	rsaIdentity = sync.OnceValues(func() (*identity, error) {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, err
		}
		return newIdentity(key)
	})
	clientIdentity = sync.OnceValues(func() (*identity, error) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		return newIdentity(key)
	})
)

func newIdentity(key crypto.Signer) (*identity, error) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: siteName},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		DNSNames:     []string{siteName, "localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageCertSign,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IsCA:         true, BasicConstraintsValid: true, // so that every program takes it for its own issuer
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	id := &identity{
		certPEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		keyPEM:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	}
	id.Certificate, err = tls.X509KeyPair(id.certPEM, id.keyPEM)
	return id, err
}

func made(t *testing.T, make func() (*identity, error)) *identity {
	t.Helper()
	id, err := make()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// trust is the TLS configuration of who trusts that certificate alone.
func (id *identity) trust() *tls.Config {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(id.certPEM)
	return &tls.Config{RootCAs: pool}
}

// folder is a new directory with the identity in it: cert.pem, key.pem and both
// in one, as some programs want it, in both.pem.
func (id *identity) folder(t *testing.T) string {
	t.Helper()
	dir := openDir(t)
	write(t, dir, "cert.pem", id.certPEM)
	write(t, dir, "key.pem", id.keyPEM)
	write(t, dir, "both.pem", append(append([]byte{}, id.certPEM...), id.keyPEM...))
	return dir
}

// openDir is a temporary directory that a program may enter which gives up the
// rights of root when it is started with them.
func openDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// write writes a file that such a program may read.
func write(t *testing.T, dir, file string, content []byte) string {
	t.Helper()
	path := filepath.Join(dir, file)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
