package capture

import (
	"strings"
	"testing"

	fp "github.com/mien-http/mien/fingerprint"
)

// A recording over cleartext has no fetch metadata: the kinds are told by what is
// left, and the lists are those that the rule gives.
func TestImportCleartext(t *testing.T) {
	for _, rec := range recordings[:2] {
		c := recording(t, rec.file)
		for _, r := range c.Requests {
			// Without client hints Blink's table is smaller, and has another order.
			if r.Wire != fp.OverHTTP1 || r.kindName() == "fetch-post-json-accept" || r.has("x-requested-with") {
				continue
			}
			r.Wire = fp.OverCleartext
			fields := r.Fields
			r.Fields = nil
			for _, f := range fields {
				name := strings.ToLower(f.Name)
				if strings.HasPrefix(name, "sec-ch-") || strings.HasPrefix(name, "sec-fetch-") {
					continue
				}
				f.Value = strings.TrimSuffix(f.Value, ", br, zstd")
				r.Fields = append(r.Fields, f)
			}
			c.Requests = append(c.Requests, r)
		}
		p, err := Import(c, Options{})
		if err != nil {
			t.Errorf("%s: %v", rec.file, err)
			continue
		}
		for _, d := range DiffCapture(p, c) {
			t.Errorf("%s: %v", rec.file, d)
		}
		have := 0
		for _, l := range p.Headers {
			if l.Wire == fp.OverCleartext {
				have++
			}
		}
		if have != 9 {
			t.Errorf("%s: %d lists over cleartext; absent %v", rec.file, have, p.Absent)
		}
	}
}
