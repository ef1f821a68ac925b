package capture

import (
	"fmt"
	"strings"

	fp "github.com/mien-http/mien/fingerprint"
)

// A Difference is one thing in which two looks on the wire are not the same.
type Difference struct {
	Where string // the part: "clienthello/fresh-03.bin", "GET /k/fetch-get over h2 (h2-full c002)"
	What  string // the field of that part: "extension key_share", "sec-fetch-site"
	A, B  string // what each side has, in words; "" for nothing
}

// String is the difference in a sentence.
func (d Difference) String() string {
	say := func(s string) string {
		if s == "" {
			return "nothing"
		}
		return s
	}
	return fmt.Sprintf("%s: %s: %s, but %s", d.Where, d.What, say(d.A), say(d.B))
}

// diffFields compares header fields one by one. Values of "framing" fields that
// the connection fills in are not compared where one side has left them open.
func diffFields(where string, a, b []fp.HeaderField) []Difference {
	if equalFields(a, b) {
		return nil
	}
	var out []Difference
	missing := func(from, of []fp.HeaderField) []fp.HeaderField {
		var out []fp.HeaderField
		for _, f := range from {
			if count(from, f.Name) != count(of, f.Name) && count(out, f.Name) == 0 {
				out = append(out, f)
			}
		}
		return out
	}
	for _, f := range missing(a, b) {
		out = append(out, Difference{where, "field " + f.Name, times(count(a, f.Name)), times(count(b, f.Name))})
	}
	for _, f := range missing(b, a) {
		if count(a, f.Name) == 0 {
			out = append(out, Difference{where, "field " + f.Name, "", times(count(b, f.Name))})
		}
	}
	if len(out) > 0 {
		return out
	}
	if namesOf(a) != namesOf(b) {
		return []Difference{{where, "order of the fields", namesOf(a), namesOf(b)}}
	}
	for i := range a {
		if a[i].Value != b[i].Value {
			out = append(out, Difference{where, "value of " + a[i].Name, quoted(a[i].Value), quoted(b[i].Value)})
		}
	}
	return out
}

func equalFields(a, b []fp.HeaderField) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func count(fields []fp.HeaderField, name string) int {
	n := 0
	for _, f := range fields {
		if f.Name == name {
			n++
		}
	}
	return n
}

func times(n int) string {
	switch n {
	case 0:
		return "not sent"
	case 1:
		return "sent"
	}
	return fmt.Sprintf("sent %d times", n)
}

func namesOf(fields []fp.HeaderField) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	return strings.Join(names, ", ")
}

func quoted(s string) string {
	if len(s) > 200 {
		return fmt.Sprintf("%q and %d bytes more", s[:200], len(s)-200)
	}
	return fmt.Sprintf("%q", s)
}
