package peers_test

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// startTries is how often a program is started that ends by itself: another
// process may have taken its port meanwhile.
const startTries = 4

// readyWithin is what a program may take until it listens.
const readyWithin = 30 * time.Second

// process is a program that runs until the test ends.
type process struct {
	cmd    *exec.Cmd
	output string        // a file
	ended  chan struct{} // closed when it has ended
}

// start starts cmd. Its output is shown if the test fails.
func start(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{cmd: cmd, output: filepath.Join(t.TempDir(), "output"), ended: make(chan struct{})}
	// A file, since a pipe would be held open by the program's own children.
	out, err := os.Create(p.output)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = out, out
	err = cmd.Start()
	out.Close()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("%s: %s", filepath.Base(cmd.Path), tail(p.read()))
		}
	})
	return p
}

func (p *process) stop() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

func (p *process) read() []byte {
	b, _ := os.ReadFile(p.output)
	return b
}

// tail is the end of a long output.
func tail(b []byte) []byte {
	const most = 4 << 10
	return b[max(0, len(b)-most):]
}

// until waits for is to hold. It does not if the program ended before.
func (p *process) until(t *testing.T, is func() bool) bool {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(readyWithin)
	for !is() {
		select {
		case <-tick.C:
		case <-p.ended:
			return false
		case <-deadline:
			t.Fatalf("%s is not ready after %v", p.cmd.Path, readyWithin)
		}
	}
	return true
}

// serve starts the program that command gives for ports to listen on, and waits
// until it accepts connections on them all.
func serve(t *testing.T, listeners int, command func(ports []string) *exec.Cmd) []string {
	t.Helper()
	ports, _ := serveProcess(t, listeners, command)
	return ports
}

// serveProcess is serve for who has something to say to the process.
func serveProcess(t *testing.T, listeners int, command func(ports []string) *exec.Cmd) ([]string, *process) {
	t.Helper()
	for range startTries {
		ports := freePorts(t, listeners)
		p := start(t, command(ports))
		if p.until(t, func() bool {
			for _, port := range ports {
				if !listens(net.JoinHostPort("127.0.0.1", port)) {
					return false
				}
			}
			return true
		}) {
			return ports, p
		}
		t.Logf("%s ended: %s", filepath.Base(p.cmd.Path), bytes.TrimSpace(tail(p.read())))
	}
	t.Fatalf("none of %d tries listened", startTries)
	return nil, nil
}

// freePorts are ports that nobody listened on a moment ago. Few programs can
// tell which one they got when they are given 0.
func freePorts(t *testing.T, n int) []string {
	t.Helper()
	var ports []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // all are held until the last is found
		_, port, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, port)
	}
	return ports
}

// listens reports whether a connection to addr is accepted by another socket: one
// to a free port may meet itself.
func listens(addr string) bool {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return false
	}
	defer c.Close()
	return c.LocalAddr().String() != c.RemoteAddr().String()
}

// secondAddresses skips a test that tells proxies apart by the addresses they
// connect from, where 127.0.0.1 is the only one.
func secondAddresses(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		var op *net.OpError
		if !errors.As(err, &op) {
			t.Fatal(err)
		}
		t.Skipf("this system has one loopback address: %v", err)
	}
	l.Close()
}
