package egress

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/idna"
)

// Hosts are addresses that are known without asking anybody, by name in the
// spelling of canonical. [ParseHosts] makes them. They are not changed.
type Hosts map[string][]netip.Addr

// ParseHosts checks names and their addresses. Names may be in any case, in
// Unicode, and with a final dot. An error names the entry.
func ParseHosts(given map[string][]netip.Addr) (Hosts, error) {
	if len(given) == 0 {
		return nil, nil
	}
	hosts := make(Hosts, len(given))
	spelled := make(map[string]string, len(given))
	for name, addrs := range given {
		host, reason := hostName(name)
		if reason == "" && len(addrs) == 0 {
			reason = "it has no address"
		}
		for _, a := range addrs {
			if !a.IsValid() {
				reason = "one of its addresses is the zero value"
			} else if a.IsUnspecified() || a.IsMulticast() {
				reason = "nothing can be connected to at " + a.String()
			}
		}
		if other, twice := spelled[host]; reason == "" && twice {
			reason = fmt.Sprintf("it is the same name as %q", other)
		}
		if reason != "" {
			return nil, fmt.Errorf("%q: %s", name, reason)
		}
		spelled[host], hosts[host] = name, slices.Clone(addrs)
	}
	return hosts, nil
}

// hostName is the canonical spelling of a name, or the reason why it is none.
func hostName(name string) (host, reason string) {
	host = name
	if !isASCII(name) {
		var err error
		if host, err = idna.Lookup.ToASCII(name); err != nil {
			return "", "it is not a valid international name"
		}
	}
	host = canonical(host)
	if _, err := netip.ParseAddr(host); err == nil {
		return "", "it is an address, which needs no other"
	}
	if strings.ContainsAny(host, ":/[]") {
		return "", "it is not a name alone: scheme, port and path do not belong here"
	}
	if reason := badTarget(host, "1"); reason != "" {
		return "", reason
	}
	switch {
	case strings.Contains(host, "*"):
		return "", "it holds an asterisk; names are exact"
	case strings.HasPrefix(host, "."), strings.HasSuffix(host, "."), strings.Contains(host, ".."):
		return "", "a label is empty"
	case len(host) > 253:
		return "", "it is longer than the 253 bytes of a name (RFC 1035 §3.1)"
	}
	return host, ""
}

// canonical spells an ASCII name as it is compared: in lower case, without the
// dot of the root.
func canonical(host string) string {
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
