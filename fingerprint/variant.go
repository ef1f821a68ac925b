package fingerprint

import (
	"fmt"
	"slices"
)

// A Variant tells requests of one destination apart that browsers write
// differently: who in the page asked, and how urgent it is. "" is the commonest:
// fetch(), a script that blocks the parser, an image in view.
type Variant string

// The variants that are known. A browser that makes no difference writes them
// like the commonest request of their destination.
const (
	// Default stands for "" in [Field.For] and [VariantPriority.For].
	Default Variant = "default"

	Reload Variant = "reload" // of Document: asked for again where it is

	XHR          Variant = "xhr"         // of Empty: XMLHttpRequest
	Beacon       Variant = "beacon"      // of Empty: navigator.sendBeacon
	EventSource  Variant = "eventsource" // of Empty: a stream of server-sent events
	Keepalive    Variant = "keepalive"   // of Empty: fetch() with keepalive, which outlives its page
	HighPriority Variant = "high"        // of Empty: fetch() with priority "high"
	LowPriority  Variant = "low"         // of Empty: fetch() with priority "low"

	Async  Variant = "async"  // of Script: async, defer, or inserted by another script
	Module Variant = "module" // of Script: type=module

	Preload    Variant = "preload"    // of Image: link rel=preload
	Background Variant = "background" // of Image: named by a style sheet
	Inserted   Variant = "inserted"   // of Image: inserted by a script
	Icon       Variant = "icon"       // of Image: the page's icon
)

// A Kind is a kind of request: what carries it, for which destination, and
// which variant. An empty part stands for all.
type Kind struct {
	Wire        Wire        `json:"wire,omitempty"`        // what carries it
	Destination Destination `json:"destination,omitempty"` // of the Fetch standard
	Variant     Variant     `json:"variant,omitempty"`     // of the destination
}

// String returns the kind in words: "script (module) over h2".
func (k Kind) String() string {
	s := string(k.Destination)
	if s == "" {
		s = "anything"
	}
	if k.Variant != "" {
		s += " (" + string(k.Variant) + ")"
	}
	if k.Wire != "" {
		s += " over " + string(k.Wire)
	}
	return s
}

// covers reports whether k stands for other too.
func (k Kind) covers(other Kind) bool {
	return (k.Wire == "" || k.Wire == other.Wire) &&
		(k.Destination == "" || k.Destination == other.Destination) &&
		(k.Variant == "" || k.Variant == other.Variant)
}

// A KindError says that nobody knows what the browser sends for a kind of
// request: the source of the profile never recorded one.
type KindError struct {
	Profile string // its name
	Kind    Kind   // of the request
}

func (e *KindError) Error() string {
	return fmt.Sprintf("profile %s does not hold what the browser sends for %s: its source recorded none", e.Profile, e.Kind)
}

// Covers returns a [*KindError] for a request of a kind that p.Absent names, and
// nil for all others. It is safe for concurrent use as long as nobody writes to p.
func (p *Profile) Covers(r HeadRequest) error {
	if len(p.Absent) == 0 {
		return nil
	}
	kind := Kind{r.Wire, r.Destination, r.Variant}
	if r.Destination == "" {
		kind.Destination = Document
	}
	if !slices.ContainsFunc(p.Absent, func(k Kind) bool { return k.covers(kind) }) {
		return nil
	}
	return &KindError{Profile: p.Name, Kind: kind}
}

// absentFault checks that p.Absent does not contradict the lists.
func (p *Profile) absentFault() *FieldError {
	for i, k := range p.Absent {
		path := index("absent", i)
		if k.Wire != "" {
			if e := oneOf(path+".wire", k.Wire, OverHTTP2, OverHTTP1, OverCleartext); e != nil {
				return e
			}
		}
		switch {
		case k == Kind{}:
			return fault(path, "names nothing")
		case k.Destination != "" && !isToken(string(k.Destination)):
			return fault(path+".destination", "%q is not a destination", k.Destination)
		case k.Variant != "" && !isToken(string(k.Variant)):
			return fault(path+".variant", "%q is not a variant", k.Variant)
		case k.Variant != "":
			continue
		}
		for j, l := range p.Headers {
			if k.covers(Kind{l.Wire, l.Destination, ""}) {
				return fault(path, "%s is %s", k, index("headers", j))
			}
		}
	}
	return nil
}

// lacksDocuments reports whether p says that its source recorded no document
// over wire.
func (p *Profile) lacksDocuments(wire Wire) bool {
	return slices.ContainsFunc(p.Absent, func(k Kind) bool { return k.covers(Kind{wire, Document, ""}) })
}

// chosen reports whether a place or priority for the variants in list is for v.
func chosen(list []Variant, v Variant) bool {
	if len(list) == 0 {
		return true
	}
	if v == "" {
		v = Default
	}
	return slices.Contains(list, v)
}
