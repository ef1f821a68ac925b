package fingerprint

import (
	"slices"
	"testing"
)

// Elements that load from another site without CORS carry its cookies, and
// browsers say then whether they may: whatever other variants of the destination do.
func TestStorageAccessOfVariants(t *testing.T) {
	for _, name := range []string{"chromium-156-linux", "firefox-153-linux"} {
		p, err := Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		for variant, want := range map[Variant]bool{"": true, Async: true, Module: false} {
			h := p.Head(HeadRequest{Wire: OverHTTP2, Method: "GET", Destination: Script, Variant: variant, Site: "cross-site"})
			got := slices.ContainsFunc(h.Fields, func(f HeaderField) bool { return f.Name == "sec-fetch-storage-access" })
			if got != want {
				t.Errorf("%s, %q: sec-fetch-storage-access %v", name, variant, got)
			}
		}
	}
}
