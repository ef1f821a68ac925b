package capture

import (
	"slices"
	"strings"

	fp "github.com/mien-http/mien/fingerprint"
)

// Derive adds to p the header lists of wires that its recording does not have, by
// the rules that hold between the wires of browsers recorded over several: over
// HTTP/1.1 Chromium sends what it sends over HTTP/2, and over cleartext browsers
// leave out what needs a secure context. Kinds that cannot be derived stay in
// p.Absent. It returns, for Provenance, what it derived; "" for nothing.
func Derive(p *fp.Profile) string {
	var done []string
	if lacks(p, fp.OverHTTP1) && p.Browser.Engine == "blink" {
		eachList(p, fp.OverHTTP2, http1List)
		p.Absent = slices.DeleteFunc(p.Absent, func(k fp.Kind) bool { return k == fp.Kind{Wire: fp.OverHTTP1} })
		p.Absent = append(p.Absent, fp.Kind{Wire: fp.OverHTTP1, Destination: fp.WebSocket})
		done = append(done, "http/1.1 from h2")
	}
	if lacks(p, fp.OverCleartext) && !lacks(p, fp.OverHTTP1) {
		eachList(p, fp.OverHTTP1, cleartextList)
		var kept []fp.Kind
		for _, k := range p.Absent {
			if k == (fp.Kind{Wire: fp.OverCleartext}) {
				continue
			}
			kept = append(kept, k)
			if k.Wire == fp.OverHTTP1 {
				k.Wire = fp.OverCleartext
				kept = append(kept, k)
			}
		}
		p.Absent = kept
		done = append(done, "cleartext from http/1.1")
	}
	return strings.Join(done, "; ")
}

func lacks(p *fp.Profile, wire fp.Wire) bool {
	return !slices.ContainsFunc(p.Headers, func(l fp.HeaderList) bool { return l.Wire == wire })
}

// eachList adds what f makes of each list over wire.
func eachList(p *fp.Profile, wire fp.Wire, f func(fp.HeaderList) (fp.HeaderList, bool)) {
	for _, l := range slices.Clone(p.Headers) {
		if l.Wire != wire {
			continue
		}
		l.Fields = slices.Clone(l.Fields)
		if derived, ok := f(l); ok {
			p.Headers = append(p.Headers, derived)
		}
	}
}

// http1List is what Chromium sends over HTTP/1.1: the same fields behind Host and
// Connection, in capitals but for client hints, and no priority.
func http1List(l fp.HeaderList) (fp.HeaderList, bool) {
	if l.Destination == fp.WebSocket {
		return l, false // an upgrade has other fields than an extended CONNECT
	}
	out := fp.HeaderList{Wire: fp.OverHTTP1, Destination: l.Destination}
	out.Fields = []fp.Field{{Name: "Host"}, {Name: "Connection", Value: "keep-alive"}}
	for _, f := range l.Fields {
		if f.Name == "priority" {
			continue
		}
		f.Name = capitals(f.Name)
		out.Fields = append(out.Fields, f)
		if f.Name == "Content-Length" {
			out.Fields = append(out.Fields, fp.Field{Name: "Transfer-Encoding"})
		}
	}
	return out, true
}

// capitals is a field name as Chromium writes it over HTTP/1.1.
func capitals(name string) string {
	if strings.HasPrefix(name, "sec-ch-") {
		return name
	}
	b := []byte(name)
	for i := range b {
		if (i == 0 || b[i-1] == '-') && 'a' <= b[i] && b[i] <= 'z' {
			b[i] -= 'a' - 'A'
		}
	}
	return string(b)
}

// cleartextList leaves out client hints and fetch metadata, and the codings that
// intermediaries are known to break.
func cleartextList(l fp.HeaderList) (fp.HeaderList, bool) {
	l.Wire = fp.OverCleartext
	l.Fields = slices.DeleteFunc(l.Fields, func(f fp.Field) bool {
		name := strings.ToLower(f.Name)
		return strings.HasPrefix(name, "sec-ch-") || strings.HasPrefix(name, "sec-fetch-")
	})
	for i, f := range l.Fields {
		if strings.EqualFold(f.Name, "accept-encoding") {
			l.Fields[i].Value = strings.TrimSuffix(f.Value, ", br, zstd")
		}
	}
	originBehindMixed(&l)
	return l, true
}

// originBehindMixed moves an Origin that stands before the fields of Chromium's
// hash table behind them, as recorded for modules and fonts over cleartext:
// without fetch metadata it is the last to be added.
func originBehindMixed(l *fp.HeaderList) {
	origin := slices.IndexFunc(l.Fields, func(f fp.Field) bool { return f.Name == "Origin" })
	last := -1
	for i, f := range l.Fields {
		if f.Mix == fp.MixAlways {
			last = i
		}
	}
	if origin < 0 || origin > last {
		return
	}
	f := l.Fields[origin]
	l.Fields = slices.Insert(slices.Delete(l.Fields, origin, origin+1), last, f)
}
