package cookie

import (
	"encoding/json"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// stateTime is when the cases of http-state were in use: some of their dates
// were still to come.
var stateTime = time.Date(2011, 4, 1, 12, 0, 0, 0, time.UTC)

// stateCase is one case of testdata/http-state.json: what arrives in answer to a
// request, and what the next request must then send.
type stateCase struct {
	Test     string
	Received []string
	SentTo   string `json:"sent-to"`
	Sent     []struct{ Name, Value string }
}

// differs holds what is sent instead where browsers no longer do what the case
// expects; docs/cookies.md says why.
var differs = map[string]string{
	// Cookies without a name.
	"0004":         "foo",
	"0021":         "a=b; x; c=d",
	"0023":         "foo",
	"0024":         "foo",
	"0025":         "foo",
	"0026":         "foo",
	"0027":         "bar",
	"0028":         "foo",
	"CHROMIUM0009": "BLAHHH",
	"CHROMIUM0010": `"BLA\"HHH"`,
	"CHROMIUM0012": "ABC",
	"MOZILLA0012":  `test="fubar! = foo; five`,
	"MOZILLA0014":  "six",
	"MOZILLA0015":  "seven",
	"MOZILLA0016":  "eight",
	"MOZILLA0017":  "eight; test=six",
	"NAME0023":     "foo",
	"NAME0028":     "a",
	"NAME0031":     `"foo`,
	"NAME0032":     `"foo\"bar`,
	"NAME0033":     "aaa",
	// Control characters.
	"DISABLED_CHROMIUM0022": "",
	"DISABLED_CHROMIUM0023": "",
	// An empty Domain behind another.
	"OPTIONAL_DOMAIN0042": "foo=bar",
	// Percent-encoding.
	"DISABLED_PATH0029": "",
}

func readJSON(t testing.TB, name string, v any) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	data = regexp.MustCompile(`(?m)^//.*`).ReplaceAll(data, nil)
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func stateCases(t testing.TB) []stateCase {
	t.Helper()
	var cases []stateCase
	readJSON(t, "testdata/http-state.json", &cases)
	return cases
}

func (c *stateCase) urls(t testing.TB) (from, to *url.URL) {
	t.Helper()
	from = parseURL(t, "http://home.example.org:8888/cookie-parser?"+strings.ToLower(c.Test))
	next := c.SentTo
	if next == "" {
		next = "/cookie-parser-result?" + strings.ToLower(c.Test)
	}
	to, err := from.Parse(next)
	if err != nil {
		t.Fatal(err)
	}
	return from, to
}

func TestHTTPState(t *testing.T) {
	cases := stateCases(t)
	if len(cases) != 222 {
		t.Errorf("%d cases", len(cases))
	}
	asWritten := 0
	for _, c := range cases {
		from, to := c.urls(t)
		j := New(Config{})
		j.Set(&Request{URL: from}, c.Received, stateTime)
		got := j.Header(&Request{URL: to}, stateTime)
		var pairs []string
		for _, p := range c.Sent {
			pairs = append(pairs, p.Name+"="+p.Value)
		}
		written := strings.Join(pairs, "; ")
		want, changed := differs[c.Test]
		if !changed {
			want = written
		} else if want == written {
			t.Errorf("%s: does not differ", c.Test)
		}
		if got != want {
			t.Errorf("%s: %.200q sent to %q:\n got %.200q\nwant %.200q", c.Test, c.Received, c.SentTo, got, want)
		}
		if got == written {
			asWritten++
		}
	}
	if asWritten != 197 {
		t.Errorf("%d cases came out as written", asWritten)
	}
}

func TestDates(t *testing.T) {
	for _, name := range []string{"testdata/dates.json", "testdata/dates-bsd.json"} {
		var cases []struct {
			Test     string
			Expected *string
		}
		readJSON(t, name, &cases)
		if len(cases) < 10 {
			t.Errorf("%s: %d cases", name, len(cases))
		}
		for _, c := range cases {
			got, ok := parseDate(c.Test)
			switch {
			case c.Expected == nil && ok:
				t.Errorf("%s: %q: %v, want none", name, c.Test, got)
			case c.Expected != nil && (!ok || got.Format("Mon, 02 Jan 2006 15:04:05 GMT") != *c.Expected):
				t.Errorf("%s: %q: %v %v, want %s", name, c.Test, got, ok, *c.Expected)
			}
		}
	}
	for _, bad := range []string{
		"", "08:49:37", "30 Feb 2030 08:49:37", "31 Apr 2030 08:49:37", "00 Jan 2030 08:49:37",
		"01 Jan 1600 08:49:37", "01 Jan 2030 24:00:00", "01 Jan 2030 00:60:00", "01 Jan 2030 00:00:60",
		"01 Jan 2030 008:49:37", "01 Jan 2030 08:49", "01 anj 2030 08:49:37", "01 Jan 20300 08:49:37",
	} {
		if got, ok := parseDate(bad); ok {
			t.Errorf("%q: %v", bad, got)
		}
	}
	for in, want := range map[string]string{
		"01 Jan 70 00:00:00":               "1970-01-01",
		"01 Jan 99 00:00:00":               "1999-01-01",
		"01 Jan 69 00:00:00":               "2069-01-01",
		"Sun Nov  6 08:49:37 1994":         "1994-11-06",
		"Sunday, 06-Nov-94 08:49:37x GMT":  "1994-11-06",
		"29 February 2028 08:49:37 Hellow": "2028-02-29",
	} {
		if got, ok := parseDate(in); !ok || got.Format(time.DateOnly) != want {
			t.Errorf("%q: %v %v, want %s", in, got, ok, want)
		}
	}
}

func parseURL(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
