package tlsconn

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha512"
	"math/big"
	"slices"
)

// x25519Len is the length of a scalar and of a public key (RFC 7748 §5).
const x25519Len = 32

// An x25519Key is a key pair of X25519 that is cheap to make: most of them are
// shown and never used. crypto/ecdh has no table for the base point, and takes
// twice as long for a public key as crypto/ed25519, which has one. The two
// curves are one in other coordinates (RFC 7748 §4.1) and clamp their scalars
// alike (RFC 7748 §5, RFC 8032 §5.1.5), so that the keys are distributed as
// those of crypto/ecdh.
type x25519Key struct {
	scalar []byte
	public []byte
}

// newX25519 draws a key.
func newX25519() x25519Key {
	seed := make([]byte, ed25519.SeedSize)
	rand.Read(seed)               // never fails
	scalar := sha512.Sum512(seed) // its first half, as RFC 8032 has it
	point := ed25519.NewKeyFromSeed(seed)[ed25519.SeedSize:]
	return x25519Key{scalar: scalar[:x25519Len], public: montgomery(point)}
}

// private returns the key as crypto/ecdh's, which makes the public key again. It
// is nil where crypto/ecdh does no X25519: under GODEBUG=fips140=only.
func (k x25519Key) private() *ecdh.PrivateKey {
	key, err := ecdh.X25519().NewPrivateKey(k.scalar)
	if err != nil {
		return nil
	}
	return key
}

// fieldPrime is 2^255 - 19. It is not written to.
var fieldPrime = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))

// montgomery returns the u-coordinate of a point of edwards25519 in the encoding
// of RFC 8032 §5.1.2: u = (1+y)/(1-y). Only what is public takes part, so that
// it need not run in constant time. No multiple of the base point that a clamped
// scalar makes has y = 1.
func montgomery(point []byte) []byte {
	le := slices.Clone(point)
	le[31] &= 0x7f // the sign of x
	slices.Reverse(le)
	y, one := new(big.Int).SetBytes(le), big.NewInt(1)
	under := new(big.Int).Sub(one, y)
	under.Mod(under, fieldPrime)
	under.ModInverse(under, fieldPrime)
	u := y.Add(y, one)
	u.Mul(u, under)
	u.Mod(u, fieldPrime)
	out := u.FillBytes(make([]byte, x25519Len))
	slices.Reverse(out)
	return out
}
