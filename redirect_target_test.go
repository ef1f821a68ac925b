package mien

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func parse(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// Beyond what was recorded: URL standard, §3.5 and §4.4.
func TestTarget(t *testing.T) {
	for _, tt := range []struct{ base, loc, want string }{
		{"https://a.test/x/y?q#f", "", "https://a.test/x/y?q#f"},
		{"https://a.test/x/y?q#f", "z", "https://a.test/x/z#f"},
		{"https://a.test/x/y?q#f", "#g", "https://a.test/x/y?q#g"},
		{"https://a.test/x/y?q#f", "#", "https://a.test/x/y?q"},
		{"https://a.test/x/y?q#f", "?", "https://a.test/x/y?#f"},
		{"https://a.test", "z", "https://a.test/z"},
		{"https://a.test/a%2Fb/c", "d", "https://a.test/a%2Fb/d"},
		{"https://u:p@a.test/", "/b", "https://u:p@a.test/b"},
		{"https://u:p@a.test/", "//b.test/b", "https://b.test/b"},
		{"https://a.test/", "http:x", "http://x/"},
		{"https://a.test/", "http:/b.test", "http://b.test/"},
		{"https://a.test/", "https:/b.test", "https://a.test/b.test"},
		{"https://a.test/", `https:\\\b.test`, "https://b.test/"},
		{"https://a.test/", "ht\ntps://b.test", "https://b.test/"},
		{"https://a.test/", "//u:p:q@w@B.TEST:0443/", "https://u:p%3Aq%40w@b.test/"},
		{"https://a.test/", "//u%@b.test/", "https://u%25@b.test/"},
		{"https://a.test/", "//@b.test:/", "https://b.test/"},
		{"https://a.test/", "http://b.test:443/", "http://b.test:443/"},
		{"https://a.test/", "http://b.test:0080/", "http://b.test/"},
		{"https://a.test/", "//b%2Etest/", "https://b.test/"},
		{"https://a.test/", "//bücher.test/", "https://xn--bcher-kva.test/"},
		{"https://a.test/", "//[::FFFF:1.2.3.4]:8/", "https://[::ffff:1.2.3.4]:8/"},
		{"https://a.test/", "//[2001:DB8:0:0::1]/", "https://[2001:db8::1]/"},
		{"https://a.test/", "//0300.0xa.1/", "https://192.10.0.1/"},
		{"https://a.test/", "//0x/", "https://0.0.0.0/"},
		{"https://a.test/", "//1.2.3.4./", "https://1.2.3.4/"},
		{"https://a.test/", "//%31.2.3.4/", "https://1.2.3.4/"},
		{"https://a.test/", "//１.2.3.4/", "https://1.2.3.4/"},
		{"https://a.test/", "//4294967295/", "https://255.255.255.255/"},
		{"https://a.test/", "//1x.test.2a/", "https://1x.test.2a/"},
		{"https://a.test/x", "/a/b/../..", "https://a.test/"},
		{"https://a.test/x", "/a/b/..", "https://a.test/a/"},
		{"https://a.test/x", "/../../b/.", "https://a.test/b/"},
		{"https://a.test/x", "/%2E%2e%2f", "https://a.test/%2E%2e%2f"},
		{"https://a.test/x", "/a%", "https://a.test/a%25"},
		{"https://a.test/x", "/a%2", "https://a.test/a%252"},
		{"https://a.test/x", "/b?100%", "https://a.test/b?100%"},
		{"https://a.test/x", "/b?%zz", "https://a.test/b?%zz"},
		{"https://a.test/x", "/b#100%", "https://a.test/b#100%25"},
		{"https://a.test/x", "/b#a%2Fb c", "https://a.test/b#a%2Fb%20c"},
		{"https://a.test/x", "app:done?x=y", "app:done?x=y"},
		// What is refused.
		{"https://a.test/", "//", ""},
		{"https://a.test/", "https://", ""},
		{"https://a.test/", "//u:p@/", ""},
		{"https://a.test/", "//b.test:8a/", ""},
		{"https://a.test/", "//b.test:65536/", ""},
		{"https://a.test/", "//b.test:000/", ""},
		{"https://a.test/", "//b.test:-1/", ""},
		{"https://a.test/", "//b:1:2/", ""},
		{"https://a.test/", "//b%00.test/", ""},
		{"https://a.test/", "//b%2F.test/", ""},
		{"https://a.test/", "//b%40.test/", ""},
		{"https://a.test/", "//b%25.test/", ""},
		{"https://a.test/", "//b%3A80/", ""},
		{"https://a.test/", "//b\xff.test/", ""},
		{"https://a.test/", "//a<b/", ""},
		{"https://a.test/", "//a^b/", ""},
		{"https://a.test/", "//[::1]x/", ""},
		{"https://a.test/", "//[::1%25eth0]/", ""},
		{"https://a.test/", "//[1.2.3.4]/", ""},
		{"https://a.test/", "//256.1.1.1/", ""},
		{"https://a.test/", "//1.2.3.4.5/", ""},
		{"https://a.test/", "//1.2..4/", ""},
		{"https://a.test/", "//08.1/", ""},
		{"https://a.test/", "//4294967296/", ""},
		{"https://a.test/", "//b.test.1/", ""},
		{"https://a.test/", "//0xg.0x/", ""},
		{"https://a.test/", "/a\x00b", ""},
		{"https://a.test/", "app://[::1", ""},
	} {
		got, _, err := target(parse(t, tt.base), tt.loc)
		switch {
		case tt.want == "" && err == nil:
			t.Errorf("%q: %v", tt.loc, got)
		case tt.want != "" && (err != nil || got.String() != tt.want):
			t.Errorf("%q from %s: %v, %v, want %s", tt.loc, tt.base, got, err, tt.want)
		}
	}
}

// A target is a URL that can be sent, that reads back as itself, and that package
// url takes for the same: else a check on it would be a check of something else.
func FuzzTarget(f *testing.F) {
	for _, s := range []string{
		"/a b", `\\h\p`, "///x", "http:/x", "?q", "#f", "/%zz", "//u:p@h:1/../%2e/?a b#c", "http://0x7f.1/", "//[::1]:80/", "/é?\xff", "javascript:1", "//１.2.3.4/", "/a/..//b", ".//x", "..%5c",
	} {
		f.Add("https://a.test:8/b/c?d#e", s)
	}
	f.Fuzz(func(t *testing.T, from, loc string) {
		base, err := url.Parse(from)
		if err != nil {
			return
		}
		if _, err := validate(&http.Request{URL: base}); err != nil || base.Opaque != "" {
			return
		}
		to, _, err := target(base, loc)
		if err != nil || checkScheme(to) != nil {
			return
		}
		uri := to.RequestURI()
		if strings.IndexFunc(uri, func(r rune) bool { return r <= ' ' || r >= 0x7f }) >= 0 && uri != base.RequestURI() {
			t.Errorf("%q: target %q", loc, uri)
		}
		if to.Host == base.Host {
			return // as the caller wrote it
		}
		if _, err := validate(&http.Request{URL: to}); err != nil {
			t.Errorf("%q: %v cannot be sent: %v", loc, to, err)
		}
		read, err := url.Parse(to.String())
		if err != nil || read.Host != to.Host || read.RequestURI() != uri || read.User.String() != to.User.String() {
			t.Errorf("%q: %q reads back as %q, %v", loc, to, read, err)
		}
		again, _, err := target(base, to.String())
		if err != nil || again.Host != to.Host || again.RequestURI() != uri {
			t.Errorf("%q: %q leads to %q, %v", loc, to, again, err)
		}
	})
}
