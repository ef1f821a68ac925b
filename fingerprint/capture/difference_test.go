package capture

import (
	"slices"
	"strings"
	"testing"

	fp "github.com/mien-http/mien/fingerprint"
)

// A recording that differs from the browser in one thing is told apart by that
// thing, in words.
func TestDiffCaptureFinds(t *testing.T) {
	hello := func(c *Capture) *fp.ClientHello { fresh, _ := splitHellos(c.pages()); return fresh[1].Hello }
	extension := func(c *Capture, id fp.Code, change func([]byte) []byte) {
		for i, e := range hello(c).Extensions {
			if e.ID == id {
				hello(c).Extensions[i].Data = change(slices.Clone(e.Data))
			}
		}
	}
	request := func(c *Capture, name string) *Request {
		for i := range c.Requests {
			if c.Requests[i].kindName() == name && c.Requests[i].Run == "h2-full" {
				return &c.Requests[i]
			}
		}
		t.Fatalf("no request %s", name)
		return nil
	}
	field := func(r *Request, name string) int {
		return slices.IndexFunc(r.Fields, func(f fp.HeaderField) bool { return f.Name == name })
	}
	for _, c := range []struct {
		name   string
		change func(*Capture)
		want   string
	}{
		{"cipher suites", func(c *Capture) { hello(c).CipherSuites[3] = 0x1302; hello(c).CipherSuites[2] = 0x1303 }, ": cipher suites: [GREASE 0x1301 0x1302 0x1303"},
		{"an extension less", func(c *Capture) {
			h := hello(c)
			h.Extensions = slices.DeleteFunc(h.Extensions, func(e fp.RawExtension) bool { return e.ID == 0x12 })
		}, ": extensions: "},
		{"GREASE moved", func(c *Capture) { h := hello(c); h.Extensions[0], h.Extensions[1] = h.Extensions[1], h.Extensions[0] }, ": places of GREASE"},
		{"a group less", func(c *Capture) {
			extension(c, extGroups, func(b []byte) []byte { b[1] -= 2; return b[:len(b)-2] })
		}, ": extension 0x000a (supported_groups): "},
		{"trust anchors", func(c *Capture) { extension(c, 0xca34, func(b []byte) []byte { b[9]++; return b }) }, ": extension 0xca34 (trust_anchors): "},
		{"GREASE shares", func(c *Capture) {
			extension(c, extKeyShare, func(b []byte) []byte { b[2] ^= 0x10; b[3] ^= 0x10; return b })
		}, ": GREASE in key_share: "},
		{"ECH", func(c *Capture) {
			extension(c, extECH, func(b []byte) []byte {
				b = b[:len(b)-7]
				b[41] -= 7
				return b
			})
		}, "length of the payload: one of [144 176 208 240], but "},
		{"SETTINGS", func(c *Capture) {
			for i, f := range c.Frames {
				if f.Type == frameSettings && f.Flags == 0 {
					c.Frames[i].Payload = slices.Clone(f.Payload)
					c.Frames[i].Payload[5]++
				}
			}
		}, "http2: settings: "},
		{"window", func(c *Capture) {
			for i, f := range c.Frames {
				if f.Type == frameWindowUpdate && f.Stream == 0 && f.Payload[0] == 0 && f.Payload[1] == 0xef {
					c.Frames[i].Payload = []byte{0, 0xee, 0, 1}
				}
			}
		}, "http2: window_update: 15663105, but 15597569"},
		{"weight", func(c *Capture) { request(c, "fetch-get").Priority.Weight = 219 }, "GET /k/fetch-get over h2 (h2-full c002): priority of the HEADERS frame: weight 220, exclusive true, depends on others: true, but weight 219"},
		{"value", func(c *Capture) { r := request(c, "xhr-get"); r.Fields[field(r, "accept")].Value = "*" }, `GET /k/xhr-get over h2 (h2-full c002): value of accept: "*/*", but "*"`},
		{"order", func(c *Capture) {
			r := request(c, "beacon")
			i := field(r, "accept")
			r.Fields[i], r.Fields[i+1] = r.Fields[i+1], r.Fields[i]
		}, "/k/beacon over h2 (h2-full c002): order of the fields: "},
		{"missing", func(c *Capture) {
			r := request(c, "page.css")
			i := field(r, "priority")
			r.Fields = slices.Delete(r.Fields, i, i+1)
		}, "field priority: sent, but not sent"},
		{"added", func(c *Capture) {
			r := request(c, "iframe")
			r.Fields = append(r.Fields, fp.HeaderField{Name: "dnt", Value: "1"})
		}, "field dnt: nothing, but sent"},
		{"a cookie less", func(c *Capture) {
			r := request(c, "sse")
			r.Fields = slices.Delete(r.Fields, field(r, "cookie"), field(r, "cookie")+1)
		}, ""}, // the page's, not the browser's
	} {
		t.Run(c.name, func(t *testing.T) {
			rec := recording(t, "chromium-156")
			c.change(rec)
			found := DiffCapture(builtin(t, "chromium-156-linux"), rec)
			if c.want == "" {
				if len(found) > 0 {
					t.Error(found)
				}
				return
			}
			if len(found) == 0 || !strings.Contains(found[0].String(), c.want) {
				t.Errorf("found %v\nwant %s", found, c.want)
			}
		})
	}
}

