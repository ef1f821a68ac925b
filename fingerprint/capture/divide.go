package capture

import (
	"slices"

	"github.com/mien-http/mien/fingerprint"
)

// disagreements counts, over all pairs of samples, the places that stand on
// another side of name in one than in the other.
func disagreements(samples []*sample, name string) int {
	type sides struct{ before, behind int }
	count := map[string]sides{}
	for _, s := range samples {
		at := slices.Index(s.tokens, name)
		for i, t := range s.tokens {
			c := count[t]
			switch {
			case i < at:
				c.before++
			case i > at:
				c.behind++
			}
			count[t] = c
		}
	}
	n := 0
	for _, c := range count {
		n += c.before * c.behind
	}
	return n
}

// divider finds what tells the places of a field apart: the fewer disagreements
// are left within both halves, the better; it must be fewer than before.
func divider(samples []*sample, name string) (best selector, ok bool) {
	var with []*sample
	for _, s := range samples {
		if slices.Contains(s.tokens, name) {
			with = append(with, s)
		}
	}
	least := disagreements(with, name)
	for _, s := range dividers(with) {
		var yes, no []*sample
		for _, x := range with {
			if s.holds(x) {
				yes = append(yes, x)
			} else {
				no = append(no, x)
			}
		}
		if len(yes) == 0 || len(no) == 0 {
			continue
		}
		if n := disagreements(yes, name) + disagreements(no, name); n < least {
			best, ok, least = s, true, n
		}
	}
	return best, ok
}

// dividers are the selectors that may tell samples apart: the conditions, then
// each variant, then all but the default.
func dividers(samples []*sample) []selector {
	var out []selector
	for _, c := range []fingerprint.Condition{
		fingerprint.Redirected, fingerprint.CrossRedirected, fingerprint.WithContent, fingerprint.StorageAccess, fingerprint.WithRange, fingerprint.UserActivation, fingerprint.Submitted,
	} {
		out = append(out, selector{when: c})
	}
	variants := variantsOf(samples)
	for n := 1; n < len(variants) && n <= 3; n++ {
		for _, set := range subsets(variants, n) {
			out = append(out, selector{variants: set})
		}
	}
	return out
}

// variantsOf lists the variants of the samples, sorted, "" as "default".
func variantsOf(samples []*sample) []fingerprint.Variant {
	var out []fingerprint.Variant
	for _, s := range samples {
		v := s.variant
		if v == "" {
			v = fingerprint.Default
		}
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return out
}

// subsets returns the subsets of n elements.
func subsets(of []fingerprint.Variant, n int) [][]fingerprint.Variant {
	if n == 0 {
		return [][]fingerprint.Variant{nil}
	}
	var out [][]fingerprint.Variant
	for i := range of {
		for _, rest := range subsets(of[i+1:], n-1) {
			out = append(out, append([]fingerprint.Variant{of[i]}, rest...))
		}
	}
	return out
}
