package fingerprint

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// Every built-in profile and every preset is valid, and survives JSON.
func TestRoundTrip(t *testing.T) {
	names := Names()
	for _, m := range PresetMatches() {
		names = append(names, "utls:"+m.Preset)
	}
	for _, name := range names {
		p := lookup(t, name)
		if err := p.Validate(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		q, err := Parse(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		again, err := json.Marshal(q)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b, again) {
			t.Errorf("%s changes on its way through JSON:\n%s\n%s", name, b, again)
		}
	}
}

func TestCodeText(t *testing.T) {
	for _, c := range []struct {
		text string
		code Code
		ok   bool
	}{
		{"0x1301", 0x1301, true}, {"GREASE", GREASE, true}, {"0x0", 0, true}, {"0xFE0D", 0xfe0d, true},
		{"", 0, false}, {"1301", 0, false}, {"0x", 0, false}, {"0x10000", 0, false}, {"0x-1", 0, false}, {"grease", 0, false},
	} {
		var got Code
		err := got.UnmarshalText([]byte(c.text))
		if (err == nil) != c.ok || got != c.code {
			t.Errorf("%q: %v, %v", c.text, got, err)
		}
	}
	if b, _ := json.Marshal([]Code{0x1301, GREASE, 0}); string(b) != `["0x1301","GREASE","0x0000"]` {
		t.Errorf("%s", b)
	}
}

// edit returns the Chromium file with one piece of it replaced.
func edit(t *testing.T, old, new string) []byte {
	t.Helper()
	b := readProfile(t, "chromium-156-linux")
	if !bytes.Contains(b, []byte(old)) {
		t.Fatalf("no %q in the profile", old)
	}
	return bytes.Replace(b, []byte(old), []byte(new), 1)
}

func readProfile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("profiles", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What is wrong in a document is named with its path.
func TestParseNamesTheFault(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{`"permute": true`, `"permuted": true`, `tls.permuted: unknown field`},
		{`"permute": true`, `"Permute": true`, `tls.Permute: unknown field`},
		{`"permute": true`, `"permute": true, "permute": false`, `tls.permute: given twice`},
		{`"permute": true`, `"permute": null`, `tls.permute: null is not true or false`},
		{`"permute": true`, `"permute": true, "shared_x25519": true, "preset": "HelloChrome_133"`, `tls.preset: set, but the hello is described as well`},
		{`{"id": "0x000d", "name": "signature_algorithms"`, `{"id": "0x000d", "name": "alpn"`, `tls.extensions[3].name: "alpn" is extension 16, not 13`},
		{`{"id": "0x000d", "name": "signature_algorithms"`, `{"id": "0x000d", "name": "nonsense"`, `tls.extensions[3].name: "nonsense" is no extension's name`},
		{`"name": "signature_algorithms", "codes"`, `"name": "signature_algorithms", "data": "00", "codes"`, `tls.extensions[3].data: extension 13 holds codes`},
		{`{"id": "0x0012", "name": "signed_certificate_timestamp"}`, `{"id": "0x0012", "colour": 1}`, `tls.extensions[7].colour: unknown field`},
		{`{"id": "0x0012", "name": "signed_certificate_timestamp"}`, `{"id": "0x000a", "codes": ["0x001d"]}`, `is tls.extensions[7] already`},
		{`{"id": "0x0012", "name": "signed_certificate_timestamp"}`, `{"id": 18}`, `tls.extensions[7].id: 18 is not a string`},
		{`{"id": "0x0012", "name": "signed_certificate_timestamp"}`, `{"id": "0x1a1a"}`, `tls.extensions[7].id: 0x1a1a is a reserved value; write "GREASE"`},
		{`{"id": "0x0012", "name": "signed_certificate_timestamp"}`, `{"id": "0x0029"}`, `tls.extensions[7].id: pre_shared_key is added by the connection, last`},
		{`{"group": "0x001d"}`, `{"group": "0x001e"}`, `tls.extensions[4].key_shares[2].group: 0x001e is not in supported_groups`},
		{`{"group": "0x001d"}`, `{"group": "0x001d", "data": "00"}`, `tls.extensions[4].key_shares[2].data: set, but the connection makes the key of 0x001d`},
		{`{"group": "GREASE", "data": "00"}`, `{"group": "GREASE", "data": "0"}`, `tls.extensions[4].key_shares[0].data: not hex`},
		{`"payloads": [144,`, `"payloads": [0,`, `tls.extensions[1].ech.payloads[0]: 0 is not the length of a sealed hello`},
		{`["GREASE", "0x1301", "0x1302"`, `["GREASE", "0x1301", "0x1301"`, `tls.cipher_suites[2]: 0x1301 given twice`},
		{`{"id": 2, "value": 0}`, `{"id": 1, "value": 0}`, `http2.settings[1].id: 1 given twice`},
		{`{"id": 2, "value": 0}`, `{"id": 2, "value": 4294967296}`, `http2.settings[1].value: 4294967296 is not a whole number of at most 32 bits`},
		{`{"id": 2, "value": 0}`, `{"id": 3, "value": 0}`, `digests.akamai: "1:65536;2:0;`},
		{`"first_stream_id": 1`, `"first_stream_id": 2`, `http2.first_stream_id: 2 is not a client's stream`},
		{`"hpack": {}`, `"hpack": {"encoder": "servo"}`, `http2.hpack.encoder: "servo" is not one of "", "gecko"`},
		{`"cookie_crumbs": true`, `"end_with_data": ["POST", "P T"]`, `http2.end_with_data[1]: "P T" is not a method`},
		{`"small_credit_after_ms": 5000`, `"small_credit_after_ms": -1`, `http2.small_credit_after_ms: -1 is not a whole number`},
		{`":method", ":authority"`, `":method", ":method"`, `http2.pseudo_headers[1]: ":method" given twice`},
		{`"stream_credit": 3145728`, `"stream_credit": 6291457`, `http2.stream_credit: 6291457 is not within`},
		{`{"name": "content-length"}`, `{"name": "Content-Length"}`, `headers[0].fields[0].name: "Content-Length" is not in lower case`},
		{`{"name": "content-length"}`, `{"name": "content-length", "value": "3"}`, `headers[0].fields[0].value: set, but "content-length" is the client's`},
		{`{"name": "content-length"}`, `{"name": "x y"}`, `headers[0].fields[0].name: "x y" is not a field name`},
		{`{"name": "content-length"}`, `{"name": "x", "value": "a\r\nb: c"}`, `headers[0].fields[0].value: "a\r\nb: c" is not a field value`},
		{`{"name": "content-length"}`, `{"name": "x", "when": "moon"}`, `headers[0].fields[0].when: "moon" is not one of`},
		{`{"name": "content-length"}`, `{"name": "accept"}`, `headers[0].fields[11].name: "accept" has its place in fields[0] already`},
		{`"wire": "h2", "destination": "document"`, `"wire": "h4", "destination": "document"`, `headers[0].wire: "h4" is not one of "h2", "http/1.1", "cleartext"`},
		{`"wire": "h2", "destination": "iframe"`, `"wire": "h2", "destination": "document"`, `headers[1]: document over h2 is headers[0] already`},
		{`"weight": 256`, `"weight": 257`, `headers[0].priority.weight: 257 is more than 256`},
		{`"name": "user-agent", "value": "`, `"name": "User-Agent", "value": "`, `identity[0].name: "User-Agent" is not a field name in lower case`},
		{`"kind": "captured"`, `"kind": "invented"`, `provenance.tls.kind: "invented" is not one of`},
		{`"ja4": "t13d`, `"ja4": "d`, `digests.ja4: `},
		{`"engine": "blink"`, `"engine": "presto"`, `browser.engine: "presto" is not one of`},
		{`"version": "156.0.8078.79"`, `"version": "v156"`, `browser.version: "v156" does not begin with a number`},
		{`"name": "chromium-156-linux"`, `"name": "chromium 156"`, `name: "chromium 156" has a space`},
		{`"name": "chromium-156-linux",`, ``, `name: missing`},
		{`"browser": {`, `"base": "chrome-156-linx", "browser": {`, `base: unknown profile "chrome-156-linx"; did you mean chrome-156-linux`},
		{`"permute": true`, `"permute": tru`, `tls.permute: not JSON at byte`},
	} {
		_, err := Parse(edit(t, c.old, c.new))
		var fe *FieldError
		if !errors.As(err, &fe) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s → %s:\n got %v\nwant %s", c.old, c.new, err, c.want)
		}
	}
}

