package tlsconn

import (
	"crypto/tls"
	"testing"

	"github.com/mien-http/mien/fingerprint"
)

// noTLS is what Client makes of no choices.
var noTLS = &tls.Config{}

var profileNames = []string{"chromium-156-linux", "firefox-153-linux"}

func TestFreshAndResumed(t *testing.T) {
	for _, name := range profileNames {
		t.Run(name, func(t *testing.T) {
			p := profile(t, name)
			s := newServer(t, nil)
			cfg := s.config(p)
			cfg.Tickets = NewTickets(0)
			first := s.mustDial(t, cfg).ConnectionState()
			if first.DidResume || first.Version != tls.VersionTLS13 || first.NegotiatedProtocol != "h2" ||
				first.CurveID != tls.X25519MLKEM768 || len(first.VerifiedChains) != 1 || !first.HandshakeComplete {
				t.Errorf("first: %+v", first)
			}
			second := s.mustDial(t, cfg).ConnectionState()
			if !second.DidResume || len(second.VerifiedChains) != 1 || second.NegotiatedProtocol != "h2" {
				t.Errorf("second: %+v", second)
			}
			if got := s.hello(t, 0).JA4(); got != p.Digests.JA4 {
				t.Errorf("fresh JA4 %s, browser sends %s", got, p.Digests.JA4)
			}
			if got := s.hello(t, 1).JA4(); got != p.Digests.JA4Resumed {
				t.Errorf("resumed JA4 %s, browser sends %s", got, p.Digests.JA4Resumed)
			}
			if n := cfg.Tickets.Len(); n != 1 {
				t.Errorf("%d tickets held, want the second connection's", n)
			}
		})
	}
}

func TestKeyExchangeGroups(t *testing.T) {
	groups := []struct {
		id    tls.CurveID
		retry map[string]bool // by profile
	}{
		{tls.X25519MLKEM768, nil},
		{tls.X25519, nil},
		{tls.CurveP256, map[string]bool{"chromium-156-linux": true}},
		{tls.CurveP384, map[string]bool{"chromium-156-linux": true, "firefox-153-linux": true}},
	}
	for _, name := range profileNames {
		for _, g := range groups {
			t.Run(name+"/"+g.id.String(), func(t *testing.T) {
				s := newServer(t, func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{g.id} })
				c := s.mustDial(t, s.config(profile(t, name)))
				state := c.ConnectionState()
				if state.CurveID != g.id || state.HelloRetryRequest != g.retry[name] || c.HelloRetryRequested() != g.retry[name] {
					t.Errorf("group %v, retry %v", state.CurveID, state.HelloRetryRequest)
				}
			})
		}
	}
}

func TestPresets(t *testing.T) {
	for _, name := range Presets() {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, nil)
			p := &fingerprint.Profile{Name: name, TLS: fingerprint.TLS{Preset: name}}
			cfg := s.config(p)
			cfg.Tickets = NewTickets(0)
			s.mustDial(t, cfg)
			c := s.mustDial(t, cfg)
			t.Log(tls.VersionName(c.ConnectionState().Version), tls.CipherSuiteName(c.ConnectionState().CipherSuite), c.ConnectionState().DidResume, s.hello(t, 0).JA4(), s.hello(t, 1).JA4())
		})
	}
}
