package h2

import (
	"encoding/hex"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"

	"github.com/mien-http/mien/fingerprint"
)

func encode(e *encoder, fields ...string) string {
	b := e.begin(nil)
	for i := 0; i < len(fields); i += 2 {
		b = e.field(b, fields[i], fields[i+1])
	}
	return hex.EncodeToString(b)
}

// TestTableSize has each browser's answer to SETTINGS_HEADER_TABLE_SIZE.
func TestTableSize(t *testing.T) {
	for _, test := range []struct {
		name         string
		sizes        []uint32
		blink, gecko string
	}{
		{"none", nil, "", ""},
		{"the default", []uint32{4096}, "", "3fe11f"},
		{"larger", []uint32{65536}, "3fe1ff03", "3fe1ff03"},
		{"none at all", []uint32{0}, "20", "20"},
		{"down and up", []uint32{0, 4096}, "203fe11f", "203fe11f"},
		{"up and down", []uint32{8192, 1024}, "3fe107", "3fe107"},
		{"beyond the bound", []uint32{1 << 30}, "3fe1ff03", "3fe1ff03"},
	} {
		for i, want := range []string{test.blink, test.gecko} {
			e := newEncoder([]*fingerprint.HTTP2{chromium(), firefox()}[i])
			for _, n := range test.sizes {
				e.setTableSize(n)
			}
			if got := encode(e); got != want {
				t.Errorf("%s, browser %d: %q, want %q", test.name, i, got, want)
			}
			if got := encode(e); got != "" {
				t.Errorf("%s, browser %d: again %q", test.name, i, got)
			}
		}
	}
}

// TestRepresentations has what no captured request shows.
func TestRepresentations(t *testing.T) {
	for _, test := range []struct {
		name  string
		rules *fingerprint.HTTP2
		in    []string
		want  string
	}{
		{"Chromium indexes no other method", chromium(), []string{":method", "PUT", ":method", "PUT"}, "02035055540203505554"},
		{"Firefox does", firefox(), []string{":method", "PUT", ":method", "PUT"}, "4383d7c37fbe"},
		{"Chromium takes spaces off cookies", chromium(), []string{"cookie", " a=1; b=2 "}, "60821c016003623d32"},
		{"one field of cookies", &fingerprint.HTTP2{}, []string{"cookie", "a=1; b=2"}, "60861c01fb523805"},
		{"authorization", firefox(), []string{"authorization", "x"}, "1f0881f3"},
		{"empty value", firefox(), []string{"accept", ""}, "93"},
		{"empty value of another name", firefox(), []string{"x", ""}, "4081f380"},
	} {
		if got := encode(newEncoder(test.rules), test.in...); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// TestLargeFields: Gecko keeps what exceeds half the table out of it, Blink
// lets it empty the table.
func TestLargeFields(t *testing.T) {
	large := strings.Repeat("v", 3000)
	for i, rules := range []*fingerprint.HTTP2{chromium(), firefox()} {
		e := newEncoder(rules)
		encode(e, "x-small", "v", "x-large", large)
		if got, want := len(e.table.entries), []int{2, 1}[i]; got != want {
			t.Errorf("browser %d: %d entries, want %d", i, got, want)
		}
		encode(e, "x-huge", large+large)
		if got, want := len(e.table.entries), []int{0, 1}[i]; got != want {
			t.Errorf("browser %d: %d entries after a huge one, want %d", i, got, want)
		}
	}
}

// FuzzEncoder has x/net's decoder read what the encoder wrote, through table
// size changes.
func FuzzEncoder(f *testing.F) {
	for _, name := range []string{"chromium-156-c002", "firefox-153-c011"} {
		for _, r := range readCapture(f, name)[:20] {
			var s strings.Builder
			for _, p := range r.Fields {
				s.WriteString(p[0] + "\x00" + p[1] + "\x00")
			}
			f.Add(s.String(), uint32(4096), true)
			f.Add(s.String(), uint32(300), false)
		}
	}
	f.Fuzz(func(t *testing.T, text string, size uint32, blink bool) {
		rules := firefox()
		if blink {
			rules = chromium()
		}
		e := newEncoder(rules)
		dec := hpack.NewDecoder(defaultTableSize, nil)
		dec.SetAllowedMaxDynamicTableSize(maxTableSize)
		words := strings.Split(text, "\x00")
		for round := range 4 {
			var want []hpack.HeaderField
			block := e.begin(nil)
			for i := 0; i+1 < len(words); i += 2 {
				name, value := words[i], words[i+1]
				if name == "" || name == "cookie" {
					continue
				}
				block = e.field(block, name, value)
				want = append(want, hpack.HeaderField{Name: name, Value: value})
			}
			got, err := dec.DecodeFull(block)
			if err != nil || len(got) != len(want) {
				t.Fatalf("%d of %d fields, %v", len(got), len(want), err)
			}
			for i := range got {
				if got[i].Name != want[i].Name || got[i].Value != want[i].Value {
					t.Fatalf("field %d is %v, want %v", i, got[i], want[i])
				}
			}
			var sum uint64
			for _, p := range e.table.entries {
				sum += p.size()
			}
			if sum != e.table.size || sum > e.table.max || len(e.table.newest) > len(e.table.entries) {
				t.Fatalf("table of %d bytes says %d of %d", sum, e.table.size, e.table.max)
			}
			e.setTableSize(size >> (8 * round))
			e.setTableSize(size)
		}
	})
}
