package fingerprint

import (
	"slices"
	"strings"
	"testing"
)

func names(h Head) string {
	var out []string
	for _, f := range h.Fields {
		out = append(out, f.Name)
	}
	return strings.Join(out, ", ")
}

func value(h Head, name string) string {
	var out []string
	for _, f := range h.Fields {
		if f.Name == name {
			out = append(out, f.Value)
		}
	}
	return strings.Join(out, " | ")
}

// Cleartext differs: no client hints, no Sec-Fetch-*, fewer codings. The orders
// of Chromium were captured, those of Firefox are derived.
func TestHeadCleartext(t *testing.T) {
	referer := map[string][]string{"Referer": {"http://www.shop.test/"}}
	for _, c := range []struct {
		profile string
		r       HeadRequest
		want    string
	}{
		{"chrome-156-linux", HeadRequest{},
			"Host, Connection, Upgrade-Insecure-Requests, User-Agent, Accept, Accept-Encoding, Accept-Language"},
		{"chrome-156-linux", HeadRequest{Destination: Empty, Header: referer},
			"Host, Connection, User-Agent, Accept, Referer, Accept-Encoding, Accept-Language"},
		{"firefox-153-linux", HeadRequest{UserActivation: true},
			"Host, User-Agent, Accept, Accept-Language, Accept-Encoding, Connection, Upgrade-Insecure-Requests, Priority"},
		{"firefox-153-linux", HeadRequest{Destination: Empty, Header: referer},
			"Host, User-Agent, Accept, Accept-Language, Accept-Encoding, Referer, Connection, Priority"},
	} {
		c.r.Wire = OverCleartext
		h := lookup(t, c.profile).Head(c.r)
		h.Fields = slices.DeleteFunc(h.Fields, func(f HeaderField) bool { return f.Name != "Host" && framing(f.Name) })
		if got := names(h); got != c.want {
			t.Errorf("%s %s:\n got %s\nwant %s", c.profile, c.r.Destination, got, c.want)
		}
		if got := value(h, "Accept-Encoding"); got != "gzip, deflate" {
			t.Errorf("%s: Accept-Encoding: %s", c.profile, got)
		}
	}
}

