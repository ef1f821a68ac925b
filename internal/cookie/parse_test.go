package cookie

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	long := strings.Repeat("x", maxAttribute+1)
	for _, c := range []struct {
		line string
		want SetCookie
	}{
		{`x={"a":1,"b":[2, 3]}`, SetCookie{Name: "x", Value: `{"a":1,"b":[2, 3]}`}},
		{`q="a b" ; Path=/`, SetCookie{Name: "q", Value: `"a b"`, Path: "/"}},
		{"n=größe\t家", SetCookie{Name: "n", Value: "größe\t家"}},
		{"n=\xff\xfe", SetCookie{Name: "n", Value: "\xff\xfe"}},
		{" a = b = c ;x", SetCookie{Name: "a", Value: "b = c"}},
		{"bare", SetCookie{Value: "bare"}},
		{"=bare", SetCookie{Value: "bare"}},
		{"a=", SetCookie{Name: "a"}},
		{"a=b; SECURE; httponly=no; Partitioned", SetCookie{Name: "a", Value: "b", Secure: true, HTTPOnly: true, Partitioned: true}},
		{"a=b; samesite=LAX", SetCookie{Name: "a", Value: "b", SameSite: Lax}},
		{"a=b; samesite=Strict; samesite=none", SetCookie{Name: "a", Value: "b", SameSite: None}},
		{"a=b; samesite=Strict; samesite=odd", SetCookie{Name: "a", Value: "b"}},
		{"a=b; domain=.EXAMPLE.com", SetCookie{Name: "a", Value: "b", Domain: "example.com"}},
		{"a=b; domain=\u212aelvin.com", SetCookie{Name: "a", Value: "b", Domain: "\u212aelvin.com"}},
		{"a=b; path=/x; path=y", SetCookie{Name: "a", Value: "b"}},
		{"a=b; path=/x; path=/" + long, SetCookie{Name: "a", Value: "b", Path: "/x"}},
		{"a=b; max-age=10; max-age=x", SetCookie{Name: "a", Value: "b", MaxAge: 10}},
		{"a=b; max-age=0", SetCookie{Name: "a", Value: "b", MaxAge: -1}},
		{"a=b; max-age=-5", SetCookie{Name: "a", Value: "b", MaxAge: -1}},
		{"a=b; max-age=-", SetCookie{Name: "a", Value: "b"}},
		{"a=b; max-age=+5", SetCookie{Name: "a", Value: "b"}},
		{"a=b; max-age=1.5", SetCookie{Name: "a", Value: "b"}},
		{"a=b; max-age=999999999", SetCookie{Name: "a", Value: "b", MaxAge: 999999999}},
		{"a=b; max-age=000000000000000060", SetCookie{Name: "a", Value: "b", MaxAge: 60}},
		{"a=b; max-age=99999999999999999999999", SetCookie{Name: "a", Value: "b", MaxAge: math.MaxInt32}},
		{"a=b; max-age=-99999999999999999999999", SetCookie{Name: "a", Value: "b", MaxAge: -1}},
		{"a=b; expires=Wed, 09 Dec 2009 16:27:23 GMT; expires=soon", SetCookie{Name: "a", Value: "b",
			Expires: time.Date(2009, 12, 9, 16, 27, 23, 0, time.UTC)}},
		{"a=b;;;=;====;\t;" + long, SetCookie{Name: "a", Value: "b"}},
	} {
		if got, err := Parse(c.line); err != nil || got != c.want {
			t.Errorf("%.80q:\n got %+v, %v\nwant %+v", c.line, got, err, c.want)
		}
	}
	for _, c := range []struct {
		line string
		want error
	}{
		{"", errEmpty}, {" =\t; path=/", errEmpty}, {";a=b", errEmpty},
		{"a=b\x00", errControl}, {"a=b\n", errControl}, {"a=b; path=\x7f", errControl}, {"\x1fa=b", errControl},
		{"name=" + strings.Repeat("v", maxPair-3), errLong},
	} {
		if _, err := Parse(c.line); !errors.Is(err, c.want) {
			t.Errorf("%.80q: %v, want %v", c.line, err, c.want)
		}
	}
	if _, err := Parse("name=" + strings.Repeat("v", maxPair-4)); err != nil {
		t.Errorf("4096 octets: %v", err)
	}
}

func TestSites(t *testing.T) {
	for _, c := range []struct {
		host, attribute, domain string
		hostOnly, ok            bool
	}{
		{"a.example.com", "", "a.example.com", true, true},
		{"a.example.com", "a.example.com", "a.example.com", false, true},
		{"a.example.com", "example.com", "example.com", false, true},
		{"a.example.com", "b.example.com", "", false, false},
		{"example.com", "a.example.com", "", false, false},
		{"badexample.com", "example.com", "", false, false},
		{"a.example.com", "com", "", false, false},
		{"a.co.uk", "co.uk", "", false, false},
		{"github.io", "github.io", "github.io", true, true}, // a public suffix is a host too
		{"me.github.io", "github.io", "", false, false},
		{"localhost", "localhost", "localhost", true, true},
		{"x.localhost", "localhost", "", false, false},
		{"127.0.0.1", "127.0.0.1", "127.0.0.1", true, true},
		{"127.0.0.1", "0.0.1", "", false, false},
		{"::1", "::1", "::1", true, true},
		{"a.example.com.", "example.com", "", false, false},
		// Below amazonaws.com there are public suffixes: not one site.
		{"x.us-east-2.compute.amazonaws.com", "amazonaws.com", "", false, false},
	} {
		domain, hostOnly, ok := domainFor(c.host, c.attribute)
		if domain != c.domain || hostOnly != c.hostOnly || ok != c.ok {
			t.Errorf("%s sets for %q: %q %v %v, want %q %v %v", c.host, c.attribute, domain, hostOnly, ok, c.domain, c.hostOnly, c.ok)
		}
	}
	for in, want := range map[string]string{
		"https://BÜCHER.example/": "xn--bcher-kva.example", "https://EXAMPLE.com:444/": "example.com",
		"https://[2001:DB8:0::1]:8/": "2001:db8::1", "https://a_b.example/": "a_b.example", "https:opaque": "",
	} {
		if got := hostOf(parseURL(t, in)); got != want {
			t.Errorf("host of %s: %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"/": "/", "/a": "/", "/a/": "/a", "/a/b": "/a", "//": "/"} {
		if got := defaultPath(in); got != want {
			t.Errorf("default path of %q: %q, want %q", in, got, want)
		}
	}
}
