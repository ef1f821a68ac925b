package fingerprint

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

func hpackHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// hpackBlock is one recorded header block and what the recorder made of it.
type hpackBlock struct {
	Block   string      `json:"block"`
	Headers [][2]string `json:"headers"`
	HPACK   []string    `json:"hpack"`
}

func hpackBlocks(t testing.TB, browser string) []hpackBlock {
	var blocks []hpackBlock
	helloReadJSON(t, "testdata/hpack/"+browser+".json", &blocks)
	if len(blocks) < 5 {
		t.Fatalf("only %d blocks", len(blocks))
	}
	return blocks
}

// hpackText writes a field's representation as the recorder does, without the
// lengths of strings.
func hpackText(f HPACKField) string {
	if f.Representation == HPACKIndexed {
		return fmt.Sprintf("indexed(%d)", f.Index)
	}
	kind := map[HPACKRepresentation]string{HPACKIncremental: "incr", HPACKNoIndex: "noindex", HPACKNeverIndex: "never"}[f.Representation]
	name := fmt.Sprintf("idx(%d)", f.Index)
	if f.Index == 0 {
		name = fmt.Sprintf("literal(huff=%t)", f.NameHuffman)
	}
	return fmt.Sprintf("lit-%s name=%s value(huff=%t)", kind, name, f.ValueHuffman)
}

// The first requests of a connection of each browser: names, values and how
// each was written, with the tables growing over the connection.
func TestHPACKOfBrowsers(t *testing.T) {
	for _, browser := range []string{"chromium-156", "firefox-153"} {
		var d HPACKDecoder
		seen := map[HPACKRepresentation]bool{}
		for n, b := range hpackBlocks(t, browser) {
			fields, err := d.Decode(hpackHex(t, b.Block))
			if err != nil {
				t.Fatalf("%s, block %d: %v", browser, n, err)
			}
			if len(fields) != len(b.Headers) {
				t.Fatalf("%s, block %d: %d fields, want %d", browser, n, len(fields), len(b.Headers))
			}
			for i, f := range fields {
				seen[f.Representation] = true
				if got := [2]string{f.Name, f.Value}; got != b.Headers[i] {
					t.Errorf("%s, block %d: field %d is %q, want %q", browser, n, i, got, b.Headers[i])
				}
				if got, want := hpackText(f), hpackNoLengths(b.HPACK[i]); got != want {
					t.Errorf("%s, block %d: field %d (%s) is %s, want %s", browser, n, i, f.Name, got, want)
				}
			}
		}
		if !seen[HPACKIndexed] || !seen[HPACKIncremental] || !seen[HPACKNoIndex] || seen[HPACKNeverIndex] != (browser == "firefox-153") {
			t.Errorf("%s: representations %v", browser, seen)
		}
	}
}

// hpackNoLengths drops the string lengths: "huff=true,7)" becomes "huff=true)".
func hpackNoLengths(s string) string {
	parts := strings.Split(s, ",")
	for i, p := range parts[1:] {
		_, parts[i+1], _ = strings.Cut(p, ")")
		parts[i+1] = ")" + parts[i+1]
	}
	return strings.Join(parts, "")
}

// RFC 7541 Appendix C.6: responses with Huffman coding and eviction from a
// table of 256 bytes.
func TestHPACKResponsesOfTheRFC(t *testing.T) {
	d := HPACKDecoder{MaxTableSize: 256}
	for i, c := range []struct {
		block string
		size  uint64
		want  []string
	}{
		{`4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6
		  2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3`, 222,
			[]string{":status: 302", "cache-control: private", "date: Mon, 21 Oct 2013 20:13:21 GMT", "location: https://www.example.com"}},
		{`4883 640e ffc1 c0bf`, 222,
			[]string{":status: 307", "cache-control: private", "date: Mon, 21 Oct 2013 20:13:21 GMT", "location: https://www.example.com"}},
		{`88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab
		  77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f
		  9587 3160 65c0 03ed 4ee5 b106 3d50 07`, 215,
			[]string{":status: 200", "cache-control: private", "date: Mon, 21 Oct 2013 20:13:22 GMT", "location: https://www.example.com",
				"content-encoding: gzip", "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"}},
	} {
		fields, err := d.Decode(hpackHex(t, c.block))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range fields {
			got = append(got, f.Name+": "+f.Value)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("response %d: %q, want %q", i, got, c.want)
		}
		if d.size != c.size {
			t.Errorf("response %d leaves %d bytes in the table, want %d", i, d.size, c.size)
		}
	}
}

