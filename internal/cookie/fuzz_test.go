package cookie

import (
	"net/url"
	"strings"
	"testing"
)

// FuzzSetCookie: whatever line arrives, the Cookie field of the next request is
// a legal field value that parses back to the cookie, which survives a trip
// through JSON.
func FuzzSetCookie(f *testing.F) {
	for _, c := range stateCases(f) {
		for _, line := range c.Received {
			f.Add(line)
		}
	}
	f.Add(`j={"x":1}; Domain=example.com; Path=/a; Secure; HttpOnly; SameSite=Lax; Max-Age=60; Expires=Wed, 09 Dec 2029 16:27:23 GMT`)
	f.Add("__Host-a=\xff; Secure; Path=/")
	f.Add("bare; domain=\u212a; partitioned; samesite=none")
	u := parseURL(f, "https://www.example.com/a/b")
	strangers := []*url.URL{parseURL(f, "https://example.net/a/b"), parseURL(f, "https://com/a/b"), parseURL(f, "https://wwwexample.com/a/b")}
	f.Fuzz(func(t *testing.T, line string) {
		c, err := Parse(line)
		if err == nil {
			if len(c.Name)+len(c.Value) > maxPair || c.Name == "" && c.Value == "" || strings.ContainsAny(c.Name+c.Value, ";\r\n\x00") || strings.Contains(c.Name, "=") {
				t.Errorf("%+v", c)
			}
			if !strings.Contains(line, c.Name) || !strings.Contains(line, c.Value) || !strings.Contains(line, c.Path) {
				t.Errorf("bytes not kept: %+v", c)
			}
			if c.MaxAge < -1 || len(c.Path) > maxAttribute || len(c.Domain) > maxAttribute {
				t.Errorf("%+v", c)
			}
		}
		for _, config := range []Config{{}, {LaxByDefault: true}} {
			j := New(config)
			r := &Request{URL: u}
			j.Set(r, []string{line}, start)
			got := j.Header(r, start)
			if got != "" && (err != nil || got != c.Name+"="+c.Value && (c.Name != "" || got != c.Value)) {
				t.Fatalf("sends %q for %+v, %v", got, c, err)
			}
			for _, stranger := range strangers {
				if leak := j.Header(&Request{URL: stranger}, start); leak != "" {
					t.Errorf("%s gets %q", stranger, leak)
				}
			}
			text := export(t, j, start)
			k := New(config)
			if err := k.Import(strings.NewReader(text), start); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if again := k.Header(r, start); again != got {
				t.Errorf("after import %q, before %q", again, got)
			}
		}
	})
}

// FuzzImport: whatever document is read, what is then in the jar can be written
// and read again and comes out the same.
func FuzzImport(f *testing.F) {
	for _, c := range stateCases(f)[:40] {
		from, _ := c.urls(f)
		j := New(Config{})
		j.Set(&Request{URL: from, Partition: "p"}, c.Received, start)
		f.Add([]byte(export(f, j, start)))
	}
	f.Add([]byte(`{"version":1,"cookies":[{"name":"a","value":{"base64":"/w=="},"domain":"example.com","sameSite":"strict","expires":"2026-02-01T00:00:00+25:00"}]}`))
	f.Add([]byte(`{"version":1,"cookies":[{"name":"__Host-a","value":"","domain":"::1","hostOnly":true,"secure":true,"path":"/"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		j := New(Config{})
		if err := j.Import(strings.NewReader(string(data)), start); err != nil {
			if j.Len() != 0 {
				t.Errorf("%v, but %d cookies", err, j.Len())
			}
			return
		}
		for k := range j.s.sites {
			if got := j.Header(&Request{URL: parseURL(t, home), Partition: k.partition}, start); strings.ContainsAny(got, "\r\n\x00") {
				t.Errorf("sends %q", got)
			}
		}
		text := export(t, j, start)
		k := New(Config{})
		if err := k.Import(strings.NewReader(text), start); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if again := export(t, k, start); again != text {
			t.Errorf("%s\nbecame %s", text, again)
		}
	})
}
