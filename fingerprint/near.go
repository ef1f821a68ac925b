package fingerprint

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// maxNear is how many names an UnknownProfileError suggests.
const maxNear = 4

// near returns the known names that are most like name, nearest first and
// among equals the higher version first: those within a third of its length in edits, and
// those that share its first word.
func near(name string, known []string) []string {
	if len(name) > 64 {
		return nil
	}
	type candidate struct {
		name string
		far  int
	}
	var found []candidate
	name = strings.ToLower(name)
	for _, k := range known {
		lower := strings.ToLower(k)
		far := edits(name, lower)
		if far > max(2, len(name)/3) && !sharedStart(name, lower) {
			continue
		}
		found = append(found, candidate{k, far})
	}
	slices.SortStableFunc(found, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.far, b.far), cmp.Compare(version(b.name), version(a.name)))
	})
	var out []string
	for _, c := range found[:min(len(found), maxNear)] {
		out = append(out, c.name)
	}
	return out
}

// version is the first number in a name, 0 without one.
func version(name string) int {
	i := strings.IndexAny(name, "0123456789")
	if i < 0 {
		return 0
	}
	digits := name[i:]
	n, _ := strconv.Atoi(digits[:len(digits)-len(strings.TrimLeft(digits, "0123456789"))]) // at most the largest int
	return n
}

// sharedStart reports whether the first word of both names is the same.
func sharedStart(a, b string) bool {
	word := func(s string) string {
		if i := strings.IndexAny(s, "-_ "); i >= 0 {
			return s[:i]
		}
		return s
	}
	return word(a) != "" && word(a) == word(b)
}

// edits returns the Levenshtein distance of a and b in bytes.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
