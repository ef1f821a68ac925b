package cookie

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/publicsuffix"
)

// written is what a case expects.
func (c *stateCase) written() string {
	var pairs []string
	for _, p := range c.Sent {
		pairs = append(pairs, p.Name+"="+p.Value)
	}
	return strings.Join(pairs, "; ")
}

// standardSends is what net/http and its jar make of c.
func standardSends(t *testing.T, c *stateCase) string {
	jar, err := cookiejar.New(&cookiejar.Options{PublicSuffixList: publicsuffix.List})
	if err != nil {
		t.Fatal(err)
	}
	from, to := c.urls(t)
	jar.SetCookies(from, (&http.Response{Header: http.Header{"Set-Cookie": c.Received}}).Cookies())
	req := &http.Request{Header: http.Header{}}
	for _, cookie := range jar.Cookies(to) {
		req.AddCookie(cookie)
	}
	return req.Header.Get("Cookie")
}

// docs/cookies.md says which cases of http-state come out otherwise than written,
// here and in the standard jar, and how many.
func TestStandardJar(t *testing.T) { synctest.Test(t, testStandardJar) }

func testStandardJar(t *testing.T) {
	time.Sleep(time.Until(stateTime)) // the standard jar asks the clock
	doc, err := os.ReadFile("../../docs/cookies.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]map[string]bool{} // by section of the document
	var section string
	for line := range strings.Lines(string(doc)) {
		if title, ok := strings.CutPrefix(line, "## "); ok {
			section = strings.TrimSpace(title)
			told[section] = map[string]bool{}
		}
		if section != "" && strings.HasPrefix(line, "|") {
			for _, id := range regexp.MustCompile(`\b(?:DISABLED_|OPTIONAL_)?(?:[A-Z_]+)?\d{4}\b`).FindAllString(strings.Split(line, "|")[1], -1) {
				if told[section][id] {
					t.Errorf("%s: %s twice", section, id)
				}
				told[section][id] = true
			}
		}
	}
	sections := map[string]string{
		"ours":     "Where we differ from http-state",
		"standard": "Where the standard jar differs from http-state",
	}
	found := map[string]map[string]bool{"ours": {}, "standard": {}}
	cases := stateCases(t)
	for _, c := range cases {
		from, to := c.urls(t)
		j := New(Config{})
		j.Set(&Request{URL: from}, c.Received, stateTime)
		if j.Header(&Request{URL: to}, stateTime) != c.written() {
			found["ours"][c.Test] = true
		}
		if standardSends(t, &c) != c.written() {
			found["standard"][c.Test] = true
		}
	}
	for who, section := range sections {
		if !maps.Equal(found[who], told[section]) {
			t.Errorf("%s:\n differ %q\n told   %q", section, slices.Sorted(maps.Keys(found[who])), slices.Sorted(maps.Keys(told[section])))
		}
	}
	both := 0
	for id := range found["ours"] {
		if found["standard"][id] {
			both++
		}
	}
	want := fmt.Sprintf("%d of %d, the standard jar %d; %d cases differ in both",
		len(cases)-len(found["ours"]), len(cases), len(cases)-len(found["standard"]), both)
	if !strings.Contains(strings.ReplaceAll(string(doc), "\n", " "), want) {
		t.Errorf("the document does not say %q", want)
	}
}
