package cookie

import (
	"strings"
	"time"
)

// parseDate reads a date as browsers do, in almost any order and punctuation
// (RFC 6265bis §5.1.1).
func parseDate(s string) (time.Time, bool) {
	var clock [3]int
	var day, month, year int
	var haveClock, haveDay, haveMonth, haveYear bool
	for _, token := range strings.FieldsFunc(s, isDateDelimiter) {
		if !haveClock {
			if clock, haveClock = parseClock(token); haveClock {
				continue
			}
		}
		if !haveDay {
			if day, haveDay = leadingNumber(token, 1, 2); haveDay {
				continue
			}
		}
		if !haveMonth {
			if month, haveMonth = parseMonth(token); haveMonth {
				continue
			}
		}
		if !haveYear {
			year, haveYear = leadingNumber(token, 2, 4)
		}
	}
	switch {
	case year >= 70 && year <= 99:
		year += 1900
	case year <= 69:
		year += 2000
	}
	if !haveClock || !haveDay || !haveMonth || !haveYear ||
		year < 1601 || clock[0] > 23 || clock[1] > 59 || clock[2] > 59 {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, clock[0], clock[1], clock[2], 0, time.UTC)
	return t, t.Day() == day // otherwise there is no such day in that month
}

func isDateDelimiter(r rune) bool {
	return r == '\t' || r >= ' ' && r <= '/' || r >= ';' && r <= '@' || r >= '[' && r <= '`' || r >= '{' && r <= '~'
}

// leadingNumber reads the digits that token begins with, if they are as many as
// least to most.
func leadingNumber(token string, least, most int) (n int, ok bool) {
	digits := 0
	for digits < len(token) && token[digits] >= '0' && token[digits] <= '9' {
		if digits == most {
			return 0, false
		}
		n = n*10 + int(token[digits]-'0')
		digits++
	}
	return n, digits >= least
}

func parseClock(token string) (clock [3]int, ok bool) {
	parts := strings.SplitN(token, ":", 3)
	if len(parts) < 3 {
		return clock, false
	}
	for i, p := range parts {
		if i < 2 && len(p) > 2 { // only behind the seconds may there be more
			return clock, false
		}
		if clock[i], ok = leadingNumber(p, 1, 2); !ok || i < 2 && strings.Trim(p, "0123456789") != "" {
			return clock, false
		}
	}
	return clock, true
}

func parseMonth(token string) (month int, ok bool) {
	if len(token) < 3 {
		return 0, false
	}
	const names = "janfebmaraprmayjunjulaugsepoctnovdec"
	at := strings.Index(names, strings.ToLower(token[:3]))
	return at/3 + 1, at >= 0 && at%3 == 0
}
