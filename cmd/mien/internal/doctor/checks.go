package doctor

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// State of a Check.
type State string

// The states.
const (
	OK           State = "ok"
	Low          State = "low"           // not enough for that many connections
	Note         State = "note"          // matters only under a condition, which Why names
	NotAvailable State = "not available" // this system does not say
)

// Check is one limit of this machine.
type Check struct {
	Name  string `json:"name"`            // of the limit
	State State  `json:"state"`           // whether it suffices
	Value string `json:"value,omitempty"` // "" if not available
	Why   string `json:"why"`             // it matters
	Raise string `json:"raise,omitempty"` // the command that raises it; "" where nothing needs raising
}

// figure is a number that the system may not tell.
type figure struct {
	n     int64
	known bool
}

// machine is what the checks are made from. Its zero value knows nothing.
type machine struct {
	descriptors       figure // soft limit of this process; negative: none
	firstPort, ports  figure // ephemeral: the first, and how many
	timeWait          figure // sockets in TIME_WAIT
	backlog           figure // net.core.somaxconn
	tracked, trackMax figure // conntrack: entries, and how many fit
}

// spareDescriptors are for what is no connection: standard streams, the poller,
// name look-ups, files.
const spareDescriptors = 100

// checks judges m for n connections at once.
func checks(m machine, n int64) []Check {
	return []Check{m.checkDescriptors(n), m.checkPorts(n), m.checkTimeWait(n), m.checkBacklog(n), m.checkConntrack(n)}
}

func (m machine) checkDescriptors(n int64) Check {
	c := Check{
		Name:  "file descriptors",
		State: NotAvailable,
		Why:   fmt.Sprintf("each connection takes one: %s connections and some spare need %s", number(n), number(n+spareDescriptors)),
	}
	if !m.descriptors.known {
		return c
	}
	c.State, c.Value = OK, number(m.descriptors.n)
	if m.descriptors.n < 0 {
		c.Value = "unlimited"
	} else if m.descriptors.n < n+spareDescriptors {
		c.State = Low
		c.Raise = fmt.Sprintf("ulimit -n %d", n+spareDescriptors)
	}
	return c
}

func (m machine) checkPorts(n int64) Check {
	c := Check{
		Name:  "ephemeral ports",
		State: NotAvailable,
		Why:   fmt.Sprintf("each connection to one address and port takes one: %s are needed", number(n)),
	}
	if !m.ports.known {
		return c
	}
	c.State = OK
	c.Value = fmt.Sprintf("%s (%d-%d)", number(m.ports.n), m.firstPort.n, m.firstPort.n+m.ports.n-1)
	if m.ports.n < n {
		c.State = Low
		c.Raise = raisePorts
		if n > morePorts {
			c.Why += fmt.Sprintf(", more than one local address has (%s)", number(morePorts))
		}
	}
	return c
}

// raisePorts widens the range as far as is usual; morePorts is its size.
const (
	raisePorts = `sysctl -w net.ipv4.ip_local_port_range="10240 65535"`
	morePorts  = 65535 - 10240 + 1
)

func (m machine) checkTimeWait(n int64) Check {
	c := Check{
		Name:  "TIME_WAIT",
		State: NotAvailable,
		Why:   fmt.Sprintf("a closed connection keeps its port for a minute: with %s wanted, the range must hold both", number(n)),
	}
	if !m.timeWait.known {
		return c
	}
	c.State, c.Value = OK, number(m.timeWait.n)
	if m.ports.known && m.ports.n >= n && m.ports.n-m.timeWait.n < n {
		c.State = Low
		c.Raise = "sysctl -w net.ipv4.tcp_tw_reuse=1"
	}
	return c
}

func (m machine) checkBacklog(n int64) Check {
	c := Check{
		Name:  "listen backlog",
		State: NotAvailable,
		Why:   "only if the origin or a proxy runs on this machine: what comes at once beyond it is dropped before TLS begins",
	}
	if !m.backlog.known {
		return c
	}
	c.State, c.Value = OK, number(m.backlog.n)
	if m.backlog.n < n {
		c.State = Note
		c.Raise = fmt.Sprintf("sysctl -w net.core.somaxconn=%d", n)
	}
	return c
}

func (m machine) checkConntrack(n int64) Check {
	c := Check{
		Name:  "conntrack table",
		State: NotAvailable,
		Why:   fmt.Sprintf("a full table drops new connections without a word: %s more must fit", number(n)),
	}
	if !m.trackMax.known {
		return c
	}
	c.State, c.Value = OK, number(m.trackMax.n)
	if m.tracked.known {
		c.Value = fmt.Sprintf("%s of %s used", number(m.tracked.n), number(m.trackMax.n))
	}
	if m.trackMax.n-m.tracked.n < n {
		c.State = Low
		c.Raise = fmt.Sprintf("sysctl -w net.netfilter.nf_conntrack_max=%d", m.tracked.n+2*n)
	}
	return c
}

// readMachine reads what Linux tells below proc.
func readMachine(proc fs.FS) machine {
	var m machine
	if r := fields(proc, "sys/net/ipv4/ip_local_port_range"); len(r) == 2 {
		first, last := parse(r[0]), parse(r[1])
		if first.known && last.known && last.n >= first.n {
			m.firstPort, m.ports = first, figure{last.n - first.n + 1, true}
		}
	}
	m.backlog = single(proc, "sys/net/core/somaxconn")
	m.trackMax = single(proc, "sys/net/netfilter/nf_conntrack_max")
	m.tracked = single(proc, "sys/net/netfilter/nf_conntrack_count")
	text, _ := fs.ReadFile(proc, "net/sockstat")
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] != "TCP:" {
			continue
		}
		for i := 1; i+1 < len(f); i += 2 {
			if f[i] == "tw" {
				m.timeWait = parse(f[i+1])
			}
		}
	}
	return m
}

func single(proc fs.FS, name string) figure {
	if f := fields(proc, name); len(f) == 1 {
		return parse(f[0])
	}
	return figure{}
}

func fields(proc fs.FS, name string) []string {
	text, err := fs.ReadFile(proc, name)
	if err != nil {
		return nil
	}
	return strings.Fields(string(text))
}

func parse(s string) figure {
	n, err := strconv.ParseInt(s, 10, 64)
	return figure{n, err == nil && n >= 0}
}

// number writes n with commas.
func number(n int64) string {
	if n < 0 {
		return "-" + number(-n)
	}
	if n < 1000 {
		return strconv.FormatInt(n, 10)
	}
	return fmt.Sprintf("%s,%03d", number(n/1000), n%1000)
}
