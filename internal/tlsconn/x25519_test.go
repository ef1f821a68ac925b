package tlsconn

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/tls"
	"math/big"
	"slices"
	"testing"

	"github.com/mien-http/mien/fingerprint"
)

// The public key that is shown is the one of the scalar.
func TestX25519(t *testing.T) {
	seen := map[string]bool{}
	for range 300 {
		k := newX25519()
		key := k.private()
		if key == nil {
			t.Skip("no X25519 here")
		}
		if !bytes.Equal(key.PublicKey().Bytes(), k.public) || !bytes.Equal(key.Bytes(), k.scalar) {
			t.Fatalf("scalar %x has public key %x, not %x", k.scalar, key.PublicKey().Bytes(), k.public)
		}
		if seen[string(k.public)] {
			t.Fatal("the same key twice")
		}
		seen[string(k.public)] = true
		if k.public[31]&0x80 != 0 {
			t.Errorf("top bit of %x is set", k.public)
		}
	}
}

// A small coordinate has leading zeros in math/big, and none on the wire.
func TestMontgomeryIsPadded(t *testing.T) {
	for range 2000 {
		if u := newX25519().public; len(u) != x25519Len {
			t.Fatalf("%d bytes", len(u))
		}
	}
	// RFC 7748 §4.1: the base point, y = 4/5 and u = 9.
	base := append([]byte{0x58}, bytes.Repeat([]byte{0x66}, 31)...)
	if u := montgomery(base); !bytes.Equal(u, append([]byte{9}, make([]byte, 31)...)) {
		t.Errorf("u = %x", u)
	}
}

// The share of X25519 has a key behind it: the server picks it here.
func TestServerPicksX25519(t *testing.T) {
	for _, name := range append([]string{"utls:HelloChrome_133", "utls:HelloFirefox_120", "utls:HelloChrome_100"}, profileNames...) {
		s := newServer(t, func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.X25519} })
		state := s.mustDial(t, s.config(profile(t, name))).ConnectionState()
		if state.CurveID != tls.X25519 || state.HelloRetryRequest {
			t.Errorf("%s: %v, retry %v", name, state.CurveID, state.HelloRetryRequest)
		}
	}
}

// What a hello shows as a key of X25519 is one, in GREASE too: a point of the
// curve, as half of all random bytes are not.
func TestKeysShownArePoints(t *testing.T) {
	for _, name := range append([]string{"utls:HelloChrome_133", "utls:HelloFirefox_120"}, profileNames...) {
		p := profile(t, name)
		seen := map[string]bool{}
		for range 30 {
			h := build(t, p, testHost)
			ech, ok := h.ECH()
			if !ok {
				t.Fatalf("%s: no encrypted_client_hello", name)
			}
			shown := [][]byte{ech.Enc}
			for _, s := range h.KeyShares() {
				if s.Group == fingerprint.Code(tls.X25519) {
					shown = append(shown, s.Data)
				}
			}
			for _, key := range shown {
				if len(key) != x25519Len || !isPoint(key) {
					t.Errorf("%s: %x is no public key", name, key)
				}
				if seen[string(key)] {
					t.Errorf("%s: %x twice", name, key)
				}
				seen[string(key)] = true
			}
		}
	}
}

// isPoint reports whether u^3 + 486662 u^2 + u is a square (RFC 7748 §4.1).
func isPoint(key []byte) bool {
	le := slices.Clone(key)
	slices.Reverse(le)
	u := new(big.Int).SetBytes(le)
	v := new(big.Int).Add(u, big.NewInt(486662))
	v.Mul(v, u)
	v.Add(v, big.NewInt(1))
	v.Mul(v, u)
	return u.Cmp(fieldPrime) < 0 && big.Jacobi(v.Mod(v, fieldPrime), fieldPrime) == 1
}

func BenchmarkX25519(b *testing.B) {
	b.Run("crypto-ecdh", func(b *testing.B) {
		for b.Loop() {
			if _, err := ecdh.X25519().GenerateKey(rand.Reader); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("here", func(b *testing.B) {
		for b.Loop() {
			newX25519()
		}
	})
}
