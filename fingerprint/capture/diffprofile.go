package capture

import (
	"fmt"
	"reflect"
	"slices"

	fp "github.com/mien-http/mien/fingerprint"
)

// DiffProfiles compares two profiles part by part. Names, provenance and notes
// are not looks, and are not compared.
func DiffProfiles(a, b *fp.Profile) []Difference {
	out := diffStruct("browser", reflect.ValueOf(a.Browser), reflect.ValueOf(b.Browser))
	out = append(out, diffTLS(&a.TLS, &b.TLS)...)
	out = append(out, diffStruct("http2", reflect.ValueOf(a.HTTP2), reflect.ValueOf(b.HTTP2))...)
	out = append(out, diffIdentity(a.Identity, b.Identity)...)
	for _, l := range a.Headers {
		k := fp.Kind{Wire: l.Wire, Destination: l.Destination}
		if i := listOf(b, k); i >= 0 {
			out = append(out, diffList(k.String(), l, b.Headers[i])...)
		} else {
			out = append(out, Difference{k.String(), "header list", "described", "not described"})
		}
	}
	for _, l := range b.Headers {
		if k := (fp.Kind{Wire: l.Wire, Destination: l.Destination}); listOf(a, k) < 0 {
			out = append(out, Difference{k.String(), "header list", "not described", "described"})
		}
	}
	return out
}

func listOf(p *fp.Profile, k fp.Kind) int {
	return slices.IndexFunc(p.Headers, func(l fp.HeaderList) bool { return l.Wire == k.Wire && l.Destination == k.Destination })
}

// diffTLS compares two templates, extension by extension.
func diffTLS(a, b *fp.TLS) []Difference {
	var out []Difference
	add := func(what string, x, y any) {
		if s, t := fmt.Sprint(x), fmt.Sprint(y); s != t {
			out = append(out, Difference{"tls", what, s, t})
		}
	}
	add("preset of uTLS", a.Preset, b.Preset)
	add("cipher suites", a.CipherSuites, b.CipherSuites)
	add("extensions are permuted", a.Permute, b.Permute)
	add("X25519MLKEM768 shares the key of X25519", a.SharedX25519, b.SharedX25519)
	order := func(t *fp.TLS) (out []fp.Code) {
		for _, e := range t.Extensions {
			out = append(out, e.ID)
		}
		return out
	}
	x, y := order(a), order(b)
	if !sameSet(x, y) || !a.Permute && !b.Permute {
		add("extensions", x, y)
	}
	for _, e := range a.Extensions {
		if o := templateOf(b, e.ID); o != nil && e.ID != fp.GREASE {
			what := fmt.Sprintf("extension %s (%s)", e.ID, e.Name)
			add(what, content(&e), content(o))
		}
	}
	return out
}

// content is the body of an extension in words.
func content(e *fp.Extension) string {
	s := ""
	switch {
	case e.ECH != nil:
		s = fmt.Sprintf("%+v", *e.ECH)
	case len(e.Codes) > 0:
		s = fmt.Sprint(e.Codes)
	case len(e.Protocols) > 0:
		s = fmt.Sprint(e.Protocols)
	case len(e.KeyShares) > 0:
		s = fmt.Sprint(e.KeyShares)
	case len(e.Data) > 0:
		s = fmt.Sprintf("%x", []byte(e.Data))
	}
	if e.FreshOnly {
		s += ", not with a ticket"
	}
	return s
}

func diffIdentity(a, b []fp.HeaderField) []Difference {
	var out []Difference
	value := func(list []fp.HeaderField, name string) string {
		for _, f := range list {
			if f.Name == name {
				return quoted(f.Value)
			}
		}
		return ""
	}
	for _, f := range append(slices.Clone(a), b...) {
		x, y := value(a, f.Name), value(b, f.Name)
		d := Difference{"identity", f.Name, x, y}
		if x != y && !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	return out
}

// diffList compares two header lists: priorities, the order of the places, and
// place by place where the order is the same.
func diffList(where string, a, b fp.HeaderList) []Difference {
	var out []Difference
	if a.Priority != b.Priority {
		out = append(out, Difference{where, "priority of the HEADERS frame", say(a.Priority), say(b.Priority)})
	}
	if x, y := fmt.Sprint(a.Priorities), fmt.Sprint(b.Priorities); x != y {
		out = append(out, Difference{where, "priorities of variants", x, y})
	}
	names := func(l fp.HeaderList) string {
		var out []fp.HeaderField
		for _, f := range l.Fields {
			out = append(out, fp.HeaderField{Name: f.Name})
		}
		return namesOf(out)
	}
	if x, y := names(a), names(b); x != y {
		return append(out, Difference{where, "places of the fields", x, y})
	}
	for i, f := range a.Fields {
		if x, y := sayField(f), sayField(b.Fields[i]); x != y {
			out = append(out, Difference{where, "field " + f.Name, x, y})
		}
	}
	return out
}

func sayField(f fp.Field) string {
	s := "as the request says"
	if f.Value != "" {
		s = quoted(f.Value)
	}
	if f.When != "" {
		s += ", when " + string(f.When)
	}
	if len(f.For) > 0 {
		s += fmt.Sprintf(", for %v", f.For)
	}
	if f.Mix != "" {
		s += ", in Blink's table: " + string(f.Mix)
	}
	return s
}
