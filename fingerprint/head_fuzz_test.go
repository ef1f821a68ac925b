package fingerprint

import (
	"strings"
	"testing"
)

// Whatever the request, the caller's fields all go out once, framing never
// comes from the caller, and names over HTTP/2 are in lower case.
func FuzzHead(f *testing.F) {
	for _, file := range []string{"chromium-156-h2", "firefox-153-h1"} {
		for _, k := range kinds(f, file) {
			f.Add(k.Method, k.get("sec-fetch-dest"), "Referer", k.get("referer"), int64(len(k.get("content-type"))), uint8(len(k.Fields)))
		}
	}
	f.Add("GET", "", "X-Custom", "v", int64(-1), uint8(0))
	f.Add("GET", "empty", "*", "v", int64(-1), uint8(16))
	profiles := []*Profile{lookup(f, "chrome-156-linux"), lookup(f, "firefox-153-linux"), lookup(f, "utls:HelloSafari_16_0")}
	wires := []Wire{OverHTTP2, OverHTTP1, OverCleartext}
	f.Fuzz(func(t *testing.T, method, dest, name, val string, length int64, flags uint8) {
		if !isToken(name) || val == "" {
			return
		}
		p, wire := profiles[int(flags)%len(profiles)], wires[int(flags>>2)%len(wires)]
		h := p.Head(HeadRequest{
			Wire: wire, Method: method, Destination: Destination(dest), ContentLength: length,
			UserActivation: flags&0x20 != 0, Redirected: flags&0x40 != 0,
			Header: map[string][]string{name: {val}},
		})
		sent := 0
		for _, f := range h.Fields {
			if wire == OverHTTP2 && f.Name != strings.ToLower(f.Name) {
				t.Errorf("%q over HTTP/2", f.Name)
			}
			if wire != OverHTTP2 && framing(f.Name) && f.Value != "" {
				t.Errorf("%s: %s", f.Name, f.Value)
			}
			if same(f.Name, name) {
				sent++
			}
		}
		if !ignored(name, wire == OverHTTP2) && !framing(name) && sent != 1 && !same(name, "cookie") {
			t.Errorf("%s over %s went out %d times: %v", name, wire, sent, h.Fields)
		}
	})
}
