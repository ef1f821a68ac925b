package fingerprint

import (
	"errors"
	"strings"
	"testing"
)

// What tells requests of one destination apart.
func TestHeadVariants(t *testing.T) {
	chrome, firefox := "chrome-156-linux", "firefox-153-linux"
	referer := map[string][]string{"Referer": {"r"}, "Origin": {"o"}}
	for _, c := range []struct {
		profile string
		r       HeadRequest
		field   string
		value   string // "-": not sent
		weight  uint16
	}{
		{chrome, HeadRequest{Destination: Script}, "priority", "u=1", 220},
		{chrome, HeadRequest{Destination: Script, Variant: Async}, "priority", "-", 147},
		{chrome, HeadRequest{Destination: Image}, "priority", "u=2, i", 183},
		{chrome, HeadRequest{Destination: Image, Variant: Background}, "priority", "i", 147},
		{chrome, HeadRequest{Destination: Empty, Variant: LowPriority}, "priority", "i", 147},
		{chrome, HeadRequest{Destination: Empty, Variant: Beacon}, "sec-fetch-mode", "no-cors", 110},
		{chrome, HeadRequest{Destination: Empty, Variant: EventSource}, "accept", "text/event-stream", 220},
		{chrome, HeadRequest{Destination: Document, Variant: Reload}, "cache-control", "max-age=0", 256},
		{chrome, HeadRequest{Destination: Document, Submitted: true, Redirected: true}, "cache-control", "max-age=0", 256},
		{chrome, HeadRequest{Destination: Document}, "cache-control", "-", 256},
		{firefox, HeadRequest{Destination: Empty}, "priority", "u=4", 22},
		{firefox, HeadRequest{Destination: Empty, Variant: XHR}, "priority", "-", 22},
		{firefox, HeadRequest{Destination: Empty, Variant: HighPriority}, "priority", "-", 32},
		{firefox, HeadRequest{Destination: Image, Variant: Preload}, "priority", "u=5, i", 11},
		{chrome, HeadRequest{Destination: Image, Site: "cross-site"}, "sec-fetch-storage-access", "none", 183},
		{chrome, HeadRequest{Destination: Image, Site: "cross-site", Mode: "cors"}, "sec-fetch-storage-access", "-", 183},
		{chrome, HeadRequest{Destination: Empty, Site: "cross-site"}, "sec-fetch-storage-access", "-", 220},
		{chrome, HeadRequest{Destination: Empty, Site: "cross-site", Credentials: "include"}, "sec-fetch-storage-access", "none", 220},
		{chrome, HeadRequest{Destination: Iframe, Site: "cross-site"}, "sec-fetch-storage-access", "none", 256},
		{chrome, HeadRequest{Destination: Document, Site: "cross-site"}, "sec-fetch-storage-access", "-", 256},
		{"chromium-131-linux", HeadRequest{Destination: Image, Site: "cross-site"}, "sec-fetch-storage-access", "-", 183},
	} {
		c.r.Wire = OverHTTP2
		h := lookup(t, c.profile).Head(c.r)
		want := strings.TrimPrefix(c.value, "-")
		if got := value(h, c.field); got != want || h.Priority.Weight != c.weight {
			t.Errorf("%s %s (%s): %s: %q, weight %d; want %q, %d", c.profile, c.r.Destination, c.r.Variant, c.field, got, h.Priority.Weight, want, c.weight)
		}
	}
	for v, want := range map[Variant]string{"": "referer, origin", XHR: "origin, referer"} {
		h := lookup(t, firefox).Head(HeadRequest{Wire: OverHTTP2, Destination: Empty, Variant: v, Header: referer})
		if got := names(h); !strings.Contains(got, want) {
			t.Errorf("%s: %s", v, got)
		}
	}
	h := lookup(t, chrome).Head(HeadRequest{Wire: OverHTTP2, Destination: Empty, Site: "cross-site", Redirected: true, Header: referer})
	if got := names(h); !strings.Contains(got, "sec-fetch-dest, origin, referer") {
		t.Error(got)
	}
}

