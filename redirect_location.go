package mien

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// location is the Location of a 3xx response, "" if there is none to follow. Lines
// that contradict one another are an error, as in both browsers: which one counts
// is what an attacker who adds a line would like to decide.
func location(lines []string) (string, error) {
	for i := 1; i < len(lines); i++ {
		if lines[i] != lines[0] {
			return "", fmt.Errorf("several Location fields: %.200q and %.200q", lines[0], lines[i])
		}
	}
	if len(lines) == 0 {
		return "", nil
	}
	return strings.Trim(lines[0], " \t"), nil
}

// follows is where resp's Location leads to, nil if there is none; see [target].
func follows(resp *http.Response) (to *url.URL, fresh bool, err error) {
	loc, err := location(resp.Header["Location"])
	if err != nil || loc == "" {
		return nil, false, err
	}
	to, fresh, err = target(resp.Request.URL, loc)
	if err != nil {
		return nil, false, fmt.Errorf("Location %.200q cannot be followed: %w", loc, err)
	}
	return to, fresh, nil
}

// rewriteLocation puts the URL that browsers take resp's Location for in the place
// of one that an http.Client would read otherwise.
func rewriteLocation(resp *http.Response) {
	if !isRedirect(resp.StatusCode) {
		return
	}
	to, fresh, err := follows(resp)
	if err != nil || to == nil || checkScheme(to) != nil {
		return // the next hop, if there is one, is refused
	}
	req := resp.Request
	if read, err := req.URL.Parse(resp.Header.Get("Location")); err == nil {
		plain := *to
		if plain.Fragment = read.Fragment; read.String() == plain.String() {
			return
		}
	}
	ref := to.String()
	if path := to.RequestURI(); !fresh && req.Host != req.URL.Host && !strings.HasPrefix(path, "//") {
		ref = path // the caller's Host stays with a relative reference
		if to.Fragment != "" {
			ref += "#" + to.EscapedFragment()
		}
	}
	resp.Header["Location"] = []string{ref}
}

// isRedirect reports whether status is a redirect status (Fetch standard, §2.2.3).
func isRedirect(status int) bool {
	switch status {
	case 301, 302, 303, 307, 308:
		return true
	}
	return false
}

// target is what loc leads to from base, an http or https URL, read as browsers
// read it (URL standard, §4.4, basic URL parser). fresh says that loc names an
// authority of its own. A URL of another scheme is parsed by package url, so that
// Redirect.Check can see it.
//
// Two things are not as in browsers, because a url.URL cannot hold them: a percent
// sign in a path that begins no escape becomes %25, and the bar becomes %7C (as in
// Chromium, not in Firefox).
func target(base *url.URL, loc string) (to *url.URL, fresh bool, err error) {
	if i := strings.IndexByte(loc, 0); i >= 0 {
		return nil, false, fmt.Errorf("NUL at byte %d", i)
	}
	loc = strings.TrimFunc(loc, func(r rune) bool { return r <= ' ' })
	loc = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(loc)
	to = &url.URL{Scheme: strings.ToLower(base.Scheme)}
	rest := loc
	if scheme, after, ok := cutScheme(loc); ok {
		if scheme != "http" && scheme != "https" {
			to, err = url.Parse(loc)
			return to, true, err
		}
		fresh = scheme != to.Scheme // of the same scheme it may still be relative
		to.Scheme, rest = scheme, after
	}
	if bare := strings.TrimLeft(rest, `/\`); fresh || len(rest)-len(bare) >= 2 {
		rest, fresh = bare, true
	}
	rest, fragment, hash := strings.Cut(rest, "#")
	rest, query, asked := strings.Cut(rest, "?")
	path := strings.ReplaceAll(rest, `\`, "/")
	if fresh {
		authority, tail, _ := strings.Cut(path, "/")
		if err := setAuthority(to, authority); err != nil {
			return nil, true, err
		}
		path = "/" + tail
	} else {
		to.Host, to.User = base.Host, base.User
		switch {
		case strings.HasPrefix(path, "/"):
		case path != "":
			dir := base.EscapedPath()
			path = dir[:strings.LastIndexByte(dir, '/')+1] + path
		default:
			path = base.EscapedPath()
			if !asked {
				query = base.RawQuery
			}
		}
	}
	setPath(to, path)
	to.RawQuery = escape(query, "\"'<>")
	to.ForceQuery = asked && query == ""
	if hash {
		to.Fragment, to.RawFragment = unescape(fragment), escape(soundEscapes(fragment), "\"<>`")
	} else {
		to.Fragment, to.RawFragment = base.Fragment, base.RawFragment
	}
	return to, fresh, nil
}

// cutScheme splits loc behind its scheme, which it gives in lower case.
func cutScheme(loc string) (scheme, rest string, ok bool) {
	scheme, rest, ok = strings.Cut(loc, ":")
	if !ok || scheme == "" {
		return "", loc, false
	}
	scheme = strings.ToLower(scheme)
	for i := range len(scheme) {
		c := scheme[i]
		if !(c >= 'a' && c <= 'z' || i > 0 && (c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.')) {
			return "", loc, false
		}
	}
	return scheme, rest, true
}

// setPath sets u's path to path, with slashes only, its dots resolved (§4.4, path state).
func setPath(u *url.URL, path string) {
	var kept []string
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, s := range segments {
		last := i == len(segments)-1
		switch strings.ReplaceAll(strings.ToLower(s), "%2e", ".") {
		case ".":
			s = ""
		case "..":
			kept, s = kept[:max(0, len(kept)-1)], ""
		default:
			kept = append(kept, escape(soundEscapes(s), "\"<>`{}^|"))
			continue
		}
		if last {
			kept = append(kept, s)
		}
	}
	raw := "/" + strings.Join(kept, "/")
	u.Path = unescape(raw)
	if u.EscapedPath() != raw {
		u.RawPath = raw
	}
}

// escape percent-encodes what is not printable ASCII, and the bytes of more.
func escape(s, more string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(more, c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// soundEscapes writes %25 for each percent sign that begins no escape.
func soundEscapes(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if b.WriteByte(s[i]); s[i] == '%' && !escapeAt(s, i) {
			b.WriteString("25")
		}
	}
	return b.String()
}

func escapeAt(s string, i int) bool {
	return i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2])
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

// unescape decodes the escapes of s and keeps what is none.
func unescape(s string) string {
	plain, err := url.PathUnescape(soundEscapes(s))
	if err != nil {
		return s
	}
	return plain
}
