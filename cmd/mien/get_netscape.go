package main

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// cookieDocument is what Session.ExportCookies writes.
type cookieDocument struct {
	Version int            `json:"version"`
	Cookies []cookieRecord `json:"cookies"`
}

type cookieRecord struct {
	Name      cookieText      `json:"name"`
	Value     cookieText      `json:"value"`
	Domain    string          `json:"domain"`
	HostOnly  bool            `json:"hostOnly,omitempty"`
	Path      cookieText      `json:"path,omitempty"`
	Secure    bool            `json:"secure,omitempty"`
	HTTPOnly  bool            `json:"httpOnly,omitempty"`
	Expires   *time.Time      `json:"expires,omitempty"`
	Partition json.RawMessage `json:"partition,omitempty"` // read alone
}

// cookieText is bytes, in base64 where they are no UTF-8.
type cookieText string

type cookieBytes struct {
	Base64 []byte `json:"base64"`
}

// MarshalJSON implements json.Marshaler.
func (t cookieText) MarshalJSON() ([]byte, error) {
	if !utf8.ValidString(string(t)) {
		return json.Marshal(cookieBytes{[]byte(t)})
	}
	return json.Marshal(string(t))
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *cookieText) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] != '{' {
		return json.Unmarshal(data, (*string)(t))
	}
	var b cookieBytes
	err := json.Unmarshal(data, &b)
	*t = cookieText(b.Base64)
	return err
}

// httpOnlyMark stands before the domain of a cookie that no script may read. Files
// of that time had it as a comment.
const httpOnlyMark = "#HttpOnly_"

// parseNetscape reads the cookie file format that began with Netscape and that curl
// and wget write: domain, whether its subdomains too, path, secure, expiry in
// seconds since 1970 or 0, name and value, with tabs between. Errors name the line.
func parseNetscape(text string) ([]cookieRecord, error) {
	var all []cookieRecord
	number := 0
	for line := range strings.SplitSeq(text, "\n") {
		number++
		line = strings.TrimSuffix(line, "\r")
		line, httpOnly := strings.CutPrefix(line, httpOnlyMark)
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) == 6 {
			f = append(f, "") // a value that is empty; some editors take the tab away
		}
		if len(f) != 7 {
			return nil, fmt.Errorf("line %d has %d fields with tabs between, not the 7 of Netscape's cookie file", number, len(f))
		}
		c := cookieRecord{
			Name: cookieText(f[5]), Value: cookieText(f[6]), Path: cookieText(f[2]),
			Domain: strings.TrimPrefix(f[0], "."), HTTPOnly: httpOnly,
		}
		subdomains, err := yesNo(f[1])
		if err != nil {
			return nil, fmt.Errorf("line %d, field 2 (subdomains): %w", number, err)
		}
		c.HostOnly = !subdomains
		if c.Secure, err = yesNo(f[3]); err != nil {
			return nil, fmt.Errorf("line %d, field 4 (secure): %w", number, err)
		}
		expires, err := strconv.ParseInt(f[4], 10, 64)
		const latest = 253402300799 // the end of the year 9999
		if err != nil || expires < 0 || expires > latest {
			return nil, fmt.Errorf("line %d, field 5 (expiry): %q is not a number of seconds since 1970, or 0", number, f[4])
		}
		if expires > 0 {
			at := time.Unix(expires, 0).UTC()
			c.Expires = &at
		}
		all = append(all, c)
	}
	return all, nil
}

func yesNo(s string) (bool, error) {
	switch strings.ToUpper(s) {
	case "TRUE":
		return true, nil
	case "FALSE":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither TRUE nor FALSE", s)
}

// writeNetscape writes that format, and says how many cookies it could not hold.
func writeNetscape(all []cookieRecord) (text []byte, left int) {
	var b strings.Builder
	b.WriteString("# Netscape HTTP Cookie File\n# Written by mien get; who has it is logged in.\n\n")
	for _, c := range all {
		if strings.ContainsAny(string(c.Name)+string(c.Value)+string(c.Path), "\t\n\r") || len(c.Partition) > 0 {
			left++
			continue
		}
		if c.HTTPOnly {
			b.WriteString(httpOnlyMark)
		}
		domain := c.Domain
		if _, err := netip.ParseAddr(domain); err != nil && !c.HostOnly {
			domain = "." + domain
		}
		var expires int64
		if c.Expires != nil {
			expires = c.Expires.Unix()
		}
		fmt.Fprintf(&b, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", domain, capitals(!c.HostOnly), c.Path, capitals(c.Secure), expires, c.Name, c.Value)
	}
	return []byte(b.String()), left
}

func capitals(b bool) string {
	if b {
		return "TRUE"
	}
	return "FALSE"
}
