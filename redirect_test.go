package mien_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// redirects answers /to?status=…&location=… with that redirect, /hops/n with n
// more hops, and every other path with 200. It notes each request.
type redirects struct {
	mu   sync.Mutex
	seen []seenRequest // guarded by mu
}

type seenRequest struct {
	method, host, path, body string
	header                   http.Header
}

func (h *redirects) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	h.seen = append(h.seen, seenRequest{r.Method, r.Host, r.URL.Path, string(b), r.Header.Clone()})
	h.mu.Unlock()
	if n, ok := strings.CutPrefix(r.URL.Path, "/hops/"); ok && n != "0" {
		left, _ := strconv.Atoi(n)
		w.Header().Set("Location", "/hops/"+strconv.Itoa(left-1))
		w.WriteHeader(http.StatusFound)
		return
	}
	if q := r.URL.Query(); r.URL.Path == "/to" {
		status, _ := strconv.Atoi(q.Get("status"))
		w.Header()["Location"] = q["location"]
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "moved")
	}
}

// take returns the requests seen since the last take.
func (h *redirects) take() []seenRequest {
	h.mu.Lock()
	defer h.mu.Unlock()
	seen := h.seen
	h.seen = nil
	return seen
}

func newRedirects(t *testing.T, cfg mientest.Config) (*redirects, *mientest.Origin) {
	h := new(redirects)
	cfg.Handler = h
	return h, newOrigin(t, cfg)
}

// to is a URL on base that redirects to location.
func to(base string, status int, location string) string {
	return base + "/to?" + url.Values{"status": {strconv.Itoa(status)}, "location": {location}}.Encode()
}

func class(err error) retry.Class {
	var e *mien.Error
	if errors.As(err, &e) {
		return e.Class
	}
	return "not a mien.Error"
}

// What becomes of method and body (Fetch standard, HTTP-redirect fetch, step 12).
func TestRedirectMethods(t *testing.T) {
	for _, p := range protocols {
		seen, origin := newRedirects(t, mientest.Config{Protocols: p.alpn})
		s := newSession(t, mien.Config{})
		for _, tt := range []struct {
			method string
			status map[int]string
		}{
			{"GET", map[int]string{301: "GET", 302: "GET", 303: "GET", 307: "GET", 308: "GET"}},
			{"HEAD", map[int]string{301: "HEAD", 302: "HEAD", 303: "HEAD", 307: "HEAD", 308: "HEAD"}},
			{"POST", map[int]string{301: "GET", 302: "GET", 303: "GET", 307: "POST body", 308: "POST body"}},
			{"PUT", map[int]string{301: "PUT body", 302: "PUT body", 303: "GET", 307: "PUT body", 308: "PUT body"}},
			{"PATCH", map[int]string{301: "PATCH body", 302: "PATCH body", 303: "GET", 307: "PATCH body", 308: "PATCH body"}},
			{"DELETE", map[int]string{301: "DELETE body", 302: "DELETE body", 303: "GET", 307: "DELETE body", 308: "DELETE body"}},
		} {
			for status, want := range tt.status {
				t.Run(fmt.Sprintf("%s/%s/%d", p.name, tt.method, status), func(t *testing.T) {
					var body io.Reader
					if tt.method != "GET" && tt.method != "HEAD" {
						body = strings.NewReader("body")
					}
					req := request(t, tt.method, to(origin.URL, status, "/end"), body)
					req.Header = http.Header{
						"Content-Type": {"text/plain"}, "Content-Language": {"en"}, "Content-Location": {"/"},
						"Content-Encoding": {"identity"}, "X-Kept": {"1"},
					}
					resp, _ := mustDo(t, s.Do, req)
					all := seen.take()
					if len(all) != 2 {
						t.Fatalf("the origin saw %d requests", len(all))
					}
					last := all[1]
					if got := strings.TrimSpace(last.method + " " + last.body); got != want || last.path != "/end" {
						t.Errorf("%s %s, want %s", got, last.path, want)
					}
					kept := strings.Contains(want, "body") || want == tt.method
					for _, name := range []string{"Content-Type", "Content-Language", "Content-Location", "Content-Encoding"} {
						if (last.header.Get(name) != "") != kept {
							t.Errorf("%s: %q", name, last.header.Get(name))
						}
					}
					if last.header.Get("X-Kept") != "1" {
						t.Error("a field of the caller was lost")
					}
					if resp.Request.URL.Path != "/end" || resp.Request.Method != last.method {
						t.Errorf("resp.Request is %s %s", resp.Request.Method, resp.Request.URL)
					}
					if resp.Request.Response == nil || resp.Request.Response.StatusCode != status {
						t.Error("resp.Request.Response is not the redirect")
					}
				})
			}
		}
	}
}