func TestHPACKHuffmanEveryByte(t *testing.T) {
	text, err := os.ReadFile("testdata/hpack/huffman-all.hex")
	if err != nil {
		t.Fatal(err)
	}
	got, err := hpackHuffman(hpackHex(t, string(text)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 256 {
		if len(got) != 256 || got[i] != byte(i) {
			t.Fatalf("%d bytes; byte %d is wrong", len(got), i)
		}
	}
}

func TestHPACKTableSize(t *testing.T) {
	var d HPACKDecoder
	if _, err := d.Decode([]byte{0x40, 1, 'a', 1, 'b'}); err != nil {
		t.Fatal(err)
	}
	if f, err := d.Decode([]byte{0xbe}); err != nil || f[0].Name != "a" || f[0].Value != "b" || d.SizeUpdates() != nil {
		t.Fatalf("%v, %v, updates %v", f, err, d.SizeUpdates())
	}
	// To 0 and back to 4096: the table is empty, both sizes are told.
	if _, err := d.Decode([]byte{0x20, 0x3f, 0xe1, 0x1f, 0x82}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(d.SizeUpdates(), []uint32{0, 4096}) {
		t.Errorf("updates %v", d.SizeUpdates())
	}
	if _, err := d.Decode([]byte{0xbe}); err == nil {
		t.Error("the table kept an entry through size 0")
	}
	if d.SizeUpdates() != nil {
		t.Errorf("updates %v of a block without", d.SizeUpdates())
	}
	// An entry larger than the table empties it and is itself still a field.
	d = HPACKDecoder{MaxTableSize: 40}
	for _, block := range [][]byte{{0x40, 1, 'a', 1, 'b'}, {0x40, 5, 'a', 'a', 'a', 'a', 'a', 5, 'b', 'b', 'b', 'b', 'b'}} {
		if f, err := d.Decode(block); err != nil || len(f) != 1 {
			t.Fatalf("%v, %v", f, err)
		}
	}
	if len(d.table) != 0 || d.size != 0 {
		t.Errorf("the table holds %v", d.table)
	}
}

func TestHPACKErrors(t *testing.T) {
	for _, c := range []struct {
		name    string
		block   []byte
		offset  int
		fields  int
		problem string
	}{
		{"index 0", []byte{0x82, 0x80}, 1, 1, "index 0"},
		{"index beyond the tables", []byte{0xbe}, 0, 0, "index 62; the tables hold 61"},
		{"name beyond the tables", []byte{0x7f, 0, 1, 'b'}, 0, 0, "index 63"},
		{"integer cut", []byte{0xff}, 0, 0, "within an integer"},
		{"integer too large", []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, 0, 0, "more than 32 bits"},
		{"integer of zeros", []byte{0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0}, 0, 0, "more than 32 bits"},
		{"name cut", []byte{0x40, 5, 'a'}, 1, 0, "name: 5 bytes needed, 1 left"},
		{"value missing", []byte{0x82, 0x41}, 2, 1, "ends where an integer is due"},
		{"value cut", []byte{0x41, 3, 'a'}, 1, 0, "value: 3 bytes needed, 1 left"},
		{"padding of zeros", []byte{0x41, 0x81, 0x18}, 1, 0, "padding"},
		{"padding of eight bits", []byte{0x41, 0x81, 0xff}, 1, 0, "padding"},
		{"EOS", []byte{0x41, 0x84, 0xff, 0xff, 0xff, 0xff}, 1, 0, "EOS"},
		{"late size update", []byte{0x82, 0x20}, 1, 1, "behind a field"},
		{"size above the limit", []byte{0x3f, 0xe2, 0x1f}, 0, 0, "table size 4097 is above the 4096"},
		{"size update cut", []byte{0x3f}, 0, 0, "within an integer"},
	} {
		var d HPACKDecoder
		fields, err := d.Decode(c.block)
		var e *WireError
		if !errors.As(err, &e) {
			t.Errorf("%s: error is %v", c.name, err)
			continue
		}
		if e.Offset != c.offset || !strings.Contains(e.Problem, c.problem) || e.Part != "HPACK" || len(fields) != c.fields {
			t.Errorf("%s: %d fields, %v, want %d and byte %d: …%s…", c.name, len(fields), err, c.fields, c.offset, c.problem)
		}
	}
}
