package mien_test

import (
	"context"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
)

// cookieHandler sets the cookies that the query names: /?set=a%3D1&set=b%3D2.
func cookieHandler(w http.ResponseWriter, r *http.Request) {
	for _, c := range r.URL.Query()["set"] {
		w.Header().Add("Set-Cookie", c)
	}
	if next := r.URL.Query().Get("next"); next != "" {
		w.Header().Set("Location", next)
		w.WriteHeader(http.StatusFound)
	}
}

func setting(base, next string, cookies ...string) string {
	q := url.Values{"set": cookies}
	if next != "" {
		q.Set("next", next)
	}
	return base + "/?" + q.Encode()
}

// cookiesSeen are the values of the Cookie fields that the origin's last
// request carried, each field line by itself.
func cookiesSeen(t testing.TB, origin *mientest.Origin) []string {
	t.Helper()
	all := origin.Requests()
	var lines []string
	for _, f := range all[len(all)-1].Fields {
		if strings.EqualFold(f.Name, "cookie") {
			lines = append(lines, f.Value)
		}
	}
	return lines
}

func newCookies(t *testing.T, cfg mientest.Config) *mientest.Origin {
	cfg.Handler = http.HandlerFunc(cookieHandler)
	return newOrigin(t, cfg)
}

// Do, Get, All and Client keep one set of cookies; RoundTrip knows none.
func TestCookiesAreKept(t *testing.T) {
	all := func(s *mien.Session) func(*http.Request) (*http.Response, error) {
		return func(r *http.Request) (resp *http.Response, err error) {
			for resp, err = range s.All(t.Context(), slices.Values([]*http.Request{r})) {
			}
			return resp, err
		}
	}
	get := func(s *mien.Session) func(*http.Request) (*http.Response, error) {
		return func(r *http.Request) (*http.Response, error) { return s.Get(r.Context(), r.URL.String()) }
	}
	for _, p := range protocols {
		for _, setter := range []string{"Do", "Get", "All", "Client", "RoundTrip"} {
			origin := newCookies(t, mientest.Config{Protocols: p.alpn})
			s := newSession(t, mien.Config{})
			senders := map[string]func(*http.Request) (*http.Response, error){
				"Do": s.Do, "Get": get(s), "All": all(s), "Client": s.Client().Do, "RoundTrip": s.RoundTrip,
			}
			mustDo(t, senders[setter], request(t, http.MethodGet, setting(origin.URL, "", "k=v; Secure; Path=/"), nil))
			for name, send := range senders {
				mustDo(t, send, request(t, http.MethodGet, origin.URL+"/other", nil))
				var want []string
				if name != "RoundTrip" && setter != "RoundTrip" {
					want = []string{"k=v"}
				}
				if got := cookiesSeen(t, origin); !slices.Equal(got, want) {
					t.Errorf("%s: set through %s, sent through %s: %q, want %q", p.name, setter, name, got, want)
				}
			}
		}
	}
}

func TestCookiesOverRedirects(t *testing.T) {
	a := newCookies(t, mientest.Config{})
	b := newCookies(t, mientest.Config{})
	for i := range ways(newSession(t, mien.Config{}))[:2] {
		c := ways(newSession(t, mien.Config{}))[i]
		// Each hop sets one; the hop to another host knows its own alone.
		end := named(a) + "/end"
		mustDo(t, c.do, request(t, http.MethodGet, setting(a.URL, setting(a.URL, setting(named(b), end, "third=3"), "second=2"), "first=1"), nil))
		if got := cookiesSeen(t, b); len(got) != 0 {
			t.Errorf("%s: the other host got %q", c.name, got)
		}
		if got := cookiesSeen(t, a); !slices.Equal(got, []string{"third=3"}) { // cookies know no port
			t.Errorf("%s: end got %q", c.name, got)
		}
		mustDo(t, c.do, request(t, http.MethodGet, a.URL, nil))
		if got := cookiesSeen(t, a); !slices.Equal(got, []string{"first=1", "second=2"}) {
			t.Errorf("%s: got %q", c.name, got)
		}
		// A redirect that deletes a cookie deletes it for the next hop.
		mustDo(t, c.do, request(t, http.MethodGet, setting(a.URL, a.URL+"/end", "first=; Max-Age=0"), nil))
		if got := cookiesSeen(t, a); !slices.Equal(got, []string{"second=2"}) {
			t.Errorf("%s: after the deletion: %q", c.name, got)
		}
	}
}

