package cookie

import (
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// hostOf is u's host in lower case and ASCII, an address in its shortest form;
// "" if it has none that can be written so.
func hostOf(u *url.URL) string {
	host := strings.ToLower(u.Hostname())
	if a, err := netip.ParseAddr(host); err == nil {
		return a.String()
	}
	if isASCII(host) {
		return host
	}
	host, err := idna.Lookup.ToASCII(host)
	if err != nil {
		return ""
	}
	return host
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > 0x7f }) < 0
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// isSafe reports whether u is one that Secure cookies may travel to and come
// from. Browsers take the way to this machine for safe, whatever the scheme.
func isSafe(u *url.URL, host string) bool {
	if strings.EqualFold(u.Scheme, "https") || strings.EqualFold(u.Scheme, "wss") {
		return true
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return a.IsLoopback()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// siteOf is the registrable domain of host, or host itself if it has none. A
// cookie is seen by hosts of one site alone.
func siteOf(host string) string {
	if isAddress(host) {
		return host
	}
	site, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		return host
	}
	return site
}

func isPublicSuffix(domain string) bool {
	suffix, _ := publicsuffix.PublicSuffix(domain)
	return suffix == domain
}

// domainMatch is RFC 6265bis §5.1.3.
func domainMatch(host, domain string) bool {
	if host == domain {
		return true
	}
	stem, ok := strings.CutSuffix(host, domain)
	return ok && strings.HasSuffix(stem, ".") && !isAddress(host)
}

// domainFor is the domain of a cookie that host sets with the Domain attribute
// given; ok is false if it must not (RFC 6265bis §5.7). That the
// site must be the same as well is Chromium's rule: it matters where a public
// suffix stands below a domain that is none.
func domainFor(host, attribute string) (domain string, hostOnly, ok bool) {
	switch {
	case attribute == "":
		return host, true, true
	case attribute == host:
		return host, isAddress(host) || isPublicSuffix(host), true
	case !domainMatch(host, attribute) || isPublicSuffix(attribute) || siteOf(host) != siteOf(attribute):
		return "", false, false
	}
	return attribute, false, true
}

// pathOf is u's path as it stands in the request line.
func pathOf(u *url.URL) string {
	if p := u.EscapedPath(); strings.HasPrefix(p, "/") {
		return p
	}
	return "/"
}

// defaultPath is RFC 6265bis §5.1.4.
func defaultPath(path string) string {
	return path[:max(1, strings.LastIndexByte(path, '/'))]
}

func pathMatch(path, cookie string) bool {
	return strings.HasPrefix(path, cookie) &&
		(len(path) == len(cookie) || strings.HasSuffix(cookie, "/") || path[len(cookie)] == '/')
}
