package tlsconn

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/mien-http/mien/fingerprint"
)

// hellos builds n fresh hellos of a profile without a network.
func hellos(t testing.TB, p *fingerprint.Profile, n int) []*fingerprint.ClientHello {
	t.Helper()
	out := make([]*fingerprint.ClientHello, n)
	for i := range out {
		out[i] = build(t, p, testHost)
	}
	return out
}

func build(t testing.TB, p *fingerprint.Profile, host string) *fingerprint.ClientHello {
	t.Helper()
	h := &handshake{cfg: Config{Profile: p, ServerName: host, TLS: noTLS}, tap: newTap(nil)}
	if err := h.prepare(nil); err != nil {
		t.Fatal(err)
	}
	if err := h.uconn.BuildHandshakeState(); err != nil {
		t.Fatal(err)
	}
	hello, err := fingerprint.ParseClientHello(h.uconn.HandshakeState.Hello.Raw)
	if err != nil {
		t.Fatal(err)
	}
	return hello
}

// counts says how often each value occurs.
func counts(list []*fingerprint.ClientHello, of func(*fingerprint.ClientHello) string) map[string]int {
	m := map[string]int{}
	for _, h := range list {
		m[of(h)]++
	}
	return m
}

func order(h *fingerprint.ClientHello) string {
	s := ""
	for _, e := range h.Extensions {
		if e.ID.IsGREASE() {
			s += " G"
		} else {
			s += fmt.Sprintf(" %d", e.ID)
		}
	}
	return s
}

func TestChromiumDraws(t *testing.T) {
	const n = 50
	list := hellos(t, profile(t, "chromium-156-linux"), n)
	if got := len(counts(list, order)); got != n {
		t.Errorf("%d extension orders in %d hellos", got, n)
	}
	for _, h := range list {
		last := len(h.Extensions) - 1
		if !h.Extensions[0].ID.IsGREASE() || !h.Extensions[last].ID.IsGREASE() || h.Extensions[0].ID == h.Extensions[last].ID {
			t.Errorf("GREASE extensions: %d first, %d last", h.Extensions[0].ID, h.Extensions[last].ID)
		}
		if h.Groups()[0] != h.KeyShares()[0].Group {
			t.Errorf("group GREASE %x, key share GREASE %x", h.Groups()[0], h.KeyShares()[0].Group)
		}
		hybrid, classic := h.KeyShares()[1].Data, h.KeyShares()[2].Data
		if bytes.HasSuffix(hybrid, classic) {
			t.Error("one X25519 key for both shares")
		}
	}
	// Each place draws on its own: all values occur, and no two places agree
	// throughout.
	places := map[string]func(*fingerprint.ClientHello) fingerprint.Code{
		"cipher":  func(h *fingerprint.ClientHello) fingerprint.Code { return h.CipherSuites[0] },
		"group":   func(h *fingerprint.ClientHello) fingerprint.Code { return h.Groups()[0] },
		"sigalg":  func(h *fingerprint.ClientHello) fingerprint.Code { return h.SignatureAlgorithms()[0] },
		"version": func(h *fingerprint.ClientHello) fingerprint.Code { return h.Versions()[0] },
		"first":   func(h *fingerprint.ClientHello) fingerprint.Code { return h.Extensions[0].ID },
		"last":    func(h *fingerprint.ClientHello) fingerprint.Code { return h.Extensions[len(h.Extensions)-1].ID },
	}
	for a, of := range places {
		if got := len(counts(list, func(h *fingerprint.ClientHello) string { return fmt.Sprint(of(h)) })); got < 8 {
			t.Errorf("%s: %d GREASE values in %d hellos", a, got, n)
		}
		for b, other := range places {
			same := 0
			for _, h := range list {
				if of(h) == other(h) {
					same++
				}
			}
			if a != b && same > n/2 {
				t.Errorf("%s and %s have the same GREASE in %d of %d", a, b, same, n)
			}
		}
	}
	payloads := counts(list, func(h *fingerprint.ClientHello) string { ech, _ := h.ECH(); return fmt.Sprint(len(ech.Payload)) })
	for _, size := range []string{"144", "176", "208", "240"} {
		if payloads[size] == 0 {
			t.Errorf("ECH payload sizes %v", payloads)
		}
	}
	if len(payloads) != 4 {
		t.Errorf("ECH payload sizes %v", payloads)
	}
	for _, h := range list {
		if ech, _ := h.ECH(); ech.Enc[31]&0x80 != 0 {
			t.Error("ECH enc is no X25519 key")
		}
	}
}

