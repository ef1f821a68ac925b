package capture

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mien-http/mien/fingerprint"
)

// place makes the fields of one place: one, or several next to each other where
// conditions decide about the value, or whether it is sent.
func (l *learner) place(token string, moved selector, samples []*sample, spelled map[string]string) ([]fingerprint.Field, error) {
	name := baseName(token)
	base := fingerprint.Field{Name: cmp.Or(spelled[name], name), When: moved.when, For: moved.variants}
	var here []*sample // where the place is in use
	for _, s := range samples {
		if slices.Contains(s.tokens, token) {
			here = append(here, s)
		}
	}
	if l.open(name, here) {
		return []fingerprint.Field{base}, nil
	}
	if name == "sec-fetch-mode" {
		return modes(base, here), nil
	}
	values := map[string][]*sample{}
	for _, s := range here {
		if s.r.given(name) {
			continue
		}
		v := s.r.get(name)
		values[v] = append(values[v], s)
	}
	var rest []*sample // those that no place before this one has taken
	if moved.when != "" || len(moved.variants) > 0 {
		rest = filter(samples, moved.holds)
	} else {
		// The other places of the field have their own conditions.
		rest = filter(samples, func(s *sample) bool {
			return !slices.ContainsFunc(s.tokens, func(t string) bool { return t != token && baseName(t) == name })
		})
	}
	rest = filter(rest, func(s *sample) bool {
		inTable := !slices.ContainsFunc(s.tokens, func(t string) bool { return baseName(t) == name })
		return !s.r.has(name) || !s.r.given(name) && !inTable
	})
	var out []fingerprint.Field
	for _, v := range rarest(values) {
		for want := values[v]; len(want) > 0; {
			s, ok := selecting(rest, want)
			if !ok {
				return nil, fmt.Errorf("%s: %q on %s, and no condition tells when", name, v, kindsOf(want))
			}
			f := base
			f.Value = v
			f.When = cmp.Or(s.when, moved.when)
			if len(s.variants) > 0 {
				f.For = s.variants
			}
			out = append(out, f)
			others := func(x *sample) bool { return !s.holds(x) }
			rest, want = filter(rest, others), filter(want, others)
		}
	}
	return out, nil
}

// open reports whether the value at this place comes from elsewhere: from the
// request, from the profile's identity, or from the connection.
func (l *learner) open(name string, here []*sample) bool {
	switch {
	case name == "*", name == "host", name == "content-length", name == "transfer-encoding", name == "sec-fetch-site":
		return true
	case slices.Contains(identityFields, name):
		return slices.ContainsFunc(l.identity, func(f fingerprint.HeaderField) bool { return f.Name == name })
	}
	return !slices.ContainsFunc(here, func(s *sample) bool { return !s.r.given(name) })
}

func filter(samples []*sample, keep func(*sample) bool) []*sample {
	var out []*sample
	for _, s := range samples {
		if keep(s) {
			out = append(out, s)
		}
	}
	return out
}

// rarest lists the values, the rarest first: the last one then needs the least of
// a condition.
func rarest(values map[string][]*sample) []string {
	var out []string
	for v := range values {
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(values[a]), len(values[b])), strings.Compare(a, b))
	})
	return out
}

// selecting finds the simplest selector that takes all of want from among and
// nothing else, or else the one that takes the most.
func selecting(among, want []*sample) (best selector, ok bool) {
	most := 0
	try := func(s selector) bool {
		n := 0
		for _, x := range among {
			if !s.holds(x) {
				continue
			}
			if !slices.Contains(want, x) {
				return false
			}
			n++
		}
		if n > most {
			best, most, ok = s, n, true
		}
		return n == len(want)
	}
	variants := variantsOf(want)
	for _, c := range conditions {
		if try(selector{when: c}) || try(selector{when: c, variants: variants}) {
			return best, true
		}
	}
	for _, v := range variants {
		for _, c := range conditions {
			try(selector{when: c, variants: []fingerprint.Variant{v}})
		}
	}
	return best, ok
}

// kindsOf names the requests, for an error.
func kindsOf(samples []*sample) string {
	var names []string
	for _, s := range samples {
		if n := s.r.kindName(); !slices.Contains(names, n) && len(names) < 5 {
			names = append(names, n)
		}
	}
	return strings.Join(names, ", ")
}

// modes makes the places of sec-fetch-mode: what the request says goes first, so
// that only the usual mode of each variant is needed.
func modes(base fingerprint.Field, here []*sample) []fingerprint.Field {
	usual := usualMode(here, "")
	if usual == "" {
		usual = usualMode(here, variantsOf(here)[0])
	}
	var out []fingerprint.Field
	for _, v := range variantsOf(here) {
		if m := usualMode(here, v); v != fingerprint.Default && m != usual {
			f := base
			f.Value, f.For = m, []fingerprint.Variant{v}
			out = append(out, f)
		}
	}
	base.Value = usual
	return append(out, base)
}

func usualMode(samples []*sample, v fingerprint.Variant) string {
	counts := map[string]int{}
	best := ""
	for _, s := range samples {
		if s.variant == v {
			m := s.r.get("sec-fetch-mode")
			if counts[m]++; counts[m] > counts[best] {
				best = m
			}
		}
	}
	return best
}
