package mien_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/mientest"
)

// oddCookies are values that net/http drops or changes.
var oddCookies = []string{
	`json={"x":1,"y":[2, 3]}`, "comma=a,b c", `quoted="a b"`, `half="a`, "utf8=größe 家", "bytes=\xff\xfe", "tab=a\tb", "odd[name]=1", "eq=a=b==",
}

// crumbs are the cookies of the origin's last request, one by one.
func crumbs(t testing.TB, origin *mientest.Origin) []string {
	t.Helper()
	var all []string
	for _, line := range cookiesSeen(t, origin) {
		all = append(all, strings.Split(line, "; ")...)
	}
	return all
}

// Cookies go back byte for byte, through the session's jar and, as far as an
// http.Cookie can tell, the caller's.
func TestCookieBytes(t *testing.T) {
	for _, p := range protocols {
		for _, of := range []string{"session", "caller"} {
			origin := newCookies(t, mientest.Config{Protocols: p.alpn})
			var cfg mien.Config
			want := slices.Clone(oddCookies)
			if of == "caller" {
				jar, err := cookiejar.New(nil)
				if err != nil {
					t.Fatal(err)
				}
				cfg.Jar = jar
			} else {
				want = append(want, "bare")
			}
			s := newSession(t, cfg)
			for _, c := range ways(s)[:2] {
				mustDo(t, c.do, request(t, http.MethodGet, setting(origin.URL, "", append(slices.Clone(oddCookies), "bare")...), nil))
				mustDo(t, c.do, request(t, http.MethodGet, origin.URL, nil))
				if got := crumbs(t, origin); !slices.Equal(got, want) {
					t.Errorf("%s, jar of the %s, %s:\n got %q\nwant %q", p.name, of, c.name, got, want)
				}
			}
		}
	}
}

// spyJar shows what a caller's jar is told.
type spyJar struct{ set []*http.Cookie }

func (j *spyJar) SetCookies(_ *url.URL, c []*http.Cookie) { j.set = append(j.set, c...) }
func (j *spyJar) Cookies(*url.URL) []*http.Cookie         { return nil }

// A caller's jar is told what net/http would have told it, where net/http
// understands the line.
func TestCookieJarIsTold(t *testing.T) {
	lines := []string{
		"a=b", `q="a b"; Path=/x; Secure; HttpOnly; SameSite=Strict; Partitioned`, "d=1; Domain=.localhost; Max-Age=60; SameSite=Lax",
		"z=1; Max-Age=0; SameSite=None", "e=1; Expires=Wed, 09 Dec 2037 16:27:23 GMT",
	}
	origin := newCookies(t, mientest.Config{})
	jar := &spyJar{}
	get(t, newSession(t, mien.Config{Jar: jar}), setting(origin.URL, "", append(lines, "", "bare")...))
	var want []*http.Cookie
	for _, line := range lines {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, c)
	}
	if len(jar.set) != len(want) {
		t.Fatalf("%d cookies", len(jar.set))
	}
	for i, got := range jar.set {
		w := want[i]
		w.RawExpires, w.Domain = "", strings.TrimPrefix(w.Domain, ".")
		if got.Raw != lines[i] || got.String() != w.String() || got.Quoted != w.Quoted || !got.Expires.Equal(w.Expires) || got.MaxAge != w.MaxAge {
			t.Errorf("%q:\n got %+v\nwant %+v", lines[i], got, w)
		}
	}
}

func with(req *http.Request, o mien.Options) *http.Request {
	return req.WithContext(mien.WithOptions(req.Context(), o))
}

// SameSite is honoured by where the caller says that the request comes from.
func TestCookiesSameSite(t *testing.T) {
	const site, sub, other = "https://www.example.com", "https://sub.example.com/page", "https://other.example/page"
	for _, b := range []struct {
		profile string
		unsaid  string // a cookie without SameSite in a request of another site
	}{{"chromium-156-linux", ""}, {"firefox-153-linux", "d=1"}} {
		origin := newCookies(t, mientest.Config{Hosts: []string{"www.example.com", "other.example"}})
		s := newSession(t, mien.Config{Profile: profileNamed(t, b.profile), DialContext: dialTo(origin)})
		get(t, s, setting(site, "", "s=1; SameSite=Strict", "l=1; SameSite=Lax", "n=1; SameSite=None; Secure", "d=1"))
		all := "s=1 l=1 n=1 d=1"
		embedded := strings.TrimSpace("n=1 " + b.unsaid)
		for _, c := range []struct {
			name, method string
			o            mien.Options
			want         string
		}{
			{"typed", "GET", mien.Options{}, all},
			{"script of the page", "POST", mien.Options{Destination: fingerprint.Empty}, all},
			{"script of a sibling", "GET", mien.Options{Destination: fingerprint.Empty, Initiator: sub}, all},
			{"link elsewhere", "GET", mien.Options{Initiator: other}, "l=1 n=1 d=1"},
			{"form elsewhere", "POST", mien.Options{Initiator: other, Destination: fingerprint.Document}, "n=1 d=1"}, // d is young
			{"script elsewhere", "GET", mien.Options{Initiator: other, Destination: fingerprint.Empty}, embedded},
			{"image elsewhere", "GET", mien.Options{Initiator: other, Destination: fingerprint.Image}, embedded},
			{"frame elsewhere", "GET", mien.Options{Initiator: other, Destination: fingerprint.Iframe}, embedded},
			{"link on the http site", "GET", mien.Options{Initiator: "http://www.example.com/"}, "l=1 n=1 d=1"},
		} {
			for _, w := range ways(s)[:2] {
				mustDo(t, w.do, with(request(t, c.method, site, nil), c.o))
				if got := strings.Join(crumbs(t, origin), " "); got != c.want {
					t.Errorf("%s, %s, %s: %q, want %q", b.profile, c.name, w.name, got, c.want)
				}
			}
		}
		// Who is embedded cannot set them either.
		mustDo(t, s.Do, with(request(t, "GET", setting(site, "", "s=2; SameSite=Strict", "l=2; SameSite=Lax"), nil),
			mien.Options{Initiator: other, Destination: fingerprint.Empty}))
		get(t, s, site)
		if got := strings.Join(crumbs(t, origin), " "); got != all {
			t.Errorf("%s: set by a frame: %q", b.profile, got)
		}
	}
}

