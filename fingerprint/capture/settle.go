package capture

import (
	"fmt"
	"slices"

	"github.com/mien-http/mien/fingerprint"
)

// settle makes sure that every sample's field goes to the place that it had: of
// those whose condition holds the first in order wins. A place that takes what is
// another's gets a further condition that all of its own requests meet.
func settle(order []string, samples []*sample, moved map[string]selector) error {
	for _, x := range samples {
		for _, token := range x.tokens {
			wrong := taker(order, x, token, moved)
			if wrong == "" {
				continue
			}
			if !narrow(wrong, x, samples, moved) || taker(order, x, token, moved) != "" {
				return fmt.Errorf("%s of %s: several conditions hold", baseName(token), x.r.kindName())
			}
		}
	}
	return nil
}

// taker returns the place that x's field would go to in place of token, or "".
func taker(order []string, x *sample, token string, moved map[string]selector) string {
	for _, t := range order {
		s, limited := moved[t]
		if baseName(t) != baseName(token) || !limited || !s.holds(x) {
			continue
		}
		if t != token {
			return t
		}
		return ""
	}
	return ""
}

// narrow adds a condition to a place: one that its samples meet, and x does not.
func narrow(token string, x *sample, samples []*sample, moved map[string]selector) bool {
	s := moved[token]
	if s.when != "" {
		return false
	}
	own := filter(samples, func(o *sample) bool { return slices.Contains(o.tokens, token) })
	for _, c := range conditions {
		fits := !slices.ContainsFunc(own, func(o *sample) bool { return !condition(c, &o.head) })
		if c != fingerprint.Always && fits && !condition(c, &x.head) {
			s.when = c
			moved[token] = s
			return true
		}
	}
	return false
}