// What a caller sets takes the place of the profile's value; nil takes it away.
func TestHeadCallersFields(t *testing.T) {
	p := lookup(t, "chrome-156-linux")
	plain := names(p.Head(HeadRequest{Wire: OverHTTP2}))
	h := p.Head(HeadRequest{Wire: OverHTTP2, Header: map[string][]string{
		"User-Agent": {"mine"}, "sec-ch-ua": {"brands"}, "Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Dest": {"x"}, "Priority": {"u=7"},
	}})
	if names(h) != plain {
		t.Errorf("order changed: %s", names(h))
	}
	for name, want := range map[string]string{
		"user-agent": "mine", "sec-ch-ua": "brands", "sec-fetch-site": "cross-site", "sec-fetch-dest": "x", "priority": "u=7",
	} {
		if got := value(h, name); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	h = p.Head(HeadRequest{Wire: OverHTTP2, Header: map[string][]string{
		"User-Agent": nil, "Sec-Ch-Ua": {}, "Accept": nil, "Priority": nil, "X-None": nil,
	}})
	if got := names(h); got != "sec-ch-ua-mobile, sec-ch-ua-platform, upgrade-insecure-requests, sec-fetch-site, sec-fetch-mode, sec-fetch-dest, accept-encoding, accept-language" {
		t.Error(got)
	}
	h = p.Head(HeadRequest{Wire: OverHTTP1, Header: map[string][]string{"User-Agent": {""}, "Accept": {""}}})
	if strings.Contains(names(h), "User-Agent") || !strings.Contains(names(h), ", Accept,") {
		t.Errorf("empty values: %s", names(h))
	}
	// A field whose place does not apply to this request still goes there.
	h = p.Head(HeadRequest{Wire: OverHTTP2, Header: map[string][]string{"Sec-Fetch-User": {"?1"}, "Cache-Control": {"no-cache"}}})
	if got := names(h); !strings.HasPrefix(got, "cache-control, sec-ch-ua,") || !strings.Contains(got, "sec-fetch-mode, sec-fetch-user, sec-fetch-dest") {
		t.Error(got)
	}
}

// Fields that the browser has no place for go to "*", sorted, in the case of the
// wire; Blink has them where the hash of their names leads.
func TestHeadOtherFields(t *testing.T) {
	own := map[string][]string{"X-B": {"1", "2"}, "X-A": {"3"}, "x-c": {"4"}}
	for _, c := range []struct{ profile, http1 string }{
		{"chrome-156-linux", "sec-ch-ua-platform, x-c, User-Agent, sec-ch-ua, X-A, sec-ch-ua-mobile, X-B, X-B, Accept, "},
		{"firefox-153-linux", ", X-A, X-B, X-B, x-c, "},
	} {
		p := lookup(t, c.profile)
		h := p.Head(HeadRequest{Wire: OverHTTP1, Destination: Empty, Header: own})
		if got := names(h); !strings.Contains(got, c.http1) {
			t.Errorf("%s: %s", c.profile, got)
		}
		h = p.Head(HeadRequest{Wire: OverHTTP2, Destination: Empty, Header: own})
		if got := names(h); !strings.Contains(got, strings.ToLower(c.http1)) || value(h, "x-b") != "1 | 2" {
			t.Errorf("%s: %s", c.profile, got)
		}
	}
}

// Framing is the client's, and HTTP/2 has no connection fields.
func TestHeadFraming(t *testing.T) {
	own := map[string][]string{
		"Host": {"evil"}, "Content-Length": {"99"}, "Transfer-Encoding": {"chunked"}, "Trailer": {"X"},
		"Connection": {"close"}, "Keep-Alive": {"1"}, "Proxy-Connection": {"close"}, "Upgrade": {"x"},
	}
	p := lookup(t, "chrome-156-linux")
	h := p.Head(HeadRequest{Wire: OverHTTP2, Header: own})
	if names(h) != names(p.Head(HeadRequest{Wire: OverHTTP2})) {
		t.Error(names(h))
	}
	h = p.Head(HeadRequest{Wire: OverHTTP1, Header: own})
	if got := names(h); !strings.HasPrefix(got, "Host, Connection, Content-Length, Transfer-Encoding, sec-ch-ua,") ||
		value(h, "Host")+value(h, "Content-Length")+value(h, "Transfer-Encoding") != "" || value(h, "Connection") != "close" || value(h, "Trailer") != "" {
		t.Errorf("%+v", h.Fields)
	}
	for _, c := range []struct {
		method string
		length int64
		want   string
	}{
		{"GET", 0, ""}, {"", 0, ""}, {"DELETE", 0, ""}, {"POST", 0, "0"}, {"PUT", 0, "0"}, {"PATCH", 0, "0"},
		{"GET", 7, "7"}, {"POST", -1, ""}, {"POST", 1 << 40, "1099511627776"},
	} {
		for _, name := range []string{"chrome-156-linux", "firefox-153-linux"} {
			h := lookup(t, name).Head(HeadRequest{Wire: OverHTTP2, Method: c.method, ContentLength: c.length})
			if got := value(h, "content-length"); got != c.want {
				t.Errorf("%s %s %d: content-length %q", name, c.method, c.length, got)
			}
		}
	}
}

func TestHeadCookies(t *testing.T) {
	for _, name := range []string{"chrome-156-linux", "firefox-153-linux"} {
		p := lookup(t, name)
		for _, c := range []struct {
			in         []string
			h2, joined string
		}{
			{[]string{"a=1; b=2"}, "a=1 | b=2", "a=1; b=2"},
			{[]string{"a=1;b=2;  c"}, "a=1 | b=2 |  c", "a=1;b=2;  c"},
			{[]string{"a=1", "b=2; c=3"}, "a=1 | b=2 | c=3", "a=1; b=2; c=3"},
			{[]string{`a={"x":1}`}, `a={"x":1}`, `a={"x":1}`},
		} {
			own := map[string][]string{"Cookie": c.in}
			if got := value(p.Head(HeadRequest{Wire: OverHTTP2, Header: own}), "cookie"); got != c.h2 {
				t.Errorf("%s h2: %q, want %q", name, got, c.h2)
			}
			if got := value(p.Head(HeadRequest{Wire: OverHTTP1, Header: own}), "Cookie"); got != c.joined {
				t.Errorf("%s h1: %q, want %q", name, got, c.joined)
			}
		}
	}
}

func TestHeadOrder(t *testing.T) {
	h := lookup(t, "firefox-153-linux").Head(HeadRequest{
		Wire: OverHTTP2, Destination: Empty, Header: map[string][]string{"Cookie": {"a=1; b=2"}, "X-A": {"1"}},
		Order: []string{"X-A", "cookie", "Missing", "Accept"},
	})
	want := "x-a, cookie, cookie, accept, user-agent, accept-language, accept-encoding, sec-fetch-dest, sec-fetch-mode, sec-fetch-site, priority, te"
	if got := names(h); got != want || value(h, "cookie") != "a=1 | b=2" {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// A destination without a list is written like fetch().
func TestHeadUnknownDestination(t *testing.T) {
	for _, name := range []string{"chrome-156-linux", "firefox-153-linux"} {
		p := lookup(t, name)
		fetch, h := p.Head(HeadRequest{Wire: OverHTTP2, Destination: Empty}), p.Head(HeadRequest{Wire: OverHTTP2, Destination: "manifest"})
		if names(h) != names(fetch) || value(h, "sec-fetch-dest") != "manifest" || h.Priority != fetch.Priority {
			t.Errorf("%s: %+v", name, h)
		}
	}
	h := (&Profile{}).Head(HeadRequest{Wire: OverHTTP2, Header: map[string][]string{"X": {"1"}}})
	if !slices.Equal(h.Fields, []HeaderField{{"x", "1"}}) {
		t.Errorf("a profile without lists: %+v", h)
	}
}

// The range that a caller asks for is of the bytes as they are.
func TestHeadRange(t *testing.T) {
	p := lookup(t, "chrome-156-linux")
	own := map[string][]string{"Range": {"bytes=0-9"}}
	if got := value(p.Head(HeadRequest{Wire: OverHTTP2, Header: own}), "accept-encoding"); got != "identity" {
		t.Error(got)
	}
	own["Accept-Encoding"] = []string{"gzip"}
	if got := value(p.Head(HeadRequest{Wire: OverHTTP2, Header: own}), "accept-encoding"); got != "gzip" {
		t.Error(got)
	}
}

// The zero HeadRequest but for the wire is a first navigation.
func TestHeadDefaults(t *testing.T) {
	h := lookup(t, "chrome-156-linux").Head(HeadRequest{Wire: OverHTTP2})
	if value(h, "sec-fetch-dest") != "document" || value(h, "sec-fetch-mode") != "navigate" || value(h, "sec-fetch-site") != "none" {
		t.Errorf("%+v", h)
	}
	h = lookup(t, "chrome-156-linux").Head(HeadRequest{Wire: OverHTTP2, Destination: Image, Mode: "cors", Site: "same-site"})
	if value(h, "sec-fetch-mode") != "cors" || value(h, "sec-fetch-site") != "same-site" {
		t.Errorf("%+v", h)
	}
}

// Head is called for every request: one allocation, that of the fields.
func TestHeadAllocates(t *testing.T) {
	p := Chrome()
	r := HeadRequest{Wire: OverHTTP2, Destination: Empty, Header: map[string][]string{
		"Referer": {"https://www.shop.test/"}, "Cookie": {"sid=1; theme=dark"}, "Accept": {"application/json"},
	}}
	if n := testing.AllocsPerRun(100, func() { p.Head(r) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkHead(b *testing.B) {
	p := Chrome()
	r := HeadRequest{Wire: OverHTTP2, Destination: Empty, Header: map[string][]string{
		"Referer": {"https://www.shop.test/"}, "Cookie": {"sid=1; theme=dark"}, "Accept": {"application/json"},
	}}
	b.ReportAllocs()
	for b.Loop() {
		p.Head(r)
	}
}
