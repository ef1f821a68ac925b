package egress

import (
	"encoding/base64"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// A Proxy is a proxy's URL, taken apart. Printing it shows no credentials.
type Proxy struct {
	Scheme string // http, https, socks4, socks4a, socks5 or socks5h
	Host   string // name, in ASCII, or IP literal without brackets
	Port   string // decimal; never empty

	user *url.Userinfo // nil: none
}

// Addr is host:port.
func (p Proxy) Addr() string { return net.JoinHostPort(p.Host, p.Port) }

// String is scheme://host:port.
func (p Proxy) String() string { return p.Scheme + "://" + p.Addr() }

// GoString is String, so that %#v shows no more.
func (p Proxy) GoString() string { return p.String() }

var defaultPorts = map[string]string{
	"http": "80", "https": "443", "socks4": "1080", "socks4a": "1080", "socks5": "1080", "socks5h": "1080",
}

// ParseProxy checks a proxy's URL: a scheme that we speak, a host, a port or
// the scheme's default, user and password in a form that the scheme can carry,
// and nothing else. Its error is a *RouteError.
func ParseProxy(u *url.URL) (Proxy, error) {
	p, reason := parseProxy(u)
	if reason != "" {
		return Proxy{}, &RouteError{Reason: reason}
	}
	return p, nil
}

// parseProxy gives the reason for which u is no proxy, "" if it is one.
func parseProxy(u *url.URL) (Proxy, string) {
	fail := func(reason string) (Proxy, string) { return Proxy{}, reason }
	if u == nil {
		return fail("the URL is nil")
	}
	if u.Opaque != "" || u.Scheme == "" {
		return fail("the URL is not of the form scheme://host:port")
	}
	p := Proxy{Scheme: strings.ToLower(u.Scheme), Host: u.Hostname(), Port: u.Port(), user: u.User}
	usual, known := defaultPorts[p.Scheme]
	switch {
	case !known:
		return fail("scheme " + strconv.Quote(u.Scheme) + " is not one of http, https, socks4, socks4a, socks5, socks5h")
	case u.Path != "" && u.Path != "/":
		return fail("the URL has a path")
	case u.RawQuery != "" || u.ForceQuery:
		return fail("the URL has a query")
	case u.Fragment != "":
		return fail("the URL has a fragment")
	case p.Host == "":
		return fail("the URL has no host")
	}
	if p.Port == "" {
		p.Port = usual
	}
	if !isASCII(p.Host) {
		name, err := idna.Lookup.ToASCII(p.Host)
		if err != nil || !utf8.ValidString(p.Host) {
			return fail("the host is not a valid international name")
		}
		p.Host = name
	}
	if reason := badTarget(p.Host, p.Port); reason != "" {
		return fail(reason)
	}
	if reason := p.badUser(); reason != "" {
		return fail(reason)
	}
	return p, ""
}

func (p Proxy) http() bool { return p.Scheme == "http" || p.Scheme == "https" }

// credentials gives user and password; false if the URL has neither.
func (p Proxy) credentials() (user, password string, ok bool) {
	user = p.user.Username()
	password, _ = p.user.Password()
	return user, password, user != "" || password != ""
}

// basic is the value of Proxy-Authorization (RFC 7617), or "".
func (p Proxy) basic() string {
	user, password, ok := p.credentials()
	if !ok {
		return ""
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// secrets are the forms in which the credentials go out, apart from the user
// name, the longest first.
func (p Proxy) secrets() []string {
	var all []string
	if basic, ok := strings.CutPrefix(p.basic(), "Basic "); ok {
		all = append(all, basic)
	}
	if _, password, _ := p.credentials(); password != "" {
		all = append(all, password)
	}
	return all
}

// badUser says why the scheme cannot carry the credentials, "" if it can.
func (p Proxy) badUser() string {
	user, password, ok := p.credentials()
	if !ok {
		return ""
	}
	control := func(r rune) bool { return r < ' ' || r == 0x7f }
	switch {
	case p.http() && strings.Contains(user, ":"):
		return "the user name holds a colon, which Basic authentication cannot carry (RFC 7617 §2)"
	case p.http() && strings.ContainsFunc(user+password, control):
		return "user name or password holds a control character, which Basic authentication cannot carry (RFC 7617 §2)"
	case p.socks4() && password != "":
		return "SOCKS4 has a user name and no password"
	case p.socks4() && strings.Contains(user, "\x00"):
		return "the user name holds a zero byte, which SOCKS4 cannot carry"
	case p.socks5() && (user == "" || len(user) > 255 || len(password) > 255):
		return "user name or password has not the 1 to 255 bytes that SOCKS5 can carry (RFC 1929 §2)"
	}
	return ""
}

func (p Proxy) socks4() bool { return p.Scheme == "socks4" || p.Scheme == "socks4a" }
func (p Proxy) socks5() bool { return p.Scheme == "socks5" || p.Scheme == "socks5h" }

// cannotReach says why p can never open a tunnel to host:port, "" if it may.
func (p Proxy) cannotReach(host, port string) string {
	if reason := badTarget(host, port); reason != "" {
		return reason
	}
	addr, err := netip.ParseAddr(host)
	switch {
	case err == nil && addr.Zone() != "":
		return "an IPv6 zone means nothing to a proxy"
	case err == nil && p.socks4() && !addr.Unmap().Is4():
		return "SOCKS4 cannot carry an IPv6 address"
	case err != nil && !p.http() && len(host) > 255:
		return "the host name has more than the 255 bytes that SOCKS can carry"
	}
	return ""
}

// badTarget says what is wrong with a host and port to connect to, "" if
// nothing is.
func badTarget(host, port string) string {
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "the port is not a number from 1 to 65535"
	}
	if host == "" {
		return "the host is missing"
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return ""
	}
	for _, c := range []byte(host) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`:/?#[]@\"<>%`, c) >= 0 {
			return "the host holds a byte that no host name holds"
		}
	}
	return ""
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}
