package fingerprint

import "errors"

// hpackSymbols are the bytes of the Huffman code (RFC 7541 Appendix B) by the
// length of their codes in bits. The code is canonical: codes of one length
// count up in the order of the bytes, and those of the next length go on from
// there. The all-ones code of 30 bits, EOS, is left over.
var hpackSymbols = [...]string{
	5:  "012aceiost",
	6:  " %-./3456789=A_bdfghlmnpru",
	7:  ":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz",
	8:  "&*,;XZ",
	10: "!\"()?",
	11: "'+|",
	12: "#>",
	13: "\x00$@[]~",
	14: "^}",
	15: "<`{",
	19: "\\\xc3\xd0",
	20: "\x80\x82\x83\xa2\xb8\xc2\xe0\xe2",
	21: "\x99\xa1\xa7\xac\xb0\xb1\xb3\xd1\xd8\xd9\xe3\xe5\xe6",
	22: "\x81\x84\x85\x86\x88\x92\x9a\x9c\xa0\xa3\xa4\xa9\xaa\xad\xb2\xb5\xb9\xba\xbb\xbd" +
		"\xbe\xc4\xc6\xe4\xe8\xe9",
	23: "\x01\x87\x89\x8a\x8b\x8c\x8d\x8f\x93\x95\x96\x97\x98\x9b\x9d\x9e\xa5\xa6\xa8\xae" +
		"\xaf\xb4\xb6\xb7\xbc\xbf\xc5\xe7\xef",
	24: "\x09\x8e\x90\x91\x94\x9f\xab\xce\xd7\xe1\xec\xed",
	25: "\xc7\xcf\xea\xeb",
	26: "\xc0\xc1\xc8\xc9\xca\xcd\xd2\xd5\xda\xdb\xee\xf0\xf2\xf3\xff",
	27: "\xcb\xcc\xd3\xd4\xd6\xdd\xde\xdf\xf1\xf4\xf5\xf6\xf7\xf8\xfa\xfb\xfc\xfd\xfe",
	28: "\x02\x03\x04\x05\x06\x07\x08\x0b\x0c\x0e\x0f\x10\x11\x12\x13\x14\x15\x17\x18\x19" +
		"\x1a\x1b\x1c\x1d\x1e\x1f\x7f\xdc\xf9",
	30: "\x0a\x0d\x16",
}

var (
	errHPACKEOS     = errors.New("the Huffman code EOS in a string")
	errHPACKPadding = errors.New("Huffman padding that is not up to seven one bits")
)

// hpackHuffman decodes a Huffman-coded string.
func hpackHuffman(b []byte) (string, error) {
	out := make([]byte, 0, len(b)*8/5+1)
	code, bits := 0, 0 // the bits of the symbol being read
	first := 0         // the first code that has this many bits
	ones := true       // the bits read of the symbol are all ones
	for _, c := range b {
		for shift := 7; shift >= 0; shift-- {
			bit := int(c>>shift) & 1
			code, first = code<<1|bit, first<<1
			ones = ones && bit == 1
			bits++
			symbols := hpackSymbols[bits]
			if code-first < len(symbols) {
				out = append(out, symbols[code-first])
				code, bits, first, ones = 0, 0, 0, true
				continue
			}
			if bits == len(hpackSymbols)-1 {
				return "", errHPACKEOS
			}
			first += len(symbols)
		}
	}
	if bits > 7 || !ones {
		return "", errHPACKPadding
	}
	return string(out), nil
}
