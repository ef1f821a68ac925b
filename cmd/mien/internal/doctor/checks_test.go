package doctor

import (
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
)

func proc(files map[string]string) fstest.MapFS {
	fs := fstest.MapFS{}
	for name, text := range files {
		fs[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fs
}

// busyProc is a machine with little left.
var busyProc = map[string]string{
	"sys/net/ipv4/ip_local_port_range":       "32768\t60999\n",
	"sys/net/core/somaxconn":                 "128\n",
	"sys/net/netfilter/nf_conntrack_max":     "65536\n",
	"sys/net/netfilter/nf_conntrack_count":   "65000\n",
	"net/sockstat":                           "sockets: used 9\nTCP: inuse 4 orphan 0 tw 27000 alloc 4 mem 2\nUDP: inuse 0 mem 0\n",
	"sys/net/netfilter/nf_conntrack_buckets": "16384\n",
}

func TestChecks(t *testing.T) {
	busy := readMachine(proc(busyProc))
	busy.descriptors = figure{1024, true}
	idle := busy
	idle.descriptors, idle.timeWait, idle.tracked, idle.backlog = figure{-1, true}, figure{3, true}, figure{0, true}, figure{8192, true}
	for _, c := range []struct {
		name    string
		m       machine
		n       int64
		check   int
		state   State
		value   string
		command string
	}{
		{"few descriptors", busy, 5000, 0, Low, "1,024", "ulimit -n 5100"},
		{"just enough", busy, 924, 0, OK, "1,024", ""},
		{"one too few", busy, 925, 0, Low, "1,024", "ulimit -n 1025"},
		{"no limit", idle, 5000, 0, OK, "unlimited", ""},
		{"ports", busy, 5000, 1, OK, "28,232 (32768-60999)", ""},
		{"few ports", busy, 30000, 1, Low, "28,232 (32768-60999)", `ip_local_port_range="10240 65535"`},
		{"ports in TIME_WAIT", busy, 5000, 2, Low, "27,000", "tcp_tw_reuse=1"},
		{"few in TIME_WAIT", idle, 5000, 2, OK, "3", ""},
		{"short backlog", busy, 5000, 3, Note, "128", "somaxconn=5000"},
		{"long backlog", idle, 5000, 3, OK, "8,192", ""},
		{"full table", busy, 5000, 4, Low, "65,000 of 65,536 used", "nf_conntrack_max=75000"},
		{"empty table", idle, 5000, 4, OK, "0 of 65,536 used", ""},
		{"nothing known, descriptors", machine{}, 5000, 0, NotAvailable, "", ""},
		{"nothing known, ports", machine{}, 5000, 1, NotAvailable, "", ""},
		{"nothing known, TIME_WAIT", machine{}, 5000, 2, NotAvailable, "", ""},
		{"nothing known, backlog", machine{}, 5000, 3, NotAvailable, "", ""},
		{"nothing known, conntrack", machine{}, 5000, 4, NotAvailable, "", ""},
	} {
		got := checks(c.m, c.n)[c.check]
		if got.State != c.state || got.Value != c.value || !strings.Contains(got.Raise, c.command) || (c.command == "") != (got.Raise == "") || got.Why == "" {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

func TestReadMachineGarbage(t *testing.T) {
	for name, text := range map[string]string{
		"sys/net/ipv4/ip_local_port_range":   "60999 32768",
		"sys/net/core/somaxconn":             "many",
		"sys/net/netfilter/nf_conntrack_max": "1 2",
		"net/sockstat":                       "TCP: inuse 4 tw\nTCP: tw x",
	} {
		if m := readMachine(proc(map[string]string{name: text})); m != (machine{}) {
			t.Errorf("%s with %q: %+v", name, text, m)
		}
	}
}

func TestThisMachine(t *testing.T) {
	m := thisMachine()
	if m.descriptors.known != (runtime.GOOS == "linux") {
		t.Errorf("on %s: %+v", runtime.GOOS, m)
	}
}

func TestLowLimitIsAVerdict(t *testing.T) {
	m := readMachine(proc(busyProc))
	m.descriptors = figure{1024, true}
	r := &Report{Connections: 5000, Checks: checks(m, 5000)}
	conclude(r, Options{})
	expect(t, r, LocalLimit, "this machine cannot hold 5,000 connections")
	for _, want := range []string{"ulimit -n 5100", "nf_conntrack_max", "tcp_tw_reuse"} {
		if !strings.Contains(r.Advice, want) {
			t.Errorf("advice without %s: %s", want, r.Advice)
		}
	}
}
