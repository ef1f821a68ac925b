package mien_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// oneRedirect redirects the first request after set, and says what came then.
type oneRedirect struct {
	header atomic.Pointer[http.Header] // of the redirect; nil: there has been one
	status int
	seen   atomic.Pointer[string] // host and request target
}

func (h *oneRedirect) set(header http.Header) {
	h.header.Store(&header)
	h.seen.Store(new(string))
}

func (h *oneRedirect) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if header := h.header.Swap(nil); header != nil {
		for name, values := range *header {
			w.Header()[name] = values
		}
		w.WriteHeader(h.status)
		return
	}
	seen := r.Host + " " + r.RequestURI
	h.seen.Store(&seen)
}

type recordedLocation struct{ value, chromium, firefox string }

// recordedLocations reads testdata/redirect_locations.txt.
func recordedLocations(t *testing.T) []recordedLocation {
	t.Helper()
	data, err := os.ReadFile("testdata/redirect_locations.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all []recordedLocation
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSuffix(line, "\n"); line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, "\t")
		value, err := strconv.Unquote(f[0])
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, recordedLocation{value, f[1], f[2]})
	}
	return all
}

// Where a browser follows, so do we, to the same URL; where it does not, there is
// an error that says so.
func TestRedirectLocationAsBrowsers(t *testing.T) {
	ours := map[string]string{
		"/%zz": "www.shop.test /%25zz", // a url.URL cannot hold it
		"/%":   "www.shop.test /%25",
		// A response with a control byte in a field is refused before anybody reads it.
		"/ctl\x01x": "error",
		"/del\x7fx": "error",
	}
	h := &oneRedirect{status: http.StatusFound}
	origin := newOrigin(t, mientest.Config{Plain: true, Handler: h})
	// A malformed response to a GET is asked for again: not here.
	s := newSession(t, mien.Config{DialContext: dialTo(origin), Retry: retry.Policy{MaxAttempts: -1}})
	recorded := recordedLocations(t)
	if len(recorded) < 70 {
		t.Fatalf("%d recorded", len(recorded))
	}
	for _, l := range recorded {
		want := l.chromium
		if own, is := ours[l.value]; is {
			want = own
		} else if l.firefox != l.chromium && l.firefox != "none" && l.value != "/a\tb" && !strings.Contains(l.value, "|") {
			t.Errorf("%q: the browsers are not of one mind", l.value)
		}
		for _, c := range ways(s)[:2] {
			h.set(http.Header{"Location": {l.value}})
			req := request(t, http.MethodGet, "http://www.shop.test/loc/x", nil)
			resp, err := c.do(req)
			got := *h.seen.Load()
			switch {
			case err != nil:
				var e *mien.Error
				if !errors.As(err, &e) && c.name == "Do" {
					t.Errorf("%s: %q: %v", c.name, l.value, err)
				}
				if c.name == "Do" && e.Class != retry.Redirect && !strings.ContainsAny(l.value, "\x00\x01\x7f") {
					t.Errorf("%s: %q: class %s: %v", c.name, l.value, e.Class, err)
				}
				if got == "" {
					got = "error"
				}
			case resp.StatusCode == http.StatusFound:
				got = "response"
			}
			if err == nil {
				readAll(t, resp)
			}
			if got != want {
				t.Errorf("%s: %q: %s, want %s (%v)", c.name, l.value, got, want, err)
			}
		}
	}
}

// Lines that say the same are one; lines that do not are refused, whoever follows.
func TestRedirectSeveralLocations(t *testing.T) {
	for _, p := range protocols {
		h := &oneRedirect{status: http.StatusMovedPermanently}
		origin := newOrigin(t, mientest.Config{Protocols: p.alpn, Handler: h})
		for _, c := range ways(newSession(t, mien.Config{})) {
			h.set(http.Header{"Location": {"/one", "/one"}})
			mustDo(t, c.do, request(t, http.MethodGet, origin.URL, nil))
			if got := *h.seen.Load(); !strings.HasSuffix(got, " /one") {
				t.Errorf("%s, %s: twice the same: %q", p.name, c.name, got)
			}
			h.set(http.Header{"Location": {"/one", "/two"}})
			resp, err := c.do(request(t, http.MethodGet, origin.URL, nil))
			if class(err) != retry.Redirect || !strings.Contains(fmt.Sprint(err), `"/one" and "/two"`) || *h.seen.Load() != "" {
				t.Errorf("%s, %s: two: %v, %v", p.name, c.name, resp, err)
			}
		}
	}
}

