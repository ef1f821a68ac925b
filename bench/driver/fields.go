package driver

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// Fields is the field list of a navigation by Chrome 156 on Linux, in its order.
// Every client sends it, as far as its way of configuring fields allows.
var Fields = [][2]string{
	{"sec-ch-ua", `"Not?A_Brand";v="99", "Google Chrome";v="156", "Chromium";v="156"`},
	{"sec-ch-ua-mobile", "?0"},
	{"sec-ch-ua-platform", `"Linux"`},
	{"upgrade-insecure-requests", "1"},
	{"user-agent", UserAgent},
	{"accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"},
	{"sec-fetch-site", "none"},
	{"sec-fetch-mode", "navigate"},
	{"sec-fetch-user", "?1"},
	{"sec-fetch-dest", "document"},
	{"accept-encoding", "gzip, deflate, br, zstd"},
	{"accept-language", "en-US,en;q=0.9"},
	{"priority", "u=0, i"},
}

// UserAgent is Chrome 156's on Linux.
const UserAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"

// Roots is a pool of the one certificate in j.CA.
func (j *Job) Roots() (*x509.CertPool, error) {
	pem, err := os.ReadFile(j.CA)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("no certificate in %s", j.CA)
	}
	return pool, nil
}

// SystemRoots reports an error unless the system's trusted certificates are
// those of j.CA. The bench starts each client with SSL_CERT_FILE set to it:
// some have no setting of their own for roots and verify against the system's.
func (j *Job) SystemRoots() error {
	if os.Getenv("SSL_CERT_FILE") != j.CA {
		return errors.New("the system's roots are not those of the job")
	}
	return nil
}

// Status is an error unless code is 200.
func Status(code int) error {
	if code != 200 {
		return fmt.Errorf("status %d", code)
	}
	return nil
}
