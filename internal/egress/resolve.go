package egress

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/mien-http/mien/retry"
)

// resolve gives the addresses of host in the order in which they are tried:
// as the resolver sorted them, families alternating (RFC 8305 §4).
func (d *Dialer) resolve(ctx context.Context, host, port string) ([]netip.AddrPort, error) {
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, &Error{Phase: retry.PhaseDial, Err: &net.AddrError{Err: "invalid port", Addr: port}}
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return d.reachable(host, []netip.Addr{a}, uint16(n))
	}
	if isLocalhost(host) {
		return d.reachable(host, []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}, uint16(n))
	}
	found, err := d.cfg.Resolver.LookupNetIP(ctx, "ip", host)
	if err == nil && len(found) == 0 {
		err = &net.DNSError{Err: "no addresses", Name: host, IsNotFound: true}
	}
	if err != nil {
		if ended(ctx) {
			err = context.Cause(ctx)
		}
		return nil, &Error{Phase: retry.PhaseDNS, Err: err}
	}
	return d.reachable(host, found, uint16(n))
}

// reachable gives the addresses that LocalAddr can connect to, in the order in
// which they are tried.
func (d *Dialer) reachable(host string, found []netip.Addr, port uint16) ([]netip.AddrPort, error) {
	local := d.cfg.LocalAddr
	var usable []netip.Addr
	for _, a := range found {
		a = a.Unmap()
		if a.IsValid() && (!local.IsValid() || local.Unmap().Is4() == a.Is4()) && !slices.Contains(usable, a) {
			usable = append(usable, a)
		}
	}
	if len(usable) == 0 {
		return nil, &Error{Phase: retry.PhaseDial, Err: &net.AddrError{Err: "no address of the family of the local address", Addr: host}}
	}
	return alternate(usable, port), nil
}

// isLocalhost: browsers never ask a name server for these names (RFC 6761 §6.3).
func isLocalhost(host string) bool {
	host = strings.TrimSuffix(host, ".")
	return strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(host), ".localhost")
}

// alternate keeps the order within each family and takes the families in turn,
// beginning with that of the first address.
func alternate(addrs []netip.Addr, port uint16) []netip.AddrPort {
	var first, other []netip.Addr
	for _, a := range addrs {
		if a.Is4() == addrs[0].Is4() {
			first = append(first, a)
		} else {
			other = append(other, a)
		}
	}
	out := make([]netip.AddrPort, 0, len(addrs))
	for i := range max(len(first), len(other)) {
		if i < len(first) {
			out = append(out, netip.AddrPortFrom(first[i], port))
		}
		if i < len(other) {
			out = append(out, netip.AddrPortFrom(other[i], port))
		}
	}
	return out
}
