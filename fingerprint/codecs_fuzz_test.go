package fingerprint

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

// helloFuzzError fails on an error without a place in the input.
func helloFuzzError(t *testing.T, err error, b []byte) {
	t.Helper()
	var e *WireError
	if !errors.As(err, &e) {
		t.Fatalf("error is %v", err)
	}
	if e.Offset < 0 || e.Offset > len(b) {
		t.Fatalf("%v, of %d bytes", err, len(b))
	}
}

// helloFuzzRead calls everything that reads a hello.
func helloFuzzRead(h *ClientHello) {
	h.JA3Hash()
	h.JA4()
	h.JA4R()
	h.JA4RO()
	h.ServerName()
	h.ALPS()
	h.CertificateCompression()
	h.DelegatedCredentials()
	h.PSKModes()
	h.PSKs()
	h.ECH()
	h.KeyShares()
}

func FuzzParseClientHello(f *testing.F) {
	for _, c := range helloCases(f) {
		b := helloFile(f, c.File)
		if !c.QUIC {
			b = b[helloRecordHeader:]
		}
		f.Add(b)
	}
	f.Add(helloBuild())
	f.Add(helloBuild(0, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ParseClientHello(b)
		if err != nil {
			helloFuzzError(t, err, b)
			return
		}
		if out := h.Marshal(); !bytes.Equal(out, b) {
			t.Fatalf("%x became %x", b, out)
		}
		helloFuzzRead(h)
	})
}

func FuzzParseClientHelloRecords(f *testing.F) {
	for _, c := range helloCases(f) {
		if !c.QUIC {
			f.Add(helloFile(f, c.File))
		}
	}
	f.Add(helloSplit(helloMessage(f), 300))
	f.Add(slices.Concat([]byte{20, 3, 3, 0, 1, 1}, helloFile(f, "firefox-153-after-hrr.bin")))
	f.Fuzz(func(t *testing.T, b []byte) {
		start, end, findErr := FindClientHello(b)
		if findErr != nil {
			helloFuzzError(t, findErr, b)
		} else if start < 0 || start >= end || end > len(b) {
			t.Fatalf("FindClientHello: %d to %d of %d", start, end, len(b))
		}
		h, err := ParseClientHelloRecords(b)
		if err != nil {
			helloFuzzError(t, err, b)
			return
		}
		if out := h.MarshalRecords(); !bytes.Equal(out, b) {
			t.Fatalf("%x became %x", b, out)
		}
		if findErr != nil || start != 0 || end != len(b) {
			t.Fatalf("parsed, but FindClientHello says %d, %d, %v of %d bytes", start, end, findErr, len(b))
		}
	})
}

func FuzzParsePreface(f *testing.F) {
	for _, c := range prefaceCases(f) {
		f.Add(prefaceFile(f, c.File))
	}
	f.Add(prefaceBytes(prefaceMade{prefaceSettings, 0, 0, ""}, prefaceMade{prefacePriority, 0, 3, "\x80\x00\x00\x01\xff"},
		prefaceMade{prefaceHeaders, prefaceFlagPadded, 1, "\x01\x82\x00"}, prefaceMade{prefaceContinuation, 4, 1, "\x84"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParsePreface(b)
		if err != nil {
			helloFuzzError(t, err, b)
			return
		}
		if p.Len < len(prefaceMagic) || p.Len > len(b) || p.FirstStreamID == 0 {
			t.Fatalf("%d of %d bytes, stream %d", p.Len, len(b), p.FirstStreamID)
		}
		again, err := ParsePreface(b[:p.Len])
		if err != nil || again.Akamai() != p.Akamai() {
			t.Fatalf("without what follows: %v", err)
		}
	})
}

func FuzzHPACK(f *testing.F) {
	for _, browser := range []string{"chromium-156", "firefox-153"} {
		for _, b := range hpackBlocks(f, browser)[:3] {
			f.Add(hpackHex(f, b.Block), hpackHex(f, b.Block), uint32(4096))
		}
	}
	f.Add([]byte{0x20, 0x3f, 0xe1, 0x1f, 0x82}, []byte{0xbe}, uint32(0))
	f.Fuzz(func(t *testing.T, first, second []byte, size uint32) {
		d := HPACKDecoder{MaxTableSize: size}
		for _, b := range [][]byte{first, second} {
			fields, err := d.Decode(b)
			if err != nil {
				helloFuzzError(t, err, b)
			}
			if len(fields) > len(b) {
				t.Fatalf("%d fields of %d bytes", len(fields), len(b))
			}
			sum := uint64(0)
			for _, e := range d.table {
				sum += hpackSize(e)
			}
			if sum != d.size || sum > uint64(d.max()) {
				t.Fatalf("the table holds %d bytes, says %d, may hold %d", sum, d.size, d.max())
			}
			if err != nil {
				return
			}
		}
	})
}
