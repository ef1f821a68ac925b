package otel

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestFullURL(t *testing.T) {
	const origin = "https://a.test:443"
	for _, c := range []struct {
		url       string
		sensitive []string
		want      string
	}{
		{"https://a.test/b?c=d", sensitiveQuery, "https://a.test/b?c=d"},
		{"https://me:pw@a.test/", sensitiveQuery, "https://REDACTED:REDACTED@a.test/"},
		{"https://me@a.test/", sensitiveQuery, "https://REDACTED:REDACTED@a.test/"},
		{"https://a.test/#token=x", sensitiveQuery, "https://a.test/"},
		{"https://a.test/?sig=x&SIG=y&X-Amz-Signature=z", sensitiveQuery, "https://a.test/?sig=REDACTED&SIG=y&X-Amz-Signature=REDACTED"},
		{"https://a.test/?s%69g=x%26&a=b+c&&d", sensitiveQuery, "https://a.test/?s%69g=REDACTED&a=b+c&&d"},
		{"https://a.test/?&&sig=x&", sensitiveQuery, "https://a.test/?&&sig=REDACTED&"},
		{"https://a.test/?sig=", sensitiveQuery, "https://a.test/?sig="},
		{"https://a.test/?sig=x", nil, "https://a.test/?sig=x"},
		{"https://a.test/?sig=x&t=y", []string{"t"}, "https://a.test/?sig=x&t=REDACTED"},
		{"https://a.test/?a=b&c&d=", []string{"*"}, "https://a.test/?a=REDACTED&REDACTED&d="},
		{"https:me:pw@a.test", sensitiveQuery, origin},
	} {
		u, err := url.Parse(c.url)
		if err != nil {
			t.Fatal(err)
		}
		before := u.String()
		if got := fullURL(u, origin, c.sensitive); got != c.want {
			t.Errorf("%s: %s, want %s", c.url, got, c.want)
		}
		if u.String() != before {
			t.Errorf("%s was changed to %s", before, u)
		}
	}
	if got := fullURL(nil, origin, nil); got != origin {
		t.Error(got)
	}
}

func FuzzRedactQuery(f *testing.F) {
	for _, q := range []string{"", "sig=secretvalue", "a=b&sig=secretvalue", "s%69g=secretvalue&&", "%zz=1&sig==secretvalue", "sig;=secretvalue"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, query string) {
		got := redactQuery(query, sensitiveQuery)
		if strings.Count(got, "&") != strings.Count(query, "&") {
			t.Errorf("%q became %q", query, got)
		}
		if values, err := url.ParseQuery(got); err == nil {
			for _, key := range sensitiveQuery {
				for _, v := range values[key] {
					if v != redacted && v != "" {
						t.Errorf("%q still has %s=%q", got, key, v)
					}
				}
			}
		}
		if again := redactQuery(got, sensitiveQuery); again != got {
			t.Errorf("%q became %q, then %q", query, got, again)
		}
	})
}

func TestServerOf(t *testing.T) {
	for origin, want := range map[string]server{
		"https://a.test:443":  {"https", "a.test", 443},
		"http://[::1]:8080":   {"http", "::1", 8080},
		"other":               {"", "other", 0},
		"https://a.test":      {"https", "a.test", 0},
		"https://a.test:port": {"https", "a.test", 0},
	} {
		if got := serverOf(origin); got != want {
			t.Errorf("%s: %v, want %v", origin, got, want)
		}
	}
}

// TestHops: of several hops of one request the one that began then is taken,
// each once, and nothing is kept.
func TestHops(t *testing.T) {
	var all hops
	req, base := new(http.Request), time.Unix(1000, 0)
	at := func(s int) time.Time { return base.Add(time.Duration(s) * time.Second) }
	for s := range 4 {
		all.add(req, &hop{start: at(s * 10)})
	}
	if h := all.find(req); !h.start.Equal(at(30)) {
		t.Errorf("found the one of %v", h.start)
	}
	for _, s := range []int{10, 30, 0, 20} {
		if h := all.take(req, at(s).Add(time.Millisecond)); h == nil || !h.start.Equal(at(s)) {
			t.Errorf("at %d: took %v", s, h)
		}
	}
	if h := all.take(req, base); h != nil || all.find(req) != nil || len(all.live) != 0 {
		t.Error("something is left")
	}
}