// Nobody sets a cookie for everybody under a public suffix.
func TestCookiesPublicSuffix(t *testing.T) {
	origin := newCookies(t, mientest.Config{Hosts: []string{"evil.github.io", "good.github.io", "www.example.co.uk", "shop.example.co.uk"}})
	s := newSession(t, mien.Config{DialContext: dialTo(origin)})
	for _, domain := range []string{"github.io", ".github.io", "io"} {
		get(t, s, setting("https://evil.github.io", "", "k=v; Domain="+domain))
	}
	get(t, s, "https://good.github.io/")
	if got := cookiesSeen(t, origin); len(got) != 0 {
		t.Errorf("a neighbour under a public suffix got %q", got)
	}
	get(t, s, setting("https://www.example.co.uk", "", "bad=1; Domain=co.uk", "good=1; Domain=example.co.uk", "own=1"))
	get(t, s, "https://shop.example.co.uk/")
	if got := cookiesSeen(t, origin); !slices.Equal(got, []string{"good=1"}) {
		t.Errorf("the other subdomain got %q", got)
	}
}

// A Secure cookie does not travel in the clear. (The name matters: the jar takes
// http to a loopback address for safe.)
func TestCookiesSecure(t *testing.T) {
	origin := newCookies(t, mientest.Config{})
	plain := newCookies(t, mientest.Config{Plain: true})
	s := newSession(t, mien.Config{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if strings.HasSuffix(addr, ":80") {
			return dialTo(plain)(ctx, network, addr)
		}
		return dialTo(origin)(ctx, network, addr)
	}})
	get(t, s, setting("https://example.com", "", "secret=1; Secure", "public=1"))
	get(t, s, "http://example.com/")
	if got := cookiesSeen(t, plain); !slices.Equal(got, []string{"public=1"}) {
		t.Errorf("over http: %q", got)
	}
	get(t, s, "https://example.com/")
	if got := cookiesSeen(t, origin); !slices.Equal(got, []string{"secret=1", "public=1"}) {
		t.Errorf("over https: %q", got)
	}
}

// A Cookie field of the caller's replaces the jar's for this request, whatever
// case it is written in, and leaves the jar as it is.
func TestCookiesOfTheCaller(t *testing.T) {
	for _, p := range protocols {
		origin := newCookies(t, mientest.Config{Protocols: p.alpn})
		s := newSession(t, mien.Config{})
		get(t, s, setting(origin.URL, "", "jar=1"))
		for _, c := range ways(s)[:2] {
			for _, name := range []string{"Cookie", "cookie"} {
				req := request(t, http.MethodGet, origin.URL, nil)
				req.Header[name] = []string{"own=1"}
				mustDo(t, c.do, req)
				if got := cookiesSeen(t, origin); !slices.Equal(got, []string{"own=1"}) {
					t.Errorf("%s: %s, written %q: %q", p.name, c.name, name, got)
				}
			}
			req := request(t, http.MethodGet, origin.URL, nil)
			req.Header["Cookie"] = nil
			mustDo(t, c.do, req)
			if got := cookiesSeen(t, origin); len(got) != 0 {
				t.Errorf("%s: %s: suppressed, but %q", p.name, c.name, got)
			}
			mustDo(t, c.do, request(t, http.MethodGet, origin.URL, nil))
			if got := cookiesSeen(t, origin); !slices.Equal(got, []string{"jar=1"}) {
				t.Errorf("%s: %s: the jar's next: %q", p.name, c.name, got)
			}
		}
	}
}

// Browsers give each cookie a field line of its own on HTTP/2, and one line to
// all of them on HTTP/1.1.
func TestCookieCrumbs(t *testing.T) {
	for _, p := range protocols {
		origin := newCookies(t, mientest.Config{Protocols: p.alpn})
		s := newSession(t, mien.Config{Profile: profileNamed(t, "chromium-156-linux")})
		get(t, s, setting(origin.URL, "", "a=1", "b=2; Path=/", "c=3"))
		want := []string{"a=1", "b=2", "c=3"}
		if p.name == "h1" {
			want = []string{"a=1; b=2; c=3"}
		}
		get(t, s, origin.URL)
		if got := cookiesSeen(t, origin); !slices.Equal(got, want) {
			t.Errorf("%s: the jar's: %q, want %q", p.name, got, want)
		}
		req := request(t, http.MethodGet, origin.URL, nil)
		req.Header.Set("Cookie", "a=1; b=2; c=3")
		mustDo(t, s.Do, req)
		if got := cookiesSeen(t, origin); !slices.Equal(got, want) {
			t.Errorf("%s: the caller's: %q, want %q", p.name, got, want)
		}
	}
}

// A jar of the caller's own is used, and sees every hop.
func TestCookieJarOfTheCaller(t *testing.T) {
	origin := newCookies(t, mientest.Config{})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(origin.URL)
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(u, []*http.Cookie{{Name: "before", Value: "1"}, {Name: "quoted", Value: "a b", Quoted: true}})
	s := newSession(t, mien.Config{Jar: jar})
	get(t, s, setting(origin.URL, origin.URL+"/end", "hop=1"))
	got := cookiesSeen(t, origin)
	slices.Sort(got)
	if !slices.Equal(got, []string{"before=1", "hop=1", `quoted="a b"`}) {
		t.Errorf("%q", got)
	}
	if n := len(jar.Cookies(u)); n != 3 {
		t.Errorf("%d cookies in the jar", n)
	}
}