// A scheme that no redirect leads to is an error of class Redirect however the
// redirect is followed, but Redirect.Check may take the 3xx for the response: that
// is how the last step of a log-in in an app is caught.
func TestRedirectToOtherSchemes(t *testing.T) {
	h := &oneRedirect{status: http.StatusFound}
	origin := newOrigin(t, mientest.Config{Handler: h})
	for _, loc := range []string{"file:///etc/passwd", "ftp://127.0.0.1/", "data:text/html,x", "javascript:alert(1)", "mailto:a@b.test", "about:blank", "app://done?code=1"} {
		for _, c := range ways(newSession(t, mien.Config{})) {
			h.set(http.Header{"Location": {loc}})
			resp, err := c.do(request(t, http.MethodGet, origin.URL, nil))
			if class(err) != retry.Redirect {
				t.Errorf("%s: %s: %v, %v", c.name, loc, resp, err)
			}
			if c.name != "RoundTripper" && (resp == nil || resp.StatusCode != http.StatusFound) {
				t.Errorf("%s: %s: the redirect did not come back", c.name, loc)
			}
		}
		var asked string
		last := func(next *http.Request, _ []*http.Request) error {
			asked = next.URL.String()
			return http.ErrUseLastResponse
		}
		for _, c := range ways(newSession(t, mien.Config{Redirect: mien.Redirect{Check: last}}))[:2] {
			h.set(http.Header{"Location": {loc}})
			resp, _ := mustDo(t, c.do, request(t, http.MethodGet, origin.URL, nil))
			if resp.StatusCode != http.StatusFound || asked != loc || resp.Header.Get("Location") != loc {
				t.Errorf("%s: %s: %s, Check was asked about %q", c.name, loc, resp.Status, asked)
			}
		}
	}
}

// From https to http as browsers do: neither Referer nor Secure cookie goes along,
// and NoDowngrade refuses the step under any http.Client.
func TestRedirectToPlain(t *testing.T) {
	plainSeen, plain := newRedirects(t, mientest.Config{Plain: true})
	_, origin := newRedirects(t, mientest.Config{Hosts: []string{"www.shop.test"}})
	dial := dialByPort(origin, plain)
	const page = "https://www.shop.test/page"
	down := to("https://www.shop.test", 307, "http://www.shop.test/end")
	s := newSession(t, mien.Config{DialContext: dial})
	importCookies(t, s, "www.shop.test", "secret", true)
	importCookies(t, s, "www.shop.test", "public", false)
	for _, c := range ways(s) {
		for _, own := range []string{"", page} {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				req := with(request(t, method, down, nil), mien.Options{Initiator: page})
				if own != "" {
					req.Header.Set("Referer", own)
				}
				mustDo(t, c.do, req)
				got := plainSeen.take()[0].header
				if got.Get("Referer") != "" || strings.Contains(got.Get("Cookie"), "secret") {
					t.Errorf("%s, %s: in the clear went %v", c.name, method, got)
				}
				if method == http.MethodGet && c.name != "RoundTripper" && got.Get("Cookie") != "public=1" {
					t.Errorf("%s: Cookie %q", c.name, got.Get("Cookie"))
				}
			}
		}
	}
	for _, c := range ways(newSession(t, mien.Config{DialContext: dial, Redirect: mien.Redirect{NoDowngrade: true}})) {
		resp, err := c.do(request(t, http.MethodGet, down, nil))
		if err == nil || !strings.Contains(err.Error(), "from https to http://www.shop.test/end is not allowed") {
			t.Errorf("%s: %v, %v", c.name, resp, err)
		}
		if n := len(plainSeen.take()); n > 0 {
			t.Errorf("%s: %d requests in the clear", c.name, n)
		}
	}
}

// dialByPort leads port 80 to plain and every other one to origin.
func dialByPort(origin, plain *mientest.Origin) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if strings.HasSuffix(addr, ":80") {
			return dialTo(plain)(ctx, network, addr)
		}
		return dialTo(origin)(ctx, network, addr)
	}
}

func importCookies(t *testing.T, s *mien.Session, domain, name string, secure bool) {
	t.Helper()
	doc := fmt.Sprintf(`{"version":1,"cookies":[{"name":%q,"value":"1","domain":%q,"secure":%v}]}`, name, domain, secure)
	if err := s.ImportCookies(strings.NewReader(doc)); err != nil {
		t.Fatal(err)
	}
}

// The caller's Host stays with a relative reference that Client rewrote.
func TestRedirectRewrittenKeepsHost(t *testing.T) {
	h := &oneRedirect{status: http.StatusFound}
	origin := newOrigin(t, mientest.Config{Plain: true, Handler: h})
	for _, c := range ways(newSession(t, mien.Config{}))[:2] {
		for loc, want := range map[string]string{`\a b?c d#e`: "virtual.test /a%20b?c%20d", `\\127.0.0.1\x`: ""} {
			h.set(http.Header{"Location": {loc}})
			req := request(t, http.MethodGet, origin.URL, nil)
			req.Host = "virtual.test"
			resp, err := c.do(req)
			if want == "" { // another origin, on which nobody listens or something else does
				if *h.seen.Load() != "" {
					t.Errorf("%s: %q: the origin saw %q", c.name, loc, *h.seen.Load())
				}
				if err == nil {
					readAll(t, resp)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			readAll(t, resp)
			if got := *h.seen.Load(); got != want || resp.Request.URL.Fragment != "e" {
				t.Errorf("%s: %q: %q, #%s", c.name, loc, got, resp.Request.URL.Fragment)
			}
		}
	}
}
