package tlsconn

import (
	"fmt"
	"math"
	"testing"

	"github.com/mien-http/mien/fingerprint"
)

// many is enough hellos to tell a draw that is not uniform.
const many = 500

// likely reports whether k of n is within six standard deviations of what a
// probability of p gives: a fair draw fails once in some hundred million times.
func likely(k, n int, p float64) bool {
	return math.Abs(float64(k)-float64(n)*p) <= 6*math.Sqrt(float64(n)*p*(1-p))
}

// What Chromium draws, it draws evenly and each place by itself, but for the
// group, which its key share repeats, and the two extensions, which differ
// (BoringSSL: ssl_get_grease_value, ssl_setup_extension_permutation).
func TestChromiumDistribution(t *testing.T) {
	list := hellos(t, profile(t, "chromium-156-linux"), many)
	if got := len(counts(list, order)); got != many {
		t.Errorf("%d extension orders in %d hellos", got, many)
	}
	places := []struct {
		name string
		of   func(*fingerprint.ClientHello) fingerprint.Code
	}{
		{"cipher", func(h *fingerprint.ClientHello) fingerprint.Code { return h.CipherSuites[0] }},
		{"group", func(h *fingerprint.ClientHello) fingerprint.Code { return h.Groups()[0] }},
		{"signature", func(h *fingerprint.ClientHello) fingerprint.Code { return h.SignatureAlgorithms()[0] }},
		{"version", func(h *fingerprint.ClientHello) fingerprint.Code { return h.Versions()[0] }},
		{"first extension", func(h *fingerprint.ClientHello) fingerprint.Code { return h.Extensions[0].ID }},
		{"last extension", func(h *fingerprint.ClientHello) fingerprint.Code { return h.Extensions[len(h.Extensions)-1].ID }},
	}
	for i, a := range places {
		values := counts(list, func(h *fingerprint.ClientHello) string { return fmt.Sprint(a.of(h)) })
		for v, k := range values {
			if !likely(k, many, 1./16) {
				t.Errorf("%s: value %s in %d of %d hellos", a.name, v, k, many)
			}
		}
		if len(values) != 16 {
			t.Errorf("%s: %d values", a.name, len(values))
		}
		for _, b := range places[:i] {
			same := 0
			for _, h := range list {
				if a.of(h) == b.of(h) {
					same++
				}
			}
			if a.name == "last extension" && b.name == "first extension" {
				if same != 0 {
					t.Errorf("both extensions have the same GREASE in %d of %d", same, many)
				}
			} else if !likely(same, many, 1./16) {
				t.Errorf("%s and %s have the same GREASE in %d of %d", a.name, b.name, same, many)
			}
		}
	}
	for _, h := range list {
		if h.Groups()[0] != h.KeyShares()[0].Group {
			t.Fatalf("group GREASE %x, key share GREASE %x", h.Groups()[0], h.KeyShares()[0].Group)
		}
	}
	evenly(t, list, "ECH payload", []string{"144", "176", "208", "240"}, func(h *fingerprint.ClientHello) string {
		ech, _ := h.ECH()
		return fmt.Sprint(len(ech.Payload))
	})
	evenOrder(t, list)
}

// evenOrder holds each of two extensions to come first in half of the hellos.
func evenOrder(t *testing.T, list []*fingerprint.ClientHello) {
	t.Helper()
	before := map[[2]fingerprint.Code]int{}
	for _, h := range list {
		for i, a := range h.Extensions {
			for _, b := range h.Extensions[i+1:] {
				if !a.ID.IsGREASE() && !b.ID.IsGREASE() {
					before[[2]fingerprint.Code{a.ID, b.ID}]++
				}
			}
		}
	}
	for pair, k := range before {
		if !likely(k, len(list), 0.5) {
			t.Errorf("extension %d comes before %d in %d of %d", pair[0], pair[1], k, len(list))
		}
	}
}

// evenly holds of to give each of values, and no other, about as often.
func evenly(t *testing.T, list []*fingerprint.ClientHello, what string, values []string, of func(*fingerprint.ClientHello) string) {
	t.Helper()
	got := counts(list, of)
	for _, v := range values {
		if !likely(got[v], len(list), 1/float64(len(values))) {
			t.Errorf("%s %s in %d of %d", what, v, got[v], len(list))
		}
	}
	if len(got) != len(values) {
		t.Errorf("%s: %v, want %v", what, got, values)
	}
}

// Firefox draws nothing but keys and the AEAD of its ECH; its shares of X25519
// are one.
func TestFirefoxDistribution(t *testing.T) {
	list := hellos(t, profile(t, "firefox-153-linux"), many)
	evenly(t, list, "ECH AEAD and payload", []string{"1/239", "3/239"}, func(h *fingerprint.ClientHello) string {
		ech, _ := h.ECH()
		return fmt.Sprintf("%d/%d", ech.AEAD, len(ech.Payload))
	})
	evenly(t, list, "order", []string{order(list[0])}, order)
}
