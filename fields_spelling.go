package mien

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// merged is h with one key for each field. Keys that differ in case alone, as x-a
// and X-A do, name one field: their values become field lines of it in the byte
// order of the keys, capitals first, which is the order net/http writes them in. A
// nil value beside another says nothing. Almost always merged is h itself; the
// caller's map and slices are never changed.
func merged(h http.Header) http.Header {
	odd := false
	for name := range h {
		if http.CanonicalHeaderKey(name) != name {
			odd = true
			break
		}
	}
	if !odd {
		return h
	}
	out := make(http.Header, len(h))
	for _, name := range slices.Sorted(maps.Keys(h)) {
		key := http.CanonicalHeaderKey(name)
		values := h[name]
		if before, twice := out[key]; twice {
			values = slices.Concat(before, values)
		}
		out[key] = values
	}
	return out
}

// hasField reports whether h has the field name, which is canonical, in whatever case.
func hasField(h http.Header, name string) bool {
	if _, ok := h[name]; ok {
		return true
	}
	for n := range h {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}
