package peers_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/retry"
)

// TestLiveOpenSSLRefused: nothing in common ends in one handshake, and an alert.
func TestLiveOpenSSLRefused(t *testing.T) {
	for _, r := range []struct {
		name, args string
		alert      uint8
	}{
		{"1.1", "-tls1_1 -cipher DEFAULT@SECLEVEL=0", 70}, // protocol_version
		{"no cipher suite", "-tls1_2 -cipher DHE-RSA-AES128-GCM-SHA256", 40},
		{"no group", "-groups X448", 40},
	} {
		t.Run(r.name, func(t *testing.T) {
			id := made(t, rsaIdentity)
			s := startOpenSSL(t, id, append(strings.Fields(r.args), "-www")...)
			for _, browser := range browsers {
				c := newClient(t, mien.Config{Profile: profile(t, browser), TLS: id.trust(), Resolver: loopback{}})
				_, err := c.send(http.MethodGet, s.url, nil)
				var e *mien.Error
				if !errors.As(err, &e) || e.Class != retry.Alert || e.Phase != retry.PhaseTLS || e.Alert != r.alert || e.Sent || c.Stats().Handshakes != 1 {
					t.Errorf("%s: %v (%+v)", browser, err, e)
				}
			}
		})
	}
}

// TestLiveClientCertificate: asked for one, a session without answers so, and
// what follows is the server's choice.
func TestLiveClientCertificate(t *testing.T) {
	const asked, required = "-verify 2", "-Verify 2 -verify_return_error"
	mine, other := made(t, clientIdentity), made(t, rsaIdentity)
	for _, version := range []struct {
		name    string
		missing uint8 // the alert that refuses who has no certificate
	}{{"-tls1_2", 40}, {"-tls1_3", 116}} {
		for _, r := range []struct {
			name, mode string
			with       *identity
			alert      uint8 // 0: all is well
		}{
			{"asked, none", asked, nil, 0},
			{"asked, one", asked, mine, 0},
			{"required, none", required, nil, version.missing},
			{"required, one", required, mine, 0},
			{"required, a stranger's", required, other, 48}, // unknown_ca
		} {
			t.Run(version.name+" "+r.name, func(t *testing.T) {
				id := made(t, ecdsaIdentity)
				ca := write(t, openDir(t), "ca.pem", mine.certPEM)
				s := startOpenSSL(t, id, append(strings.Fields(r.mode), version.name, "-www", "-CAfile", ca)...)
				for _, browser := range browsers {
					config := id.trust()
					if r.with != nil {
						config.Certificates = []tls.Certificate{r.with.Certificate}
					}
					c := newClient(t, mien.Config{Profile: profile(t, browser), TLS: config, Resolver: loopback{}})
					if r.alert != 0 {
						refusesCertificate(t, c, s.url, r.alert)
						continue
					}
					for i := range 2 {
						resp, page := c.fetch(http.MethodGet, s.url, nil)
						if resp.TLS.DidResume != (i > 0) || bytes.Contains(page, []byte("\nClient certificate\n")) != (r.with != nil) {
							t.Errorf("%s: connection %d: resumed %v: %s", browser, i+1, resp.TLS.DidResume, tail(page))
						}
					}
				}
			})
		}
	}
}

// refusesCertificate: in TLS 1.3 the alert comes after the handshake, when the
// request is on its way already. s_server reads on for a moment, so that no reset
// overtakes the alert.
func refusesCertificate(t *testing.T, c *client, url string, alert uint8) {
	t.Helper()
	_, err := c.send(http.MethodGet, url, nil)
	var e *mien.Error
	if !errors.As(err, &e) || e.Class != retry.Alert || e.Alert != alert {
		t.Errorf("%v (%+v), want alert %d", err, e, alert)
	}
}
