package h2

import (
	"archive/zip"
	"bytes"
	"cmp"
	"slices"
	"strings"
	"testing"

	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/fingerprint/capture"
)

// TestRecordedBlocks makes every header block of recorded connections anew, from
// the profile, and compares bytes: first requests and hundredth ones, of every
// kind. What a request says itself comes from the recording: preflights, and the
// priority of images where timing decides about it.
func TestRecordedBlocks(t *testing.T) {
	for _, c := range []struct {
		file, profile string
		blocks        int
	}{
		{"chromium-156", "chromium-156-linux", 120},
		{"firefox-153", "firefox-153-linux", 100},
		{"headless-shell-131", "chromium-131-linux", 100},
		{"headless-shell-153", "chromium-153-linux", 100},
	} {
		t.Run(c.file, func(t *testing.T) {
			z, err := zip.OpenReader("../../fingerprint/capture/testdata/" + c.file + ".zip")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = z.Close() })
			rec, err := capture.Read(z)
			if err != nil {
				t.Fatal(err)
			}
			p, err := fingerprint.Lookup(c.profile)
			if err != nil {
				t.Fatal(err)
			}
			if n := compareBlocks(t, p, rec); n < c.blocks {
				t.Errorf("%d blocks compared, not %d", n, c.blocks)
			}
		})
	}
}

func compareBlocks(t *testing.T, p *fingerprint.Profile, rec *capture.Capture) int {
	requests := slices.DeleteFunc(rec.Requests, func(r capture.Request) bool { return r.Wire != fingerprint.OverHTTP2 })
	slices.SortStableFunc(requests, func(a, b capture.Request) int {
		return cmp.Or(cmp.Compare(a.Run, b.Run), cmp.Compare(a.Conn, b.Conn), cmp.Compare(a.Stream, b.Stream))
	})
	headless(p, requests)
	var e *encoder
	conn, n := "", 0
	for i := range requests {
		r := &requests[i]
		if at := r.Run + r.Conn; at != conn {
			conn, e = at, newEncoder(&p.HTTP2)
		}
		block := e.begin(nil)
		for _, f := range recordedSection(p, r) {
			block = e.field(block, f.Name, f.Value)
		}
		if !bytes.Equal(block, r.Block) {
			t.Errorf("%s %s on stream %d of %s\ngot  %x\nwant %x", r.Method, r.Path, r.Stream, conn, block, r.Block)
			return n // the table is another one from here on
		}
		n++
	}
	return n
}

// headless gives p the identity that the recorded browser had without a window.
func headless(p *fingerprint.Profile, requests []capture.Request) {
	p.Identity = slices.DeleteFunc(p.Identity, func(id fingerprint.HeaderField) bool {
		return !slices.ContainsFunc(requests[0].Fields, func(f fingerprint.HeaderField) bool { return f.Name == id.Name })
	})
	for i := range p.Identity {
		for _, f := range requests[0].Fields {
			if f.Name == p.Identity[i].Name {
				p.Identity[i].Value = f.Value
			}
		}
	}
}

// recordedSection is the field section that a connection writes for r.
func recordedSection(p *fingerprint.Profile, r *capture.Request) []fingerprint.HeaderField {
	if r.Method == "OPTIONS" {
		return r.Fields
	}
	given := map[string]string{}
	for _, f := range r.Fields {
		given[f.Name] = f.Value
	}
	var out []fingerprint.HeaderField
	for _, name := range p.HTTP2.PseudoHeaders {
		out = append(out, fingerprint.HeaderField{Name: name, Value: given[name]})
	}
	if r.Method == "CONNECT" {
		out = append(out, fingerprint.HeaderField{Name: ":protocol", Value: "websocket"})
	}
	h := r.HeadRequest(r.Variants()[0])
	if v := given["priority"]; v != "" && h.Destination == fingerprint.Image {
		h.Header["priority"] = []string{v}
	}
	head := p.Head(h)
	for _, f := range head.Fields {
		if !strings.EqualFold(f.Name, "host") {
			out = append(out, f)
		}
	}
	return out
}
