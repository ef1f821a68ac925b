package fingerprint

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Orders that Chromium was recorded with, by number of fields: a table of 16
// buckets, one of 32, and places that two names have in common.
func TestMixOrder(t *testing.T) {
	own := []string{"sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform", "user-agent"}
	for _, c := range []struct{ given, want string }{
		{"", "sec-ch-ua-platform user-agent sec-ch-ua sec-ch-ua-mobile"},
		{"content-type", "sec-ch-ua-platform user-agent sec-ch-ua content-type sec-ch-ua-mobile"},
		{"accept", "sec-ch-ua-platform user-agent accept sec-ch-ua sec-ch-ua-mobile"},
		{"x-requested-with", "sec-ch-ua-platform x-requested-with user-agent sec-ch-ua sec-ch-ua-mobile"},
		{"Content-Type X-Custom-Header", "sec-ch-ua-platform user-agent sec-ch-ua Content-Type X-Custom-Header sec-ch-ua-mobile"},
		{"accept authorization content-type x-custom-header", "sec-ch-ua-platform authorization sec-ch-ua x-custom-header sec-ch-ua-mobile user-agent accept content-type"},
	} {
		if got := MixOrder(append(strings.Fields(c.given), own...)); !slices.Equal(got, strings.Fields(c.want)) {
			t.Errorf("%s:\n got %v\nwant %s", c.given, got, c.want)
		}
	}
}

// The case of a name is not hashed, and long names take every branch of the hash.
func TestMixHash(t *testing.T) {
	seen := map[uint32]bool{}
	for n := range 120 {
		name := strings.Repeat("Ab-9", 30)[:n]
		h := mixHash(name)
		if h != mixHash(strings.ToLower(name)) || h == 0 || h > 0xffffff {
			t.Errorf("%q: %#x", name, h)
		}
		seen[h] = true
	}
	if len(seen) < 119 {
		t.Errorf("%d hashes of 120 names", len(seen))
	}
}

// Nothing is lost or doubled, however many fields there are.
func FuzzMixOrder(f *testing.F) {
	f.Add("a b c")
	f.Add(strings.Repeat("x-y ", 40))
	f.Fuzz(func(t *testing.T, s string) {
		names := strings.Fields(s)
		got := MixOrder(names)
		slices.Sort(got)
		slices.Sort(names)
		if !slices.Equal(got, names) {
			t.Errorf("%q from %q", got, names)
		}
	})
}

// More fields than any page sends are all sent.
func TestHeadManyFields(t *testing.T) {
	own := map[string][]string{}
	for i := range 60 {
		own[fmt.Sprintf("X-Field-%d", i)] = []string{"v"}
	}
	h := lookup(t, "chrome-156-linux").Head(HeadRequest{Wire: OverHTTP2, Destination: Empty, Header: own})
	if len(h.Fields) != 60+11 {
		t.Errorf("%d fields: %s", len(h.Fields), names(h))
	}
}
