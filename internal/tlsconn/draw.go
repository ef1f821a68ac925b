package tlsconn

import (
	"crypto/rand"
	"encoding/binary"

	"github.com/mien-http/mien/fingerprint"
)

// intn returns a uniform number in [0, n), 0 < n < 1<<16.
func intn(n int) int {
	var b [4]byte
	// Values past the last whole multiple of n are drawn again: no bias.
	limit := uint32(1<<32/int64(n)*int64(n) - 1)
	for {
		rand.Read(b[:]) // never fails
		if v := binary.NativeEndian.Uint32(b[:]); v <= limit {
			return int(v % uint32(n))
		}
	}
}

// grease draws one of the sixteen values that RFC 8701 §2 reserves for cipher
// suites, extensions, groups, signature schemes and versions.
func grease() fingerprint.Code {
	return fingerprint.Code(intn(16))*0x1010 + 0x0a0a
}

// pick draws one element.
func pick[T any](from []T) T { return from[intn(len(from))] }

// shuffle permutes list in place, each order of the movable elements being as
// likely as any other; the rest stays where it is.
func shuffle[T any](list []T, movable func(T) bool) {
	free := make([]int, 0, len(list))
	for i, e := range list {
		if movable(e) {
			free = append(free, i)
		}
	}
	for i := len(free) - 1; i > 0; i-- {
		j := intn(i + 1)
		list[free[i]], list[free[j]] = list[free[j]], list[free[i]]
	}
}
