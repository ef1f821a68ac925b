package h2

import (
	"math"
	"slices"
	"strings"

	"golang.org/x/net/http2/hpack"

	"github.com/mien-http/mien/fingerprint"
)

const (
	// defaultTableSize is the dynamic table size that both sides start with
	// (RFC 9113 §6.5.2).
	defaultTableSize = 4096
	// maxTableSize bounds the encoder's table whatever the peer offers.
	// Chromium and Firefox know no bound of their own and use what is offered;
	// 64 KiB is the largest that servers are known to announce.
	maxTableSize = 64 << 10
)

// An encoder compresses header blocks as a browser does: which fields enter
// the dynamic table, which entry lends its name, which strings are Huffman
// coded and when a table size update is sent. Its owner is the connection's
// mutex.
//
// Two encoders are known. Blink's (quiche) keeps pseudo-header fields other
// than :authority out of the table, refers to the first static entry of a name
// and else to the newest dynamic one. Gecko's refers to the last static entry
// and rather to the oldest dynamic one, and keeps fields larger than half the
// table out of it. Both use the newest of equal entries.
type encoder struct {
	rules  fingerprint.HPACK
	gecko  bool
	crumbs bool // fingerprint.HTTP2.CookieCrumbs
	table  table

	pending bool   // a table size update is due
	lowest  uint64 // smallest table size since the last block, if pending
}

func newEncoder(p *fingerprint.HTTP2) *encoder {
	e := &encoder{rules: p.HPACK, gecko: p.HPACK.Encoder == fingerprint.HPACKGecko, crumbs: p.CookieCrumbs}
	e.table.max = defaultTableSize
	return e
}

// setTableSize applies the peer's SETTINGS_HEADER_TABLE_SIZE.
func (e *encoder) setTableSize(n uint32) {
	size := min(uint64(n), maxTableSize)
	if size == e.table.max && !e.gecko {
		return // Blink stays silent about a size it has already; Gecko repeats it.
	}
	if !e.pending {
		e.pending, e.lowest = true, math.MaxUint64
	}
	if size < e.table.max || e.gecko {
		e.lowest = min(e.lowest, size)
	}
	e.table.setMax(size)
}

// begin opens a header block on dst with the table size updates that are due
// (RFC 7541 §4.2).
func (e *encoder) begin(dst []byte) []byte {
	if !e.pending {
		return dst
	}
	e.pending = false
	if e.lowest < e.table.max {
		dst = appendInt(dst, 0x20, 5, e.lowest)
	}
	return appendInt(dst, 0x20, 5, e.table.max)
}

// field appends one field line to dst. A cookie field with several crumbs
// becomes several lines (RFC 9113 §8.2.3).
func (e *encoder) field(dst []byte, name, value string) []byte {
	if name != "cookie" || !e.crumbs || !strings.Contains(value, ";") {
		return e.line(dst, pair{name, value})
	}
	separator := ";"
	if e.gecko {
		separator = "; "
	} else {
		value = strings.Trim(value, " \t")
	}
	for crumb := range strings.SplitSeq(value, separator) {
		if !e.gecko {
			crumb = strings.TrimPrefix(crumb, " ")
		}
		dst = e.line(dst, pair{name, crumb})
	}
	return dst
}

func (e *encoder) line(dst []byte, p pair) []byte {
	switch {
	case e.neverIndexed(p):
		return e.literal(dst, 0x10, 4, p)
	case e.rules.PathLiteral && p.name == ":path":
		return e.literal(dst, 0x00, 4, p)
	}
	index := staticPairs[p]
	if index == 0 {
		index = e.table.find(p)
	}
	switch {
	case index != 0:
		return appendInt(dst, 0x80, 7, uint64(index))
	case !e.indexes(p):
		return e.literal(dst, 0x00, 4, p)
	}
	dst = e.literal(dst, 0x40, 6, p)
	e.table.add(p)
	return dst
}

func (e *encoder) neverIndexed(p pair) bool {
	if p.name == "cookie" {
		return len(p.value) < e.rules.NeverIndexedCookieBelow
	}
	return slices.Contains(e.rules.NeverIndexed, p.name)
}

// indexes reports whether p, which is in no table, enters the dynamic one.
func (e *encoder) indexes(p pair) bool {
	if e.gecko {
		return p.size() <= e.table.max/2 && e.table.max >= 128
	}
	return p.name[0] != ':' || p.name == ":authority"
}

// literal appends p with its name by reference where a table has it.
func (e *encoder) literal(dst []byte, pattern byte, bits uint, p pair) []byte {
	name := e.nameIndex(p)
	dst = appendInt(dst, pattern, bits, uint64(name))
	if name == 0 {
		dst = e.str(dst, p.name)
	}
	return e.str(dst, p.value)
}

func (e *encoder) nameIndex(p pair) uint32 {
	known, static := staticNames[p.name]
	if !e.gecko {
		if static {
			return known.first
		}
		return e.table.newestName(p.name)
	}
	if exact := staticPairs[p]; exact != 0 {
		return exact
	}
	if index := e.table.oldestName(p.name); index != 0 {
		return index
	}
	return known.last
}

func (e *encoder) str(dst []byte, s string) []byte {
	n := hpack.HuffmanEncodeLength(s)
	if !e.rules.HuffmanAlways && n >= uint64(len(s)) {
		dst = appendInt(dst, 0x00, 7, uint64(len(s)))
		return append(dst, s...)
	}
	dst = appendInt(dst, 0x80, 7, n)
	return hpack.AppendHuffmanString(dst, s)
}

// appendInt appends n with a prefix of the given number of bits under pattern
// (RFC 7541 §5.1).
func appendInt(dst []byte, pattern byte, bits uint, n uint64) []byte {
	full := uint64(1)<<bits - 1
	if n < full {
		return append(dst, pattern|byte(n))
	}
	dst = append(dst, pattern|byte(full))
	for n -= full; n >= 0x80; n >>= 7 {
		dst = append(dst, byte(n)|0x80)
	}
	return append(dst, byte(n))
}
