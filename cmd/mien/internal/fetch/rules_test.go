package fetch

import (
	"strings"
	"testing"
	"time"
)

func TestRules(t *testing.T) {
	for _, c := range []struct {
		name, text string
		allowed    []string
		refused    []string
	}{
		{"empty", "", []string{"/", "/x"}, nil},
		{"HTML", "<html><body>User-agent: *</body></html>", []string{"/x"}, nil},
		{"all", "User-agent: *\nDisallow: /\n", []string{"/robots.txt"}, []string{"/", "/x?y"}},
		{"empty Disallow", "User-agent: *\nDisallow:\n\nUser-agent: BadBot\nDisallow: /\n", []string{"/x"}, nil},
		{"empty Disallow of another", "User-agent: BadBot\nDisallow:\n\nUser-agent: *\nDisallow: /\n", nil, []string{"/x"}},
		{"own group goes first", "User-agent: *\nDisallow: /\nUser-agent: Mien\nDisallow: /p\n", []string{"/x"}, []string{"/p/x"}},
		{"own group behind", "User-agent: MIEN/2.0 (bot)\nDisallow: /p\n\nUser-agent: *\nDisallow: /\n", []string{"/x"}, []string{"/p"}},
		{"own group without rules", "User-agent: mien\n\nUser-agent: *\nDisallow: /\n", nil, []string{"/x"}}, // consecutive: one group
		{"own group twice", "User-agent: mien\nDisallow: /a\nUser-agent: x\nDisallow: /b\nUser-agent: mien\nDisallow: /c\n", []string{"/b"}, []string{"/a", "/c"}},
		{"a prefix of the name", "User-agent: mi\nDisallow: /\nUser-agent: mienx\nDisallow: /\n", []string{"/x"}, nil},
		{"several agents", "User-agent: x\nUser-agent: mien\nDisallow: /\n", nil, []string{"/x"}},
		{"between agents", "User-agent: x\nSitemap: https://a/\n\nUser-agent: mien\nDisallow: /\n", nil, []string{"/x"}},
		{"longest wins", "User-agent: *\nAllow: /p\nDisallow: /\n", []string{"/page"}, []string{"/x"}},
		{"tie allows", "User-agent: *\nDisallow: /page\nAllow: /page\n", []string{"/page"}, nil},
		{"longest with a star", "User-agent: *\nAllow: /page\nDisallow: /*.htm\n", []string{"/page"}, []string{"/page.htm", "/x.html"}},
		{"RFC 9309 §5.2", "User-agent: foobot\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif\nUser-agent: mien\n" +
			"Allow: /example/page/\nDisallow: /example/page/disallowed.gif\n", []string{"/example/page/x"}, []string{"/example/page/disallowed.gif"}},
		{"end", "User-agent: *\nDisallow: /*.gif$\n", []string{"/a.gif?x", "/a.gifs"}, []string{"/a.gif", "/b/.gif"}},
		{"end alone", "User-agent: *\nAllow: /$\nDisallow: /\n", []string{"/"}, []string{"/x"}},
		{"from the start", "User-agent: *\nDisallow: /a/*.gif\n", []string{"/b/a/x.gif"}, []string{"/a/x.gif"}},
		{"stars", "User-agent: *\nDisallow: *a**b*\n", []string{"/b/a"}, []string{"/a/b", "/xaybz"}},
		{"case of keys", "USER-AGENT : *\ndisallow :/p # why\n", []string{"/P"}, []string{"/p"}},
		{"before any agent", "Disallow: /\nUser-agent: *\nDisallow: /p\n", []string{"/x"}, []string{"/p"}},
		{"a bad delay", "User-agent: *\nCrawl-delay: fast\nDisallow: /p\n", []string{"/x"}, []string{"/p"}},
		{"escapes", "User-agent: *\nDisallow: /%7euser\nDisallow: /ü\nDisallow: /a%2fb\n", []string{"/a/b"}, []string{"/~user", "/%C3%BC", "/%c3%bc/x", "/a%2Fb"}},
		{"query", "User-agent: *\nDisallow: /*?id=\n", []string{"/x"}, []string{"/x?id=1"}},
		{"CR and BOM", "\xef\xbb\xbfUser-agent: *\rDisallow: /p\r", []string{"/x"}, []string{"/p"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := parseRules([]byte(c.text), "mien")
			for _, path := range c.allowed {
				if !r.allows(path) {
					t.Errorf("%s is refused", path)
				}
			}
			for _, path := range c.refused {
				if r.allows(path) {
					t.Errorf("%s is allowed", path)
				}
			}
		})
	}
}

func TestCrawlDelay(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"User-agent: *\nCrawl-delay: 2.5": 2500 * time.Millisecond,
		"User-agent: *\nCrawl-delay: -1":  0,
		"User-agent: *\nCrawl-delay: NaN": 0,
		"User-agent: *\nCrawl-delay: Inf": maxDelay,
		"User-agent: *\nCrawl-delay: 1e9": maxDelay,
		"User-agent: x\nCrawl-delay: 3":   0,
	} {
		if r := parseRules([]byte(text), "mien"); r.delay != want {
			t.Errorf("%q: %v, want %v", text, r.delay, want)
		}
	}
}

// FuzzRules: no text hangs or breaks the parser, and a rule matches itself.
func FuzzRules(f *testing.F) {
	f.Add("User-agent: *\nDisallow: /*a*b$\nAllow: /%7e\n", "/xa")
	f.Add("User-agent: mien\nCrawl-delay: 1\n", "/")
	f.Fuzz(func(t *testing.T, text, path string) {
		r := parseRules([]byte(text), "mien")
		r.allows(path)
		for _, rule := range r.list {
			if octets(rule.pattern) != rule.pattern {
				t.Errorf("%q is spelled %q", rule.pattern, octets(rule.pattern))
			}
			if !strings.ContainsAny(rule.pattern, "*$") && !matches(rule.pattern, rule.pattern+"x") {
				t.Errorf("%q does not match itself", rule.pattern)
			}
		}
	})
}