// Two profiles differ in what is different, and in nothing else.
func TestDiffProfiles(t *testing.T) {
	a := builtin(t, "chromium-156-linux")
	if d := DiffProfiles(a, a.Clone()); len(d) > 0 {
		t.Error(d)
	}
	for _, c := range []struct {
		change func(*fp.Profile)
		want   string
	}{
		{func(p *fp.Profile) { p.Browser.Version = "157" }, "browser: version: 156.0.8078.79, but 157"},
		{func(p *fp.Profile) { p.TLS.Permute = false }, "tls: extensions are permuted: true, but false"},
		{func(p *fp.Profile) { p.TLS.Extensions[1].ECH.EncLen = 97 }, "tls: extension 0xfe0d (encrypted_client_hello): "},
		{func(p *fp.Profile) { p.TLS.Extensions = p.TLS.Extensions[1:] }, "tls: extensions: [GREASE 0xfe0d"},
		{func(p *fp.Profile) { p.HTTP2.FirstStreamID = 3 }, "http2: first_stream_id: 1, but 3"},
		{func(p *fp.Profile) { p.HTTP2.HPACK.PathLiteral = true }, "http2.hpack: path_literal: false, but true"},
		{func(p *fp.Profile) { p.Identity[0].Value = "curl" }, `, but "curl"`},
		{func(p *fp.Profile) { p.Identity = p.Identity[1:] }, "identity: user-agent: "},
		{func(p *fp.Profile) { p.Headers[0].Priority.Weight = 1 }, "document over h2: priority of the HEADERS frame: "},
		{func(p *fp.Profile) { p.Headers[2].Priorities = nil }, "empty over h2: priorities of variants: "},
		{func(p *fp.Profile) { p.Headers[0].Fields = p.Headers[0].Fields[1:] }, "document over h2: places of the fields: "},
		{func(p *fp.Profile) { p.Headers[0].Fields[3].For = nil }, "document over h2: field cache-control: "},
		{func(p *fp.Profile) { p.Headers = p.Headers[1:] }, "document over h2: header list: described, but not described"},
	} {
		b := a.Clone()
		c.change(b)
		if d := DiffProfiles(a, b); len(d) != 1 || !strings.Contains(d[0].String(), c.want) {
			t.Errorf("%v\nwant %s", d, c.want)
		}
		if len(DiffProfiles(b, a)) != 1 {
			t.Errorf("%s: not found the other way round", c.want)
		}
	}
}

// A place that several conditions fight for is refused, and one that a further
// condition settles gets it.
func TestMerge(t *testing.T) {
	mk := func(redirected bool, v fp.Variant, tokens ...string) *sample {
		return &sample{r: &Request{Path: "/k/x"}, head: fp.HeadRequest{Redirected: redirected}, variant: v, tokens: tokens}
	}
	order, moved, err := merge([]*sample{mk(false, "", "a", "b", "c"), mk(true, "", "b", "c", "a"), mk(false, "xhr", "b", "a", "c")})
	if err != nil {
		t.Fatal(err)
	}
	if len(order) != 5 || len(moved) != 2 {
		t.Errorf("%v %v", order, moved)
	}
	if _, _, err := merge([]*sample{mk(false, "", "a", "b"), mk(false, "", "b", "a")}); err == nil || !strings.Contains(err.Error(), "before and behind") {
		t.Error(err)
	}
	if _, _, err := merge([]*sample{mk(false, "", "a", "b"), mk(false, "", "b", "c"), mk(false, "", "c", "a")}); err == nil || !strings.Contains(err.Error(), "circles") {
		t.Error(err)
	}
}
