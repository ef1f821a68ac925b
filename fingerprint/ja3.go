package fingerprint

import (
	"crypto/md5"
	"encoding/hex"
	"strconv"
)

// JA3 returns the text of the JA3 fingerprint: legacy version, cipher suites,
// extensions, groups and point formats in wire order and decimal, without
// GREASE (github.com/salesforce/ja3).
func (h *ClientHello) JA3() string {
	b := strconv.AppendUint(nil, uint64(h.LegacyVersion), 10)
	b = jaDecimals(append(b, ','), h.CipherSuites)
	b = jaDecimals(append(b, ','), h.extensionIDs())
	b = jaDecimals(append(b, ','), h.Groups())
	b = append(b, ',')
	for i, f := range h.PointFormats() {
		if i > 0 {
			b = append(b, '-')
		}
		b = strconv.AppendUint(b, uint64(f), 10)
	}
	return string(b)
}

// JA3Hash returns the JA3 digest: the MD5 of [ClientHello.JA3] in hex.
func (h *ClientHello) JA3Hash() string {
	sum := md5.Sum([]byte(h.JA3()))
	return hex.EncodeToString(sum[:])
}

func (h *ClientHello) extensionIDs() []Code {
	ids := make([]Code, len(h.Extensions))
	for i, e := range h.Extensions {
		ids[i] = e.ID
	}
	return ids
}

// jaDecimals appends codes without GREASE, joined by dashes.
func jaDecimals(b []byte, codes []Code) []byte {
	first := true
	for _, c := range codes {
		if c.IsGREASE() {
			continue
		}
		if !first {
			b = append(b, '-')
		}
		first = false
		b = strconv.AppendUint(b, uint64(c), 10)
	}
	return b
}
