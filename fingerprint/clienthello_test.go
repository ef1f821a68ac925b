package fingerprint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// helloCase is one captured hello of testdata/hellos and what the recorder,
// which was checked against tshark and the reference JA4, said of it.
type helloCase struct {
	File          string        `json:"file"`
	RecordVersion string        `json:"record_version"`
	QUIC          bool          `json:"quic"`
	JA3           string        `json:"ja3"`
	JA3Hash       string        `json:"ja3_hash"`
	JA4           string        `json:"ja4"`
	JA4R          string        `json:"ja4_r"`
	JA4RO         string        `json:"ja4_ro"`
	ServerName    string        `json:"server_name"`
	ALPN          []string      `json:"alpn"`
	Extensions    []helloNumber `json:"extensions"`
	PSK           bool          `json:"psk"`
	EarlyData     bool          `json:"early_data"`
	ECH           string        `json:"ech"`
	KeyShares     []string      `json:"key_shares"`
}

// helloNumber is a code that the recorder wrote as a plain number.
type helloNumber uint16

func helloCases(t testing.TB) []helloCase {
	var cases []helloCase
	helloReadJSON(t, "testdata/hellos/expected.json", &cases)
	if len(cases) < 12 {
		t.Fatalf("only %d captured hellos", len(cases))
	}
	return cases
}

func helloReadJSON(t testing.TB, name string, v any) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
}

func helloFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata/hellos", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// helloMessage is the handshake message of the captured fresh Chromium hello.
func helloMessage(t testing.TB) []byte {
	return helloFile(t, "chromium-156-fresh.bin")[helloRecordHeader:]
}

func TestCapturedHellos(t *testing.T) {
	for _, c := range helloCases(t) {
		t.Run(strings.TrimSuffix(c.File, ".bin"), func(t *testing.T) {
			raw := helloFile(t, c.File)
			parse, marshal := ParseClientHelloRecords, (*ClientHello).MarshalRecords
			if c.QUIC {
				parse, marshal = ParseClientHello, (*ClientHello).Marshal
			}
			h, err := parse(raw)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(marshal(h), raw) {
				t.Error("the bytes written are not the bytes read")
			}
			if !c.QUIC && !bytes.Equal(h.Marshal(), raw[helloRecordHeader:]) {
				t.Error("the message written is not the message read")
			}
			ids := []helloNumber{}
			for _, e := range h.Extensions {
				ids = append(ids, helloNumber(e.ID))
			}
			ech := ""
			if e, ok := h.ECH(); ok {
				ech = fmt.Sprintf("type=0 kdf=0x%04x aead=0x%04x config_id=%d enc_len=%d payload_len=%d",
					uint16(e.KDF), uint16(e.AEAD), e.ConfigID, len(e.Enc), len(e.Payload))
			}
			for _, x := range []struct {
				what      string
				got, want any
			}{
				{"JA3", h.JA3(), c.JA3},
				{"JA3Hash", h.JA3Hash(), c.JA3Hash},
				{"JA4", h.JA4(), c.JA4},
				{"JA4R", h.JA4R(), c.JA4R},
				{"JA4RO", h.JA4RO(), c.JA4RO},
				{"ServerName", h.ServerName(), c.ServerName},
				{"ALPN", h.ALPN(), c.ALPN},
				{"extensions", ids, c.Extensions},
				{"HasPSK", h.HasPSK(), c.PSK},
				{"HasEarlyData", h.HasEarlyData(), c.EarlyData},
				{"ECH", ech, c.ECH},
			} {
				if fmt.Sprint(x.got) != fmt.Sprint(x.want) {
					t.Errorf("%s is %v, want %v", x.what, x.got, x.want)
				}
			}
			if len(h.KeyShares()) != len(c.KeyShares) {
				t.Fatalf("%d key shares, want %v", len(h.KeyShares()), c.KeyShares)
			}
			for i, s := range h.KeyShares() {
				want := fmt.Sprintf("(0x%04x) len=%d", uint16(s.Group), len(s.Data))
				if !strings.Contains(c.KeyShares[i], want) {
					t.Errorf("key share %d is %s, want %s", i, want, c.KeyShares[i])
				}
			}
		})
	}
}

