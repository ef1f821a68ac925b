package fingerprint

import (
	"encoding/hex"
	"fmt"
	"strconv"
)

// Parse reads a Profile from its JSON form and validates it.
//
// A document may name a "base", one of the built-in profiles, and then gives
// only what differs: each of browser, tls, http2, digests and provenance that is
// present replaces the base's whole; identity fields replace by name, header
// lists by wire and destination. "edits" then change single fields of the lists:
// each names the field ("name"), perhaps the "destinations", and what becomes of
// it: "drop", "old" and "new" for a part of its value, "before" or "after" another
// field, "mix".
//
// Anything that is unknown, missing, given twice or contradictory is an error,
// a [*FieldError] that names the place: `tls.extensions[3].id: …`.
func Parse(b []byte) (*Profile, error) {
	return parse(b, func(name string) (*Profile, error) {
		all, err := builtin()
		if err != nil {
			return nil, err
		}
		if p := all.named(name); p != nil {
			return p, nil
		}
		return nil, &UnknownProfileError{Name: name, Near: near(name, all.names)}
	})
}

// document is the JSON form of a Profile; a nil part is absent.
type document struct {
	Name       *string       `json:"name"`
	Base       string        `json:"base"`
	Browser    *Browser      `json:"browser"`
	TLS        *TLS          `json:"tls"`
	HTTP2      *HTTP2        `json:"http2"`
	Identity   []HeaderField `json:"identity"`
	Headers    []HeaderList  `json:"headers"`
	Edits      []listEdit    `json:"edits"`
	Absent     []Kind        `json:"absent"`
	Digests    *Digests      `json:"digests"`
	Provenance *Provenance   `json:"provenance"`
	Notes      []string      `json:"notes"`
}

// parse decodes and validates one document; base finds what it builds on.
func parse(b []byte, base func(name string) (*Profile, error)) (*Profile, error) {
	var d document
	if err := decode(b, &d); err != nil {
		return nil, err
	}
	if d.Name == nil {
		return nil, &FieldError{Path: "name", Problem: "missing"}
	}
	p := &Profile{}
	if d.Base != "" {
		from, err := base(d.Base)
		if err != nil {
			return nil, &FieldError{Path: "base", Problem: err.Error(), Err: err}
		}
		p = from.Clone()
	} else if err := d.complete(); err != nil {
		return nil, err
	}
	d.apply(p)
	for i := range d.Edits {
		if e := d.Edits[i].apply(p.Headers); e != nil {
			return nil, e.under(index("edits", i))
		}
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return p, nil
}

// complete reports which part a document without a base lacks.
func (d *document) complete() error {
	for _, part := range []struct {
		path   string
		absent bool
	}{
		{"browser", d.Browser == nil},
		{"tls", d.TLS == nil},
		{"http2", d.HTTP2 == nil},
		{"headers", len(d.Headers) == 0},
		{"provenance", d.Provenance == nil},
	} {
		if part.absent {
			return &FieldError{Path: part.path, Problem: "missing"}
		}
	}
	return nil
}

// apply puts the parts that d has into p.
func (d *document) apply(p *Profile) {
	p.Name, p.Notes = *d.Name, d.Notes
	replace(&p.Browser, d.Browser)
	replace(&p.TLS, d.TLS)
	replace(&p.HTTP2, d.HTTP2)
	replace(&p.Digests, d.Digests)
	replace(&p.Provenance, d.Provenance)
	if d.Absent != nil {
		p.Absent = d.Absent
	}
	p.Identity = merge(p.Identity, d.Identity, func(a, b HeaderField) bool {
		return a.Name == b.Name
	})
	p.Headers = merge(p.Headers, d.Headers, func(a, b HeaderList) bool {
		return a.Wire == b.Wire && a.Destination == b.Destination
	})
}

func replace[T any](dst, src *T) {
	if src != nil {
		*dst = *src
	}
}

// merge puts each of over in the place of the inherited element that is the
// same, or at the end. What over says twice is kept twice, for Validate to name.
func merge[T any](inherited, over []T, same func(a, b T) bool) []T {
	out := inherited
	taken := make([]bool, len(inherited))
next:
	for _, o := range over {
		for i := range taken {
			if !taken[i] && same(out[i], o) {
				out[i], taken[i] = o, true
				continue next
			}
		}
		out = append(out, o)
	}
	return out
}

// String returns the form that JSON uses: "0x1301", or "GREASE".
func (c Code) String() string {
	if c == GREASE {
		return "GREASE"
	}
	return fmt.Sprintf("0x%04x", uint16(c))
}

// MarshalText returns [Code.String].
func (c Code) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText accepts "GREASE" and "0x" with one to four hex digits.
func (c *Code) UnmarshalText(b []byte) error {
	s := string(b)
	if s == "GREASE" {
		*c = GREASE
		return nil
	}
	if len(s) > 2 && s[:2] == "0x" {
		if v, err := strconv.ParseUint(s[2:], 16, 16); err == nil {
			*c = Code(v)
			return nil
		}
	}
	return fmt.Errorf("%q is not a code point like \"0x1301\" or \"GREASE\"", s)
}

// MarshalText returns the bytes in lower-case hex.
func (h HexBytes) MarshalText() ([]byte, error) {
	return hex.AppendEncode(nil, h), nil
}

// UnmarshalText accepts an even number of hex digits.
func (h *HexBytes) UnmarshalText(b []byte) error {
	out := make([]byte, hex.DecodedLen(len(b)))
	if _, err := hex.Decode(out, b); err != nil {
		return fmt.Errorf("not hex: %w", err)
	}
	*h = out
	return nil
}