func TestParseWhole(t *testing.T) {
	whole := readProfile(t, "firefox-153-linux")
	for name, b := range map[string][]byte{
		"empty": nil, "cut": whole[:len(whole)/2], "more": append(bytes.Clone(whole), " {}"...), "array": []byte("[]"),
		"large": bytes.Repeat([]byte(" "), maxDocument+1), "deep": bytes.Repeat([]byte("["), 100_000),
	} {
		if _, err := Parse(b); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A document with a base says only what differs.
func TestParseBase(t *testing.T) {
	p, err := Parse([]byte(`{
		"name": "mine", "base": "chromium-156-linux",
		"identity": [{"name": "accept-language", "value": "de"}, {"name": "x-mine", "value": "1"}],
		"headers": [{"wire": "cleartext", "destination": "document", "fields": [{"name": "Host"}]}]
	}`))
	if err != nil {
		t.Fatal(err)
	}
	base := lookup(t, "chromium-156-linux")
	if p.identity("Accept-Language") != "de" || p.identity("x-mine") != "1" || p.identity("user-agent") != base.identity("user-agent") {
		t.Errorf("identity %v", p.Identity)
	}
	if len(p.Headers) != len(base.Headers) || len(p.list(OverCleartext, Document).Fields) != 1 {
		t.Errorf("%d lists, %v", len(p.Headers), p.list(OverCleartext, Document))
	}
	if !reflect.DeepEqual(p.TLS, base.TLS) || p.Digests != base.Digests {
		t.Error("parts that were not named changed")
	}
}

func FuzzParse(f *testing.F) {
	// Small ones: the engine is slow to minimize large ones.
	for _, name := range []string{"chrome-156-macos", "engines/okhttp"} {
		f.Add(readProfile(f, name))
	}
	f.Add([]byte(`{"name": "x", "base": "chrome-156-linux", "headers": [{"wire": "h2", "destination": "a", "fields": [{"name": "*"}]}]}`))
	f.Add([]byte(`{"name": "x", "base": "chrome-156-linux", "notes": ["n"], "edits": [{"name": "accept", "old": "image/jxl,", "new": "", "after": "cookie"}, {"name": "origin", "drop": true}]}`))
	f.Add([]byte(`{"name": "x", "base": "firefox-153-linux", "digests": {}, "tls": {"cipher_suites": ["0x1301"], "extensions": [
		{"id": "0x0033", "name": "key_share", "key_shares": [{"group": "GREASE", "data": "00"}, {"group": "0x001d"}]},
		{"id": "0x000a", "codes": ["GREASE", "0x001d"]}, {"id": "0xfe0d", "ech": {"kdf": "0x0001", "aeads": ["0x0001"], "enc_len": 32, "payloads": [144]}}]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Parse(b)
		if err != nil {
			return
		}
		if err := p.Validate(); err != nil {
			t.Fatalf("parsed, but not valid: %v", err)
		}
		out, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		q, err := Parse(out)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if again, _ := json.Marshal(q); !bytes.Equal(out, again) {
			t.Fatalf("changes on its way through JSON:\n%s\n%s", out, again)
		}
		for _, l := range p.Headers {
			p.Head(HeadRequest{Wire: l.Wire, Destination: l.Destination, Method: "POST", Header: map[string][]string{"X": {"y"}}})
		}
	})
}
