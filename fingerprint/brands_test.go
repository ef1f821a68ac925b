package fingerprint

import "testing"

// Lists that browsers of these versions sent; those of 131, 138 and 153 come from
// a headless shell, whose own brand stands where Chrome's would.
func TestBrands(t *testing.T) {
	for _, c := range []struct {
		brand string
		major int
		want  string
	}{
		{"HeadlessChrome", 131, `"HeadlessChrome";v="131", "Chromium";v="131", "Not_A Brand";v="24"`},
		{"HeadlessChrome", 138, `"Not)A;Brand";v="8", "Chromium";v="138", "HeadlessChrome";v="138"`},
		{"HeadlessChrome", 153, `"HeadlessChrome";v="153", "Not_A Brand";v="8", "Chromium";v="153"`},
		{"Chromium", 156, `"Not:A-Brand";v="8", "Chromium";v="156"`},
		{"", 156, `"Not:A-Brand";v="8", "Chromium";v="156"`},
		{"Google Chrome", 156, `"Not:A-Brand";v="8", "Chromium";v="156", "Google Chrome";v="156"`},
		// Published by wreq-util (143, 149) and curl-impersonate.
		{"Google Chrome", 143, `"Google Chrome";v="143", "Chromium";v="143", "Not A(Brand";v="24"`},
		{"Google Chrome", 149, `"Google Chrome";v="149", "Chromium";v="149", "Not)A;Brand";v="24"`},
		{"Google Chrome", 107, `"Google Chrome";v="107", "Chromium";v="107", "Not=A?Brand";v="24"`},
		{"Google Chrome", 110, `"Chromium";v="110", "Not A(Brand";v="24", "Google Chrome";v="110"`},
		{"Google Chrome", 116, `"Chromium";v="116", "Not)A;Brand";v="24", "Google Chrome";v="116"`},
		{"Google Chrome", 142, `"Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"`},
	} {
		if got := Brands(c.brand, c.major); got != c.want {
			t.Errorf("Brands(%q, %d) = %s, want %s", c.brand, c.major, got, c.want)
		}
	}
	if Brands("x", -1) != Brands("x", 0) {
		t.Error("a negative version is not 0")
	}
}
