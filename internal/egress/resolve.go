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

// target is where a socket may go: addresses in the order in which they are
// tried, and the kept answer that they come from, if they do.
type target struct {
	addrs []netip.AddrPort
	host  string // in lower case; its dot, if it has one, keeps the search list out
	entry *entry // nil: not from one
}

// resolve gives the addresses of host in the order in which they are tried:
// as the caller or the resolver sorted them, families alternating (RFC 8305 §4).
func (d *Dialer) resolve(ctx context.Context, host, port string) (target, error) {
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return target{}, &Error{Phase: retry.PhaseDial, Err: &net.AddrError{Err: "invalid port", Addr: port}}
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return d.reachable(target{host: host}, []netip.Addr{a}, uint16(n))
	}
	to := target{host: strings.ToLower(host)}
	if known := d.cfg.Hosts[canonical(host)]; known != nil {
		return d.reachable(to, known, uint16(n))
	}
	if isLocalhost(canonical(host)) {
		return d.reachable(to, []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}, uint16(n))
	}
	var found []netip.Addr
	if d.cfg.Answers > 0 {
		if to.entry, err = d.answers.get(ctx, d, to.host); err == nil {
			found = to.entry.addrs
		}
	} else if found, err = d.lookup(ctx, to.host); err != nil && ended(ctx) {
		err = context.Cause(ctx)
	}
	if err != nil {
		return target{}, &Error{Phase: retry.PhaseDNS, Err: err}
	}
	return d.reachable(to, found, uint16(n))
}

// lookup asks the resolver. It gives an address or an error.
func (d *Dialer) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	found, err := d.cfg.Resolver.LookupNetIP(ctx, "ip", host)
	if err == nil && len(found) == 0 {
		err = &net.DNSError{Err: "no addresses", Name: host, IsNotFound: true}
	}
	return found, err
}

// reachable adds to t the addresses that LocalAddr can connect to, in the order
// in which they are tried.
func (d *Dialer) reachable(t target, found []netip.Addr, port uint16) (target, error) {
	local := d.cfg.LocalAddr
	var usable []netip.Addr
	for _, a := range found {
		a = a.Unmap()
		if a.IsValid() && (!local.IsValid() || local.Unmap().Is4() == a.Is4()) && !slices.Contains(usable, a) {
			usable = append(usable, a)
		}
	}
	if len(usable) == 0 {
		return target{}, &Error{Phase: retry.PhaseDial, Err: &familyError{host: t.host, local: local}}
	}
	t.addrs = alternate(usable, port)
	return t, nil
}

// isLocalhost: browsers never ask a name server for these names (RFC 6761 §6.3).
// The spelling is canonical.
func isLocalhost(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
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
