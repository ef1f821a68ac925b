package mien

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// setAuthority is what stands between the slashes: user, host and port.
func setAuthority(u *url.URL, authority string) error {
	host := authority
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		host = authority[at+1:]
		name, password, _ := strings.Cut(authority[:at], ":")
		switch name, password = unescape(name), unescape(password); {
		case password != "":
			u.User = url.UserPassword(name, password)
		case name != "":
			u.User = url.User(name)
		}
	}
	name, port := host, ""
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		name, port = host[:i], host[i+1:]
	}
	if n := len(port); n > 0 {
		if port = strings.TrimLeft(port[:n-1], "0") + port[n-1:]; !validPort(port) {
			return fmt.Errorf("port %.20q is not a number from 1 to 65535", port)
		}
	}
	name, err := parseHost(name)
	if err != nil {
		return err
	}
	if u.Host = name; port != "" && !(u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80") {
		u.Host += ":" + port
	}
	return nil
}

// parseHost is the URL standard's host parser (§3.5): the host in ASCII and lower
// case, an address as everybody writes it.
func parseHost(host string) (string, error) {
	if inside, ok := strings.CutPrefix(host, "["); ok {
		inside, closed := strings.CutSuffix(inside, "]")
		a, err := netip.ParseAddr(inside)
		if !closed || err != nil || !a.Is6() || a.Zone() != "" {
			return "", fmt.Errorf("host %.100q is not an IPv6 address", host)
		}
		return "[" + a.String() + "]", nil
	}
	name := unescape(host)
	if name == "" {
		return "", errors.New("it names no host")
	}
	if !utf8.ValidString(name) {
		return "", fmt.Errorf("host %.100q is not UTF-8", host)
	}
	name, err := asciiHost(name)
	if err != nil {
		return "", fmt.Errorf("host %.100q: %w", host, err)
	}
	if i := strings.IndexAny(name, "%:[]"); i >= 0 || name == "" {
		return "", fmt.Errorf("host %.100q holds a byte that no host may hold", host)
	}
	if !numeric(name) {
		return name, nil
	}
	a, ok := parseIPv4(name)
	if !ok {
		return "", fmt.Errorf("host %.100q is not an IPv4 address", host)
	}
	return a.String(), nil
}

// numeric reports whether host can only be an IPv4 address (§3.5, "ends in a number").
func numeric(host string) bool {
	labels := strings.TrimSuffix(host, ".")
	last := labels[strings.LastIndexByte(labels, '.')+1:]
	if last != "" && strings.Trim(last, "0123456789") == "" {
		return true
	}
	digits, hex := strings.CutPrefix(last, "0x")
	return hex && strings.Trim(digits, "0123456789abcdef") == ""
}

// parseIPv4 reads an address of one to four numbers, each decimal, octal or
// hexadecimal, the last of which fills what is left.
func parseIPv4(host string) (a netip.Addr, ok bool) {
	parts := strings.Split(strings.TrimSuffix(host, "."), ".")
	if len(parts) > 4 {
		return a, false
	}
	var sum uint64
	for i, p := range parts {
		base := 10
		if hex, is := strings.CutPrefix(p, "0x"); is {
			base, p = 16, hex+strings.Repeat("0", max(0, 1-len(hex)))
		} else if len(p) > 1 && p[0] == '0' {
			base = 8
		}
		n, err := strconv.ParseUint(p, base, 64)
		room := uint64(1) << 8
		if i == len(parts)-1 {
			room = 1 << (8 * (5 - len(parts)))
		}
		if err != nil || n >= room {
			return a, false
		}
		if i == len(parts)-1 {
			sum |= n
		} else {
			sum |= n << (8 * (3 - i))
		}
	}
	return netip.AddrFrom4([4]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}), true
}
