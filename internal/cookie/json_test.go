package cookie

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func export(t testing.TB, j *Jar, now time.Time) string {
	t.Helper()
	var b bytes.Buffer
	if err := j.Export(&b, now); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestExport(t *testing.T) {
	j := New(Config{})
	play(t, "", j, sets(home, `__Host-j={"x":1}<>&; Secure; Path=/; HttpOnly; SameSite=Lax; Max-Age=60`, "gone=1; Max-Age=1"),
		sets(home, "r=\xff").in("p"))
	const want = `{
  "version": 1,
  "cookies": [
    {
      "name": "__Host-j",
      "value": "{\"x\":1}<>&",
      "domain": "www.example.com",
      "hostOnly": true,
      "path": "/",
      "secure": true,
      "httpOnly": true,
      "sameSite": "lax",
      "created": "2026-01-02T03:04:05Z",
      "used": "2026-01-02T03:04:05Z",
      "expires": "2026-01-02T03:05:05Z"
    },
    {
      "name": "r",
      "value": {
        "base64": "/w=="
      },
      "domain": "www.example.com",
      "hostOnly": true,
      "path": "/",
      "partition": "p",
      "created": "2026-01-02T03:04:05Z",
      "used": "2026-01-02T03:04:05Z"
    }
  ]
}
`
	if got := export(t, j, start.Add(time.Second)); got != want {
		t.Errorf("got %s", got)
	}
	if got := export(t, New(Config{}), start); got != "{\n  \"version\": 1,\n  \"cookies\": []\n}\n" {
		t.Errorf("empty: %s", got)
	}
	if err := j.Export(failing{}, start); !errors.Is(err, errFailing) {
		t.Errorf("%v", err)
	}
}

var errFailing = errors.New("fails")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errFailing }
func (failing) Read([]byte) (int, error)  { return 0, errFailing }

