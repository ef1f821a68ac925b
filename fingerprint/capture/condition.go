package capture

import (
	"slices"

	"github.com/mien-http/mien/fingerprint"
)

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
