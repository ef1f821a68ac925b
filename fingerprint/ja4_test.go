package fingerprint

import (
	"strings"
	"testing"
)

// jaALPN is a hello that offers one protocol.
func jaALPN(p string) *ClientHello {
	data := append([]byte{0, byte(len(p) + 1), byte(len(p))}, p...)
	return &ClientHello{LegacyVersion: 0x0303, Extensions: []RawExtension{{ID: helloALPN, Data: data}}}
}

// The rules for bytes that are no letters or digits are those of the JA4
// specification, and so are its examples.
func TestJA4ALPN(t *testing.T) {
	for p, want := range map[string]string{
		"h2": "h2", "http/1.1": "h1", "h": "hh", "hq-29": "h9",
		"\xab": "ab", "\xab\xcd": "ad", "0\xab": "3b", "0123\xab": "3b", "\xab0": "a0", "z ": "70",
	} {
		if got := jaALPN(p).ja4ALPN(); got != want {
			t.Errorf("%q: %s, want %s", p, got, want)
		}
	}
}

func TestJA4Version(t *testing.T) {
	for v, want := range map[uint16]string{0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 2: "s2", 0x7f17: "00"} {
		if got := (&ClientHello{LegacyVersion: v}).JA4()[1:3]; got != want {
			t.Errorf("%#04x: %s, want %s", v, got, want)
		}
	}
	h := &ClientHello{LegacyVersion: 0x0303, Extensions: []RawExtension{
		{ID: helloVersions, Data: []byte{6, 0xfa, 0xfa, 3, 1, 3, 2}},
	}}
	if got := h.JA4()[1:3]; got != "11" {
		t.Errorf("supported_versions GREASE, 1.0, 1.1: %s, want 11", got)
	}
}

func TestDigestsOfLittle(t *testing.T) {
	h := &ClientHello{LegacyVersion: 0x0301}
	if got, want := h.JA4(), "t10i000000_000000000000_000000000000"; got != want {
		t.Errorf("JA4 %s, want %s", got, want)
	}
	if got, want := h.JA4R(), "t10i000000__"; got != want {
		t.Errorf("JA4R %s, want %s", got, want)
	}
	if got, want := h.JA3(), "769,,,,"; got != want {
		t.Errorf("JA3 %s, want %s", got, want)
	}
	h.Extensions = []RawExtension{{ID: helloPointFormats, Data: []byte{3, 0, 1, 2}}}
	if got, want := h.JA3(), "769,,11,,0-1-2"; got != want {
		t.Errorf("JA3 %s, want %s", got, want)
	}
	// The example of the JA3 description.
	if got, want := (&ClientHello{LegacyVersion: 769, CipherSuites: []Code{4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99}}).JA3Hash(),
		"de350869b8c85de67a350c8d186f11e6"; got != want {
		t.Errorf("JA3Hash %s, want %s", got, want)
	}
	// No signature algorithms, no underscore; server_name and ALPN count but are not hashed.
	h = jaALPN("h2")
	if got, want := h.JA4RO(), "t12i0001h2__0010"; got != want {
		t.Errorf("JA4RO %s, want %s", got, want)
	}
	if got, want := h.JA4(), "t12i0001h2_000000000000_000000000000"; got != want {
		t.Errorf("JA4 %s, want %s", got, want)
	}
}

func TestJA4CountsStopAt99(t *testing.T) {
	h := &ClientHello{LegacyVersion: 0x0303}
	for i := range 120 {
		h.CipherSuites = append(h.CipherSuites, Code(0xc000+i))
		h.Extensions = append(h.Extensions, RawExtension{ID: Code(0xc000 + i)})
	}
	if got := h.JA4(); !strings.HasPrefix(got, "t12i999900_") {
		t.Errorf("JA4 %s", got)
	}
}

func TestPermutationLeavesJA4Alone(t *testing.T) {
	h, err := ParseClientHello(helloMessage(t))
	if err != nil {
		t.Fatal(err)
	}
	ja3, ja4, ja4ro := h.JA3(), h.JA4(), h.JA4RO()
	h.Extensions[1], h.Extensions[2] = h.Extensions[2], h.Extensions[1]
	if h.JA4() != ja4 {
		t.Error("JA4 depends on the order of the extensions")
	}
	if h.JA3() == ja3 || h.JA4RO() == ja4ro {
		t.Error("JA3 or JA4_ro does not depend on the order of the extensions")
	}
	h.Extensions[0].ID ^= 0x1010
	if h.JA4() != ja4 {
		t.Error("JA4 depends on GREASE")
	}
}
