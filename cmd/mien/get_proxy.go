package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/mien-http/mien"
)

// proxies has the session go through what --proxy says, past what --noproxy says.
func (g *oneGet) proxies(cfg *mien.Config) error {
	if g.o.proxy == "" {
		for flag, set := range map[string]bool{"proxy-user": g.o.proxyUser != "", "noproxy": g.o.noProxy != ""} {
			if set {
				return fmt.Errorf("--%s: there is no --proxy; none is read from the environment", flag)
			}
		}
		return nil
	}
	proxy, err := parseProxy(g.o.proxy)
	if err != nil {
		return err
	}
	if g.o.proxyUser != "" {
		user, password, ok := strings.Cut(g.o.proxyUser, ":")
		if !ok && !strings.HasPrefix(proxy.Scheme, "socks4") {
			return errors.New("--proxy-user: the form is user:password; no password is asked for")
		}
		proxy.User = url.UserPassword(user, password)
		if !ok {
			proxy.User = url.User(user)
		}
	}
	direct, err := parseNoProxy(g.o.noProxy)
	if err != nil {
		return err
	}
	g.proxyOf = func(req *http.Request) (*url.URL, error) {
		if direct.has(req.URL.Hostname()) {
			return nil, nil
		}
		return proxy, nil
	}
	cfg.Proxy = g.proxyOf
	if g.o.proxyCACert != "" || g.o.proxyInsecure {
		cfg.ProxyTLS = &tls.Config{InsecureSkipVerify: g.o.proxyInsecure}
		if g.o.proxyCACert != "" {
			if cfg.ProxyTLS.RootCAs, err = rootsOf("proxy-cacert", g.o.proxyCACert); err != nil {
				return err
			}
		}
	}
	return nil
}

// parseProxy reads curl's forms: without a scheme it is an HTTP proxy. Errors do
// not quote it, for it may hold a password.
func parseProxy(text string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return nil, errors.New("--proxy: the form is [scheme://][user:password@]host[:port]; special characters of a password are percent-encoded, or given with --proxy-user")
	}
	u.Scheme = strings.ToLower(u.Scheme)
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h", "socks4", "socks4a":
	default:
		return nil, fmt.Errorf("--proxy: scheme %q is not one of http, https, socks5, socks5h, socks4, socks4a", u.Scheme)
	}
	if u.Port() == "" && (u.Scheme == "http" || strings.HasPrefix(u.Scheme, "socks")) {
		u.Host += ":1080" // curl's port, for both
	}
	return u, nil
}

// noProxy are the hosts that are gone to directly.
type noProxy struct {
	all      bool
	names    []string // with all below them
	prefixes []netip.Prefix
}

func parseNoProxy(text string) (noProxy, error) {
	var n noProxy
	for item := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		if item == "*" {
			n.all = true
			continue
		}
		bare := strings.Trim(item, "[]")
		if p, err := netip.ParsePrefix(bare); err == nil {
			n.prefixes = append(n.prefixes, p.Masked())
		} else if a, err := netip.ParseAddr(bare); err == nil {
			n.prefixes = append(n.prefixes, netip.PrefixFrom(a, a.BitLen()))
		} else if strings.ContainsAny(item, "/*:") {
			return n, fmt.Errorf("--noproxy %q: it is a host, a domain, an address, a prefix such as 10.0.0.0/8, or * alone", item)
		} else {
			n.names = append(n.names, strings.ToLower(strings.Trim(item, ".")))
		}
	}
	return n, nil
}

func (n noProxy) has(host string) bool {
	if n.all {
		return true
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		for _, p := range n.prefixes {
			if p.Contains(addr.Unmap()) {
				return true
			}
		}
		return false
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, name := range n.names {
		if host == name || strings.HasSuffix(host, "."+name) {
			return true
		}
	}
	return false
}

// hosts reads --resolve. The package knows names and not ports, so that the port
// has to be that of the URL.
func (g *oneGet) hosts(targets []target) (map[string][]netip.Addr, error) {
	all := make(map[string][]netip.Addr)
	ports := make(map[string]string)
	for _, text := range g.o.resolve {
		host, port, addrs, err := parseResolve(text)
		if err != nil {
			return nil, fmt.Errorf("--resolve %q: %w", text, err)
		}
		if old, has := ports[host]; has && old != port {
			return nil, fmt.Errorf("--resolve %q: %s is there with port %s too, and one name has one list of addresses here", text, host, old)
		}
		for _, t := range targets {
			if strings.EqualFold(t.parsed.Hostname(), host) && urlPort(t.parsed) != port {
				return nil, fmt.Errorf("--resolve %q: the port of %s is %s", text, t.parsed.Redacted(), urlPort(t.parsed))
			}
		}
		if g.proxyOf != nil {
			if u, err := g.proxyOf(&http.Request{URL: &url.URL{Scheme: "https", Host: host}}); err == nil && u != nil && !strings.EqualFold(u.Hostname(), host) {
				return nil, fmt.Errorf("--resolve %q: with --proxy it is the proxy that looks %s up; --noproxy goes past it", text, host)
			}
		}
		ports[host], all[host] = port, addrs
	}
	if len(all) == 0 {
		return nil, nil
	}
	return all, nil
}

func urlPort(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	}
	return "443"
}

// parseResolve reads HOST:PORT:ADDR[,ADDR]…
func parseResolve(text string) (host, port string, addrs []netip.Addr, err error) {
	const form = "the form is HOST:PORT:ADDR[,ADDR]…, IPv6 in brackets"
	fail := func(format string, args ...any) (string, string, []netip.Addr, error) {
		return "", "", nil, fmt.Errorf(format, args...)
	}
	text = strings.TrimPrefix(text, "+") // curl: forgotten after a while, which is always so within one run
	if strings.HasPrefix(text, "-") {
		return fail("nothing is kept that could be taken out; leave it out")
	}
	host, rest, ok := strings.Cut(text, ":")
	port, list, ok2 := strings.Cut(rest, ":")
	switch {
	case !ok || !ok2 || list == "":
		return fail(form)
	case host == "":
		return fail("the host is missing; %s", form)
	case host == "*":
		return fail("* is not known: name each host")
	case strings.HasPrefix(host, "["):
		return fail("an address is not looked up; %s", form)
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return fail("an address is not looked up; %s", form)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fail("port %q is not a number from 1 to 65535", port)
	}
	for one := range strings.SplitSeq(list, ",") {
		bare, hasOpen := strings.CutPrefix(one, "[")
		bare, hasClose := strings.CutSuffix(bare, "]")
		addr, err := netip.ParseAddr(bare)
		if err != nil || hasOpen != hasClose || hasOpen && !addr.Is6() {
			return fail("%q is not an IP address", one)
		}
		addrs = append(addrs, addr)
	}
	return strings.ToLower(host), port, addrs, nil
}
