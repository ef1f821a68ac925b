package mien_test

import (
	"os"
	"strings"
	"testing"
)

// TestFaultsAreComplete holds every row of the specification to be in the
// table, and none besides.
func TestFaultsAreComplete(t *testing.T) {
	text, err := os.ReadFile("testdata/faults.txt")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]int{}
	for line := range strings.Lines(string(text)) {
		known[strings.TrimSpace(line)] = 0
	}
	caused := map[string]bool{}
	for _, f := range faults() {
		if _, ok := known[f.row]; !ok {
			t.Errorf("no row %q in the specification", f.row)
		}
		known[f.row]++
		caused[f.row] = caused[f.row] || f.start != nil || f.run != nil
		if f.skipped == "" && f.start == nil && f.run == nil {
			t.Errorf("%s: %s: neither caused nor skipped", f.row, f.variant)
		}
	}
	for row, n := range known {
		if n == 0 || !caused[row] {
			t.Errorf("nothing causes %q", row)
		}
	}
}

// TestFaultsCanBeToldApart holds faults after which different things must
// follow to differ in what can be asked of the error; that the errors are so is
// what TestFaults checks.
func TestFaultsCanBeToldApart(t *testing.T) {
	all := faults()
	for i, a := range all {
		for _, b := range all[:i] {
			if a.start != nil && b.start != nil && a.want == b.want && a.decision != b.decision {
				t.Errorf("%s: %s (%v) and %s: %s (%v) look alike: %+v", a.row, a.variant, a.decision, b.row, b.variant, b.decision, a.want)
			}
		}
	}
}