func TestAccessors(t *testing.T) {
	h, err := ParseClientHello(helloMessage(t))
	if err != nil {
		t.Fatal(err)
	}
	firefox, err := ParseClientHelloRecords(helloFile(t, "firefox-153-resumed.bin"))
	if err != nil {
		t.Fatal(err)
	}
	groups := h.Groups()
	if len(groups) != 5 || !groups[0].IsGREASE() || !slices.Equal(groups[1:], []Code{0x11ec, 0x1d, 0x17, 0x18}) {
		t.Errorf("Groups: %x", groups)
	}
	sigs := h.SignatureAlgorithms()
	if len(sigs) != 12 || !sigs[0].IsGREASE() || sigs[1] != 0x0904 || sigs[11] != 0x0601 {
		t.Errorf("SignatureAlgorithms: %x", sigs)
	}
	versions := h.Versions()
	if len(versions) != 3 || !versions[0].IsGREASE() || !slices.Equal(versions[1:], []Code{0x0304, 0x0303}) {
		t.Errorf("Versions: %x", versions)
	}
	if got := h.ALPS(); !slices.Equal(got, []string{"h2"}) {
		t.Errorf("ALPS: %q", got)
	}
	if got := h.CertificateCompression(); !slices.Equal(got, []Code{2}) {
		t.Errorf("CertificateCompression: %x", got)
	}
	if got := h.PSKModes(); !bytes.Equal(got, []byte{1}) {
		t.Errorf("PSKModes: %x", got)
	}
	if got := h.PointFormats(); !bytes.Equal(got, []byte{0}) {
		t.Errorf("PointFormats: %x", got)
	}
	if got := firefox.DelegatedCredentials(); len(got) == 0 {
		t.Error("DelegatedCredentials: none")
	}
	if got := h.DelegatedCredentials(); got != nil {
		t.Errorf("DelegatedCredentials: %x", got)
	}
	psks := firefox.PSKs()
	if len(psks) != 1 || len(psks[0].Identity) != 105 || len(psks[0].Binder) != 32 || psks[0].ObfuscatedAge != 0x5f26eddf {
		t.Errorf("PSKs: %x", psks)
	}
	old := &ClientHello{Extensions: []RawExtension{{ID: helloALPSOld, Data: []byte{0, 3, 2, 'h', '2'}}}}
	if got := old.ALPS(); !slices.Equal(got, []string{"h2"}) {
		t.Errorf("ALPS of the older number: %q", got)
	}
}

// A hello cut anywhere is not an answer but a demand for more.
func TestParseClientHelloCut(t *testing.T) {
	msg := helloMessage(t)
	for n := range msg {
		if _, err := ParseClientHello(msg[:n]); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("%d of %d bytes: %v", n, len(msg), err)
		}
	}
}

// helloBuild is a small hello with the given extension block behind it.
func helloBuild(extensions ...byte) []byte {
	h := &ClientHello{LegacyVersion: 0x0303, CipherSuites: []Code{0x1301}, CompressionMethods: []byte{0}}
	b := append(h.Marshal(), extensions...)
	b[3] = byte(len(b) - 4)
	return b
}

