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
		if name == "*" || name == mixToken {
			continue // they have one place
		}
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