// What comes back behaves as what went: bytes, order, rules, eviction.
func TestRoundTrip(t *testing.T) {
	j := New(Config{})
	play(t, "", j,
		sets(home, "b=1", "a=2; Domain=example.com", "bare", "u=\xff\u2028", "s=1; SameSite=Strict; Secure", "deep=1; Path=/x\xff"),
		sets("https://[2001:db8::1]/", "six=1"), sets("https://github.io/", "suffix=1"),
		sets(home, "a=3; Domain=example.com").after(time.Minute))
	text := export(t, j, start)
	k := New(Config{})
	if err := k.Import(strings.NewReader(text), start.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	for _, j := range []*Jar{j, k} {
		play(t, "", j, sends(home, "b=1; a=3; bare; u=\xff\u2028; s=1").after(time.Hour), sends("https://example.com/", "a=3").after(time.Hour),
			sends(home, "b=1; a=3; bare; u=\xff\u2028").by("x").after(time.Hour), sends("https://[2001:db8::1]/", "six=1").after(time.Hour),
			sends("https://github.io/", "suffix=1").after(time.Hour), sends("https://a.github.io/", "").after(time.Hour))
	}
	if a, b := export(t, j, start.Add(time.Hour)), export(t, k, start.Add(time.Hour)); a != b {
		t.Errorf("%s\n%s", a, b)
	}
	// Again changes nothing.
	if err := k.Import(strings.NewReader(text), start.Add(time.Hour)); err != nil || k.Len() != j.Len() {
		t.Errorf("%d cookies, %v", k.Len(), err)
	}
}

func TestImportMerges(t *testing.T) {
	j := New(Config{})
	play(t, "", j, sets(home, "a=old", "b=1"))
	const doc = `{"version":1,"cookies":[
		{"name":"a","value":"new","domain":"www.example.com","hostOnly":true},
		{"name":"c","value":"1","domain":"example.com","created":"2020-01-01T00:00:00Z"},
		{"name":"d","value":"1","domain":"example.com","expires":"2025-01-01T00:00:00Z"},
		{"name":"e","value":"1","domain":"example.com","created":"2030-01-01T00:00:00Z","used":"2031-01-01T00:00:00Z","expires":"9999-01-01T00:00:00Z"}]}`
	if err := j.Import(strings.NewReader(doc), start); err != nil {
		t.Fatal(err)
	}
	play(t, "", j, sends(home, "c=1; a=new; b=1; e=1"), sends("https://sub.example.com/x", "c=1; e=1"),
		sends(home, "c=1; a=new; b=1").after(maxLifetime))
}

func TestImportKeepsToLimits(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"version":1,"cookies":[`)
	for i := range maxPerSite + 1 {
		used := start.Add(-time.Duration((i+50)%(maxPerSite+1)+1) * time.Second)
		fmt.Fprintf(&b, `{"name":"n%d","value":"","domain":"example.com","used":%q},`, i, used.Format(time.RFC3339))
	}
	j := New(Config{})
	if err := j.Import(strings.NewReader(strings.TrimSuffix(b.String(), ",")+"]}"), start); err != nil {
		t.Fatal(err)
	}
	got := j.Header(&Request{URL: parseURL(t, home)}, start)
	if j.Len() != maxPerSite || strings.Contains(got+";", "n130=;") || !strings.HasPrefix(got, "n0=; n1=; ") {
		t.Errorf("%d cookies: %s", j.Len(), got) // n130 was unused the longest
	}
}

func TestImportRefuses(t *testing.T) {
	one := func(fields string) string {
		return `{"version":1,"cookies":[{"name":"ok","value":"1","domain":"example.com"},{` + fields + `}]}`
	}
	for _, c := range []struct{ doc, says string }{
		{"", "EOF"},
		{"[]", "array"},
		{`{"cookies":[]}`, "version is 0"},
		{`{"version":2,"cookies":[]}`, "version is 2"},
		{`{"version":1,"cookies":[]} x`, "behind the end"},
		{`{"version":1,"extra":[]}`, "extra"},
		{"{\"version\":1,\"cookies\":[{\"name\":\"\xff\"}]}", "UTF-8"},
		{one(`"name":"a","value":"b"`), "cookies[1]: domain"},
		{one(`"name":"a","value":"b","domain":"example.com","httponly_":true`), "httponly_"},
		{one(`"domain":"example.com"`), "cookies[1]: name and value"},
		{one(`"name":"a","value":"b\n","domain":"example.com"`), "control"},
		{one(`"name":"a","value":"b;c","domain":"example.com"`), "value"},
		{one(`"name":"a=","value":"b","domain":"example.com"`), "name"},
		{one(`"name":"a ","value":"b","domain":"example.com"`), "name"},
		{one(`"name":"a","value":"` + strings.Repeat("x", maxPair) + `","domain":"example.com"`), "4096"},
		{one(`"name":"a","value":{"base64":"%"},"domain":"example.com"`), "base64"},
		{one(`"name":"a","value":{"hex":"00"},"domain":"example.com"`), "hex"},
		{one(`"name":"a","value":1,"domain":"example.com"`), "number"},
		{one(`"name":"a","value":"b","domain":"Example.com"`), "domain"},
		{one(`"name":"a","value":"b","domain":"bücher.example"`), "domain"},
		{one(`"name":"a","value":"b","domain":"example.com/x"`), "domain"},
		{one(`"name":"a","value":"b","domain":"[::1]","hostOnly":true`), "domain"},
		{one(`"name":"a","value":"b","domain":"com"`), "public suffix"},
		{one(`"name":"a","value":"b","domain":"127.0.0.1"`), "address"},
		{one(`"name":"a","value":"b","domain":"example.com","path":"x"`), "path"},
		{one(`"name":"a","value":"b","domain":"example.com","path":"/x;y"`), "path"},
		{one(`"name":"a","value":"b","domain":"example.com","path":"/` + strings.Repeat("x", maxAttribute) + `"`), "path"},
		{one(`"name":"a","value":"b","domain":"example.com","sameSite":"Odd"`), "sameSite"},
		{one(`"name":"a","value":"b","domain":"example.com","sameSite":"none"`), "secure must be"},
		{one(`"name":"__Host-a","value":"b","domain":"example.com","secure":true,"path":"/"`), "prefix"},
		{one(`"name":"a","value":"b","domain":"example.com","expires":"soon"`), "soon"},
	} {
		j := New(Config{})
		err := j.Import(strings.NewReader(c.doc), start)
		if err == nil || !strings.HasPrefix(err.Error(), "cookie: import: ") || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%.200s: %v, want %q in it", c.doc, err, c.says)
		}
		if j.Len() != 0 {
			t.Errorf("%.200s: %d cookies were added", c.doc, j.Len())
		}
	}
	if err := New(Config{}).Import(failing{}, start); !errors.Is(err, errFailing) {
		t.Errorf("%v", err)
	}
}
