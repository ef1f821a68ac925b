package fingerprint

import (
	"slices"
	"strings"
)

// A listEdit changes what a document inherits: one field, in all lists of some
// destinations that have every field the edit names. A browser that differs from
// its captured neighbour in a few places is written so, and keeps up with it.
type listEdit struct {
	Destinations []Destination `json:"destinations"` // none: all
	Name         string        `json:"name"`         // of the field, in any case
	Drop         bool          `json:"drop"`         // takes the field out
	Old          string        `json:"old"`          // what New replaces in its value
	New          string        `json:"new"`
	Before       string        `json:"before"` // moves it in front of this field
	After        string        `json:"after"`  // moves it behind this field
	Mix          Mixing        `json:"mix"`    // gives it this Mix as well
}

// apply carries the edit out. One that changes nothing is a mistake.
func (e *listEdit) apply(lists []HeaderList) *FieldError {
	switch {
	case e.Name == "":
		return fault("name", "missing")
	case e.Before != "" && e.After != "":
		return fault("after", "set, and before as well")
	case same(e.Before+e.After, e.Name):
		return fault("name", "%q cannot be moved next to itself", e.Name)
	case e.Drop && (e.Old != "" || e.Before != "" || e.After != "" || e.Mix != ""):
		return fault("drop", "set, and another change as well")
	}
	changed := false
	if !e.Drop && e.Old == "" && e.Before == "" && e.After == "" && e.Mix == "" {
		lists = nil
	}
	for i := range lists {
		if l := &lists[i]; len(e.Destinations) == 0 || slices.Contains(e.Destinations, l.Destination) {
			changed = e.list(l) || changed
		}
	}
	if !changed {
		return fault("", "changes nothing")
	}
	return nil
}

// list changes one list; it reports whether it did.
func (e *listEdit) list(l *HeaderList) bool {
	named := func(f Field) bool { return same(f.Name, e.Name) && strings.Contains(f.Value, e.Old) }
	target := e.Before + e.After
	if !slices.ContainsFunc(l.Fields, named) || target != "" && fieldNamedIn(l.Fields, target) < 0 {
		return false
	}
	var taken, left []Field
	for _, f := range l.Fields {
		switch {
		case !named(f):
			left = append(left, f)
		case !e.Drop:
			if e.Old != "" {
				f.Value = strings.ReplaceAll(f.Value, e.Old, e.New)
			}
			if e.Mix != "" {
				f.Mix = e.Mix
			}
			if taken = append(taken, f); target == "" {
				left = append(left, f)
			}
		}
	}
	if at := fieldNamedIn(left, target); target != "" && at >= 0 {
		if e.After != "" {
			at++
		}
		left = slices.Insert(left, at, taken...)
	}
	l.Fields = left
	return true
}

// fieldNamedIn returns the first place of that name, or -1.
func fieldNamedIn(fields []Field, name string) int {
	return slices.IndexFunc(fields, func(f Field) bool { return same(f.Name, name) })
}
