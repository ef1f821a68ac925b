package main

import (
	"fmt"
	"strings"
)

// shown is the value of a field without what must not be passed on: such lines are
// pasted into reports and chats. What kind of secret it is, and its length, stay.
func (t *talk) shown(name, value string) string {
	if t.secrets {
		return value
	}
	switch strings.ToLower(name) {
	case "authorization", "proxy-authorization":
		scheme, rest, ok := strings.Cut(value, " ")
		if !ok {
			return hidden(value)
		}
		return scheme + " " + hidden(rest)
	case "cookie":
		crumbs := strings.Split(value, "; ")
		for i, c := range crumbs {
			crumbs[i] = hiddenPair(c)
		}
		return strings.Join(crumbs, "; ")
	case "set-cookie":
		pair, attributes, ok := strings.Cut(value, ";")
		if ok {
			attributes = ";" + attributes
		}
		return hiddenPair(pair) + attributes
	}
	return value
}

func hidden(s string) string { return fmt.Sprintf("(%d bytes hidden)", len(s)) }

// hiddenPair hides the value of name=value; what has no name is a value.
func hiddenPair(pair string) string {
	name, value, ok := strings.Cut(pair, "=")
	if !ok {
		return hidden(pair)
	}
	return name + "=" + hidden(value)
}
