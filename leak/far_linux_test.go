package leak_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
)

// The addresses exist in the namespaces alone. Everything that is not the
// client's own is reached by way of the far end.
const (
	link      = "leak0" // the interface, at both ends
	nearEnd   = "10.98.0.2"
	nearEnd6  = "fd98::2"
	proxyEnd  = "10.98.0.1"
	farEnd6   = "fd98::1"
	originEnd = "10.98.1.1" // of the origins and of the name server
	origin6   = "fd98:1::1"
	nowhere   = "10.98.9.9"
)

// serveFar is the role of the process with the servers. It starts the near one.
func serveFar() error {
	return answerOnce(func(struct{}) leakReport {
		r, err := acrossLink()
		if err != nil {
			return failed(err)
		}
		return r
	})
}

// acrossLink lays the link, starts the servers and has the near process use them.
func acrossLink() (r leakReport, err error) {
	p := place{Near: proxyEnd, Far: proxyEnd, Closed: proxyEnd + ":1", Nowhere: nowhere + ":1080", Origin: originEnd}
	var names nameServer
	defer names.close()
	var w *world
	defer func() {
		if w != nil {
			w.close()
		}
	}()
	begin := func(pid int) error {
		if err := lay(pid, &p); err != nil {
			return err
		}
		if err := names.start(originEnd + ":53"); err != nil {
			return err
		}
		var err error
		if w, err = startWorld(p, proxyEnd); err != nil {
			return err
		}
		p = w.place
		control, err := net.Listen("tcp", ":0") // every address
		if err != nil {
			return err
		}
		_, p.Sites["control"], _ = net.SplitHostPort(control.Addr().String())
		w.proxies.keep(control)
		w.proxies.wg.Go(func() { _ = http.Serve(control, http.NotFoundHandler()) })
		return nil
	}
	if err := inChild(context.Background(), "near", begin, &p, &r); err != nil || r.Err != "" {
		return r, err
	}
	whole := func(text string) { r.Wrong = append(r.Wrong, wrong{"all ways", "all cases", text}) }
	for _, problem := range w.verdict(func(string) bool { return false }) {
		whole(problem)
	}
	asked := names.heard()
	if !slices.Contains(asked, controlName) {
		whole("the name server did not hear the control's question")
	}
	for _, name := range asked {
		if name != controlName {
			whole("the name server was asked for " + name)
		}
	}
	return r, nil
}

// lay makes the link to the process near, and this end of it.
func lay(near int, p *place) error {
	err := lines("ip link set lo up",
		fmt.Sprintf("ip link add %s type veth peer name %[1]s netns %d", link, near),
		"ip link set "+link+" addrgenmode none",
		"ip link set "+link+" up",
		"ip addr add "+proxyEnd+"/24 dev "+link,
		"ip addr add "+originEnd+"/32 dev lo")
	if err == nil && has6() {
		p.Origin6 = origin6
		err = lines("ip -6 addr add "+farEnd6+"/64 dev "+link+" nodad", "ip -6 addr add "+origin6+"/128 dev lo nodad")
	}
	return err
}

// lines runs commands until one fails.
func lines(all ...string) error {
	for _, line := range all {
		if err := command("", line); err != nil {
			return err
		}
	}
	return nil
}

// has6 reports whether the system has IPv6.
func has6() bool {
	_, err := os.Stat("/proc/sys/net/ipv6")
	return err == nil
}
