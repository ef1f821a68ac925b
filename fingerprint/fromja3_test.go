package fingerprint

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

const (
	someJA3    = "771,4865-4866-49195,0-23-65281-10-11-16-13-51-45-43,29-23,0"
	someAkamai = "1:65536;2:0;4:6291456;6:262144|15663105|0|m,a,s,p"
)

// ja3Lines reads testdata/published/ja3.txt: name, JA3, and perhaps an Akamai
// fingerprint.
func ja3Lines(t testing.TB) [][3]string {
	t.Helper()
	b, err := os.ReadFile("testdata/published/ja3.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out [][3]string
	for line := range strings.Lines(string(b)) {
		if w := strings.Fields(line); len(w) > 1 && w[0] != "#" {
			out = append(out, [3]string{w[0], w[1], strings.Join(w[2:], "")})
		}
	}
	return out
}

// ja3Of writes the hello that a template gives, as far as a JA3 sees it.
func ja3Of(t TLS) string {
	h := &ClientHello{LegacyVersion: 0x0303, CipherSuites: t.CipherSuites}
	for _, e := range t.Extensions {
		body, _ := e.body()
		h.Extensions = append(h.Extensions, RawExtension{ID: e.ID, Data: body})
	}
	return h.JA3()
}

func TestFromJA3(t *testing.T) {
	for _, c := range ja3Lines(t) {
		p, err := FromJA3(c[1], c[2])
		if err != nil {
			t.Errorf("%s: %v", c[0], err)
			continue
		}
		if got := ja3Of(p.TLS); got != c[1] {
			t.Errorf("%s: %s\nwant %s", c[0], got, c[1])
		}
		if c[2] != "" && (p.HTTP2.Akamai() != c[2] || p.Digests.Akamai != c[2]) {
			t.Errorf("%s: %s, want %s", c[0], p.HTTP2.Akamai(), c[2])
		}
		if p.Digests.JA4 != "" {
			t.Errorf("%s: a JA4 of %s, which a JA3 does not hold", c[0], p.Digests.JA4)
		}
		v := p.Provenance
		for _, s := range []Source{v.TLS, v.HTTP2, v.Headers, v.Identity} {
			if s.Kind != Incomplete {
				t.Errorf("%s: %+v", c[0], s)
			}
		}
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(b)
		if err != nil {
			t.Errorf("%s: %v", c[0], err)
			continue
		}
		if c, err := json.Marshal(again); err != nil || string(c) != string(b) {
			t.Errorf("%s does not survive JSON: %v", p.Name, err)
		}
	}
}

// Without an Akamai fingerprint HTTP/2 is not offered; with one it is.
func TestFromJA3Protocols(t *testing.T) {
	for akamai, want := range map[string][]string{"": {"http/1.1"}, someAkamai: {"h2", "http/1.1"}, "1:1,4:9|0|0|m,p,a,s": {"h2", "http/1.1"}} {
		p, err := FromJA3(someJA3, akamai)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.TLS.Extensions[p.TLS.extension(helloALPN)].Protocols; !reflect.DeepEqual(got, want) {
			t.Errorf("%q offers %q", akamai, got)
		}
		head := p.Head(HeadRequest{Wire: OverHTTP1, Header: map[string][]string{"X-Own": {"1"}}})
		for _, f := range head.Fields {
			if f.Value != "" && f.Name != "X-Own" {
				t.Errorf("sends %s: %s", f.Name, f.Value)
			}
		}
	}
}

// Keys are sent for one hybrid and one classic group, as by Chromium and Safari;
// a hello with padding was too short for a hybrid one.
func TestFromJA3Shares(t *testing.T) {
	for ja3, want := range map[string][]KeyShare{
		"771,4865,10-51,29-23,":               {{Group: groupX25519}},
		"771,4865,10-51,256-24-29,":           {{Group: groupP384}},
		"771,4865,10-51,25497-4588-29-23,":    {{Group: groupX25519Kyber768Draft00}, {Group: groupX25519}},
		"771,4865,10-51,4588,":                {{Group: groupX25519MLKEM768}},
		"771,4865,10-51-21,4588-29,":          {{Group: groupX25519}},
		"771,4865,10-51-21,4588,":             {{Group: groupX25519MLKEM768}},
		"771,4865,10-51-43-13-65281,25-4588,": {{Group: groupX25519MLKEM768}, {Group: groupP521}},
	} {
		p, err := FromJA3(ja3, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := p.TLS.Extensions[p.TLS.extension(helloKeyShare)].KeyShares; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v", ja3, got)
		}
	}
}

func ExampleFromJA3() {
	p, err := FromJA3("771,4865-4866-4867,0-23-10-13-16-51-45-43,29-23-24,", "2:0;4:2097152|10420225|0|m,s,p,a")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Digests.JA3, p.Digests.Akamai, p.Provenance.TLS.Kind)
	_, err = FromJA3("771,4865,0-23-41,,", "")
	fmt.Println(err)
	// Output:
	// 194dd59efb2da039bb3d8f8963d87f62 2:0;4:2097152|10420225|0|m,s,p,a incomplete
	// profile: ja3.extensions[2]: extension 41 is that of a connection that resumes another; take the JA3 of a first one
}

