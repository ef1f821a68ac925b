package h1

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mien-http/mien/fingerprint"
)

// Validate returns a [*HeadError] if head or absoluteForm cannot be sent as
// they are: a field name that is no token (RFC 9110 §5.6.2), a value with CR, LF
// or NUL, an absolute form with a space or a control character.
func Validate(head *fingerprint.Head, absoluteForm string) error {
	if head == nil {
		return &HeadError{"head", "", "is nil"}
	}
	for _, f := range head.Fields {
		if !isToken(f.Name) {
			return &HeadError{"field name", "", "not a token: " + strconv.Quote(clip(f.Name))}
		}
		if i := notValue(f.Value); i >= 0 {
			return &HeadError{"field value", f.Name, fmt.Sprintf("contains %q at byte %d", f.Value[i], i)}
		}
	}
	if i := notTarget(absoluteForm); i >= 0 {
		return &HeadError{"absolute form", "", fmt.Sprintf("contains %q at byte %d", absoluteForm[i], i)}
	}
	return nil
}

// notValue returns the place of a byte that cannot stand in a field value
// (RFC 9110 §5.5), or -1. Three searches are many times faster than one for any
// of the three.
func notValue(s string) int {
	for _, b := range [...]byte{'\r', '\n', 0} {
		if i := strings.IndexByte(s, b); i >= 0 {
			return i
		}
	}
	return -1
}

// notTarget returns the place of the first byte that cannot stand in a request
// target, or -1. Bytes beyond ASCII pass: net/http leaves them in a raw query,
// and they cannot end the line.
func notTarget(s string) int {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return i
		}
	}
	return -1
}

func isToken(s string) bool {
	for i := range len(s) {
		if !tokenByte[s[i]] {
			return false
		}
	}
	return s != ""
}

// tokenByte marks the characters of a token (RFC 9110 §5.6.2).
var tokenByte = func() (t [256]bool) {
	const chars = "!#$%&'*+-.^_`|~0123456789" +
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for i := range len(chars) {
		t[chars[i]] = true
	}
	return t
}()

// hasToken reports whether a comma-separated list has the token.
func hasToken(list, token string) bool {
	for s := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(strings.Trim(s, " \t"), token) {
			return true
		}
	}
	return false
}

func has(head *fingerprint.Head, name string) bool {
	if head == nil {
		return false
	}
	for _, f := range head.Fields {
		if f.Value != "" && strings.EqualFold(f.Name, name) {
			return true
		}
	}
	return false
}

// clip shortens what an error quotes.
func clip[T string | []byte](s T) string {
	const most = 64
	if len(s) > most {
		return string(s[:most]) + "…"
	}
	return string(s)
}
