package capture

import (
	"fmt"
	"slices"
	"strings"

	fp "github.com/mien-http/mien/fingerprint"
)

// DiffRequest compares what p would send for a recorded request with the
// recording: field names, order, case and values, and the priority of the HEADERS
// frame. nil: no difference. Identity values that a headless browser alone has
// count as those that it has with a window.
func DiffRequest(p *fp.Profile, r *Request) []Difference {
	where := fmt.Sprintf("%s %s over %s (%s %s)", r.Method, r.Path, r.Wire, r.Run, r.Conn)
	if !r.usable() {
		return nil
	}
	var least []Difference
	for i, v := range r.Variants() {
		h := r.HeadRequest(v)
		if err := p.Covers(h); err != nil {
			return []Difference{{where, "the whole request", err.Error(), "recorded"}}
		}
		got := p.Head(h)
		fields, want := filled(got.Fields, r), r.want(p)
		if r.drawn("priority") {
			fields, want = without(fields, "priority"), without(want, "priority")
		}
		d := diffFields(where, fields, want)
		if !r.drawn("priority") {
			d = append(d, diffPriority(where, got.Priority, r)...)
		}
		if i == 0 || len(d) < len(least) {
			least = d
		}
	}
	return least
}

// filled drops the framing fields of HTTP/1.1 that the connection would not send,
// and leaves the others to it.
func filled(fields []fp.HeaderField, r *Request) []fp.HeaderField {
	if r.Wire == fp.OverHTTP2 {
		return fields
	}
	var out []fp.HeaderField
	for _, f := range fields {
		if framing(f.Name) {
			if !r.has(f.Name) {
				continue
			}
			f.Value = r.get(f.Name)
		}
		out = append(out, f)
	}
	return out
}

func framing(name string) bool {
	return slices.ContainsFunc([]string{"host", "content-length", "transfer-encoding"}, func(n string) bool {
		return strings.EqualFold(n, name)
	})
}

// want are the recorded fields, without pseudo-header fields, of the browser
// with a window.
func (r *Request) want(p *fp.Profile) []fp.HeaderField {
	headless := strings.Contains(r.get("user-agent"), "HeadlessChrome")
	if language := *identity(p, "accept-language"); headless && language != "" {
		c := *r
		c.addLanguage(language)
		r = &c
	}
	var out []fp.HeaderField
	for _, f := range r.Fields {
		if strings.HasPrefix(f.Name, ":") {
			continue
		}
		name := strings.ToLower(f.Name)
		if headless && (name == "user-agent" || name == "sec-ch-ua" && strings.Contains(f.Value, "HeadlessChrome")) {
			f.Value = *identity(p, name)
		}
		out = append(out, f)
	}
	return out
}

func diffPriority(where string, got fp.Priority, r *Request) []Difference {
	if r.Wire != fp.OverHTTP2 {
		return nil
	}
	p := r.Priority
	if got.Weight == p.Weight && got.Exclusive == p.Exclusive && (p.DependsOn == 0 || got.Depend) {
		return nil
	}
	return []Difference{{where, "priority of the HEADERS frame", say(got),
		fmt.Sprintf("weight %d, exclusive %t, depends on stream %d", p.Weight, p.Exclusive, p.DependsOn)}}
}

func say(p fp.Priority) string {
	if p.Weight == 0 {
		return "none"
	}
	return fmt.Sprintf("weight %d, exclusive %t, depends on others: %t", p.Weight, p.Exclusive, p.Depend)
}

// without drops the value of a field, not its place.
func without(fields []fp.HeaderField, name string) []fp.HeaderField {
	out := slices.Clone(fields)
	for i := range out {
		if strings.EqualFold(out[i].Name, name) {
			out[i].Value = ""
		}
	}
	return out
}

// drawn reports whether a part of this request depends on timing in the browser.
func (r *Request) drawn(part string) bool {
	if r.destination() != fp.Image || part != "priority" {
		return false
	}
	f := r.facts()
	return len(f.variants) > 1 || f.variants[0] == fp.Background
}
