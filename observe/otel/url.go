package otel

import (
	"net/url"
	"slices"
	"strings"
)

// redacted takes the place of what must not be told.
const redacted = "REDACTED"

// sensitiveQuery is what the conventions hide (semconv 1.43, url.full):
// signatures and credentials of signed URLs.
var sensitiveQuery = []string{"X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token", "X-Goog-Signature", "sig"}

// everything, among the sensitive keys, stands for all keys.
const everything = "*"

// fullURL is u without credentials, without the values of the sensitive keys and
// without fragment. An opaque URL can hide all of these and gives origin.
func fullURL(u *url.URL, origin string, sensitive []string) string {
	if u == nil || u.Opaque != "" {
		return origin
	}
	shown := *u
	shown.Fragment, shown.RawFragment = "", ""
	if u.User != nil {
		shown.User = url.UserPassword(redacted, redacted)
	}
	shown.RawQuery = redactQuery(u.RawQuery, sensitive)
	return shown.String()
}

// redactQuery leaves all bytes as they are but the values of sensitive keys.
func redactQuery(query string, sensitive []string) string {
	if query == "" || len(sensitive) == 0 {
		return query
	}
	var b strings.Builder
	for i, pair := range strings.Split(query, "&") {
		if i > 0 {
			b.WriteByte('&')
		}
		key, value, _ := strings.Cut(pair, "=")
		if value == "" {
			// A bare key is text like any other; with everything hidden it may
			// be the secret itself.
			if slices.Contains(sensitive, everything) && pair == key && pair != "" {
				pair = redacted
			}
			b.WriteString(pair)
			continue
		}
		name, err := url.QueryUnescape(key)
		if err != nil {
			name = key
		}
		if slices.Contains(sensitive, name) || slices.Contains(sensitive, everything) {
			pair = key + "=" + redacted
		}
		b.WriteString(pair)
	}
	return b.String()
}
