package fingerprint

import "math/bits"

// Blink keeps the fields that a page and the renderer give to a request in a
// hash table and hands them on in the order of its buckets. The order therefore
// depends on which names there are, and on nothing else: the hash has no secret.
// What follows was checked against every captured subresource request of
// Chromium 131, 153 and 156. Sources: Chromium's third_party/rapidhash,
// wtf/text/case_folding_hash.h and wtf/hash_table.h.

// Mixing says whether a place is in Blink's table of header fields.
type Mixing string

// The kinds of Mixing.
const (
	// MixAlways: the field goes into the table whenever it is sent. All such
	// places of a list are written where the first of them stands; their order in
	// the list is the order in which the browser inserts them, behind the caller's.
	MixAlways Mixing = "always"
	// MixOwn: the field goes into the table if the caller set it; otherwise the
	// network stack adds it later, at its place in the list.
	MixOwn Mixing = "own"
)

// maxMixed is how many fields the order is computed for. More are written
// behind those, as inserted; no page comes near.
const maxMixed = 31

// mixTable is WTF::HashTable with quadratic probing. It begins with 8 buckets
// and doubles once half of them are used.
type mixTable struct {
	buckets [2][2 * (maxMixed + 1)]uint8 // 0: empty; otherwise a member's number and 1
	now     int                          // the half of buckets in use
	size    int                          // of it
	hashes  [maxMixed]uint32
	n       int
}

const mixBuckets = 8

// insert adds the next member. It reports whether there was room.
func (t *mixTable) insert(name string) bool {
	if t.n == maxMixed {
		return false
	}
	if t.size == 0 {
		t.size = mixBuckets
	}
	t.hashes[t.n] = mixHash(name)
	t.put(t.n)
	t.n++
	if 2*t.n >= t.size {
		t.grow()
	}
	return true
}

func (t *mixTable) put(member int) {
	mask := uint32(t.size - 1)
	at := t.hashes[member] & mask
	for probe := uint32(1); t.buckets[t.now][at] != 0; probe++ {
		at = (at + probe) & mask
	}
	t.buckets[t.now][at] = uint8(member + 1)
}

func (t *mixTable) grow() {
	old := t.buckets[t.now][:t.size]
	t.now = 1 - t.now
	t.size *= 2
	if t.size > len(t.buckets[0]) {
		t.size = len(t.buckets[0]) // full at maxMixed
	}
	t.buckets[t.now] = [len(t.buckets[0])]uint8{}
	for _, b := range old {
		if b != 0 {
			t.put(int(b) - 1)
		}
	}
}

// inOrder returns the buckets: a member's number and 1 each, or 0.
func (t *mixTable) inOrder() []uint8 { return t.buckets[t.now][:t.size] }

// MixOrder returns names in the order in which Blink hands on header fields that
// were inserted in the order of names. It works for any number of names up to 31;
// what is beyond keeps its order behind the others.
func MixOrder(names []string) []string {
	var t mixTable
	out := make([]string, 0, len(names))
	n := 0
	for n < len(names) && t.insert(names[n]) {
		n++
	}
	for _, b := range t.inOrder() {
		if b != 0 {
			out = append(out, names[b-1])
		}
	}
	return append(out, names[n:]...)
}

// Seed and secret of rapidhash as Chromium has them.
const (
	rapidSeed = 0xbdd89aa982704029
	rapidA    = 0x2d358dccaa6c78a5
	rapidB    = 0x8bb84b93962eacc9
	rapidC    = 0x4b33a62ed433d4a3
)

// mixHash is Blink's case-folding hash of an ASCII string: rapidhash over its
// characters in lower case as UTF-16, cut to 24 bits.
func mixHash(name string) uint32 {
	n := uint64(2 * len(name)) // bytes of UTF-16
	seed := uint64(rapidSeed) ^ rapidMix(rapidSeed^rapidA, rapidB) ^ n
	var a, b uint64
	at := 0 // in characters, as all offsets below
	switch {
	case n > 16:
		left := len(name)
		if left > 24 {
			see1, see2 := seed, seed
			for ; left >= 24; at, left = at+24, left-24 {
				seed = rapidMix(mixRead(name, at, 4)^rapidA, mixRead(name, at+4, 4)^seed)
				see1 = rapidMix(mixRead(name, at+8, 4)^rapidB, mixRead(name, at+12, 4)^see1)
				see2 = rapidMix(mixRead(name, at+16, 4)^rapidC, mixRead(name, at+20, 4)^see2)
			}
			seed ^= see1 ^ see2
		}
		if left > 8 {
			seed = rapidMix(mixRead(name, at, 4)^rapidC, mixRead(name, at+4, 4)^seed^rapidB)
			if left > 16 {
				seed = rapidMix(mixRead(name, at+8, 4)^rapidC, mixRead(name, at+12, 4)^seed)
			}
		}
		a, b = mixRead(name, at+left-8, 4), mixRead(name, at+left-4, 4)
	case n >= 4:
		last := len(name) - 2
		delta := int((n&24)>>(n>>3)) / 2
		a = mixRead(name, 0, 2)<<32 | mixRead(name, last, 2)
		b = mixRead(name, delta, 2)<<32 | mixRead(name, last-delta, 2)
	case n > 0:
		a = mixRead(name, 0, 1)
	}
	hi, lo := bits.Mul64(a^rapidB, b^seed)
	h := uint32(rapidMix(lo^rapidA^n, hi^rapidB)) & 0xffffff
	if h == 0 {
		return 0x800000
	}
	return h
}

func rapidMix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// mixRead reads n characters as little-endian UTF-16 in lower case.
func mixRead(s string, at, n int) uint64 {
	var v uint64
	for i := range n {
		v |= uint64(lower(s[at+i])) << (16 * i)
	}
	return v
}
