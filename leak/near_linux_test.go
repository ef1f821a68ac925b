package leak_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/mien-http/mien"
)

// controlName is looked up by the controls alone.
const controlName = "control.test"

// rules count what leaves by what it is. What goes to the proxies is let pass
// first, its connection attempts counted beside it. Neighbour discovery and
// multicast listener reports are the kernel's own and carry nothing of a
// request: the packet that a neighbour is looked for is itself counted before.
const rules = `table inet leak {
	set proxies { type ipv4_addr . inet_service; elements = { %s }; }
	counter dials {}
	counter proxies {}
	counter to_neighbours {}
	counter to_loopback {}
	counter to_dns {}
	counter to_tcp {}
	counter to_udp {}
	counter to_icmp {}
	counter to_other {}
	chain out {
		type filter hook output priority 0; policy accept;
		ip daddr . tcp dport @proxies tcp flags & (fin | syn | rst | ack) == syn counter name dials
		ip daddr . tcp dport @proxies counter name proxies accept
		oifname lo counter name to_loopback accept
		meta l4proto { tcp, udp } th dport 53 counter name to_dns accept
		meta l4proto tcp counter name to_tcp accept
		meta l4proto udp counter name to_udp accept
		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, mld-listener-report, mld2-listener-report, mld-listener-done } counter name to_neighbours accept
		meta l4proto { icmp, ipv6-icmp } counter name to_icmp accept
		counter name to_other
	}
}`

// leaks are the counters that stand still while a proxy is in use.
var leaks = []string{"to_loopback", "to_dns", "to_tcp", "to_udp", "to_icmp", "to_other"}

// serveNear is the role of the process with the client.
func serveNear() error { return answerOnce(near) }

func near(p place) (r leakReport) {
	if err := settle(&p); err != nil {
		return failed(err)
	}
	var before map[string]int
	var err error
	for i, way := range ways() {
		for j, k := range cases() {
			if len(r.Wrong) >= enough {
				return r
			}
			if before == nil {
				if before, err = count(); err != nil {
					return failed(err)
				}
			}
			complain := func(format string, args ...any) {
				r.Wrong = append(r.Wrong, wrong{way.name, k.name, fmt.Sprintf(format, args...)})
			}
			if text := runCase(&p, &way, &k, fmt.Sprintf("w%dc%d", i, j), nil); text != "" {
				complain("%s", text)
			}
			now, err := count()
			if err != nil {
				return failed(err)
			}
			for _, name := range leaks {
				if n := now[name] - before[name]; n != 0 {
					complain("%d packets left that the rules count as %s", n, name)
				}
			}
			if n := now["dials"] - before["dials"]; k.refused && n != 0 {
				complain("%d connections to a proxy", n)
			}
			r.Dials, r.Packets, before = now["dials"], now["proxies"], now
			r.Cases++
		}
	}
	for _, c := range controls(&p) {
		if err := c.run(); err != nil {
			return failed(fmt.Errorf("control %s: %w", c.name, err))
		}
		now, err := count()
		if err != nil {
			return failed(err)
		}
		for _, name := range c.counters {
			n := now[name] - before[name]
			r.Controls = append(r.Controls, fmt.Sprintf("%s %d %s", c.name, n, name))
			if n == 0 {
				r.Wrong = append(r.Wrong, wrong{"control", c.name, "not counted as " + name})
			}
		}
		before = now
	}
	return r
}

