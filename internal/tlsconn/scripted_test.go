package tlsconn

import (
	"bytes"
	"compress/zlib"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/mien-http/mien/fingerprint"
)

// runScript serves one connection and returns the client's and server's errors.
func runScript(t *testing.T, s *script, name string) (*Conn, error, error) {
	t.Helper()
	return runScriptAs(t, s, profile(t, name))
}

// runScriptAs is runScript with a profile that need not be one of the package's.
func runScriptAs(t *testing.T, s *script, p *fingerprint.Profile) (*Conn, error, error) {
	t.Helper()
	srv := &server{auth: newAuthority(t)}
	if s.cert.Leaf == nil {
		s.cert = srv.auth.issue(t, nil)
	} else {
		srv.auth.pool.AddCert(s.cert.Leaf)
	}
	served := make(chan error, 1)
	srv.serve(t, func(c net.Conn) {
		served <- s.serve(c)
		io.Copy(io.Discard, c)
	})
	c, err := srv.dial(t, srv.config(p))
	if err != nil {
		return nil, err, <-served
	}
	t.Cleanup(func() { c.Close() })
	greeting := make([]byte, 5)
	if _, rerr := io.ReadFull(c, greeting); rerr != nil || string(greeting) != "hello" {
		t.Errorf("greeting %q, %v", greeting, rerr)
	}
	return c, nil, <-served
}

// compressed makes a CompressedCertificate body that claims length, or the
// truth if that is negative.
func compressed(algorithm byte, length int) func([]byte) []byte {
	return func(plain []byte) []byte {
		var out bytes.Buffer
		var w io.WriteCloser
		switch algorithm {
		case 1:
			w = zlib.NewWriter(&out)
		case 2:
			w = brotli.NewWriter(&out)
		case 3:
			w, _ = zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1))
		}
		w.Write(plain)
		w.Close()
		if length < 0 {
			length = len(plain)
		}
		return append([]byte{0, algorithm, byte(length >> 16), byte(length >> 8), byte(length)}, vec24(out.Bytes())...)
	}
}

func TestScriptedServer(t *testing.T) {
	for _, name := range profileNames {
		for _, split := range []int{0, 1, 7, 100} {
			for label, s := range map[string]*script{
				"plain":  {split: split, alpn: "h2"},
				"brotli": {split: split, compress: compressed(2, -1)},
				"cookie": {split: split, cookie: true},
			} {
				c, err, serr := runScript(t, s, name)
				if err != nil || serr != nil {
					t.Errorf("%s, %s in records of %d: client %v, server %v", name, label, split, err, serr)
					continue
				}
				state := c.ConnectionState()
				if state.NegotiatedProtocol != s.alpn || state.CurveID != tls.X25519 || state.HelloRetryRequest != s.cookie {
					t.Errorf("%s, %s: %+v", name, label, state)
				}
			}
		}
	}
}

// Certificates of all sizes in all three compressions.
func TestCompressedCertificates(t *testing.T) {
	auth := newAuthority(t)
	for _, size := range []int{0, 4 << 10, 20 << 10} {
		filler := make([]byte, size)
		rand.Read(filler)
		cert := auth.issue(t, func(c *x509.Certificate) {
			if size > 0 {
				c.ExtraExtensions = []pkix.Extension{{Id: []int{1, 2, 3, 4}, Value: filler}}
			}
		})
		for _, algorithm := range []byte{1, 2, 3} {
			s := &script{cert: cert, compress: compressed(algorithm, -1)}
			if _, err, serr := runScript(t, s, "firefox-153-linux"); err != nil || serr != nil {
				t.Errorf("algorithm %d, %d bytes more: client %v, server %v", algorithm, size, err, serr)
			}
		}
	}
}

// uTLS would allocate what the server claims.
func TestCompressedCertificateIsBounded(t *testing.T) {
	for _, split := range []int{0, 3} {
		for algorithm := byte(1); algorithm <= 3; algorithm++ {
			bomb := compressed(algorithm, 1<<24-1)(make([]byte, 1<<20))
			s := &script{split: split, compress: func([]byte) []byte { return bomb }}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err, _ := runScript(t, s, "firefox-153-linux")
			runtime.ReadMemStats(&after)
			var alert *AlertError
			if !errors.As(err, &alert) || alert.Alert != 42 || alert.Remote || !strings.Contains(err.Error(), "compressed certificate") {
				t.Errorf("algorithm %d: error %v", algorithm, err)
			}
			if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 8<<20 {
				t.Errorf("algorithm %d: %d bytes allocated", algorithm, allocated)
			}
		}
	}
	// The claim is held against the content below the bound.
	for _, length := range []int{10, 100000} {
		_, err, _ := runScript(t, &script{compress: compressed(2, length)}, "chrome-156-linux")
		var alert *AlertError
		if !errors.As(err, &alert) || alert.Remote {
			t.Errorf("claimed length %d: error %v", length, err)
		}
	}
}

// The alert of this side is reported though it went out encrypted.
func TestLocalAlerts(t *testing.T) {
	corrupt := func(from byte) func([]byte) []byte {
		return func(flight []byte) []byte {
			flight = bytes.Clone(flight)
			flight[len(flight)-int(from)] ^= 1
			return flight
		}
	}
	tests := []struct {
		name  string
		s     script
		alert uint8
		sent  bool // the server sees the alert
	}{
		{"protocol not offered", script{alpn: "gopher"}, 120, true},
		{"wrong Finished", script{resend: corrupt(1)}, 51, true},
		{"wrong signature", script{resend: corrupt(40)}, 51, true},
		{"algorithm not offered", script{compress: compressed(3, -1)}, 42, true},
		{"message after ServerHello in the clear", script{early: plainRecord(handshakeMessage(8, []byte{0, 0}))}, 20, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err, _ := runScript(t, &test.s, "chrome-156-linux")
			if !isAlert(err, test.alert, false) {
				t.Errorf("error %T: %v", err, err)
			}
			if test.sent && test.s.alert != test.alert {
				t.Errorf("the server got alert %d", test.s.alert)
			}
		})
	}
}