// Firefox keeps the order in which a page sets its fields.
func TestHeadGiven(t *testing.T) {
	own := map[string][]string{"X-A": {"1"}, "X-B": {"2"}, "X-C": {"3"}}
	h := lookup(t, "firefox-153-linux").Head(HeadRequest{Wire: OverHTTP2, Destination: Empty, Header: own, Given: []string{"x-c", "X-A"}})
	if got := names(h); !strings.Contains(got, "x-b, x-c, x-a,") {
		t.Error(got)
	}
}

func TestCovers(t *testing.T) {
	p := lookup(t, "chrome-156-linux")
	p.Headers = nil
	p.Absent = []Kind{{Wire: OverHTTP1}, {Destination: Font}, {OverHTTP2, Empty, Beacon}}
	for _, c := range []struct {
		r    HeadRequest
		want string // "": covered
	}{
		{HeadRequest{Wire: OverHTTP2}, ""},
		{HeadRequest{Wire: OverHTTP1}, "document over http/1.1"},
		{HeadRequest{Wire: OverHTTP2, Destination: Font, Variant: "x"}, "font (x) over h2"},
		{HeadRequest{Wire: OverHTTP2, Destination: Empty}, ""},
		{HeadRequest{Wire: OverHTTP2, Destination: Empty, Variant: Beacon}, "empty (beacon) over h2"},
	} {
		err := p.Covers(c.r)
		var e *KindError
		if c.want == "" {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		if !errors.As(err, &e) || e.Profile != p.Name || e.Kind.String() != c.want {
			t.Errorf("%+v: %v", c.r, err)
		}
	}
	if s := (Kind{Wire: OverHTTP1}).String(); s != "anything over http/1.1" {
		t.Error(s)
	}
}

// What is called absent and described all the same, and other faults.
func TestVariantFaults(t *testing.T) {
	for _, c := range []struct {
		change func(*Profile)
		want   string
	}{
		{func(p *Profile) { p.Absent = []Kind{{Wire: OverHTTP1}} }, "absent[0]: anything over http/1.1 is headers["},
		{func(p *Profile) { p.Absent = []Kind{{}} }, "absent[0]: names nothing"},
		{func(p *Profile) { p.Absent = []Kind{{Wire: "h9"}} }, `absent[0].wire: "h9"`},
		{func(p *Profile) { p.Absent = []Kind{{Destination: "a b"}} }, "absent[0].destination: "},
		{func(p *Profile) { p.Absent = []Kind{{Variant: "a b"}} }, "absent[0].variant: "},
		{func(p *Profile) { p.Headers[2].Priorities[0].For = nil }, "headers[2].priorities[0].for: missing"},
		{func(p *Profile) { p.Headers[2].Priorities[0].Priority.Weight = 257 }, "headers[2].priorities[0].priority.weight: 257"},
		{func(p *Profile) { p.Headers[2].Fields[0].Mix = MixAlways }, "headers[2].fields[0].mix: "},
		{func(p *Profile) { p.Headers[2].Fields[4].Mix = "often" }, `headers[2].fields[4].mix: "often"`},
		{func(p *Profile) { p.Headers[2].Fields[4].For = []Variant{"a b"} }, "headers[2].fields[4].for[0]: "},
		{func(p *Profile) { p.Browser.Engine, p.Identity = "gecko", nil }, "tls.cipher_suites: GREASE"},
		{func(p *Profile) {
			p.HTTP2.PseudoHeaders[1], p.HTTP2.PseudoHeaders[2] = ":scheme", ":authority"
			p.Digests.Akamai = ""
		}, "http2.pseudo_headers: "},
		{func(p *Profile) { p.HTTP2.HPACK.Encoder = HPACKGecko }, "http2.hpack.encoder: "},
		{func(p *Profile) { p.Headers[0].Destination = "embed"; p.Absent = []Kind{{OverHTTP2, Document, ""}} }, `.value: "document" in a list for "embed"`},
		{func(p *Profile) { p.Headers[0].Fields = append(p.Headers[0].Fields, Field{Name: "te"}) }, `.name: "te", which blink does not send`},
		{func(p *Profile) { p.setIdentity("user-agent", "HeadlessChrome/156.0.0.0 Linux") }, "identity[0].value: "},
	} {
		p := lookup(t, "chromium-156-linux")
		c.change(p)
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v\nwant %s", err, c.want)
		}
	}
}
