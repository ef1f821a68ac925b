package mien_test

import (
	"fmt"
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

// A Host that the caller set goes with a relative Location, as in net/http.
func TestRedirectHost(t *testing.T) {
	seen, origin := newRedirects(t, mientest.Config{})
	for _, c := range everyClient(t, mien.Config{}) {
		req := request(t, http.MethodGet, to(origin.URL, 302, "/end"), nil)
		req.Host = "virtual.test"
		mustDo(t, c.do, req)
		if all := seen.take(); all[1].host != "virtual.test" {
			t.Errorf("%s: relative: Host %q", c.name, all[1].host)
		}
		req = request(t, http.MethodGet, to(origin.URL, 302, origin.URL+"/end"), nil)
		req.Host = "virtual.test"
		mustDo(t, c.do, req)
		if all := seen.take(); all[1].host == "virtual.test" {
			t.Errorf("%s: absolute: Host %q", c.name, all[1].host)
		}
	}
}

// Credentials stay within the origin they were meant for, and do not come back
// after a detour.
func TestRedirectCredentials(t *testing.T) {
	seen, a := newRedirects(t, mientest.Config{})
	seenB, b := newRedirects(t, mientest.Config{})
	_, plain := newRedirects(t, mientest.Config{Plain: true})
	byName := strings.Replace(a.URL, "127.0.0.1", "localhost", 1)
	for _, tt := range []struct {
		name, url string
		kept      bool
	}{
		{"same origin", to(a.URL, 302, "/end"), true},
		{"same origin, absolute", to(a.URL, 302, a.URL+"/end"), true},
		{"other port", to(b.URL, 302, a.URL+"/end"), false},
		{"other host", to(byName, 302, a.URL+"/end"), false},
		{"other scheme", to(plain.URL, 302, a.URL+"/end"), false},
		{"there and back", to(a.URL, 302, to(b.URL, 302, a.URL+"/end")), false},
		{"and on", to(b.URL, 302, to(a.URL, 302, to(a.URL, 302, "/end"))), false},
	} {
		for _, from := range []string{"canonical", "lower case", "Config.Header"} {
			cfg := mien.Config{}
			set := http.Header{"Authorization": {"Bearer secret"}, "Proxy-Authorization": {"Basic secret"}, "Cookie": {"own=secret"}}
			switch from {
			case "Config.Header":
				cfg.Header = http.Header{"Authorization": set["Authorization"]}
				set = http.Header{}
			case "lower case":
				for name, values := range set {
					delete(set, name)
					set[strings.ToLower(name)] = values
				}
			}
			for _, c := range ways(newSession(t, cfg)) {
				t.Run(tt.name+"/"+from+"/"+c.name, func(t *testing.T) {
					req := request(t, http.MethodGet, tt.url, nil)
					req.Header = set.Clone()
					seen.take()
					seenB.take()
					mustDo(t, c.do, req)
					all := seen.take()
					last := all[len(all)-1]
					if last.path != "/end" {
						t.Fatalf("ended at %s", last.path)
					}
					for name, want := range map[string]string{"Authorization": "Bearer secret", "Proxy-Authorization": "Basic secret", "Cookie": "own=secret"} {
						if from == "Config.Header" && name != "Authorization" || !tt.kept {
							want = ""
						}
						if got := last.header.Get(name); got != want {
							t.Errorf("%s at the end: %q, want %q", name, got, want)
						}
					}
				})
			}
		}
	}
}

// Cookies of an http.Client's own jar are that client's business.
func TestRedirectForeignJar(t *testing.T) {
	seen, a := newRedirects(t, mientest.Config{})
	_, b := newRedirects(t, mientest.Config{})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(named(a))
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(u, []*http.Cookie{{Name: "theirs", Value: "1"}})
	c := &http.Client{Transport: newSession(t, mien.Config{}), Jar: jar}
	mustDo(t, c.Do, request(t, http.MethodGet, to(b.URL, 302, named(a)+"/end"), nil))
	if got := seen.take()[0].header.Get("Cookie"); got != "theirs=1" {
		t.Errorf("Cookie %q", got)
	}
}

// Sec-Fetch-Site and Referer speak of the document that the chain began in.
func TestRedirectMetadata(t *testing.T) {
	seen, origin := newRedirects(t, mientest.Config{Hosts: []string{"shop.example", "www.shop.example", "cdn.shop.example", "other.example", "a.github.io", "b.github.io"}})
	port := origin.URL[strings.LastIndex(origin.URL, ":"):]
	at := func(host string) string { return "https://" + host + port }
	s := newSession(t, mien.Config{DialContext: dialTo(origin)})
	const page = "https://www.shop.example:1/page?q=1#top"
	sameOrigin := at("www.shop.example") + "/page?q=1#top"
	for _, tt := range []struct {
		name, initiator, url string
		site, referer        string
	}{
		{"same origin", sameOrigin, to(at("www.shop.example"), 302, "/end"), "same-origin", at("www.shop.example") + "/page?q=1"},
		{"to a subdomain", sameOrigin, to(at("www.shop.example"), 302, at("cdn.shop.example")+"/end"), "same-site", at("www.shop.example") + "/"},
		{"over a subdomain", sameOrigin, to(at("cdn.shop.example"), 302, at("www.shop.example")+"/end"), "same-site", at("www.shop.example") + "/"},
		{"other port", page, to(at("www.shop.example"), 302, "/end"), "same-site", "https://www.shop.example:1/"},
		{"over another site", sameOrigin, to(at("other.example"), 302, at("www.shop.example")+"/end"), "cross-site", at("www.shop.example") + "/"},
		{"to another site", sameOrigin, to(at("www.shop.example"), 302, at("other.example")+"/end"), "cross-site", at("www.shop.example") + "/"},
		{"public suffix", at("a.github.io") + "/", to(at("a.github.io"), 302, at("b.github.io")+"/end"), "cross-site", at("a.github.io") + "/"},
		{"typed", "", to(at("www.shop.example"), 302, at("other.example")+"/end"), "none", ""},
	} {
		for _, dest := range []fingerprint.Destination{fingerprint.Document, fingerprint.Empty} {
			if dest == fingerprint.Empty && tt.initiator == "" {
				continue
			}
			for _, c := range ways(s) {
				t.Run(fmt.Sprintf("%s/%s/%s", tt.name, dest, c.name), func(t *testing.T) {
					ctx := mien.WithOptions(t.Context(), mien.Options{Initiator: tt.initiator, Destination: dest})
					mustDo(t, c.do, request(t, http.MethodGet, tt.url, nil).WithContext(ctx))
					all := seen.take()
					last := all[len(all)-1]
					if got := last.header.Get("Sec-Fetch-Site"); got != tt.site {
						t.Errorf("Sec-Fetch-Site %q, want %q", got, tt.site)
					}
					if got := last.header.Get("Referer"); got != tt.referer {
						t.Errorf("Referer %q, want %q", got, tt.referer)
					}
					if got := last.header.Get("Sec-Fetch-Dest"); got != string(dest) {
						t.Errorf("Sec-Fetch-Dest %q", got)
					}
				})
			}
		}
	}
	// A Referer of the caller's own stays, whoever follows.
	for _, c := range ways(s) {
		req := request(t, http.MethodGet, to(at("www.shop.example"), 302, "/end"), nil)
		req.Header.Set("Referer", "https://mine.test/")
		mustDo(t, c.do, req)
		if got := seen.take()[1].header.Get("Referer"); got != "https://mine.test/" {
			t.Errorf("%s: the caller's Referer became %q", c.name, got)
		}
	}
}

// A redirect does not change what kind of request it is: only the method may.
func TestRedirectKeepsTheKind(t *testing.T) {
	seen, origin := newRedirects(t, mientest.Config{})
	s := newSession(t, mien.Config{})
	for _, tt := range []struct{ contentType, dest, mode, site string }{
		{"application/json", "empty", "cors", "same-origin"},
		{"application/x-www-form-urlencoded", "document", "navigate", "same-origin"},
	} {
		for _, status := range []int{303, 307} {
			for _, c := range ways(s) {
				t.Run(fmt.Sprintf("%s/%d/%s", tt.dest, status, c.name), func(t *testing.T) {
					req := request(t, http.MethodPost, to(origin.URL, status, "/end"), strings.NewReader("a=b"))
					req.Header.Set("Content-Type", tt.contentType)
					mustDo(t, c.do, req)
					all := seen.take()
					for i, hop := range all {
						got := []string{hop.header.Get("Sec-Fetch-Dest"), hop.header.Get("Sec-Fetch-Mode"), hop.header.Get("Sec-Fetch-Site"), hop.header.Get("Referer")}
						want := []string{tt.dest, tt.mode, tt.site, origin.URL + "/"}
						if strings.Join(got, " ") != strings.Join(want, " ") {
							t.Errorf("hop %d: %q, want %q", i+1, got, want)
						}
					}
				})
			}
		}
	}
}

// After a redirect Chromium writes the client hints of a navigation behind the
// fetch metadata, as captured, and the same values.
func TestRedirectHead(t *testing.T) {
	for _, p := range protocols {
		_, origin := newRedirects(t, mientest.Config{Protocols: p.alpn})
		s := newSession(t, mien.Config{Profile: profileNamed(t, "chromium-156-linux")})
		get(t, s, to(origin.URL, 302, "/end"))
		all := origin.Requests()
		if len(all) != 2 {
			t.Fatalf("%d requests", len(all))
		}
		var fields [2][]string
		for i, r := range all {
			for _, f := range r.Fields {
				if f.Name != ":path" {
					fields[i] = append(fields[i], strings.ToLower(f.Name)+": "+f.Value)
				}
			}
		}
		hints := func(s string) bool { return strings.HasPrefix(s, "sec-ch-ua") }
		dest := func(s string) bool { return strings.HasPrefix(s, "sec-fetch-dest: document") }
		from, to := slices.IndexFunc(fields[0], hints), slices.IndexFunc(fields[0], dest)
		if from < 0 || to < from {
			t.Fatalf("%s: first head %q", p.name, fields[0])
		}
		want := slices.Concat(fields[0][:from], fields[0][from+3:to+1], fields[0][from:from+3], fields[0][to+1:])
		if !slices.Equal(fields[1], want) {
			t.Errorf("%s: after the redirect\n%q\nwant\n%q", p.name, fields[1], want)
		}
	}
}

func profileNamed(t testing.TB, name string) *fingerprint.Profile {
	t.Helper()
	p, err := fingerprint.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