func TestFromJA3Errors(t *testing.T) {
	for _, c := range []struct{ ja3, akamai, path, problem string }{
		{"", "", "ja3", "1 fields"},
		{"773906b0efdefa24a7f2b8eb6985bf37", "", "ja3", "MD5"},
		{"771,1,2,3,4,5", "", "ja3", "6 fields"},
		{"769,47,,,", "", "ja3.version", `"769"`},
		{"771,,0,,", "", "ja3.cipher_suites", "missing"},
		{"771,4865,,,", "", "ja3.extensions", "missing"},
		{"771,4865-65536,0,,", "", "ja3.cipher_suites[1]", `"65536"`},
		{"771,4865-,0,,", "", "ja3.cipher_suites[1]", `""`},
		{"771,04865,0,,", "", "ja3.cipher_suites[0]", `"04865"`},
		{"771,+4865,0,,", "", "ja3.cipher_suites[0]", `"+4865"`},
		{"771,4865-4865,0,,", "", "ja3.cipher_suites[1]", "twice"},
		{"771,2570,0,,", "", "ja3.cipher_suites[0]", "GREASE"},
		{"771,4865,0-0,,", "", "ja3.extensions[1].id", "already"},
		{"771,4865,0-41,,", "", "ja3.extensions[1]", "resumes"},
		{"771,4865,42,,", "", "ja3.extensions[0]", "resumes"},
		{"771,4865,44,,", "", "ja3.extensions[0]", "HelloRetryRequest"},
		{"771,4865,0-57,,", "", "ja3.extensions[1]", "QUIC"},
		{"771,4865,0-12345,,", "", "ja3.extensions[1]", "12345"},
		{"771,4865,0-10-51,,", "", "ja3.extensions[2]", "no group"},
		{"771,4865,0-10-51,256,", "", "ja3.extensions[2]", "no group"},
		{"771,4865,0-10,,", "", "ja3.groups", "extension 10"},
		{"771,4865,0,29,", "", "ja3.groups", "extension 10"},
		{"771,4865,0,,0", "", "ja3.point_formats", "extension 11"},
		{"771,4865,0-11,,256", "", "ja3.point_formats[0]", "255"},
		{"771,4865,0-10,29-29,", "", "ja3.extensions[1].codes[1]", "twice"},
		{"771,4865,0,,", someAkamai, "ja3.extensions", "ALPN"},
		{someJA3, "x", "akamai", "1 fields"},
		{someJA3, "1|0|0|m,a,s,p", "akamai.settings[0]", `"1"`},
		{someJA3, "1:2;;3:4|0|0|m,a,s,p", "akamai.settings[1]", `""`},
		{someJA3, "1:4294967296|0|0|m,a,s,p", "akamai.settings[0]", "4294967296"},
		{someJA3, "1:1;1:1|0|0|m,a,s,p", "akamai.settings[1].id", "twice"},
		{someJA3, "2:2|0|0|m,a,s,p", "akamai.settings[0].value", "ENABLE_PUSH"},
		{someJA3, "4:0|0|0|m,a,s,p", "akamai.settings", "4:0"},
		{someJA3, "|2147483647|0|m,a,s,p", "akamai.window_update", "2147483647"},
		{someJA3, "|0|3:0:0:201|m,a,s,p", "akamai.priority", "3:0:0:201"},
		{someJA3, "|0|0|m,a,s", "akamai.pseudo_headers", "not all"},
		{someJA3, "|0|0|m,m,s,p", "akamai.pseudo_headers[1]", `"m"`},
	} {
		p, err := FromJA3(c.ja3, c.akamai)
		var field *FieldError
		if p != nil || !errors.As(err, &field) {
			t.Errorf("%q, %q: %v, %v", c.ja3, c.akamai, p, err)
			continue
		}
		if field.Path != c.path || !strings.Contains(field.Problem, c.problem) {
			t.Errorf("%q, %q: %v\nwant %s: … %s …", c.ja3, c.akamai, err, c.path, c.problem)
		}
	}
}

// Whatever is accepted is valid and gives the strings back.
func FuzzFromJA3(f *testing.F) {
	for _, c := range ja3Lines(f) {
		f.Add(c[1], c[2])
	}
	f.Add("771,4865,44-57,29,0", "1:2;3:4|00|3:0:0:1|m,p,s,a")
	f.Fuzz(func(t *testing.T, ja3, akamai string) {
		p, err := FromJA3(ja3, akamai)
		if err != nil {
			var field *FieldError
			if !errors.As(err, &field) || field.Path == "" {
				t.Errorf("%v names no field", err)
			}
			return
		}
		if err := p.Validate(); err != nil {
			t.Error(err)
		}
		if got := ja3Of(p.TLS); got != ja3 {
			t.Errorf("%s of %s", got, ja3)
		}
		if _, err := FromJA3(ja3, p.Digests.Akamai); err != nil {
			t.Errorf("%q: %v", p.Digests.Akamai, err)
		}
	})
}
