package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// certificates are files: a root that clients trust, and a chain of leaf and
// intermediate with the leaf's key for servers. A chain of three is what the
// public web has.
type certificates struct{ root, chain, key string }

func makeCertificates(dir string) (certificates, error) {
	c := certificates{filepath.Join(dir, "root.pem"), filepath.Join(dir, "chain.pem"), filepath.Join(dir, "key.pem")}
	root, rootKey, err := issue("bench root", nil, nil)
	if err != nil {
		return c, err
	}
	middle, middleKey, err := issue("bench intermediate", root, rootKey)
	if err != nil {
		return c, err
	}
	leaf, leafKey, err := issue("", middle, middleKey)
	if err != nil {
		return c, err
	}
	key, err := x509.MarshalPKCS8PrivateKey(leafKey)
	if err != nil {
		return c, err
	}
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	for path, content := range map[string][]byte{
		c.root:  block("CERTIFICATE", root.Raw),
		c.chain: append(block("CERTIFICATE", leaf.Raw), block("CERTIFICATE", middle.Raw)...),
		c.key:   block("PRIVATE KEY", key),
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return c, err
		}
	}
	return c, nil
}

// issue makes a certificate: of an authority if it has a name, else of the
// loopback servers.
func issue(name string, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
	if name != "" {
		template.IsCA, template.BasicConstraintsValid = true, true
		template.KeyUsage = x509.KeyUsageCertSign
	} else {
		template.Subject.CommonName = "localhost"
		template.DNSNames = []string{"localhost"}
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
		template.KeyUsage = x509.KeyUsageDigitalSignature
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return cert, key, err
}
