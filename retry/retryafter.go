package retry

import (
	"math"
	"net/http"
	"strings"
	"time"
)

// ParseRetryAfter reads a Retry-After field (RFC 9110 §10.2.3): a number of
// seconds, or an HTTP date, of which the time left from now is taken. A date
// gone by is 0. It reports false for anything else, an empty value included.
// Numbers too large for a Duration give the largest there is.
func ParseRetryAfter(value string, now time.Time) (time.Duration, bool) {
	value = strings.Trim(value, " \t")
	if value == "" {
		return 0, false
	}
	if seconds, ok := parseSeconds(value); ok {
		return seconds, true
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	return max(at.Sub(now), 0), true
}

// parseSeconds reads 1*DIGIT.
func parseSeconds(s string) (time.Duration, bool) {
	const most = math.MaxInt64 / int64(time.Second)
	var n int64
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
		if n > most {
			n = most // digits that follow cannot make it smaller
		}
	}
	if n == most {
		return math.MaxInt64, true
	}
	return time.Duration(n) * time.Second, true
}

// retryAfterOf is what a failure or a response asks to wait. Several fields
// are one mistake of the server's; the first is taken.
func retryAfterOf(err error, resp *http.Response, now time.Time) (time.Duration, bool) {
	if resp != nil {
		return ParseRetryAfter(resp.Header.Get("Retry-After"), now)
	}
	e, ok := asFact[interface{ RetryAfter() string }](err)
	if !ok {
		return 0, false
	}
	return ParseRetryAfter(e.RetryAfter(), now)
}