// Without GetBody the body cannot be sent again: the caller gets the redirect.
func TestRedirectWithoutGetBody(t *testing.T) {
	seen, origin := newRedirects(t, mientest.Config{})
	s := newSession(t, mien.Config{})
	for _, c := range ways(s) {
		req := request(t, http.MethodPost, to(origin.URL, 307, "/end"), io.MultiReader(strings.NewReader("body")))
		resp, got := mustDo(t, c.do, req)
		if resp.StatusCode != 307 || got != "moved" || len(seen.take()) != 1 {
			t.Errorf("%s: %s %q", c.name, resp.Status, got)
		}
	}
}

// Every body that GetBody gave is closed, followed or not.
func TestRedirectClosesBodies(t *testing.T) {
	_, origin := newRedirects(t, mientest.Config{})
	for name, check := range map[string]func(*http.Request, []*http.Request) error{
		"followed": nil,
		"vetoed":   func(*http.Request, []*http.Request) error { return errBroken },
		"last":     func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	} {
		s := newSession(t, mien.Config{Redirect: mien.Redirect{Check: check}})
		var given []*watchedBody
		give := func() (io.ReadCloser, error) {
			b := watch(strings.NewReader("body"))
			given = append(given, b)
			return b, nil
		}
		req := request(t, http.MethodPost, to(origin.URL, 307, "/end"), nil)
		req.Body, _ = give()
		req.GetBody, req.ContentLength = give, 4
		if resp, err := s.Do(req); err == nil {
			readAll(t, resp)
		}
		for _, b := range given {
			b.mustClose(t)
		}
		if len(given) != 2 {
			t.Errorf("%s: GetBody was called %d times", name, len(given)-1)
		}
	}
}

