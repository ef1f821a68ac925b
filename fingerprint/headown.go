package fingerprint

import (
	"cmp"
	"slices"
	"strings"
)

// ownField is one key of the caller's header.
type ownField struct {
	name   string
	values []string // empty: the caller suppresses the field
	placed bool
}

// takeOwn collects the caller's fields, in the order of their names: a map has
// none, and the same request is to look the same every time.
func (w *headWriter) takeOwn() {
	for name, values := range w.r.Header {
		if ignored(name, w.overH2) {
			continue
		}
		f := ownField{name: name, values: values}
		if same(name, "user-agent") && len(values) == 1 && values[0] == "" {
			f.values = nil // net/http's way to send none
		}
		w.add(f)
		w.ownLines += len(values)
		if w.overH2 && same(name, "cookie") {
			for _, v := range values {
				w.ownLines += strings.Count(v, ";")
			}
		}
	}
	if own := w.own(); len(own) > 1 {
		slices.SortFunc(own, compareOwn)
		w.asGiven(own)
	}
}

// compareOwn orders fields by name, without regard to case.
func compareOwn(a, b ownField) int {
	for i := range min(len(a.name), len(b.name)) {
		if c := cmp.Compare(lower(a.name[i]), lower(b.name[i])); c != 0 {
			return c
		}
	}
	return cmp.Or(cmp.Compare(len(a.name), len(b.name)), cmp.Compare(a.name, b.name))
}

// asGiven moves the fields whose order the page gave behind the others.
func (w *headWriter) asGiven(own []ownField) {
	if len(w.r.Given) == 0 {
		return
	}
	given := w.r.Given
	rank := func(f ownField) int {
		return slices.IndexFunc(given, func(name string) bool { return same(name, f.name) })
	}
	slices.SortStableFunc(own, func(a, b ownField) int { return cmp.Compare(rank(a), rank(b)) })
}

func (w *headWriter) add(f ownField) {
	switch {
	case w.many != nil:
		w.many = append(w.many, f)
	case w.fewLen < len(w.few):
		w.few[w.fewLen] = f
		w.fewLen++
	default:
		w.many = append(append(make([]ownField, 0, 2*len(w.few)), w.few[:]...), f)
	}
}

// own returns the caller's fields.
func (w *headWriter) own() []ownField {
	if w.many != nil {
		return w.many
	}
	return w.few[:w.fewLen]
}

// ignored reports whether a field of the caller's is dropped: framing is the
// client's, and HTTP/2 has no connection fields (RFC 9113 §8.2.2).
func ignored(name string, overH2 bool) bool {
	switch len(name) {
	case 4:
		return same(name, "host")
	case 7:
		return same(name, "trailer") || overH2 && same(name, "upgrade")
	case 10:
		return overH2 && (same(name, "connection") || same(name, "keep-alive"))
	case 14:
		return same(name, "content-length")
	case 16:
		return overH2 && same(name, "proxy-connection")
	case 17:
		return same(name, "transfer-encoding")
	}
	return false
}

// find returns the caller's field of that name, or nil.
func (w *headWriter) find(name string) *ownField {
	own := w.own()
	for i := range own {
		if same(own[i].name, name) {
			return &own[i]
		}
	}
	return nil
}

// rest writes the caller's fields that have no place in the list.
func (w *headWriter) rest() {
	own := w.own()
	for i := range own {
		f := &own[i]
		if f.placed || len(f.values) == 0 || w.listed(f.name) {
			continue
		}
		f.placed = true
		w.lines(w.spelled(f.name), f.values)
	}
}

// spelled is a name of the caller's in the case that the wire uses: for a field
// with a place in the list the browser's own.
func (w *headWriter) spelled(name string) string {
	for i := range w.list.Fields {
		if name != "*" && same(w.list.Fields[i].Name, name) {
			return w.list.Fields[i].Name
		}
	}
	if w.overH2 {
		return strings.ToLower(name)
	}
	return name
}

// listed reports whether the list has a place of that name. A field may well be
// called "*"; its place is that of the others.
func (w *headWriter) listed(name string) bool {
	if name == "*" {
		return false
	}
	for i := range w.list.Fields {
		if same(w.list.Fields[i].Name, name) {
			return true
		}
	}
	return false
}

// lines writes the caller's values of one field. Cookies are joined to one line,
// or split to one each, as the browser would.
func (w *headWriter) lines(name string, values []string) {
	if len(name) != 6 || !same(name, "cookie") || len(values) == 0 {
		for _, v := range values {
			w.out = append(w.out, HeaderField{name, v})
		}
		return
	}
	if !w.overH2 || !w.profile.HTTP2.CookieCrumbs {
		w.out = append(w.out, HeaderField{name, strings.Join(values, "; ")}) // no copy for one
		return
	}
	for _, v := range values {
		for v != "" {
			var crumb string
			crumb, v, _ = strings.Cut(v, ";")
			v = strings.TrimPrefix(v, " ")
			w.out = append(w.out, HeaderField{name, crumb})
		}
	}
}
