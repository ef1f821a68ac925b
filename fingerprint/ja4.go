package fingerprint

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// JA4 returns the JA4 fingerprint (github.com/FoxIO-LLC/ja4): "t" for TCP or,
// if the hello carries quic_transport_parameters, which RFC 9001 §8.2 keeps to
// QUIC, "q".
func (h *ClientHello) JA4() string {
	f := h.ja4()
	return f.a + "_" + jaHash(jaSorted(f.ciphers)) + "_" + jaHash(jaTail(jaSorted(f.hashed), f.sigs))
}

// JA4R returns JA4_r, which is JA4 with the sorted lists in place of their hashes.
func (h *ClientHello) JA4R() string {
	f := h.ja4()
	return f.a + "_" + jaSorted(f.ciphers) + "_" + jaTail(jaSorted(f.hashed), f.sigs)
}

// JA4RO returns JA4_ro, which is JA4_r in wire order and with server_name and
// ALPN among the extensions.
func (h *ClientHello) JA4RO() string {
	f := h.ja4()
	return f.a + "_" + strings.Join(f.ciphers, ",") + "_" + jaTail(strings.Join(f.exts, ","), f.sigs)
}

// jaParts are the lists of a JA4, in wire order, as four hex digits each.
type jaParts struct {
	a       string   // the readable part
	ciphers []string // without GREASE
	exts    []string // without GREASE
	hashed  []string // exts without server_name and ALPN
	sigs    []string
}

func (h *ClientHello) ja4() jaParts {
	f := jaParts{ciphers: jaHex(h.CipherSuites), exts: jaHex(h.extensionIDs()), sigs: jaHex(h.SignatureAlgorithms())}
	for _, e := range f.exts {
		if e != "0000" && e != "0010" {
			f.hashed = append(f.hashed, e)
		}
	}
	transport, destination := "t", "i"
	if h.has(helloQUICParameters) {
		transport = "q"
	}
	if h.has(helloServerName) {
		destination = "d"
	}
	f.a = fmt.Sprintf("%s%s%s%02d%02d%s", transport, h.ja4Version(), destination,
		min(len(f.ciphers), 99), min(len(f.exts), 99), h.ja4ALPN())
	return f
}

// ja4Version is the highest version offered.
func (h *ClientHello) ja4Version() string {
	version := Code(0)
	for _, v := range h.Versions() {
		if !v.IsGREASE() && v > version {
			version = v
		}
	}
	if version == 0 {
		version = Code(h.LegacyVersion)
	}
	switch version {
	case 0x0304:
		return "13"
	case 0x0303:
		return "12"
	case 0x0302:
		return "11"
	case 0x0301:
		return "10"
	case 0x0300:
		return "s3"
	case 0x0002:
		return "s2"
	}
	return "00"
}

// ja4ALPN is the first and last character of the first protocol or, where one
// of them is not a letter or digit, of the protocol in hex.
func (h *ClientHello) ja4ALPN() string {
	protocols := h.ALPN()
	if len(protocols) == 0 {
		return "00"
	}
	p := protocols[0]
	if !jaAlphanumeric(p[0]) || !jaAlphanumeric(p[len(p)-1]) {
		p = hex.EncodeToString([]byte(p))
	}
	return string([]byte{p[0], p[len(p)-1]})
}

func jaAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// jaHex writes codes as four hex digits each, without GREASE.
func jaHex(codes []Code) []string {
	out := make([]string, 0, len(codes))
	for _, c := range codes {
		if !c.IsGREASE() {
			out = append(out, fmt.Sprintf("%04x", uint16(c)))
		}
	}
	return out
}

func jaSorted(list []string) string {
	return strings.Join(slices.Sorted(slices.Values(list)), ",")
}

// jaTail joins extensions and signature algorithms, which keep their order.
func jaTail(exts string, sigs []string) string {
	if len(sigs) == 0 {
		return exts
	}
	return exts + "_" + strings.Join(sigs, ",")
}

// jaHash is the first twelve hex digits of the SHA-256, zeros for nothing.
func jaHash(s string) string {
	if s == "" {
		return "000000000000"
	}
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:6])
}