func TestParseClientHelloErrors(t *testing.T) {
	const exts = 45 // where the extension block of helloBuild starts
	set := func(at int, v byte) []byte {
		b := helloBuild(0, 4, 0, 23, 0, 0)
		b[at] = v
		return b
	}
	longID := helloBuild(make([]byte, 40)...)
	longID[38] = 33
	for _, c := range []struct {
		name    string
		b       []byte
		offset  int
		problem string
	}{
		{"server hello", set(0, 2), 0, "message type 2"},
		{"bytes behind", append(helloBuild(), 7), exts, "1 bytes too many"},
		{"session id", longID, 38, "length 33 is above 32"},
		{"session id past the end", set(38, 200), 39, "200 bytes needed"},
		{"odd suites", set(40, 1), 41, "odd length 1"},
		{"suites past the end", set(39, 9), 41, "cipher suites"},
		{"methods past the end", set(43, 99), 44, "compression methods"},
		{"extensions shorter than block", set(exts+1, 3), exts + 5, "1 bytes too many"},
		{"extension past the end", helloBuild(0, 4, 0, 23, 0, 1), exts + 6, "extension 23: 1 bytes needed, 0 left"},
		{"twice", helloBuild(0, 8, 0, 23, 0, 0, 0, 23, 0, 0), exts + 6, "extension 23 occurs twice"},
		{"empty server_name", helloBuild(0, 4, 0, 0, 0, 0), exts + 6, "server_name length"},
		{"odd groups", helloBuild(0, 7, 0, 10, 0, 3, 0, 1, 9), exts + 8, "supported_groups: odd length 1"},
		{"bytes behind groups", helloBuild(0, 7, 0, 10, 0, 3, 0, 0, 9), exts + 8, "supported_groups: 1 bytes too many"},
		{"empty protocol", helloBuild(0, 7, 0, 16, 0, 3, 0, 1, 0), exts + 8, "an empty name"},
		{"key share", helloBuild(0, 10, 0, 51, 0, 6, 0, 4, 0, 29, 0, 1), exts + 12, "key_share key: 1 bytes needed"},
		{"binders", helloBuild(0, 8, 0, 41, 0, 4, 0, 0, 0, 1), exts + 10, "pre_shared_key binders"},
		{"binder count", helloBuild(0, 10, 0, 41, 0, 6, 0, 0, 0, 2, 1, 1), exts + 10, "1 binders for 0 identities"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseClientHello(c.b)
			var e *WireError
			if !errors.As(err, &e) {
				t.Fatalf("error is %v", err)
			}
			if e.Offset != c.offset || !strings.Contains(e.Problem, c.problem) || e.Part != "ClientHello" {
				t.Errorf("error is %v, want byte %d: …%s…", err, c.offset, c.problem)
			}
			if e.Err != nil {
				t.Errorf("%v claims that more bytes would help", err)
			}
			if !strings.Contains(err.Error(), fmt.Sprintf("byte %d: ", c.offset)) {
				t.Errorf("%q does not name the byte", err)
			}
		})
	}
}

// Extensions that no digest reads are kept even when they make no sense.
func TestBrokenOtherExtension(t *testing.T) {
	b := helloBuild(0, 5, 0, 27, 0, 1, 9)
	h, err := ParseClientHello(b)
	if err != nil {
		t.Fatal(err)
	}
	if got := h.CertificateCompression(); got != nil {
		t.Errorf("CertificateCompression: %x", got)
	}
	if !bytes.Equal(h.Marshal(), b) {
		t.Error("the bytes written are not the bytes read")
	}
}

func TestInnerECH(t *testing.T) {
	h := &ClientHello{Extensions: []RawExtension{{ID: helloECH, Data: []byte{1}}}}
	if _, ok := h.ECH(); ok {
		t.Error("the inner form is taken for the outer")
	}
}

func TestMarshalExtensionsAbsentOrEmpty(t *testing.T) {
	for _, b := range [][]byte{helloBuild(), helloBuild(0, 0)} {
		h, err := ParseClientHello(b)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(h.Marshal(), b) {
			t.Errorf("%x became %x", b, h.Marshal())
		}
	}
}

func TestMarshalTooLong(t *testing.T) {
	ext := func(n int) RawExtension { return RawExtension{ID: 21, Data: make([]byte, n)} }
	for name, h := range map[string]*ClientHello{
		"session id":  {SessionID: make([]byte, 33)},
		"suites":      {CipherSuites: make([]Code, 0x8000)},
		"compression": {CompressionMethods: make([]byte, 256)},
		"extension":   {Extensions: []RawExtension{ext(0x10000)}},
		"extensions":  {Extensions: []RawExtension{ext(0x8000), ext(0x8000)}},
	} {
		if b := h.Marshal(); b != nil {
			t.Errorf("%s: %d bytes", name, len(b))
		}
		if b := h.MarshalRecords(); b != nil {
			t.Errorf("%s: %d bytes of records", name, len(b))
		}
	}
}
