package capture

import (
	"cmp"
	"math"
	"slices"
	"strings"

	fp "github.com/mien-http/mien/fingerprint"
)

// cookieLimit is the length below which Gecko does not let a cookie into the
// table (Http2Compression.cpp).
const cookieLimit = 20

// byStream lists the requests in the order in which each connection's header
// blocks were compressed.
func (c *Capture) byStream() []*Request {
	var out []*Request
	for i := range c.Requests {
		out = append(out, &c.Requests[i])
	}
	slices.SortStableFunc(out, func(a, b *Request) int {
		return cmp.Or(strings.Compare(a.Run, b.Run), strings.Compare(a.Conn, b.Conn), cmp.Compare(a.Stream, b.Stream))
	})
	return out
}

// learnHPACK reads the header blocks of every connection, in order.
func (c *Capture) learnHPACK(h *fp.HTTP2, engine string) {
	longest, shortest := 0, math.MaxInt // cookies never indexed; cookies indexed
	decoders := map[connKey]*fp.HPACKDecoder{}
	broken := map[connKey]bool{}
	var huffman, plain int
	for _, r := range c.byStream() {
		k := connKey{r.Run, r.Conn}
		if len(r.Block) == 0 || broken[k] {
			continue
		}
		d := decoders[k]
		if d == nil {
			d = &fp.HPACKDecoder{MaxTableSize: math.MaxUint32}
			decoders[k] = d
		}
		fields, err := d.Decode(r.Block)
		if err != nil {
			broken[k] = true // the recording began in the middle
			continue
		}
		cookies := 0
		for _, f := range fields {
			if f.Representation != fp.HPACKIndexed && len(f.Value) > 0 && !shorter(f.Value) {
				if f.ValueHuffman {
					huffman++
				} else {
					plain++
				}
			}
			switch {
			case f.Name == ":path" && f.Value == "/" && f.Representation == fp.HPACKNoIndex:
				h.HPACK.PathLiteral = true
			case f.Name == "cookie":
				if cookies++; f.Representation == fp.HPACKNeverIndex {
					longest = max(longest, len(f.Value))
				} else if f.Representation == fp.HPACKIncremental {
					shortest = min(shortest, len(f.Value))
				}
			case f.Representation == fp.HPACKNeverIndex && !slices.Contains(h.HPACK.NeverIndexed, f.Name):
				h.HPACK.NeverIndexed = append(h.HPACK.NeverIndexed, f.Name)
			}
		}
		h.CookieCrumbs = h.CookieCrumbs || cookies > 1
	}
	h.HPACK.HuffmanAlways = huffman > 0 && plain == 0
	slices.Sort(h.HPACK.NeverIndexed)
	if longest > 0 {
		h.HPACK.NeverIndexedCookieBelow = longest + 1
		if longest < cookieLimit && shortest >= cookieLimit {
			h.HPACK.NeverIndexedCookieBelow = cookieLimit
		}
	}
	if engine == "gecko" {
		h.HPACK.Encoder = fp.HPACKGecko
	}
}

// shorter reports whether Huffman coding makes s shorter, by the lengths of the
// codes for characters in common use (RFC 7541, Appendix B): enough to tell a
// coder that always uses it from one that looks.
func shorter(s string) bool {
	bits := 0
	for i := range len(s) {
		switch c := s[i]; {
		case strings.IndexByte("012aceiost", c) >= 0:
			bits += 5
		case strings.IndexByte(" %-./3456789=A_bdfghlmnpru", c) >= 0:
			bits += 6
		case strings.IndexByte(":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz", c) >= 0:
			bits += 7
		case strings.IndexByte("&*,;XZ", c) >= 0:
			bits += 8
		case strings.IndexByte(`!"()?`, c) >= 0:
			bits += 10
		default:
			bits += 12
		}
	}
	return (bits+7)/8 < len(s)
}
