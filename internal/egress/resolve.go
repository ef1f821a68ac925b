package egress

import (
	"context"
	"net"
	"net/netip"
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
		return []netip.AddrPort{netip.AddrPortFrom(a, uint16(n))}, nil
	}
	if isLocalhost(host) {
		return []netip.AddrPort{
			netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(n)),
			netip.AddrPortFrom(netip.IPv6Loopback(), uint16(n)),
		}, nil
	}
	found, err := d.cfg.Resolver.LookupNetIP(ctx, "ip", host)
	if err == nil && len(found) == 0 {
		err = &net.DNSError{Err: "no addresses", Name: host, IsNotFound: true}
	}
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, &Error{Phase: retry.PhaseDNS, Err: err}
	}
	return alternate(found, uint16(n)), nil
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
		a = a.Unmap()
		if a.Is4() == addrs[0].Unmap().Is4() {
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