// settle makes this end of the link, with routes to all that is behind it, the
// name server in a resolv.conf of this process's own, and the counters.
func settle(p *place) error {
	err := lines("ip link set lo up",
		"ip link set "+link+" addrgenmode none",
		"ip link set "+link+" up",
		"ip addr add "+nearEnd+"/24 dev "+link,
		"ip route add default via "+proxyEnd,
		"ip route add unreachable "+nowhere+"/32")
	if err == nil && p.Origin6 != "" {
		err = lines("ip -6 addr add "+nearEnd6+"/64 dev "+link+" nodad", "ip -6 route add default via "+farEnd6)
	}
	if err != nil {
		return err
	}
	if err := useNameServer(originEnd); err != nil {
		return err
	}
	// Who looks for the environment's proxies is told to use none.
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		if err := os.Setenv(name, "*"); err != nil {
			return err
		}
	}
	var allowed []string
	for _, port := range p.Ports {
		allowed = append(allowed, p.Near+" . "+port)
	}
	host, port, _ := net.SplitHostPort(p.Closed)
	allowed = append(allowed, host+" . "+port)
	return command(fmt.Sprintf(rules, strings.Join(allowed, ", ")), "nft -f -")
}

// useNameServer mounts a resolv.conf that this process alone sees.
func useNameServer(addr string) error {
	dir, err := os.MkdirTemp("", "mien-leak-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) // what is mounted stays
	file := filepath.Join(dir, "resolv.conf")
	if err := os.WriteFile(file, []byte("nameserver "+addr+"\n"), 0o600); err != nil {
		return err
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("mount --make-rprivate: %w", err)
	}
	if err := syscall.Mount(file, "/etc/resolv.conf", "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount --bind on resolv.conf: %w", err)
	}
	return nil
}

// count reads the counters, in packets.
func count() (map[string]int, error) {
	text, err := exec.Command("nft", "list", "counters", "table", "inet", "leak").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("nft list: %w: %s", err, text)
	}
	all := make(map[string]int)
	for _, found := range counter.FindAllSubmatch(text, -1) {
		if all[string(found[1])], err = strconv.Atoi(string(found[2])); err != nil {
			return nil, err
		}
	}
	if want := strings.Count(rules, "counter name "); len(all) != want {
		return nil, fmt.Errorf("nft lists %d counters, want %d: %s", len(all), want, text)
	}
	return all, nil
}

var counter = regexp.MustCompile(`counter (\w+) {\s*packets (\d+)`)

// control is something that goes around every proxy, to show that it is counted.
type control struct {
	name     string
	counters []string
	run      func() error
}

func controls(p *place) []control {
	get := func(host string) func() error {
		return func() error {
			s, err := mien.New(mien.Config{})
			if err != nil {
				return err
			}
			defer s.Close()
			resp, err := s.Get(context.Background(), "http://"+net.JoinHostPort(host, p.Sites["control"])+"/")
			if err == nil {
				resp.Body.Close()
			}
			return err
		}
	}
	send := func(network, addr string, packet ...byte) func() error {
		return func() error {
			c, err := net.Dial(network, addr)
			if err != nil {
				return err
			}
			defer c.Close()
			_, err = c.Write(packet)
			return err
		}
	}
	all := []control{
		{"a look-up", []string{"to_dns"}, func() error {
			found, err := (&net.Resolver{PreferGo: true}).LookupNetIP(context.Background(), "ip4", controlName)
			if err == nil && (len(found) != 1 || found[0].Unmap() != netip.MustParseAddr(p.Origin)) {
				err = fmt.Errorf("found %v", found)
			}
			return err
		}},
		{"a session without a proxy", []string{"to_dns", "to_tcp"}, get(controlName)},
		{"the same by address", []string{"to_tcp"}, get(p.Origin)},
		{"a datagram", []string{"to_udp"}, send("udp", p.Origin+":443", 1)},
		{"an echo request", []string{"to_icmp"}, send("ip4:icmp", p.Origin, 8, 0, 0xf7, 0xff, 0, 0, 0, 0)},
		{"a connection to this host", []string{"to_loopback"}, func() error {
			c, err := net.Dial("tcp", "127.0.0.1:1")
			if err == nil {
				c.Close()
				return errors.New("somebody listens at port 1")
			}
			return nil
		}},
	}
	if p.Origin6 != "" {
		all = append(all, control{"a session over IPv6", []string{"to_tcp"}, get(p.Origin6)})
	}
	return all
}
