package fingerprint

import (
	"cmp"
	"slices"
	"strconv"
)

// Head returns the field section that the browser sends for a request: the
// fields of the list for r's wire and destination in their order, with r's own
// put in. A destination that the profile has no list for is written like a
// fetch() of that destination; for one that [Profile.Covers] refuses nothing is
// made up: the Head is empty. Head is safe for concurrent use as long as nobody
// writes to p.
func (p *Profile) Head(r HeadRequest) Head {
	if r.Destination == "" {
		r.Destination = Document
	}
	if p.Covers(r) != nil {
		return Head{}
	}
	list := p.list(r.Wire, r.Destination)
	w := headWriter{profile: p, list: list, r: r, overH2: r.Wire == OverHTTP2}
	w.takeOwn()
	w.out = make([]HeaderField, 0, len(list.Fields)+w.ownLines)
	for i := range list.Fields {
		if f := &list.Fields[i]; f.Mix == MixAlways {
			w.mix()
		} else if f.Name == "*" {
			w.rest()
		} else if w.applies(i) {
			w.place(f)
		}
	}
	w.rest()
	if len(r.Order) > 0 {
		reorder(w.out, r.Order)
	}
	return Head{Fields: w.out, Priority: list.priority(r.Variant)}
}

// priority is what goes on the HEADERS frame of a request of that variant.
func (l *HeaderList) priority(v Variant) Priority {
	for i := range l.Priorities {
		if chosen(l.Priorities[i].For, v) {
			return l.Priorities[i].Priority
		}
	}
	return l.Priority
}

// bareList is what a profile without lists for a wire writes. Nobody changes it.
var bareList = HeaderList{Fields: []Field{{Name: "*"}}}

// list finds the header list for a request.
func (p *Profile) list(wire Wire, dest Destination) *HeaderList {
	fallback := &bareList
	for i := range p.Headers {
		l := &p.Headers[i]
		if l.Wire != wire {
			continue
		}
		if l.Destination == dest {
			return l
		}
		if l.Destination == Empty || fallback == &bareList {
			fallback = l
		}
	}
	return fallback
}

// headWriter builds one Head. It lives on the stack of Head: the caller's fields
// are in an array of its own as long as they fit, because a slice that points to
// one would move it to the heap.
type headWriter struct {
	profile  *Profile
	list     *HeaderList
	r        HeadRequest
	overH2   bool
	few      [12]ownField
	fewLen   int
	many     []ownField // all of them, when there are more than few holds
	ownLines int        // field lines that own can become, at most
	out      []HeaderField
	// mixed says that the fields of Blink's table are written.
	mixed bool
}

// applies reports whether place i is the one for its name on this request.
func (w *headWriter) applies(i int) bool {
	fields := w.list.Fields
	f := &fields[i]
	if !w.holds(f) {
		// The caller's field has to go somewhere: to the first of its places, if
		// none of them applies.
		if w.find(f.Name) == nil {
			return false
		}
		for j := range fields {
			if same(fields[j].Name, f.Name) && (j < i || w.holds(&fields[j])) {
				return false
			}
		}
		return true
	}
	others := fields
	if f.limited() {
		others = fields[:i]
	}
	for j := range others {
		if o := &others[j]; o.limited() && same(o.Name, f.Name) && w.holds(o) {
			return false
		}
	}
	return true
}

// wantsContent reports whether a request of this method says "content-length: 0"
// when it has no content (RFC 9110 §8.6).
func wantsContent(method string) bool {
	return method == "POST" || method == "PUT" || method == "PATCH"
}

// place writes the field of one place.
func (w *headWriter) place(f *Field) {
	if framing(f.Name) {
		w.frame(f)
		return
	}
	if own := w.find(f.Name); own != nil {
		if !own.placed {
			own.placed = true
			w.lines(f.Name, own.values)
		}
		return
	}
	if value := w.value(f); value != "" {
		w.out = append(w.out, HeaderField{f.Name, value})
	}
}

// value is what the browser itself sends at a place, "" for nothing.
func (w *headWriter) value(f *Field) string {
	value := f.Value
	switch {
	case len(f.Name) == 14 && same(f.Name, "sec-fetch-dest"):
		if w.list.Destination != w.r.Destination || value == "" {
			value = string(w.r.Destination)
		}
	case len(f.Name) == 14 && same(f.Name, "sec-fetch-mode"):
		value = cmp.Or(w.r.Mode, value)
	case len(f.Name) == 14 && same(f.Name, "sec-fetch-site"):
		value = cmp.Or(w.r.Site, value, "none")
	case value == "":
		value = w.profile.identity(f.Name)
	}
	return value
}

// framing reports whether the field belongs to the message's framing.
func framing(name string) bool {
	switch len(name) {
	case 4:
		return same(name, "host")
	case 14:
		return same(name, "content-length")
	case 17:
		return same(name, "transfer-encoding")
	}
	return false
}

// frame writes a framing field: over HTTP/1.1 a place for the connection to
// fill, over HTTP/2 content-length where the browser sends it.
func (w *headWriter) frame(f *Field) {
	if !w.overH2 {
		w.out = append(w.out, HeaderField{Name: f.Name})
		return
	}
	n := w.r.ContentLength
	if len(f.Name) == 14 && (n > 0 || n == 0 && wantsContent(w.r.Method)) {
		w.out = append(w.out, HeaderField{f.Name, strconv.FormatInt(n, 10)})
	}
}

// identity returns the value that all lists share for the field, or "".
func (p *Profile) identity(name string) string {
	for i := range p.Identity {
		if same(p.Identity[i].Name, name) {
			return p.Identity[i].Value
		}
	}
	return ""
}

// reorder puts the fields that order names first, in its order, and leaves the
// others behind them as they are.
func reorder(fields []HeaderField, order []string) {
	rank := func(f HeaderField) int {
		for i, name := range order {
			if same(name, f.Name) {
				return i
			}
		}
		return len(order)
	}
	slices.SortStableFunc(fields, func(a, b HeaderField) int { return cmp.Compare(rank(a), rank(b)) })
}

// same compares field names, which have no case (RFC 9110 §5.1).
func same(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if a[i] != b[i] && lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}
