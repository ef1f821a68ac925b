package fingerprint

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

//go:embed testdata/kinds/*.json
var kindFiles embed.FS

// kind is one captured request: its field section in wire order.
type kind struct {
	Kind     string
	Method   string
	Priority string // "excl=true dep=0 weight=256"
	Fields   [][2]string
}

func kinds(t testing.TB, file string) []kind {
	b, err := kindFiles.ReadFile("testdata/kinds/" + file + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var out []kind
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func (k kind) get(name string) string {
	for _, f := range k.Fields {
		if strings.EqualFold(f[0], name) {
			return f[1]
		}
	}
	return ""
}

// request is what a client has to know to send k: the facts of the request, and
// the fields that a page, a cookie jar or a cache puts in.
func (k kind) request(wire Wire) HeadRequest {
	r := HeadRequest{
		Wire:           wire,
		Method:         k.Method,
		Destination:    Destination(k.get("sec-fetch-dest")),
		Mode:           k.get("sec-fetch-mode"),
		Site:           k.get("sec-fetch-site"),
		UserActivation: k.get("sec-fetch-user") != "",
		Redirected:     strings.Contains(k.Kind, "-after-"),
		Header:         map[string][]string{},
	}
	if strings.HasPrefix(k.Kind, "get-ws") {
		r.Destination, r.Mode = WebSocket, ""
	}
	r.ContentLength, _ = strconv.ParseInt(k.get("content-length"), 10, 64)
	for _, f := range k.Fields {
		switch name := strings.ToLower(f[0]); name {
		case "referer", "origin", "content-type", "if-none-match", "if-modified-since", "pragma",
			"sec-fetch-storage-access", "x-custom-header", "sec-websocket-version", "sec-websocket-key",
			"sec-websocket-extensions", "sec-websocket-protocol":
			r.Header[f[0]] = []string{f[1]}
		case "range":
			if r.Destination == Empty {
				r.Header[f[0]] = []string{f[1]}
			}
		case "cache-control":
			if r.Destination == Empty {
				r.Header[f[0]] = []string{f[1]}
			}
		case "cookie":
			c := r.Header["Cookie"]
			if len(c) == 0 {
				c = []string{f[1]}
			} else {
				c[0] += "; " + f[1]
			}
			r.Header["Cookie"] = c
		}
	}
	return r
}

// want is k as a Head: the headless browser's User-Agent corrected, framing over
// HTTP/1.1 left open.
func (k kind) want(wire Wire) []HeaderField {
	var out []HeaderField
	for _, f := range k.Fields {
		v := strings.Replace(f[1], "HeadlessChrome", "Chrome", 1)
		if wire != OverHTTP2 && framing(f[0]) {
			v = ""
		}
		out = append(out, HeaderField{f[0], v})
	}
	return out
}

// filled drops the places that the connection would leave empty.
func filled(h Head, k kind, wire Wire) []HeaderField {
	var out []HeaderField
	for _, f := range h.Fields {
		if wire != OverHTTP2 && framing(f.Name) && k.get(f.Name) == "" {
			continue
		}
		out = append(out, f)
	}
	return out
}

// What Head returns is, field by field, what the browser sent.
func TestHeadEqualsCapture(t *testing.T) {
	for _, c := range []struct {
		file, profile string
		wire          Wire
	}{
		{"chromium-156-h2", "chromium-156-linux", OverHTTP2},
		{"chromium-156-h1", "chromium-156-linux", OverHTTP1},
		{"firefox-153-h2", "firefox-153-linux", OverHTTP2},
		{"firefox-153-h1", "firefox-153-linux", OverHTTP1},
	} {
		p := lookup(t, c.profile)
		for _, k := range kinds(t, c.file) {
			t.Run(c.file+"/"+k.Kind, func(t *testing.T) {
				h := p.Head(k.request(c.wire))
				diffFields(t, filled(h, k, c.wire), k.want(c.wire))
				if k.Priority != "" {
					checkPriority(t, h.Priority, k.Priority)
				}
			})
		}
	}
}

func checkPriority(t *testing.T, got Priority, captured string) {
	t.Helper()
	var exclusive bool
	var depends, weight int
	if _, err := fmt.Sscanf(captured, "excl=%t dep=%d weight=%d", &exclusive, &depends, &weight); err != nil {
		t.Fatal(err)
	}
	if got.Exclusive != exclusive || int(got.Weight) != weight || depends != 0 && !got.Depend {
		t.Errorf("priority %+v, captured %s", got, captured)
	}
}

func diffFields(t *testing.T, got, want []HeaderField) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	for i := range max(len(got), len(want)) {
		var g, w HeaderField
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		mark := " "
		if g != w {
			mark = "*"
		}
		t.Errorf("%s %-60.60s | %.60s", mark, g.Name+": "+g.Value, w.Name+": "+w.Value)
	}
}

func lookup(t testing.TB, name string) *Profile {
	t.Helper()
	p, err := Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