// A form that goes through another site and back: Chromium looks at the hop,
// Firefox at the way. What was typed has no site to be foreign to.
func TestCookiesSameSiteOverRedirects(t *testing.T) {
	const site, other = "https://www.example.com/", "https://other.example"
	for profile, want := range map[string]string{"chromium-156-linux": "s=1 d=1", "firefox-153-linux": "d=1"} {
		origin := newCookies(t, mientest.Config{Hosts: []string{"www.example.com", "other.example"}})
		s := newSession(t, mien.Config{Profile: profileNamed(t, profile), DialContext: dialTo(origin)})
		get(t, s, setting(site, "", "s=1; SameSite=Strict", "d=1"))
		for _, w := range ways(s)[:2] {
			for _, c := range []struct{ method, want string }{{http.MethodPost, want}, {http.MethodGet, "s=1 d=1"}} {
				req := request(t, c.method, setting(site, setting(other, site)), nil)
				mustDo(t, w.do, with(req, mien.Options{Destination: fingerprint.Document}))
				if got := strings.Join(crumbs(t, origin), " "); got != c.want {
					t.Errorf("%s, %s, %s: %q, want %q", profile, c.method, w.name, got, c.want)
				}
			}
		}
	}
}

func TestCookiesIsolation(t *testing.T) {
	origin := newCookies(t, mientest.Config{})
	s := newSession(t, mien.Config{})
	for _, w := range ways(s)[:2] {
		mustDo(t, w.do, with(request(t, "GET", setting(origin.URL, "", "k=one; Max-Age=60"), nil), mien.Options{Isolation: "one"}))
		for isolation, want := range map[string][]string{"": nil, "one": {"k=one"}, "two": nil} {
			mustDo(t, w.do, with(request(t, "GET", origin.URL, nil), mien.Options{Isolation: isolation}))
			if got := crumbs(t, origin); !slices.Equal(got, want) {
				t.Errorf("%s: isolation %q: %q", w.name, isolation, got)
			}
		}
	}
}

// What one session exports, another imports: cookies of the session, of an
// isolation, and bytes included.
func TestCookiesExport(t *testing.T) {
	origin := newCookies(t, mientest.Config{})
	from, to := newSession(t, mien.Config{}), newSession(t, mien.Config{})
	get(t, from, setting(origin.URL, "", oddCookies...))
	mustDo(t, from.Do, with(request(t, "GET", setting(origin.URL, "", "k=1; Max-Age=60"), nil), mien.Options{Isolation: "one"}))
	var b bytes.Buffer
	if err := from.ExportCookies(&b); err != nil {
		t.Fatal(err)
	}
	if err := to.ImportCookies(bytes.NewReader(b.Bytes())); err != nil {
		t.Fatal(err)
	}
	get(t, to, origin.URL)
	if got := crumbs(t, origin); !slices.Equal(got, oddCookies) {
		t.Errorf("%q", got)
	}
	mustDo(t, to.Client().Do, with(request(t, "GET", origin.URL, nil), mien.Options{Isolation: "one"}))
	if got := crumbs(t, origin); !slices.Equal(got, []string{"k=1"}) {
		t.Errorf("isolated: %q", got)
	}
	if err := to.ImportCookies(strings.NewReader(`{"version":1,"cookies":[{"name":"a","value":"b","domain":"com"}]}`)); err == nil || !strings.Contains(err.Error(), "cookies[0]: domain") {
		t.Errorf("a cookie for a public suffix: %v", err)
	}
	hand := newSession(t, mien.Config{})
	if err := hand.ImportCookies(strings.NewReader(`{"version":1,"cookies":[{"name":"a","value":"b","domain":"127.0.0.1","hostOnly":true}]}`)); err != nil {
		t.Fatal(err)
	}
	get(t, hand, origin.URL)
	if got := crumbs(t, origin); !slices.Equal(got, []string{"a=b"}) {
		t.Errorf("written by hand: %q", got)
	}
	foreign := newSession(t, mien.Config{Jar: &spyJar{}})
	if err := errors.Join(foreign.ExportCookies(io.Discard), foreign.ImportCookies(&b)); err == nil || strings.Count(err.Error(), "Config.Jar") != 2 {
		t.Errorf("with a jar of the caller's: %v", err)
	}
}

// An origin that sets 20,000 cookies gets no more than a browser would send, and
// the session goes on.
func TestCookieBomb(t *testing.T) {
	var bomb []string
	for i := range 20_000 {
		bomb = append(bomb, fmt.Sprintf("c%d=1", i))
	}
	for _, p := range protocols {
		origin := newOrigin(t, mientest.Config{Protocols: p.alpn, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/bomb" {
				w.Header()["Set-Cookie"] = bomb
			}
		})})
		s := newSession(t, mien.Config{Limits: mien.Limits{HeaderBytes: 4 << 20}})
		get(t, s, origin.URL+"/bomb")
		get(t, s, origin.URL)
		if n := len(crumbs(t, origin)); n != 180 {
			t.Errorf("%s: %d cookies sent back", p.name, n)
		}
	}
}
