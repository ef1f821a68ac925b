package fetch

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// rules are what a robots.txt says to one robot (RFC 9309 §2.2). The zero value
// allows everything. Not changed once parsed.
type rules struct {
	list  []rule
	delay time.Duration // Crawl-delay, which the RFC leaves out and many sites write; 0: none
}

type rule struct {
	allow   bool
	pattern string // with normal octets, * and $
}

const (
	maxRules = 10_000    // of one robot; more come from no author
	maxDelay = time.Hour // a longer Crawl-delay counts as this
)

// parseRules reads a robots.txt for the robot with this product token. A line
// that means nothing is passed over, as §2.2 asks for. Groups of one robot are
// read as one.
func parseRules(text []byte, token string) rules {
	var own, all rules       // of our groups, of those for *
	var ours, any, into bool // whom the current group is for; whether its rules have begun
	named := false
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	for line := range bytes.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == '\r' }) {
		line, _, _ = bytes.Cut(line, []byte("#"))
		k, v, ok := strings.Cut(string(line), ":")
		if !ok {
			continue
		}
		key, value := strings.ToLower(strings.TrimSpace(k)), strings.TrimSpace(v)
		switch key {
		case "user-agent":
			if into {
				ours, any, into = false, false, false
			}
			if value == "*" {
				any = true
			} else if strings.EqualFold(productToken(value), token) {
				ours, named = true, true
			}
		case "allow", "disallow", "crawl-delay":
			into = true
			if ours {
				own.add(key, value)
			}
			if any {
				all.add(key, value)
			}
		}
	}
	if named {
		return own
	}
	return all
}

// productToken is the part of a user-agent line that names the robot: letters,
// hyphens and underscores (§2.2.1). Many authors write a version behind it.
func productToken(value string) string {
	end := strings.IndexFunc(value, func(r rune) bool {
		return r != '-' && r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	})
	if end < 0 {
		return value
	}
	return value[:end]
}

func (r *rules) add(key, value string) {
	switch {
	case key == "crawl-delay":
		if s, err := strconv.ParseFloat(value, 64); err == nil && s > 0 {
			r.delay = max(r.delay, time.Duration(min(s, maxDelay.Seconds())*float64(time.Second)))
		}
	case value == "" || len(r.list) >= maxRules: // an empty Disallow disallows nothing
	default:
		r.list = append(r.list, rule{allow: key == "allow", pattern: octets(value)})
	}
}

// allows reports whether the robot may ask for this path and query. The longest
// rule that matches decides, of two alike the one that allows (§2.2.2).
func (r *rules) allows(target string) bool {
	target = octets(target)
	if target == "/robots.txt" {
		return true // implicitly allowed
	}
	best, allowed := -1, true
	for _, rule := range r.list {
		if n := len(rule.pattern); n > best || n == best && rule.allow {
			if matches(rule.pattern, target) {
				best, allowed = n, rule.allow
			}
		}
	}
	return allowed
}

// matches compares a path with a pattern from its start on: * is any number of
// octets, $ at the end is the end of the path (§2.2.3).
func matches(pattern, target string) bool {
	pattern, toEnd := strings.CutSuffix(pattern, "$")
	parts := strings.Split(pattern, "*")
	rest, ok := strings.CutPrefix(target, parts[0])
	if !ok {
		return false
	}
	parts = parts[1:]
	for i, part := range parts {
		if toEnd && i == len(parts)-1 {
			return strings.HasSuffix(rest, part)
		}
		at := strings.Index(rest, part)
		if at < 0 {
			return false
		}
		rest = rest[at+len(part):]
	}
	return !toEnd || rest == ""
}

// octets brings a path into one spelling: what need not be escaped is not, what
// is not ASCII is, with capital digits (§2.2.2). Octets with a meaning in a URL or in a
// rule stay as they are written.
func octets(path string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		c := path[i]
		switch {
		case c == '%' && i+2 < len(path) && isHex(path[i+1]) && isHex(path[i+2]):
			n, _ := strconv.ParseUint(path[i+1:i+3], 16, 8)
			if c = byte(n); unreserved(c) {
				b.WriteByte(c)
			} else {
				b.WriteString(strings.ToUpper(path[i : i+3]))
			}
			i += 2
		case c <= ' ' || c >= 0x7f:
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// unreserved octets mean the same with and without an escape (RFC 3986 §2.3).
func unreserved(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}
