package cookie

import (
	"fmt"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// visit is one request of a script: the lines that its answer sets, or the
// Cookie field that it must carry.
type visit struct {
	at    time.Duration // since start
	from  Request       // all but the URL
	url   string
	set   []string
	want  string
	check bool
}

func sets(url string, lines ...string) visit { return visit{url: url, set: lines} }
func sends(url, want string) visit           { return visit{url: url, want: want, check: true} }

func (v visit) after(d time.Duration) visit { v.at = d; return v }

// by says what caused the request: "x" another site, "t" a top-level
// navigation, "u" an unsafe method.
func (v visit) by(what string) visit {
	v.from.CrossSite = strings.Contains(what, "x")
	v.from.TopLevel = strings.Contains(what, "t")
	v.from.Unsafe = strings.Contains(what, "u")
	return v
}

func (v visit) in(partition string) visit { v.from.Partition = partition; return v }

func play(t *testing.T, name string, j *Jar, visits ...visit) {
	t.Helper()
	for i, v := range visits {
		r := v.from
		r.URL = parseURL(t, v.url)
		j.Set(&r, v.set, start.Add(v.at))
		if !v.check {
			continue
		}
		if got := j.Header(&r, start.Add(v.at)); got != v.want {
			t.Errorf("%s: visit %d, %s:\n got %q\nwant %q", name, i, v.url, got, v.want)
		}
	}
}

const (
	home  = "https://www.example.com/"
	plain = "http://www.example.com/"
	year  = 365 * 24 * time.Hour
)

func TestJar(t *testing.T) {
	for name, visits := range map[string][]visit{
		"bytes": {
			sets(home, `j={"x":1}`, `c=1,2 3`, `q="a b"`, "u=größe", "r=\xff", "bare"),
			sends(home, `j={"x":1}; c=1,2 3; q="a b"; u=größe; r=`+"\xff; bare"),
		},
		"host only": {
			sets("https://example.com/", "own=1", "all=1; Domain=example.com"),
			sends("https://example.com/", "own=1; all=1"), sends(home, "all=1"), sends("https://badexample.com/", ""),
		},
		"one name, two cookies": {
			sets(home, "a=own", "a=all; Domain=www.example.com", "a=up; Domain=example.com"),
			sends(home, "a=own; a=all; a=up"),
			sets(home, "a=gone; Max-Age=0; Domain=example.com"), sends(home, "a=own; a=all"),
		},
		"public suffix": {
			sets("https://a.github.io/", "bad=1; Domain=github.io", "good=1"),
			sends("https://b.github.io/", ""), sends("https://a.github.io/", "good=1"), sends("https://github.io/", ""),
		},
		"address": {
			sets("https://192.0.2.1/", "a=1; Domain=192.0.2.1", "b=2; Domain=2.1"),
			sends("https://192.0.2.1:8443/", "a=1"),
		},
		"paths": {
			sets("https://www.example.com/a/b", "default=1", "root=1; Path=/", "deep=1; Path=/a/b/"),
			sends("https://www.example.com/a/b", "default=1; root=1"), sends("https://www.example.com/a/b/c", "deep=1; default=1; root=1"),
			sends("https://www.example.com/ab", "root=1"), sends("https://www.example.com", "root=1"),
			sends("https://www.example.com/%61/b", "root=1"),
		},
		"order": {
			sets(home, "a=1").after(1), sets(home, "b=1", "c=1").after(2), sets(home, "a=2").after(3),
			sends(home, "a=2; b=1; c=1").after(4),
		},
		"secure": {
			sets(home, "s=1; Secure", "p=1"), sends(plain, "p=1"), sends(home, "s=1; p=1"), sends("wss://www.example.com/", "s=1; p=1"),
			sets(plain, "t=1; Secure"), sends(home, "s=1; p=1"),
			sets("http://127.0.0.1:80/", "t=1; Secure"), sends("http://127.0.0.1:81/", "t=1"),
			sets("http://dev.localhost/", "t=1; Secure"), sends("http://dev.localhost/", "t=1"),
		},
		"secure is not overwritten in the clear": {
			sets(home, "s=1; Secure; Domain=example.com; Path=/login", "open=1"),
			sets(plain, "s=bad; Path=/login", "s=bad; Domain=example.com; Path=/login/en", "s=bad; Path=/login; Max-Age=0", "open=2"),
			sets("http://example.com/", "s=bad; Path=/login"),
			sends("https://www.example.com/login/en", "s=1; open=2"),
			sets(plain, "s=elsewhere; Path=/"), sends(plain, "open=2; s=elsewhere"),
			sets("https://www.example.com/", "s=2; Domain=example.com; Path=/login"),
			sends("https://www.example.com/login", "s=2; open=2; s=elsewhere"),
		},
		"prefixes": {
			sets(home, "__Secure-a=1", "__Secure-b=1; Secure", "__secure-c=1"),
			sets(home, "__Host-a=1; Secure", "__Host-b=1; Secure; Path=/; Domain=www.example.com", "__HOST-c=1; Path=/",
				"__Host-d=1; Secure; Path=/x", "__Host-e=1; Secure; Path=/"),
			sets(home, "=__Host-f=1; Secure; Path=/", "__Secure-g; Secure", "__Hos=1"),
			sends(home, "__Secure-b=1; __Host-e=1; __Hos=1"),
		},
		"lifetime": {
			sets(home, "session=1", "minute=1; Max-Age=60", "both=1; Max-Age=60; Expires=Fri, 01 Jan 2100 00:00:00 GMT",
				"until=1; Expires=Fri, 02 Jan 2026 03:06:05 GMT", "long=1; Max-Age=99999999999", "far=1; Expires=Fri, 31 Dec 9999 00:00:00 GMT"),
			sends(home, "session=1; minute=1; both=1; until=1; long=1; far=1").after(59 * time.Second),
			sends(home, "session=1; until=1; long=1; far=1").after(time.Minute),
			sends(home, "session=1; long=1; far=1").after(2 * time.Minute),
			sends(home, "session=1; long=1; far=1").after(maxLifetime - 1),
			sends(home, "session=1").after(maxLifetime),
		},
		"deleted": {
			sets(home, "a=1", "b=1", "c=1"),
			sets(home, "a=; Max-Age=0", "b=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "d=1; Max-Age=-1"), sends(home, "c=1"),
			sets(home, "c=; Max-Age=0"), sends(home, ""),
		},
		"partitions": {
			sets(home, "a=1").in("one"), sends(home, ""), sends(home, "").in("two"), sends(home, "a=1").in("one"),
			sets(home, "a=; Max-Age=0"), sends(home, "a=1").in("one"),
		},
		"SameSite": {
			sets(home, "s=1; SameSite=Strict", "l=1; SameSite=Lax", "n=1; SameSite=None; Secure", "d=1"),
			sends(home, "s=1; l=1; n=1; d=1"), sends(home, "s=1; l=1; n=1; d=1").by("tu"),
			sends(home, "l=1; n=1; d=1").by("xt"), sends(home, "n=1; d=1").by("xtu"), sends(home, "n=1; d=1").by("x"),
			sends(home, "n=1; d=1").by("x").after(time.Hour),
			// Who is embedded cannot set what it would not get.
			sets(home, "s=2; SameSite=Strict", "l=2; SameSite=Lax", "n=2; SameSite=None; Secure", "d=2").by("x"),
			sends(home, "s=1; l=1; n=2; d=2"),
			sets(home, "s=3; SameSite=Strict").by("xtu"), sends(home, "s=3; l=1; n=2; d=2"),
			sets(home, "o=1; SameSite=None"), sends(home, "s=3; l=1; n=2; d=2"),
		},
		"no host": {
			sets("https:opaque", "a=1"), sends("https:opaque", ""),
		},
	} {
		play(t, name, New(Config{}), visits...)
	}
}

func TestLaxByDefault(t *testing.T) {
	play(t, "Chromium", New(Config{LaxByDefault: true}),
		sets(home, "n=1; SameSite=None; Secure", "d=1", "o=1; SameSite=None", "l=1; SameSite=Lax"),
		sends(home, "n=1; d=1; l=1"), sends(home, "n=1; d=1; l=1").by("xt"), sends(home, "n=1").by("x"),
		sends(home, "n=1; d=1").by("xtu").after(laxUnsafe), sends(home, "n=1").by("xtu").after(laxUnsafe+1),
		sets(home, "d=2", "n=2; SameSite=None; Secure").by("x"), sends(home, "n=2; d=1; l=1"),
	)
}

func TestSiteLimit(t *testing.T) {
	j := New(Config{})
	play(t, "first", j, sets(home, "first=1", "safe=1; Secure"))
	for i := range maxPerSite - 2 {
		play(t, "fill", j, sets(fmt.Sprintf("https://h%d.example.com/", i), "x=1; Secure").after(time.Duration(i)))
	}
	if j.Len() != maxPerSite {
		t.Fatalf("%d cookies", j.Len())
	}
	// The one that is not Secure goes first, although it was used last.
	play(t, "not secure", j, sends(home, "first=1; safe=1"), sets(home, "more=1; Secure"), sends(home, "safe=1; more=1"))
	// Then the one unused the longest: that of h0.
	play(t, "unused", j, sets(home, "again=1; Secure"), sends(home, "safe=1; more=1; again=1"), sends("https://h0.example.com/", ""),
		sends("https://h1.example.com/", "x=1"))
	// Expired ones go before any.
	play(t, "expired", j, sets(home, "more=1; Secure; Max-Age=1"), sets(home, "new=1; Secure").after(time.Second),
		sends("https://h2.example.com/", "x=1").after(time.Second), sends(home, "safe=1; again=1; new=1").after(time.Second))
	// Other sites do not notice.
	play(t, "other", j, sets("https://example.org/", "a=1"), sends("https://example.org/", "a=1"))
	if j.Len() != maxPerSite+1 {
		t.Errorf("%d cookies", j.Len())
	}
}

func TestLimit(t *testing.T) {
	j := New(Config{})
	for i := range maxCookies {
		play(t, "fill", j, sets(fmt.Sprintf("https://s%d.com/", i), "x=1"))
	}
	play(t, "limit", j, sends("https://s0.com/", "x=1"), sets("https://new.com/", "x=1"),
		sends("https://s0.com/", "x=1"), sends("https://s1.com/", ""), sends("https://s2.com/", "x=1"))
	if n := len(j.s.sites); j.Len() != maxCookies || n != maxCookies {
		t.Errorf("%d cookies of %d sites", j.Len(), n)
	}
}

// A response of 20,000 cookies leaves no more than any other.
func TestBomb(t *testing.T) {
	lines := make([]string, 20_000)
	for i := range lines {
		lines[i] = fmt.Sprintf("c%d=%s", i, strings.Repeat("x", 100))
	}
	j := New(Config{})
	play(t, "bomb", j, sets(home, lines...))
	if j.Len() != maxPerSite {
		t.Errorf("%d cookies", j.Len())
	}
}

// A cookie does not hold on to the rest of its line, nor to the URL.
func TestMemory(t *testing.T) {
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	j := New(Config{})
	for i := range 100 {
		junk := strings.Repeat("x", 256<<10)
		r := &Request{URL: parseURL(t, fmt.Sprintf("https://h%d.example.com/%s/x", i, junk))}
		j.Set(r, []string{fmt.Sprintf("name%d=value; Path=/path; Domain=example.com; junk=%s", i, junk), "p=1; Path=/"}, start)
	}
	if j.Len() != maxPerSite {
		t.Fatalf("%d cookies", j.Len())
	}
	if grown := int64(heap()) - int64(before); grown > 4<<20 {
		t.Errorf("%d cookies hold %d bytes", j.Len(), grown)
	}
	runtime.KeepAlive(j)
}

func TestConcurrent(t *testing.T) {
	j := New(Config{})
	var wg sync.WaitGroup
	for i := range 8 {
		u := &url.URL{Scheme: "https", Host: fmt.Sprintf("h%d.example.com", i%4), Path: "/"}
		wg.Go(func() {
			for n := range 200 {
				r := &Request{URL: u}
				j.Set(r, []string{fmt.Sprintf("c%d=%d; Domain=example.com", n%90+i, n)}, start)
				if j.Header(r, start) == "" {
					t.Error("no cookies")
				}
				if n%50 == 0 {
					if err := j.Export(&strings.Builder{}, start); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkHeader(b *testing.B) {
	j := New(Config{})
	r := &Request{URL: parseURL(b, home)}
	for i := range 20 {
		j.Set(r, []string{fmt.Sprintf("name%d=%040d; Path=/; Secure", i, i)}, start)
	}
	b.ReportAllocs()
	for b.Loop() {
		if j.Header(r, start) == "" {
			b.Fatal("no cookies")
		}
	}
}
