package tlsconn

import (
	"crypto/tls"
	"os"
	"strings"
	"testing"

	"github.com/mien-http/mien/fingerprint"
)

// Profiles made from raw hellos that testssl.sh published, all for this host.
var published = []string{
	"safari-18.4-macos", "safari-18.4-ios", "safari-26.4-macos", "safari-26.4-ios", "edge-133-windows",
}

const publishedHost = "testssl.sh"

func publishedHello(t *testing.T, name string) *fingerprint.ClientHello {
	t.Helper()
	b, err := os.ReadFile("../../fingerprint/testdata/published/" + name + ".bin")
	if err != nil {
		t.Fatal(err)
	}
	h, err := fingerprint.ParseClientHelloRecords(b)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// What goes out is the published hello, up to the padding, but for what the
// browser draws; and a second connection resumes the first.
func TestPublishedHelloShape(t *testing.T) {
	for _, name := range published {
		t.Run(name, func(t *testing.T) {
			p, want := profile(t, name), publishedHello(t, name)
			s := newServer(t, nil)
			cfg := s.config(p)
			cfg.ServerName, cfg.TLS.InsecureSkipVerify = publishedHost, true
			cfg.Tickets = NewTickets(0)
			if state := s.mustDial(t, cfg).ConnectionState(); state.NegotiatedProtocol != "h2" || state.Version != tls.VersionTLS13 {
				t.Errorf("negotiated %q, version %x", state.NegotiatedProtocol, state.Version)
			}
			got := s.hello(t, 0)
			sameShape(t, got, want, p.TLS.Permute)
			if _, ok := got.ECH(); !ok && len(got.Marshal()) != len(want.Marshal()) {
				t.Errorf("%d bytes, published %d", len(got.Marshal()), len(want.Marshal()))
			}
			if got.JA4() != want.JA4() || !p.TLS.Permute && got.JA3() != want.JA3() {
				t.Errorf("JA4 %s, JA3 %s; published %s, %s", got.JA4(), got.JA3(), want.JA4(), want.JA3())
			}
			if g := got.Groups()[0]; !g.IsGREASE() || g != got.KeyShares()[0].Group {
				t.Errorf("groups begin with %v, key shares with %v", g, got.KeyShares()[0].Group)
			}
			if !s.mustDial(t, cfg).ConnectionState().DidResume {
				t.Error("the second connection resumed nothing")
			}
			if resumed := s.hello(t, 1); resumed.Extensions[len(resumed.Extensions)-1].ID != extPreSharedKey {
				t.Errorf("the resumed hello ends with extension %d", resumed.Extensions[len(resumed.Extensions)-1].ID)
			}
		})
	}
}

// A browser that does not permute sends its extensions in one order; Chromium's
// kin do not.
func TestPublishedPermutation(t *testing.T) {
	for name, permutes := range map[string]bool{
		"safari-26.4-macos": false, "firefox-144-macos": false, "edge-133-windows": true, "chrome-150-android": true,
	} {
		p, s := profile(t, name), newServer(t, nil)
		orders := map[string]bool{}
		for n := range 4 {
			s.mustDial(t, s.config(p))
			orders[s.hello(t, n).JA3()] = true
		}
		// Four equal orders of 16 extensions are not drawn in a lifetime.
		if got := len(orders) > 1; got != permutes {
			t.Errorf("%s: %d orders in 4 hellos", name, len(orders))
		}
	}
}

// The profiles work with servers that choose something else than the first offer.
func TestPublishedHandshakes(t *testing.T) {
	servers := map[string]func(*tls.Config){
		"x25519":       func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.X25519} },
		"p256 retry":   func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.CurveP256} },
		"p521 retry":   func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.CurveP521} },
		"tls 1.2":      func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 },
		"http/1.1":     func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} },
		"no protocols": func(c *tls.Config) { c.NextProtos = nil },
	}
	for _, name := range []string{"safari-18.4-macos", "safari-26.4-ios", "edge-133-windows", "firefox-144-windows", "chrome-150-macos"} {
		p := profile(t, name)
		for what, change := range servers {
			if what == "p521 retry" && p.TLS.Permute {
				continue // Chromium does not offer P-521
			}
			t.Run(name+"/"+what, func(t *testing.T) {
				s := newServer(t, change)
				s.mustDial(t, s.config(p))
			})
		}
	}
}

// A profile made from a JA3 completes a handshake, and the server sees that JA3.
func TestFromJA3Handshake(t *testing.T) {
	b, err := os.ReadFile("../../fingerprint/testdata/published/ja3.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		word := strings.Fields(line)
		if word[0] == "#" {
			continue
		}
		t.Run(word[0], func(t *testing.T) {
			p, err := fingerprint.FromJA3(word[1], strings.Join(word[2:], ""))
			if err != nil {
				t.Fatal(err)
			}
			s := newServer(t, func(c *tls.Config) {
				// The oldest of them know no other suites for an ECDSA certificate.
				c.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}
			})
			cfg := s.config(p)
			cfg.Tickets = NewTickets(0)
			protocol := s.mustDial(t, cfg).ConnectionState().NegotiatedProtocol
			if got := s.hello(t, 0); got.JA3() != word[1] || got.JA3Hash() != p.Digests.JA3 {
				t.Errorf("%s\nwant %s", got.JA3(), word[1])
			}
			if (protocol == "h2") != (len(word) > 2) {
				t.Errorf("negotiated %q", protocol)
			}
			s.mustDial(t, cfg) // with a ticket, if one came
		})
	}
}

// Safari 18 names TLS 1.0 and 1.1 among its versions. They are not spoken.
func TestPublishedVersionFloor(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		s := newServer(t, func(c *tls.Config) { c.MinVersion, c.MaxVersion = version, version })
		if c, err := s.dial(t, s.config(profile(t, "safari-18.4-macos"))); err == nil {
			c.Close()
			t.Errorf("spoke %s", tls.VersionName(version))
		}
	}
}