func TestRedirectLimit(t *testing.T) {
	seen, origin := newRedirects(t, mientest.Config{})
	s := newSession(t, mien.Config{})
	for _, c := range ways(s)[:2] {
		resp, _ := mustDo(t, c.do, request(t, http.MethodGet, origin.URL+"/hops/20", nil))
		if resp.StatusCode != 200 || len(seen.take()) != 21 {
			t.Errorf("%s: 20 redirects: %s", c.name, resp.Status)
		}
		resp, err := c.do(request(t, http.MethodGet, origin.URL+"/hops/21", nil))
		if err == nil {
			t.Fatalf("%s: 21 redirects: %s", c.name, resp.Status)
		}
		if n := len(seen.take()); n != 21 {
			t.Errorf("%s: %d requests", c.name, n)
		}
		if resp == nil || resp.StatusCode != 302 {
			t.Errorf("%s: the last response is missing", c.name)
		}
		if c.name == "Do" && class(err) != retry.Redirect {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	for limit, want := range map[int]int{-1: 302, 2: 200, 1: 0} {
		s := newSession(t, mien.Config{Redirect: mien.Redirect{Max: limit}})
		for _, c := range ways(s)[:2] {
			resp, err := c.do(request(t, http.MethodGet, origin.URL+"/hops/2", nil))
			if want == 0 {
				if err == nil {
					t.Errorf("%s: limit %d: no error", c.name, limit)
				}
				continue
			}
			if err != nil || resp.StatusCode != want {
				t.Errorf("%s: limit %d: %v, %v", c.name, limit, resp, err)
				continue
			}
			readAll(t, resp) // the body is not closed
		}
	}
}

// With no redirect followed, a Location is none of the session's business.
func TestRedirectOffIgnoresLocation(t *testing.T) {
	_, origin := newRedirects(t, mientest.Config{})
	s := newSession(t, mien.Config{Redirect: mien.Redirect{Max: -1}})
	resp, err := s.Do(request(t, http.MethodGet, to(origin.URL, 302, "https://[::1/"), nil))
	if err != nil || resp.StatusCode != 302 {
		t.Fatalf("%v, %v", resp, err)
	}
	if got := readAll(t, resp); got != "moved" {
		t.Errorf("body %q", got)
	}
}

func TestRedirectCheck(t *testing.T) {
	seen, origin := newRedirects(t, mientest.Config{})
	var asked []string
	veto := error(nil)
	s := newSession(t, mien.Config{Redirect: mien.Redirect{Check: func(next *http.Request, via []*http.Request) error {
		entry := next.URL.Path
		for _, r := range via {
			entry += " < " + r.URL.Path
		}
		asked = append(asked, entry)
		if next.URL.Path == "/hops/1" {
			return veto
		}
		return nil
	}}})
	for _, c := range ways(s)[:2] {
		asked, veto = nil, nil
		mustDo(t, c.do, request(t, http.MethodGet, origin.URL+"/hops/3", nil))
		want := "[/hops/2 < /hops/3 /hops/1 < /hops/3 < /hops/2 /hops/0 < /hops/3 < /hops/2 < /hops/1]"
		if got := fmt.Sprint(asked); got != want {
			t.Errorf("%s: asked %s", c.name, got)
		}
		seen.take()

		veto = errBroken
		resp, err := c.do(request(t, http.MethodGet, origin.URL+"/hops/3", nil))
		if !errors.Is(err, errBroken) || len(seen.take()) != 2 {
			t.Errorf("%s: vetoed: %v", c.name, err)
		}
		if resp == nil || resp.StatusCode != 302 {
			t.Errorf("%s: vetoed: no response", c.name)
		}
		if c.name == "Do" && class(err) != retry.Redirect {
			t.Errorf("class %s", class(err))
		}

		veto = fmt.Errorf("enough: %w", http.ErrUseLastResponse)
		resp, err = c.do(request(t, http.MethodGet, origin.URL+"/hops/3", nil))
		if err != nil || resp.StatusCode != 302 || resp.Header.Get("Location") != "/hops/1" || len(seen.take()) != 2 {
			t.Fatalf("%s: last response: %v, %v", c.name, resp, err)
		}
		readAll(t, resp)
	}
}

func TestRedirectDowngrade(t *testing.T) {
	plainSeen, plain := newRedirects(t, mientest.Config{Plain: true})
	_, origin := newRedirects(t, mientest.Config{})
	for _, refused := range []bool{false, true} {
		s := newSession(t, mien.Config{Redirect: mien.Redirect{NoDowngrade: refused}})
		for _, c := range ways(s)[:2] {
			resp, err := c.do(request(t, http.MethodGet, to(origin.URL, 302, plain.URL+"/end"), nil))
			if !refused {
				if err != nil {
					t.Errorf("%s: %v", c.name, err)
					continue
				}
				readAll(t, resp)
			} else if err == nil || class(err) != retry.Redirect && c.name == "Do" {
				t.Errorf("%s: downgrade refused: %v", c.name, err)
			}
			if n := len(plainSeen.take()); (n == 0) != refused {
				t.Errorf("%s: the http origin saw %d requests", c.name, n)
			}
			// The other way is no downgrade.
			mustDo(t, c.do, request(t, http.MethodGet, to(plain.URL, 302, origin.URL+"/end"), nil))
			plainSeen.take()
		}
	}
}

func TestRedirectLocation(t *testing.T) {
	_, origin := newRedirects(t, mientest.Config{})
	s := newSession(t, mien.Config{})
	for _, tt := range []struct{ from, location, want string }{
		{"#a", "/end", "/end#a"},
		{"#a", "/end#b", "/end#b"},
		{"#a%2Fb", "/end", "/end#a%2Fb"},
		{"", "end?x=1", "/end?x=1"},
		{"", "?status=200", "/to?status=200"},
		{"", "//" + strings.TrimPrefix(origin.URL, "https://") + "/p%2Fq", "/p%2Fq"},
		{"", "./a/../b", "/b"},
		{"", " /end", "/end"},
	} {
		resp, err := s.Do(request(t, http.MethodGet, to(origin.URL, 302, tt.location)+tt.from, nil))
		if err != nil {
			t.Errorf("%q: %v", tt.location, err)
			continue
		}
		readAll(t, resp)
		if got := strings.TrimPrefix(resp.Request.URL.String(), origin.URL); got != tt.want {
			t.Errorf("%s, Location %q: %q, want %q", tt.from, tt.location, got, tt.want)
		}
	}
	// No Location, no redirect; nor with a status that is none.
	for _, status := range []int{300, 304, 305} {
		if resp, _ := mustDo(t, s.Do, request(t, http.MethodGet, to(origin.URL, status, "/end"), nil)); resp.StatusCode != status {
			t.Errorf("%d was followed", status)
		}
	}
	if resp, _ := mustDo(t, s.Do, request(t, http.MethodGet, origin.URL+"/to?status=302", nil)); resp.StatusCode != 302 {
		t.Errorf("302 without Location: %s", resp.Status)
	}
	for _, location := range []string{"https://[::1/", "ftp://example.test/", "https://", "https://a b/"} {
		req := request(t, http.MethodGet, to(origin.URL, 302, location), nil)
		resp, err := s.Do(req)
		var e *mien.Error
		if !errors.As(err, &e) || e.Class != retry.Redirect || e.Request != req {
			t.Errorf("%q: %v", location, err)
			continue
		}
		if resp == nil || resp.StatusCode != 302 || resp.Header.Get("Location") != location {
			t.Errorf("%q: response %v", location, resp)
		} else if _, err := resp.Body.Read(make([]byte, 1)); err == nil {
			t.Errorf("%q: the body is open", location)
		}
	}
}

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

// The body of a redirect that goes on for ever does not hold up the next hop.
func TestRedirectWithEndlessBody(t *testing.T) {
	for _, p := range protocols {
		origin := newOrigin(t, mientest.Config{Protocols: p.alpn, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/end" {
				return
			}
			http.Redirect(w, r, "/end", http.StatusFound)
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<10)); err != nil {
					return
				}
			}
		})})
		s := newSession(t, mien.Config{Limits: mien.Limits{InFlight: 1}})
		resp, _ := get(t, s, origin.URL)
		if resp.StatusCode != 200 {
			t.Errorf("%s: %s", p.name, resp.Status)
		}
	}
}

// dialTo leads every name to origin.
func dialTo(origin *mientest.Origin) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", origin.Addr().String())
	}
}
