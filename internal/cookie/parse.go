package cookie

import (
	"errors"
	"math"
	"strings"
	"time"
)

const (
	maxPair      = 4096 // octets of name and value together, RFC 6265bis §5.6
	maxAttribute = 1024 // octets of an attribute's value, RFC 6265bis §5.6
)

var (
	errControl = errors.New("cookie: control character (RFC 6265bis §5.6)")
	errEmpty   = errors.New("cookie: neither name nor value")
	errEquals  = errors.New("cookie: no name, and a value with an equals sign, which would be read as one")
	errLong    = errors.New("cookie: name and value are longer than 4096 octets")
)

// SameSite is what a cookie says of requests that other sites cause (RFC
// 6265bis §5.6.7).
type SameSite uint8

const (
	Default SameSite = iota // not said, or a value that is none of the others
	None                    // every request
	Lax                     // top-level navigations by safe methods besides the own site's requests
	Strict                  // the own site's requests
)

// SetCookie is one Set-Cookie field line, parsed. It holds what was said: what
// becomes of it depends on the request, see [Jar.Set].
type SetCookie struct {
	// Name and Value are the bytes received, without the white space around
	// them. Name is empty for a cookie without "=", or with nothing before it.
	Name, Value string
	// Domain is without the dot that it may begin with, in lower case if it is
	// ASCII; "": none.
	Domain string
	// Path is "" if there was none that begins with a slash.
	Path string
	// Expires is zero if there was none that can be read.
	Expires time.Time
	// MaxAge counts seconds, from -1, which stands for all that is not
	// positive, to math.MaxInt32; 0: none that can be read.
	MaxAge int
	// Secure, HTTPOnly and Partitioned are the attributes of these names.
	Secure, HTTPOnly, Partitioned bool
	// SameSite is the last one said.
	SameSite SameSite
}

// Parse reads the value of one Set-Cookie field (RFC 6265bis §5.6). Almost
// everything is a cookie; an error says why line is none. No byte of name and
// value is changed: quotes, commas, braces and what is not ASCII stay.
func Parse(line string) (SetCookie, error) {
	var c SetCookie
	if strings.IndexFunc(line, isControl) >= 0 {
		return c, errControl
	}
	pair, rest, more := strings.Cut(line, ";")
	if name, value, named := strings.Cut(pair, "="); named {
		c.Name, c.Value = trim(name), trim(value)
	} else {
		c.Value = trim(pair)
	}
	switch {
	case c.Name == "" && c.Value == "":
		return c, errEmpty
	case c.Name == "" && strings.Contains(c.Value, "="): // Chromium; "=__Host-a=b" must not become a __Host- cookie
		return c, errEquals
	case len(c.Name)+len(c.Value) > maxPair:
		return c, errLong
	}
	for more {
		var attribute string
		attribute, rest, more = strings.Cut(rest, ";")
		name, value, _ := strings.Cut(attribute, "=")
		if value = trim(value); len(value) <= maxAttribute {
			c.attribute(trim(name), value)
		}
	}
	return c, nil
}

// attribute takes one attribute in. Of several of one name the last counts that
// can be read; one that cannot be read is as good as absent.
func (c *SetCookie) attribute(name, value string) {
	switch strings.ToLower(name) {
	case "expires":
		if t, ok := parseDate(value); ok {
			c.Expires = t
		}
	case "max-age":
		if n, ok := parseMaxAge(value); ok {
			c.MaxAge = n
		}
	case "domain":
		c.Domain = strings.TrimPrefix(value, ".")
		if isASCII(c.Domain) { // no letter of another alphabet becomes an ASCII one
			c.Domain = strings.ToLower(c.Domain)
		}
	case "path":
		c.Path = ""
		if strings.HasPrefix(value, "/") {
			c.Path = value
		}
	case "secure":
		c.Secure = true
	case "httponly":
		c.HTTPOnly = true
	case "partitioned":
		c.Partitioned = true
	case "samesite":
		c.SameSite = parseSameSite(value)
	}
}

func parseSameSite(value string) SameSite {
	switch strings.ToLower(value) {
	case "none":
		return None
	case "lax":
		return Lax
	case "strict":
		return Strict
	}
	return Default
}

// parseMaxAge reads an optional minus and digits (RFC 6265bis §5.6.2).
func parseMaxAge(value string) (seconds int, ok bool) {
	digits, minus := strings.CutPrefix(value, "-")
	if digits == "" {
		return 0, false
	}
	for _, d := range []byte(digits) {
		if d < '0' || d > '9' {
			return 0, false
		}
		seconds = min(seconds, math.MaxInt32/10-1)*10 + int(d-'0')
	}
	switch {
	case minus || seconds == 0:
		return -1, true
	case len(strings.TrimLeft(digits, "0")) > 9:
		return math.MaxInt32, true
	}
	return seconds, true
}

// trim removes white space as RFC 6265bis has it: spaces and tabs, no other.
func trim(s string) string { return strings.Trim(s, " \t") }

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
