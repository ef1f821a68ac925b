package capture

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mien-http/mien/fingerprint"
)

// sample is one request of the kind whose list is being learned.
type sample struct {
	r       *Request
	head    fingerprint.HeadRequest
	variant fingerprint.Variant
	loose   bool     // timing decides about its priority
	extra   []string // what else is in Blink's table
	// tokens are the places that it uses, in order: a field's name in lower case,
	// "*", or mixToken; with a number behind it once the name has several places.
	tokens []string
}

// mixToken stands for all fields of Blink's table.
const mixToken = "(table)"

// selector says which requests a place is for.
type selector struct {
	when     fingerprint.Condition
	variants []fingerprint.Variant
}

func (s selector) holds(x *sample) bool {
	if len(s.variants) > 0 {
		v := x.variant
		if v == "" {
			v = fingerprint.Default
		}
		if !slices.Contains(s.variants, v) {
			return false
		}
	}
	return condition(s.when, &x.head)
}

// condition is what fingerprint does with a Condition.
func condition(c fingerprint.Condition, h *fingerprint.HeadRequest) bool {
	wants := h.Method == "POST" || h.Method == "PUT" || h.Method == "PATCH"
	switch c {
	case fingerprint.Always:
		return true
	case fingerprint.UserActivation:
		return h.UserActivation
	case fingerprint.WithBody:
		return h.ContentLength != 0 || wants
	case fingerprint.WithContent:
		return h.ContentLength != 0
	case fingerprint.Direct:
		return !h.Redirected
	case fingerprint.Redirected:
		return h.Redirected
	case fingerprint.CrossRedirected:
		return h.Redirected && h.Site != "same-origin"
	case fingerprint.Submitted:
		return h.Submitted || wants
	case fingerprint.WithRange:
		return len(h.Header["Range"])+len(h.Header["range"]) > 0
	case fingerprint.StorageAccess:
		include := h.Credentials == "include" || h.Credentials == "" &&
			(h.Mode == "navigate" || h.Mode == "no-cors" && h.Destination != fingerprint.Empty)
		return h.Site == "cross-site" && h.Destination != fingerprint.Document && include
	}
	return false
}

// conditions are tried in this order: the more telling one first.
var conditions = []fingerprint.Condition{
	fingerprint.Always, fingerprint.UserActivation, fingerprint.WithRange, fingerprint.StorageAccess, fingerprint.WithContent,
	fingerprint.WithBody, fingerprint.Submitted, fingerprint.CrossRedirected, fingerprint.Redirected, fingerprint.Direct,
}

// merge finds the order of the places that all samples agree with. Where they do
// not agree, a field moves: it gets a second place, for the requests that some
// condition tells apart.
func merge(samples []*sample) ([]string, map[string]selector, error) {
	moved := map[string]selector{}
	for range 12 {
		clashes := conflicts(samples)
		if len(clashes) == 0 {
			order, err := sorted(samples)
			if err == nil {
				err = settle(order, samples, moved)
			}
			return order, moved, err
		}
		if err := split(samples, clashes, moved); err != nil {
			return nil, nil, err
		}
	}
	return nil, nil, fmt.Errorf("the fields have no order that conditions explain")
}

// conflicts returns the places that stand before and behind each other, with
// those they do it with.
func conflicts(samples []*sample) map[string][]string {
	before := map[[2]string]bool{}
	for _, s := range samples {
		for i, a := range s.tokens {
			for _, b := range s.tokens[i+1:] {
				before[[2]string{a, b}] = true
			}
		}
	}
	out := map[string][]string{}
	for pair := range before {
		if before[[2]string{pair[1], pair[0]}] {
			out[pair[0]] = append(out[pair[0]], pair[1])
		}
	}
	return out
}

// movers are the fields known to move, the likelier first where the count of
// conflicts does not tell.
var movers = []string{
	"content-length", "referer", "origin", "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform", "content-type",
	"sec-fetch-storage-access", "accept-encoding", "range",
}

// split gives the field with the most conflicts a second place.
func split(samples []*sample, clashes map[string][]string, moved map[string]selector) error {
	names := make([]string, 0, len(clashes))
	for name := range clashes {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if n := len(clashes[b]) - len(clashes[a]); n != 0 {
			return n
		}
		// A place without a condition may get a second one without any doubt which counts.
		_, limitedA := moved[a]
		_, limitedB := moved[b]
		if limitedA != limitedB {
			if limitedB {
				return -1
			}
			return 1
		}
		if n := likely(a) - likely(b); n != 0 {
			return n
		}
		return strings.Compare(a, b)
	})
	for _, name := range names {
		if s, ok := divider(samples, name); ok {
			part(samples, name, s, moved)
			return nil
		}
	}
	return fmt.Errorf("%s stands before and behind %s, and no condition tells when", names[0], strings.Join(clashes[names[0]], ", "))
}

func likely(name string) int {
	if i := slices.Index(movers, baseName(name)); i >= 0 {
		return i
	}
	return len(movers)
}

// baseName is the field of a place.
func baseName(token string) string {
	name, _, _ := strings.Cut(token, "#")
	return name
}

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

// part renames the place in the samples that s selects.
func part(samples []*sample, name string, s selector, moved map[string]selector) {
	outer := moved[name]
	if s.when == "" {
		s.when = outer.when
	}
	if len(s.variants) == 0 {
		s.variants = outer.variants
	}
	token := fmt.Sprintf("%s#%d", baseName(name), len(moved)+1)
	moved[token] = s
	for _, x := range samples {
		if i := slices.Index(x.tokens, name); i >= 0 && s.holds(x) {
			x.tokens[i] = token
		}
	}
}

// sorted puts the places in an order that agrees with every sample; where that
// leaves a choice, as in the longest samples.
func sorted(samples []*sample) ([]string, error) {
	long := slices.Clone(samples)
	slices.SortStableFunc(long, func(a, b *sample) int { return len(b.tokens) - len(a.tokens) })
	after := map[string]map[string]bool{}
	var all []string
	for _, s := range long {
		at := 0
		for i, a := range s.tokens {
			if after[a] == nil {
				after[a] = map[string]bool{}
				all = slices.Insert(all, min(at, len(all)), a)
			}
			at = slices.Index(all, a) + 1
			for _, b := range s.tokens[i+1:] {
				after[a][b] = true
			}
		}
	}
	var out []string
	for len(all) > 0 {
		free := func(t string) bool {
			return !slices.ContainsFunc(all, func(o string) bool { return after[o][t] })
		}
		i := slices.IndexFunc(all, free)
		if length := slices.Index(all, "content-length"); length >= 0 && free("content-length") && baseName(all[max(i, 0)]) == "pragma" {
			i = length // net::HttpNetworkTransaction writes it before what caches are told
		}
		if i < 0 {
			return nil, fmt.Errorf("%s go round in circles", strings.Join(all, ", "))
		}
		out = append(out, all[i])
		all = slices.Delete(all, i, i+1)
	}
	return out, nil
}
