package fingerprint

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// published are the profiles made of what others recorded.
func published(t *testing.T) []*Profile {
	t.Helper()
	var out []*Profile
	for _, name := range Names() {
		if p := lookup(t, name); p.Provenance.TLS.Kind == Published || strings.HasPrefix(name, "chrome-150") || strings.HasPrefix(name, "firefox-144") {
			out = append(out, p)
		}
	}
	if len(out) != 12 {
		t.Fatalf("%d published profiles", len(out))
	}
	return out
}

func TestPublishedSources(t *testing.T) {
	for _, p := range published(t) {
		v := p.Provenance
		for _, s := range []Source{v.TLS, v.HTTP2, v.Headers, v.Identity} {
			if s.Kind != Published && s.Kind != Derived || len(s.From) < 10 {
				t.Errorf("%s: %+v", p.Name, s)
			}
		}
		if len(p.Notes) == 0 || p.Digests.JA4 == "" || p.Digests.Akamai == "" {
			t.Errorf("%s: notes %q, digests %+v", p.Name, p.Notes, p.Digests)
		}
		if (p.Digests.JA3 != "") == p.TLS.Permute {
			t.Errorf("%s: permutes %t, JA3 %q", p.Name, p.TLS.Permute, p.Digests.JA3)
		}
		if p.TLS.Permute != (p.Browser.Engine == "blink") {
			t.Errorf("%s: permutes %t", p.Name, p.TLS.Permute)
		}
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := Parse(b); err != nil || !reflect.DeepEqual(again, p) {
			t.Errorf("%s does not survive JSON: %v", p.Name, err)
		}
	}
}

// Safari is the newest one, and each caller's own.
func TestSafari(t *testing.T) {
	p := Safari()
	if p.Name != "safari-26.4-macos" || p.Validate() != nil {
		t.Fatalf("%s, %v", p.Name, p.Validate())
	}
	p.Notes[0], p.TLS.CipherSuites[0] = "", 1
	if q := Safari(); q.Notes[0] == "" || q.TLS.CipherSuites[0] != GREASE {
		t.Error("two callers share one profile")
	}
}

// Nobody recorded more of Safari than a navigation over HTTP/2; whatever else is
// asked for is refused, with the kind's name.
func TestSafariKinds(t *testing.T) {
	for _, name := range []string{"safari-18.4-macos", "safari-18.4-ios", "safari-26.4-macos", "safari-26.4-ios"} {
		p := lookup(t, name)
		if err := p.Covers(HeadRequest{Wire: OverHTTP2, Destination: Document}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, r := range []HeadRequest{
			{Wire: OverHTTP2, Destination: Empty},
			{Wire: OverHTTP2, Destination: Image},
			{Wire: OverHTTP2, Destination: "manifest"},
			{Wire: OverHTTP1, Destination: Document},
			{Wire: OverHTTP1, Destination: WebSocket},
			{Wire: OverCleartext, Destination: Document},
		} {
			h, err := p.Head(r), p.Covers(r)
			var kind *KindError
			if !errors.As(err, &kind) || kind.Profile != name || len(h.Fields) > 0 || !strings.Contains(err.Error(), string(r.Destination)) {
				t.Errorf("%s, %s over %s: %v, %v", name, r.Destination, r.Wire, h.Fields, err)
			}
		}
	}
}

// What sets two neighbouring versions apart is there.
func TestPublishedVersions(t *testing.T) {
	accepts := func(name string, dest Destination) (accept, encoding string) {
		h := lookup(t, name).Head(HeadRequest{Wire: OverHTTP2, Destination: dest})
		for _, f := range h.Fields {
			switch f.Name {
			case "accept":
				accept = f.Value
			case "accept-encoding":
				encoding = f.Value
			}
		}
		return accept, encoding
	}
	for _, name := range []string{"chrome-150-macos", "chrome-150-android", "edge-133-windows"} {
		for _, dest := range []Destination{Document, Iframe, Image} {
			if accept, _ := accepts(name, dest); !strings.Contains(accept, "image/avif") || strings.Contains(accept, "image/jxl") {
				t.Errorf("%s accepts %s for %s", name, accept, dest)
			}
		}
		if _, encoding := accepts(name, Video); encoding != "identity;q=1, *;q=0" {
			t.Errorf("%s accepts media in %q", name, encoding)
		}
	}
	for name, want := range map[string]string{
		"safari-18.4-ios": "gzip, deflate, br", "safari-26.4-ios": "gzip, deflate, br, zstd", "safari-26.4-macos": "gzip, deflate, br, zstd",
	} {
		if _, encoding := accepts(name, Document); encoding != want {
			t.Errorf("%s accepts %s", name, encoding)
		}
	}
	if l := lookup(t, "firefox-144-linux").identity("accept-language"); l != "en-US,en;q=0.5" {
		t.Errorf("Firefox 144 speaks %s", l)
	}
	signatures := func(name string) []Code {
		p := lookup(t, name)
		return p.TLS.Extensions[p.TLS.extension(helloSignatureAlgorithms)].Codes
	}
	if s := signatures("chrome-150-linux"); slices.Contains(s, GREASE) || s[0] != 0x0904 {
		t.Errorf("Chrome 150 signs with %v", s)
	}
	if s := signatures("edge-133-windows"); s[0] != 0x0403 {
		t.Errorf("Edge 133 signs with %v", s)
	}
}

// Requests that neighbouring versions write in another order have that of the
// captured neighbour: Chromium 153 for Chrome 150, Chromium 131 for Edge 133.
func TestPublishedOrder(t *testing.T) {
	for _, c := range []struct {
		profile string
		r       HeadRequest
		want    string
	}{
		{
			"chrome-150-windows",
			HeadRequest{Wire: OverHTTP2, Destination: Video, Site: "same-origin", Header: map[string][]string{"Referer": {"https://a.test/"}}},
			"sec-ch-ua-platform accept-encoding user-agent sec-ch-ua sec-ch-ua-mobile accept " +
				"sec-fetch-site sec-fetch-mode sec-fetch-dest referer accept-language range priority",
		},
		{
			"edge-133-windows",
			HeadRequest{
				Wire: OverHTTP2, Destination: Document, Method: "POST", ContentLength: 3, Submitted: true, Site: "same-origin",
				Header: map[string][]string{"Referer": {"https://a.test/"}, "Origin": {"https://a.test"}, "Content-Type": {"application/x-www-form-urlencoded"}},
			},
			"content-length cache-control sec-ch-ua sec-ch-ua-mobile sec-ch-ua-platform origin content-type upgrade-insecure-requests " +
				"user-agent accept sec-fetch-site sec-fetch-mode sec-fetch-dest referer accept-encoding accept-language priority",
		},
	} {
		var names []string
		for _, f := range lookup(t, c.profile).Head(c.r).Fields {
			names = append(names, f.Name)
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.profile, got, c.want)
		}
	}
}
