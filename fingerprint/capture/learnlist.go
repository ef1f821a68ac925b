package capture

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mien-http/mien/fingerprint"
)

// learner makes the header lists of one recording.
type learner struct {
	engine   string
	identity []fingerprint.HeaderField
	notes    []string
}

// identityFields have one value for all lists.
var identityFields = []string{"user-agent", "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform", "accept-language"}

// list learns one header list.
func (l *learner) list(wire fingerprint.Wire, dest fingerprint.Destination, samples []*sample) (*fingerprint.HeaderList, error) {
	list := &fingerprint.HeaderList{Wire: wire, Destination: dest}
	if len(samples) == 0 {
		return nil, fmt.Errorf("no request tells what it is")
	}
	mixed := l.engine == "blink" && !navigation(dest) && dest != fingerprint.WebSocket
	for _, s := range samples {
		mixed = mixed && s.isMixed()
	}
	for _, s := range samples {
		s.tokenize(mixed)
	}
	l.priorities(list, samples)
	order, moved, err := merge(samples)
	if err != nil {
		return nil, err
	}
	spelled := spellings(samples)
	for _, token := range order {
		if token == mixToken {
			list.Fields = append(list.Fields, l.table(wire, samples, spelled)...)
			continue
		}
		fields, err := l.place(token, moved[token], samples, spelled)
		if err != nil {
			return nil, err
		}
		list.Fields = append(list.Fields, fields...)
	}
	if mixed {
		for i := range list.Fields {
			f := &list.Fields[i]
			if name := strings.ToLower(f.Name); f.Mix == "" && (name == "accept" || name == "accept-language") {
				f.Mix = fingerprint.MixOwn
			}
		}
	}
	return list, nil
}

// spellings are the names as this wire writes them.
func spellings(samples []*sample) map[string]string {
	out := map[string]string{"*": "*"}
	for _, s := range samples {
		for _, f := range s.r.Fields {
			out[strings.ToLower(f.Name)] = f.Name
		}
	}
	return out
}

// tokenize lists the places that a request uses.
func (s *sample) tokenize(mixed bool) {
	s.tokens = s.tokens[:0]
	for _, f := range s.r.Fields {
		name := strings.ToLower(f.Name)
		switch {
		case strings.HasPrefix(name, ":"):
			continue
		case mixed && s.inTable(name):
			name = mixToken
		case s.r.given(name) && (strings.HasPrefix(name, "x-") || name == "authorization"):
			name = "*"
		}
		if !slices.Contains(s.tokens, name) {
			s.tokens = append(s.tokens, name)
		}
	}
}

// inTable reports whether Blink keeps this field of the request in its table.
func (s *sample) inTable(name string) bool {
	switch name {
	case "user-agent", "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform", "content-type", "authorization":
		return true
	case "accept":
		return s.r.given(name) || s.variant == fingerprint.EventSource
	}
	return s.r.given(name) && strings.HasPrefix(name, "x-") || slices.Contains(s.extra, name)
}

// extras are fields that Blink itself put into its table in some versions.
var extras = []string{"", "accept-encoding", "cache-control", "pragma"}

// isMixed reports whether the fields of Blink's table stand together and in the
// order that its hash gives them, and notes which further field is among them.
func (s *sample) isMixed() bool {
	for _, extra := range extras {
		if s.extra = nil; extra != "" {
			s.extra = []string{extra}
		}
		if s.inOrder() {
			return true
		}
	}
	return false
}

func (s *sample) inOrder() bool {
	var own, browser, got []string
	last := -1
	for i, f := range s.r.Fields {
		name := strings.ToLower(f.Name)
		if !s.inTable(name) {
			continue
		}
		if last >= 0 && last != i-1 {
			return false
		}
		last = i
		got = append(got, name)
		if !slices.Contains(identityFields, name) {
			own = append(own, name)
		}
	}
	slices.Sort(own)
	for _, name := range tableOrder {
		if slices.Contains(got, name) {
			browser = append(browser, name)
		}
	}
	return slices.Equal(got, fingerprint.MixOrder(append(own, browser...)))
}

// tableOrder is the order in which Blink inserts its own fields: the client hints
// (FrameFetchContext), then the User-Agent.
var tableOrder = []string{"sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform", "user-agent"}

// table makes the places of Blink's table.
func (l *learner) table(wire fingerprint.Wire, samples []*sample, spelled map[string]string) []fingerprint.Field {
	out := []fingerprint.Field{{Name: "*", Mix: fingerprint.MixAlways}}
	for _, s := range samples {
		names := slices.Clone(s.extra)
		if s.variant == fingerprint.EventSource {
			names = append(names, "accept")
		}
		slices.Sort(names)
		for _, name := range names {
			f := fingerprint.Field{Name: spelled[name], Value: s.r.get(name), Mix: fingerprint.MixAlways}
			if s.variant != "" {
				f.For = []fingerprint.Variant{s.variant}
			}
			same := func(o fingerprint.Field) bool { return o.Name == f.Name && slices.Equal(o.For, f.For) }
			if !slices.ContainsFunc(out, same) {
				out = append(out, f)
			}
		}
	}
	for _, name := range tableOrder {
		if spelled[name] != "" {
			out = append(out, fingerprint.Field{Name: spelled[name], Mix: fingerprint.MixAlways})
		}
	}
	name := "Content-Type"
	if wire == fingerprint.OverHTTP2 {
		name = "content-type"
	}
	return append(out, fingerprint.Field{Name: name, Mix: fingerprint.MixAlways})
}

// priorities fills in what stands on the HEADERS frames.
func (l *learner) priorities(list *fingerprint.HeaderList, samples []*sample) {
	if list.Wire != fingerprint.OverHTTP2 {
		return
	}
	of := func(v fingerprint.Variant) (fingerprint.Priority, bool) {
		counts := map[fingerprint.Priority]int{}
		var best fingerprint.Priority
		for _, s := range samples {
			if !s.loose && (v == "any" || s.variant == v) {
				p := fingerprint.Priority{Weight: s.r.Priority.Weight, Exclusive: s.r.Priority.Exclusive}
				if counts[p]++; counts[p] > counts[best] {
					best = p
				}
			}
		}
		if best.Weight > 0 {
			best.Depend = best.Exclusive // Chromium alone chains its streams, and it says so with the bit
		}
		return best, len(counts) > 0
	}
	usual, ok := of("")
	if !ok {
		usual, _ = of("any")
	}
	list.Priority = usual
	for _, v := range variantsOf(samples) {
		p, _ := of(v)
		if v == fingerprint.Default || p == usual || p.Weight == 0 {
			continue
		}
		i := slices.IndexFunc(list.Priorities, func(o fingerprint.VariantPriority) bool { return o.Priority == p })
		if i < 0 {
			list.Priorities = append(list.Priorities, fingerprint.VariantPriority{Priority: p})
			i = len(list.Priorities) - 1
		}
		list.Priorities[i].For = append(list.Priorities[i].For, v)
	}
}
