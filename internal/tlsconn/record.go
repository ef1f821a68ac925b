package tlsconn

import (
	"bytes"
	"crypto/tls"
)

// Record content types (RFC 8446 §5.1).
const (
	recordChangeCipher = 20
	recordAlert        = 21
	recordHandshake    = 22
	recordApplication  = 23
)

// Alerts that this package raises itself (RFC 8446 §6).
const (
	alertUnexpectedMessage tls.AlertError = 10
	alertBadCertificate    tls.AlertError = 42
	alertDecodeError       tls.AlertError = 50
)

// recordHeaderLen is the type, the version and the length of a record.
const recordHeaderLen = 5

// maxServerHello is far more than any ServerHello: a hybrid share and a cookie
// fit many times.
const maxServerHello = 1 << 16

// A recordReader cuts a byte stream into records.
type recordReader struct {
	buf []byte
}

func (r *recordReader) add(b []byte) { r.buf = append(r.buf, b...) }

// next returns the next whole record, valid until add is called.
func (r *recordReader) next() (header, body []byte, ok bool) {
	if len(r.buf) < recordHeaderLen {
		return nil, nil, false
	}
	n := recordHeaderLen + int(r.buf[3])<<8 + int(r.buf[4])
	if len(r.buf) < n {
		return nil, nil, false
	}
	header, body = r.buf[:recordHeaderLen], r.buf[recordHeaderLen:n]
	r.buf = r.buf[n:]
	return header, body, true
}

// retryRandom marks a ServerHello as a HelloRetryRequest: the SHA-256 of
// "HelloRetryRequest" (RFC 8446 §4.1.3).
var retryRandom = []byte{
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
}

// serverHello is what the tap has to know of one.
type serverHello struct {
	retry       bool
	version     uint16
	cipherSuite uint16
	group       uint16 // 0: no key share
}

// parseServerHello parses the handshake message that b begins with. It is not
// ok when the message is not whole; a whole one of another type or form gives
// version 0, which is left to uTLS to refuse.
func parseServerHello(b []byte) (h serverHello, rest []byte, ok bool) {
	if len(b) < 4 {
		return h, nil, false
	}
	n := 4 + int(b[1])<<16 + int(b[2])<<8 + int(b[3])
	if len(b) < n {
		return h, nil, false
	}
	kind, m, rest := b[0], wire(b[4:n]), b[n:]
	if kind != 2 {
		return h, rest, true
	}
	version := m.u16()
	random := m.take(32)
	m.take(int(m.u8())) // session ID
	suite := m.u16()
	m.u8() // compression
	h.group = 0
	exts := wire(m.take(int(m.u16())))
	for len(exts) >= 4 {
		id := exts.u16()
		body := wire(exts.take(int(exts.u16())))
		switch id {
		case uint16(extSupportedVersions):
			version = body.u16()
		case uint16(extKeyShare):
			h.group = body.u16()
		}
	}
	h.version, h.cipherSuite, h.retry = version, suite, bytes.Equal(random, retryRandom)
	return h, rest, true
}

// wire reads big-endian fields. Past the end there are zeros and nothing.
type wire []byte

func (w *wire) take(n int) []byte {
	if n > len(*w) {
		n = len(*w)
	}
	b := (*w)[:n]
	*w = (*w)[n:]
	return b
}

func (w *wire) u8() uint8 {
	if b := w.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (w *wire) u16() uint16 {
	hi := w.u8()
	return uint16(hi)<<8 | uint16(w.u8())
}
