package capture

import (
	"slices"
	"strings"

	fp "github.com/mien-http/mien/fingerprint"
)

// optional are the fields that a request of any kind may have. A list gets a
// place for those that no request of its kind had, where the list most like it
// has one.
var optional = []string{
	"content-length", "transfer-encoding", "pragma", "cache-control", "origin", "content-type", "*", "referer", "cookie",
	"range", "if-none-match", "if-modified-since",
}

// complete gives every list places for the optional fields.
func complete(lists []fp.HeaderList) {
	from := make([]fp.HeaderList, len(lists))
	for i, l := range lists {
		from[i] = l
		from[i].Fields = slices.Clone(l.Fields)
	}
	for i := range lists {
		l := &lists[i]
		for _, name := range optional {
			if name == "transfer-encoding" {
				insertFraming(l)
				continue
			}
			if at(l, name) >= 0 {
				continue
			}
			donate(l, from, name)
		}
		addIdentity(l, from)
		if at(l, "*") < 0 {
			place := at(l, "cookie")
			if place < 0 {
				place = len(l.Fields)
			}
			l.Fields = slices.Insert(l.Fields, place, fp.Field{Name: "*"})
		}
	}
}

// at is the place of a field, or -1.
func at(l *fp.HeaderList, name string) int {
	return slices.IndexFunc(l.Fields, func(f fp.Field) bool { return strings.EqualFold(f.Name, name) })
}

// insertFraming puts Transfer-Encoding behind Content-Length: no page makes a
// browser send it, but our callers may.
func insertFraming(l *fp.HeaderList) {
	if l.Wire == fp.OverHTTP2 || at(l, "transfer-encoding") >= 0 {
		return
	}
	if i := at(l, "content-length"); i >= 0 {
		l.Fields = slices.Insert(l.Fields, i+1, fp.Field{Name: "Transfer-Encoding"})
	}
}

// donate copies a place from the list that is most like l and has one.
func donate(l *fp.HeaderList, lists []fp.HeaderList, name string) {
	var best *fp.HeaderList
	most := -1
	for i := range lists {
		d := &lists[i]
		if name == "*" && navigation(d.Destination) != navigation(l.Destination) {
			continue // what a page adds, and what a navigation has
		}
		if d.Wire != l.Wire || d.Destination == l.Destination || at(d, name) < 0 || d.Destination == fp.WebSocket || l.Destination == fp.WebSocket {
			continue
		}
		like := 0
		if navigation(d.Destination) == navigation(l.Destination) {
			like += 1000
		}
		for j, f := range d.Fields {
			if k := at(l, f.Name); k >= 0 {
				like += 10
				if j > 0 && k > 0 && strings.EqualFold(d.Fields[j-1].Name, l.Fields[k-1].Name) {
					like++
				}
			}
		}
		if like > most {
			best, most = d, like
		}
	}
	if best == nil {
		return
	}
	from := at(best, name)
	field := fp.Field{Name: best.Fields[from].Name, Mix: best.Fields[from].Mix}
	for i := from - 1; i >= 0; i-- {
		// A neighbour with several places says nothing.
		if k := at(l, best.Fields[i].Name); k >= 0 && places(best, best.Fields[i].Name) == 1 {
			for j := k + 1; j < len(l.Fields); j++ {
				if strings.EqualFold(l.Fields[j].Name, l.Fields[k].Name) && j == k+1 {
					k = j
				}
			}
			l.Fields = slices.Insert(l.Fields, k+1, field)
			return
		}
	}
	for i := from + 1; i < len(best.Fields); i++ {
		if k := at(l, best.Fields[i].Name); k >= 0 {
			l.Fields = slices.Insert(l.Fields, k, field)
			return
		}
	}
}

// places counts the groups of places of a field: those next to each other are one.
func places(l *fp.HeaderList, name string) int {
	n := 0
	for i, f := range l.Fields {
		if strings.EqualFold(f.Name, name) && (i == 0 || !strings.EqualFold(l.Fields[i-1].Name, name)) {
			n++
		}
	}
	return n
}

// addIdentity lets a request for a range ask for the bytes as they are, if any
// request over this wire was seen to: the network stack decides it for all.
func addIdentity(l *fp.HeaderList, lists []fp.HeaderList) {
	i := at(l, "accept-encoding")
	if i < 0 || l.Fields[i].When != "" || l.Fields[i].Value == "identity" || l.Destination == fp.WebSocket {
		return
	}
	for _, d := range lists {
		for _, f := range d.Fields {
			if d.Wire == l.Wire && f.When == fp.WithRange && strings.EqualFold(f.Name, "accept-encoding") {
				l.Fields = slices.Insert(l.Fields, i, f)
				return
			}
		}
	}
}
