package tlsconn

import (
	"crypto/tls"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/mien-http/mien/fingerprint"
)

// capture reads a ClientHello that a browser sent.
func capture(t testing.TB, name string) *fingerprint.ClientHello {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name + ".bin")
	if err != nil {
		t.Fatal(err)
	}
	h, err := fingerprint.ParseClientHelloRecords(b)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// shape writes down all of h but what is drawn or depends on the server.
// Extensions of a permuting browser are sorted.
func shape(h *fingerprint.ClientHello, permuted bool) []string {
	lines := []string{
		fmt.Sprintf("record %04x, version %04x, session ID %d", h.RecordVersion, h.LegacyVersion, len(h.SessionID)),
		"ciphers " + codes(h.CipherSuites),
		fmt.Sprintf("compression %x", h.CompressionMethods),
	}
	var exts []string
	for i, e := range h.Extensions {
		line := fmt.Sprintf("%d %x", e.ID, e.Data)
		switch {
		case e.ID.IsGREASE():
			line = fmt.Sprintf("GREASE at %d %x", i, e.Data)
		case e.ID == extServerName:
			line = "server name"
		case e.ID == extSupportedGroups:
			line = "groups " + codes(h.Groups())
		case e.ID == extSignatureAlgs:
			line = "signature algorithms " + codes(h.SignatureAlgorithms())
		case e.ID == extSupportedVersions:
			line = "versions " + codes(h.Versions())
		case e.ID == extKeyShare:
			line = "key shares"
			for _, s := range h.KeyShares() {
				if s.Group.IsGREASE() {
					line += fmt.Sprintf(" GREASE %x", []byte(s.Data))
				} else {
					line += fmt.Sprintf(" %04x %d bytes", uint16(s.Group), len(s.Data))
				}
			}
		case e.ID == extSessionTicket:
			line = fmt.Sprintf("session ticket, with one: %v", len(e.Data) > 0)
		case e.ID == extECH:
			ech, _ := h.ECH()
			line = fmt.Sprintf("ech kdf %04x, enc %d", uint16(ech.KDF), len(ech.Enc))
		case e.ID == extPreSharedKey:
			line = fmt.Sprintf("psk at %d from the end", len(h.Extensions)-i)
			for _, p := range h.PSKs() {
				line += fmt.Sprintf(", binder %d", len(p.Binder))
			}
		}
		exts = append(exts, line)
	}
	if permuted {
		slices.Sort(exts)
	}
	return append(lines, exts...)
}

func codes(list []fingerprint.Code) string {
	var out []string
	for _, c := range list {
		if c.IsGREASE() {
			out = append(out, "GREASE")
		} else {
			out = append(out, fmt.Sprintf("%04x", uint16(c)))
		}
	}
	return strings.Join(out, ",")
}

func sameShape(t *testing.T, got, want *fingerprint.ClientHello, permuted bool) {
	t.Helper()
	g, w := shape(got, permuted), shape(want, permuted)
	for i := range max(len(g), len(w)) {
		switch {
		case i >= len(g):
			t.Errorf("missing: %s", w[i])
		case i >= len(w):
			t.Errorf("too much: %s", g[i])
		case g[i] != w[i]:
			t.Errorf("got  %s\nwant %s", g[i], w[i])
		}
	}
}

var captured = []struct{ profile, file string }{
	{"chromium-156-linux", "chromium-156"},
	{"firefox-153-linux", "firefox-153"},
}

func TestHelloShape(t *testing.T) {
	for _, c := range captured {
		t.Run(c.profile, func(t *testing.T) {
			p := profile(t, c.profile)
			s := newServer(t, nil)
			cfg := s.config(p)
			cfg.Tickets = NewTickets(0)
			s.mustDial(t, cfg)
			s.mustDial(t, cfg)
			sameShape(t, s.hello(t, 0), capture(t, c.file+"-fresh"), p.TLS.Permute)
			sameShape(t, s.hello(t, 1), capture(t, c.file+"-resumed"), p.TLS.Permute)
			if name := s.hello(t, 0).ServerName(); name != testHost {
				t.Errorf("server name %q", name)
			}
		})
	}
}

