package mien_test

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/mientest"
)

// policies redirects as the query says: /?status=…&location=…&policy=….
type policies struct {
	mu   sync.Mutex
	last http.Header // guarded by mu; of the last request
}

func (h *policies) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.last = r.Header.Clone()
	h.mu.Unlock()
	q := r.URL.Query()
	if p := q.Get("policy"); p != "" {
		w.Header()["Referrer-Policy"] = strings.Split(p, "|")
	}
	if next := q.Get("location"); next != "" {
		w.Header().Set("Location", next)
		w.WriteHeader(map[string]int{"302": 302, "307": 307}[q.Get("status")])
	}
}

func (h *policies) header() http.Header {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last
}

// chained is the URL that leads over origins, each but the last with its policy.
func chained(origins, policies []string, status string) string {
	if len(origins) == 1 {
		return origins[0] + "/end"
	}
	return origins[0] + "/?" + url.Values{
		"status": {status}, "location": {chained(origins[1:], policies[1:], status)}, "policy": {policies[0]},
	}.Encode()
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// Origin and Referer at the end of a chain are those of the browser that the
// profile names, whoever follows the redirects.
func TestReferrerAsRecorded(t *testing.T) {
	data, err := os.ReadFile("testdata/redirect_referrers.txt")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{"S": "http://www.shop.test", "O": "http://www.other.test", "T": "http://www.third.test"}
	rows := 0
	for i, profile := range []string{"chromium-156-linux", "firefox-153-linux"} {
		h := new(policies)
		origin := newOrigin(t, mientest.Config{Plain: true, Handler: h})
		s := newSession(t, mien.Config{Profile: profileNamed(t, profile), DialContext: dialTo(origin)})
		for line := range strings.Lines(string(data)) {
			if line = strings.TrimSuffix(line, "\n"); line == "" || line[0] == '#' {
				continue
			}
			rows++
			f := strings.Split(line, "\t")
			var origins []string
			for name := range strings.SplitSeq(f[3], ">") {
				origins = append(origins, names[name])
			}
			said := strings.Split(strings.TrimPrefix(f[4], "-"), ";")
			for len(said) < len(origins) {
				said = append(said, "")
			}
			o := mien.Options{Initiator: "http://www.shop.test/page?p=1", Destination: fingerprint.Empty}
			if f[0] != "fetch" {
				o.Destination = fingerprint.Iframe
			}
			for _, c := range ways(s) {
				req := with(request(t, f[1], chained(origins, said, f[2]), nil), o)
				mustDo(t, c.do, req)
				got := h.header()
				if o, r := dash(got.Get("Origin")), dash(got.Get("Referer")); o != f[5+2*i] || r != f[6+2*i] {
					t.Errorf("%s, %s: %s\n got Origin %s, Referer %s", profile, c.name, line, o, r)
				}
			}
		}
	}
	if rows < 80 {
		t.Errorf("%d rows", rows)
	}
}

// What the recordings do not show: several lines, odd spelling, a way from https
// to http under each policy, and a policy that outlives the hop.
func TestReferrerPolicies(t *testing.T) {
	const page = "https://www.shop.test/page?p=1"
	const s, o, down = "https://www.shop.test", "https://www.other.test", "http://www.other.test"
	h := new(policies)
	origin := newOrigin(t, mientest.Config{Handler: h, Hosts: []string{"www.shop.test", "www.other.test"}})
	plain := newOrigin(t, mientest.Config{Plain: true, Handler: h})
	session := newSession(t, mien.Config{DialContext: dialByPort(origin, plain)})
	for _, tt := range []struct {
		chain, policies []string
		referer         string
	}{
		{[]string{s, o}, []string{"unsafe-url|no-referrer"}, ""},
		{[]string{s, o}, []string{"no-referrer|unsafe-url"}, page},
		{[]string{s, o}, []string{" NO-Referrer\t,, "}, ""},
		{[]string{s, o}, []string{"never, always, default"}, s + "/"},
		{[]string{s, down}, []string{""}, ""},
		{[]string{s, down}, []string{"strict-origin"}, ""},
		{[]string{s, down}, []string{"no-referrer-when-downgrade"}, ""},
		{[]string{s, down}, []string{"origin"}, s + "/"},
		{[]string{s, down}, []string{"origin-when-cross-origin"}, s + "/"},
		{[]string{s, down}, []string{"unsafe-url"}, page},
		{[]string{s, o, s}, []string{"unsafe-url", ""}, page},
		{[]string{s, o, s}, []string{"unsafe-url", "strict-origin"}, s + "/"},
		{[]string{s, down, s}, []string{"", ""}, ""},
	} {
		for _, c := range ways(session) {
			req := with(request(t, http.MethodGet, chained(tt.chain, append(tt.policies, ""), "302"), nil),
				mien.Options{Initiator: page, Destination: fingerprint.Image})
			mustDo(t, c.do, req)
			if got := h.header().Get("Referer"); got != tt.referer {
				t.Errorf("%s: %q %q: Referer %q, want %q", c.name, tt.chain, tt.policies, got, tt.referer)
			}
		}
	}
}
