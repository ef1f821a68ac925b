package fingerprint

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
)

// The templates of the captured profiles are the captured hellos, but for what
// the browser draws or knows per connection.
func TestTemplateEqualsCapture(t *testing.T) {
	for _, c := range []struct{ profile, hello string }{
		{"chromium-156-linux", "chromium-156-fresh.bin"},
		{"firefox-153-linux", "firefox-153-fresh.bin"},
		// Raw hellos of testssl.sh, etc/client-simulation.txt.
		{"safari-18.4-macos", "../published/safari-18.4-macos.bin"},
		{"safari-18.4-ios", "../published/safari-18.4-ios.bin"},
		{"safari-26.4-macos", "../published/safari-26.4-macos.bin"},
		{"safari-26.4-ios", "../published/safari-26.4-ios.bin"},
		{"edge-133-windows", "../published/edge-133-windows.bin"},
	} {
		p := lookup(t, c.profile)
		h, err := ParseClientHelloRecords(helloFile(t, c.hello))
		if err != nil {
			t.Fatal(err)
		}
		if got := placeholders(h.CipherSuites); !slices.Equal(got, p.TLS.CipherSuites) {
			t.Errorf("%s: cipher suites %v, captured %v", c.profile, p.TLS.CipherSuites, got)
		}
		if len(h.Extensions) != len(p.TLS.Extensions) {
			t.Fatalf("%s: %d extensions, captured %d", c.profile, len(p.TLS.Extensions), len(h.Extensions))
		}
		for i, e := range p.TLS.Extensions {
			raw := h.Extensions[i]
			if p.TLS.Permute && e.ID != GREASE {
				raw = h.Extensions[slices.IndexFunc(h.Extensions, func(r RawExtension) bool { return r.ID == e.ID })]
			}
			if placeholders([]Code{raw.ID})[0] != e.ID {
				t.Errorf("%s: extension %d is %v, captured %v", c.profile, i, e.ID, raw.ID)
				continue
			}
			if want, fixed := e.body(); fixed && !bytes.Equal(want, blank(raw)) {
				t.Errorf("%s: extension %s\n     is %x\ncapture %x", c.profile, e.Name, want, raw.Data)
			}
			if e.ECH != nil {
				checkECH(t, h, e.ECH)
			}
			if len(e.KeyShares) > 0 {
				checkShares(t, h, e.KeyShares)
			}
		}
	}
}

// placeholders writes GREASE for every reserved value.
func placeholders(codes []Code) []Code {
	out := slices.Clone(codes)
	for i, c := range out {
		if c.IsGREASE() {
			out[i] = GREASE
		}
	}
	return out
}

// body is the extension's body on the wire; fixed is false where each connection
// has another one.
func (e Extension) body() (b []byte, fixed bool) {
	switch {
	case len(e.KeyShares) > 0 || e.ECH != nil || e.ID == helloServerName || e.ID == 21: // padding
		return nil, false
	case len(e.Codes) > 0:
		for _, c := range e.Codes {
			b = binary.BigEndian.AppendUint16(b, uint16(c))
		}
		if e.ID == helloCompressCertificate || e.ID == helloVersions {
			return append([]byte{byte(len(b))}, b...), true
		}
	case len(e.Protocols) > 0:
		for _, p := range e.Protocols {
			b = append(append(b, byte(len(p))), p...)
		}
	default:
		return e.Data, true
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...), true
}

// blank replaces reserved values in the lists of codes by the placeholder.
func blank(r RawExtension) []byte {
	var head int
	switch r.ID {
	case helloGroups, helloSignatureAlgorithms:
		head = 2
	case helloVersions:
		head = 1
	default:
		return r.Data
	}
	out := bytes.Clone(r.Data)
	for i := head; i+1 < len(out); i += 2 {
		if Code(binary.BigEndian.Uint16(out[i:])).IsGREASE() {
			binary.BigEndian.PutUint16(out[i:], uint16(GREASE))
		}
	}
	return out
}

