package capture

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	fp "github.com/mien-http/mien/fingerprint"
)

// A kind that the browser never sent is named, and refused: no list is made up.
func TestAbsentKinds(t *testing.T) {
	c := recording(t, "firefox-153")
	c.Requests = slices.DeleteFunc(c.Requests, func(r Request) bool {
		return r.kindName() == "beacon" || r.destination() == fp.Font || r.Wire == fp.OverHTTP1 && r.destination() == fp.WebSocket
	})
	p, err := Import(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []fp.Kind{
		{Wire: fp.OverHTTP2, Destination: fp.Empty, Variant: fp.Beacon}, {Wire: fp.OverHTTP1, Destination: fp.Font},
		{Wire: fp.OverHTTP1, Destination: fp.WebSocket}, {Wire: fp.OverCleartext},
	} {
		if !slices.Contains(p.Absent, k) {
			t.Errorf("%s is not in %v", k, p.Absent)
		}
		r := fp.HeadRequest{Wire: k.Wire, Destination: k.Destination, Variant: k.Variant}
		var e *fp.KindError
		if err := p.Covers(r); !errors.As(err, &e) || !strings.Contains(err.Error(), "recorded none") {
			t.Errorf("%s: %v", k, err)
		}
		if h := p.Head(r); len(h.Fields) > 0 {
			t.Errorf("%s: made up: %v", k, h.Fields)
		}
	}
	if err := p.Covers(fp.HeadRequest{Wire: fp.OverHTTP2}); err != nil {
		t.Error(err)
	}
	b, err := Format(p)
	if err != nil {
		t.Fatal(err)
	}
	if q, err := fp.Parse(b); err != nil || !reflect.DeepEqual(p, q) {
		t.Errorf("not the same read back: %v", err)
	}
}

// What no rule explains is refused, with the samples that contradict each other.
func TestImportRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Capture)
		want   string
	}{
		{"an extension varies", func(c *Capture) {
			h, _ := splitHellos(c.pages())
			for i, e := range h[3].Hello.Extensions {
				if e.ID == 11 {
					h[3].Hello.Extensions[i].Data = []byte{2, 0, 1}
				}
			}
		}, "differ in extension 0x000b (ec_point_formats)"},
		{"a cipher suite more", func(c *Capture) {
			h, _ := splitHellos(c.pages())
			h[2].Hello.CipherSuites = append(slices.Clone(h[2].Hello.CipherSuites), 0x1305)
		}, "differ in their cipher suites"},
		{"no hellos", func(c *Capture) { c.Hellos = nil }, "no fresh ClientHello"},
		{"no requests", func(c *Capture) { c.Requests = nil }, "no request has a User-Agent"},
		{"no frames", func(c *Capture) { c.Frames = nil }, "no HTTP/2 connection"},
		{"another opening", func(c *Capture) {
			for i, f := range c.Frames {
				if f.Type == frameSettings && f.Flags == 0 && f.Conn != c.Frames[0].Conn {
					c.Frames[i].Payload = slices.Concat(f.Payload, []byte{0, 9, 0, 0, 0, 1})
				}
			}
		}, "opened with"},
		{"a value that nothing explains", func(c *Capture) {
			for i := range c.Requests {
				if r := &c.Requests[i]; r.kindName() == "fetch-get-2" {
					for j := range r.Fields {
						if strings.EqualFold(r.Fields[j].Name, "sec-fetch-dest") {
							r.Fields = slices.Insert(r.Fields, j, fp.HeaderField{Name: "dnt", Value: "1"})
							break
						}
					}
				}
			}
		}, `dnt: "1" on fetch-get-2, and no condition tells when`},
	} {
		rec := recording(t, "firefox-153")
		c.change(rec)
		if _, err := Import(rec, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// A broken recording is refused with the file and the line.
func TestReadRefuses(t *testing.T) {
	for _, c := range []struct{ file, content, want string }{
		{"clienthello/fresh-01.bin", "\x16\x03\x01", "clienthello/fresh-01.bin: "},
		{"run/requests.jsonl", "\n{\"proto\":\"h2\"", "run/requests.jsonl, line 2: not a request"},
		{"run/requests.jsonl", `{"proto":"gopher","headers":[["a","b"]]}`, `line 1: proto "gopher"`},
		{"run/requests.jsonl", `{"proto":"h2","method":"GET","path":"/"}`, "request GET / has no headers"},
		{"run/requests.jsonl", `{"proto":"h2","headers":[["a","b"]],"raw_block_hex":"x"}`, "raw_block_hex"},
		{"run/requests.jsonl", `{"proto":"h2","headers":[["a","b"]],"priority":"high"}`, `priority "high"`},
		{"run/kinds/get-x.json", `[]`, "run/kinds/get-x.json: not a request"},
		{"run/events.jsonl", `{"ev":"frame","dir":"C>S","type":"SETTINGS","flags":"0x00","len":6,"hex":"00"}`, "hex: 1 bytes of a frame with 15"},
		{"run/events.jsonl", `{"ev":"frame","dir":"C>S","type":"DATA","flags":"z"}`, "flags"},
		{"readme", "", "no recording"},
	} {
		_, err := Read(fstest.MapFS{c.file: {Data: []byte(c.content)}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %q: %v", c.file, c.content, err)
		}
	}
}

// kinds/*.json is read where there is no requests.jsonl; QUIC and HTTP/3 are left.
func TestReadKinds(t *testing.T) {
	c, err := Read(fstest.MapFS{
		"run/kinds/get-b.json":       {Data: []byte(`{"proto":"h2","conn":"c1","stream":3,"method":"GET","path":"/b","headers":[["a","b"]]}`)},
		"run/kinds/get-a.json":       {Data: []byte(`{"proto":"h2","conn":"c1","stream":5,"method":"GET","path":"/a","headers":[["a","b"]]}`)},
		"run/kinds/get-c.json":       {Data: []byte(`{"proto":"h3","conn":"c2","method":"GET","path":"/c","headers":[["a","b"]]}`)},
		"run/q001-datagram01.bin":    {Data: []byte("x")},
		"clienthello/quic-hello.bin": {Data: []byte("x")},
		"feat-x/requests.jsonl":      {Data: []byte("broken")},
	})
	if err != nil || len(c.Requests) != 2 || c.Requests[0].Path != "/b" || c.Requests[1].Path != "/a" {
		t.Errorf("%+v, %v", c, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"proto":"h2","headers":[["a","b"]],"priority":"excl=true dep=0 weight=256"}`), []byte(`{"ev":"frame","dir":"C>S","type":"DATA","flags":"0x01"}`))
	f.Add([]byte(`{"proto":"h1","headers":[["User-Agent","Mozilla Firefox/1"]]}`), []byte(`{}`))
	f.Fuzz(func(t *testing.T, requests, events []byte) {
		c, err := Read(fstest.MapFS{"run/requests.jsonl": {Data: requests}, "run/events.jsonl": {Data: events}})
		if err != nil {
			return
		}
		if p, err := Import(c, Options{}); err == nil {
			t.Errorf("a profile without a hello: %+v", p)
		}
	})
}