func TestFirefoxDraws(t *testing.T) {
	list := hellos(t, profile(t, "firefox-153-linux"), 50)
	if got := counts(list, order); len(got) != 1 {
		t.Errorf("%d extension orders", len(got))
	}
	aeads := counts(list, func(h *fingerprint.ClientHello) string {
		ech, _ := h.ECH()
		return fmt.Sprintf("%d/%d", ech.AEAD, len(ech.Payload))
	})
	if len(aeads) != 2 || aeads["1/239"] == 0 || aeads["3/239"] == 0 {
		t.Errorf("ECH AEAD/payload: %v", aeads)
	}
	seen := map[string]bool{}
	for _, h := range list {
		shares := h.KeyShares()
		if !bytes.HasSuffix(shares[0].Data, shares[1].Data) {
			t.Error("the hybrid's X25519 key is not the share's own")
		}
		for _, s := range shares {
			if seen[string(s.Data)] {
				t.Error("a key occurs twice")
			}
			seen[string(s.Data)] = true
		}
	}
}

// The growth rule is that of the captured pair of hellos.
func TestFirefoxECHGrowth(t *testing.T) {
	fresh, resumed := capture(t, "firefox-153-fresh"), capture(t, "firefox-153-resumed")
	before, _ := fresh.ECH()
	after, _ := resumed.ECH()
	psk, _ := resumed.Extension(extPreSharedKey)
	grown := 4 + len(psk) - 4 // session_ticket goes
	if resumed.HasEarlyData() {
		grown += 4
	}
	if got, want := len(after.Payload)-len(before.Payload), roundUp(grown, 32); got != want {
		t.Errorf("browser grew by %d, the rule says %d", got, want)
	}

	s := newServer(t, nil)
	cfg := s.config(profile(t, "firefox-153-linux"))
	cfg.Tickets = NewTickets(0)
	s.mustDial(t, cfg)
	s.mustDial(t, cfg)
	h := s.hello(t, 1)
	ours, _ := h.ECH()
	psk, _ = h.Extension(extPreSharedKey)
	if want := 239 + roundUp(len(psk), 32); len(ours.Payload) != want {
		t.Errorf("payload %d with a pre_shared_key of %d, want %d", len(ours.Payload), len(psk), want)
	}
}

// Every order of three movable elements is as likely as any other.
func TestShuffleIsUniform(t *testing.T) {
	seen := map[string]int{}
	const n = 6000
	for range n {
		list := []byte("G123G")
		shuffle(list, func(b byte) bool { return b != 'G' })
		seen[string(list)]++
	}
	if len(seen) != 6 {
		t.Fatalf("orders %v", seen)
	}
	for s, k := range seen {
		// Five standard deviations of a binomial with p = 1/6.
		if s[0] != 'G' || s[4] != 'G' || k < n/6-145 || k > n/6+145 {
			t.Errorf("%s %d times", s, k)
		}
	}
}

func TestServerNameOfIPLiteralIsNotSent(t *testing.T) {
	for _, name := range []string{"chromium-156-linux", "utls:HelloChrome_133"} {
		for host, want := range map[string]string{"127.0.0.1": "", "::1": "", "[::1]": "", "a.test": "a.test", "a.test.": "a.test"} {
			h := build(t, profile(t, name), host)
			if got := h.ServerName(); got != want {
				t.Errorf("%s, host %s: server name %q", name, host, got)
			}
			if _, ok := h.Extension(extServerName); ok != (want != "") {
				t.Errorf("%s, host %s: extension sent: %v", name, host, ok)
			}
		}
	}
}