func checkECH(t *testing.T, h *ClientHello, want *ECHGrease) {
	t.Helper()
	ech, ok := h.ECH()
	if !ok || ech.KDF != want.KDF || !slices.Contains(want.AEADs, ech.AEAD) || len(ech.Enc) != want.EncLen ||
		!slices.Contains(want.Payload, len(ech.Payload)) {
		t.Errorf("ECH %+v, captured KDF %v, AEAD %v, enc %d, payload %d", want, ech.KDF, ech.AEAD, len(ech.Enc), len(ech.Payload))
	}
}

func checkShares(t *testing.T, h *ClientHello, want []KeyShare) {
	t.Helper()
	shares := h.KeyShares()
	for i, s := range shares {
		if i >= len(want) || placeholders([]Code{s.Group})[0] != want[i].Group || want[i].Group == GREASE && !bytes.Equal(s.Data, want[i].Data) {
			t.Fatalf("key shares %+v, captured %+v", want, shares)
		}
	}
	if len(shares) != len(want) {
		t.Errorf("%d key shares, captured %d", len(want), len(shares))
	}
}

// The digests that the captures carry stand in the profiles.
func TestDigestsEqualCapture(t *testing.T) {
	var hellos []struct {
		File, JA4 string
		JA3Hash   string `json:"ja3_hash"`
	}
	helloReadJSON(t, "testdata/hellos/expected.json", &hellos)
	seen := 0
	for _, h := range hellos {
		for _, c := range []struct {
			file, profile string
			digest        func(Digests) string
		}{
			{"chromium-156-fresh.bin", "chrome-156-windows", func(d Digests) string { return d.JA4 }},
			{"chromium-156-resumed.bin", "chromium-156-linux", func(d Digests) string { return d.JA4Resumed }},
			{"firefox-153-fresh.bin", "firefox-153-linux", func(d Digests) string { return d.JA4 }},
			{"firefox-153-resumed.bin", "firefox-153-linux", func(d Digests) string { return d.JA4Resumed }},
			{"headless-shell-131-fresh.bin", "utls:HelloChrome_131", func(d Digests) string { return d.JA4 }},
			{"headless-shell-138-fresh.bin", "utls:HelloChrome_133", func(d Digests) string { return d.JA4 }},
		} {
			if c.file != h.File {
				continue
			}
			seen++
			d := lookup(t, c.profile).Digests
			if got := c.digest(d); got != h.JA4 {
				t.Errorf("%s: %s, captured %s", c.profile, got, h.JA4)
			}
			if d.JA3 != "" && c.digest(d) == d.JA4 && d.JA3 != h.JA3Hash {
				t.Errorf("%s: JA3 %s, captured %s", c.profile, d.JA3, h.JA3Hash)
			}
		}
	}
	if seen != 6 {
		t.Errorf("%d of 6 hellos found", seen)
	}
}

// So do the fingerprints of HTTP/2 connections.
func TestHTTP2EqualsCapture(t *testing.T) {
	var prefaces []struct {
		File        string
		Akamai      string
		FirstStream uint32 `json:"first_stream"`
	}
	helloReadJSON(t, "testdata/prefaces/expected.json", &prefaces)
	seen := 0
	for _, c := range prefaces {
		profile := map[string]string{"chromium-156.hex": "chromium-156-linux", "firefox-153.hex": "firefox-153-linux"}[c.File]
		if profile == "" {
			continue
		}
		seen++
		p := lookup(t, profile)
		if p.Digests.Akamai != c.Akamai || p.HTTP2.Akamai() != c.Akamai || p.HTTP2.FirstStreamID != c.FirstStream {
			t.Errorf("%s: %s, stream %d; captured %s, stream %d", profile, p.HTTP2.Akamai(), p.HTTP2.FirstStreamID, c.Akamai, c.FirstStream)
		}
	}
	if seen != 2 {
		t.Errorf("%d of 2 prefaces found", seen)
	}
}