// A server that picked a share at once, or TLS 1.2, was shown the same hello as
// any other; one of TLS 1.2 is shown its ticket in session_ticket.
func TestHelloOfTLS12Shape(t *testing.T) {
	for _, c := range captured {
		t.Run(c.profile, func(t *testing.T) {
			p := profile(t, c.profile)
			s := newServer(t, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 })
			cfg := s.config(p)
			cfg.Tickets = NewTickets(0)
			s.mustDial(t, cfg)
			if state := s.mustDial(t, cfg).ConnectionState(); !state.DidResume || state.Version != tls.VersionTLS12 {
				t.Errorf("%+v", state)
			}
			sameShape(t, s.hello(t, 0), capture(t, c.file+"-fresh"), p.TLS.Permute)
			sameShape(t, s.hello(t, 1), capture(t, c.file+"-resumed-tls12"), p.TLS.Permute)

			s = newServer(t, func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.X25519} })
			s.mustDial(t, s.config(p))
			sameShape(t, s.hello(t, 0), capture(t, c.file+"-fresh"), p.TLS.Permute)
		})
	}
}

// After a HelloRetryRequest browsers send the same hello with another share.
func TestHelloAfterRetryShape(t *testing.T) {
	for _, c := range []struct{ profile, file string }{
		{"chromium-156-linux", "chromium-156-after-hrr"}, // P-256, which Firefox has a share of
		{"chromium-156-linux", "chromium-156-after-hrr-p384"},
		{"firefox-153-linux", "firefox-153-after-hrr"}, // P-384
	} {
		t.Run(c.file, func(t *testing.T) {
			p := profile(t, c.profile)
			want := capture(t, c.file)
			group := tls.CurveID(want.KeyShares()[0].Group)
			s := newServer(t, func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{group} })
			s.mustDial(t, s.config(p))
			first := s.hello(t, 0)
			second := s.secondHello(t, 0)
			sameShape(t, second, want, p.TLS.Permute)
			if second.RecordVersion != want.RecordVersion || second.Random != first.Random {
				t.Errorf("record version %04x, same random %v", second.RecordVersion, second.Random == first.Random)
			}
			for i, e := range second.Extensions {
				if f := first.Extensions[i]; e.ID != f.ID || e.ID != extKeyShare && string(e.Data) != string(f.Data) {
					t.Errorf("extension %d: %d %x, was %d %x", i, e.ID, e.Data, f.ID, f.Data)
				}
			}
		})
	}
}

func (s *server) secondHello(t *testing.T, n int) *fingerprint.ClientHello {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.bytes[n]
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.buf.Bytes()
	_, end, err := fingerprint.FindClientHello(b)
	if err != nil {
		t.Fatal(err)
	}
	b = b[end:]
	start, end, err := fingerprint.FindClientHello(b)
	if err != nil {
		t.Fatal(err)
	}
	h, err := fingerprint.ParseClientHelloRecords(b[start:end])
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// A WebSocket's hello offers http/1.1 alone, and Chromium's no ALPS then.
func TestHTTP1Alone(t *testing.T) {
	p := profile(t, "chromium-156-linux")
	s := newServer(t, nil)
	cfg := s.config(p)
	cfg.ALPN = []string{"http/1.1"}
	cfg.Tickets = NewTickets(0)
	s.mustDial(t, cfg)
	if got := s.mustDial(t, cfg).ConnectionState().NegotiatedProtocol; got != "http/1.1" {
		t.Errorf("negotiated %q", got)
	}
	want := capture(t, "chromium-156-websocket")
	n := 0
	if want.HasPSK() {
		n = 1
	}
	sameShape(t, s.hello(t, n), want, true)
	if alps := s.hello(t, n).ALPS(); alps != nil {
		t.Errorf("ALPS %q", alps)
	}
	cfg.ALPN = []string{}
	if got := s.mustDial(t, cfg).ConnectionState().NegotiatedProtocol; got != "" {
		t.Errorf("with no protocol offered: negotiated %q", got)
	}
}
