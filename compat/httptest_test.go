package compat_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/retry"
)

// TestHTTPTest: the servers of net/http/httptest serve a session as they serve
// their own client, with their certificate among the roots.
func TestHTTPTest(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, r.Proto+" "+r.Method+" "+string(b))
	})
	for _, c := range []struct {
		name, proto string
		start       func() *httptest.Server
	}{
		{"NewServer", "HTTP/1.1", func() *httptest.Server { return httptest.NewServer(h) }},
		{"NewTLSServer", "HTTP/1.1", func() *httptest.Server { return httptest.NewTLSServer(h) }},
		{"EnableHTTP2", "HTTP/2.0", func() *httptest.Server {
			s := httptest.NewUnstartedServer(h)
			s.EnableHTTP2 = true
			s.StartTLS()
			return s
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := c.start()
			server.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that fail
			t.Cleanup(server.Close)
			cfg := mien.Config{TLS: &tls.Config{RootCAs: x509.NewCertPool()}}
			if cert := server.Certificate(); cert != nil {
				cfg.TLS.RootCAs.AddCert(cert)
			}
			s := newSession(t, cfg)
			for range 3 {
				resp, err := s.Client().Post(server.URL, "text/plain", strings.NewReader("body"))
				check(t, err)
				if body := readAll(t, resp); body != c.proto+" POST body" {
					t.Errorf("the server saw %q", body)
				}
			}
			if server.Certificate() == nil {
				return
			}
			stranger := newSession(t, mien.Config{})
			var e *mien.Error
			if _, err := stranger.Client().Get(server.URL); !errors.As(err, &e) || e.Class != retry.Certificate {
				t.Errorf("without the server's certificate: %v", err)
			}
		})
	}
}
