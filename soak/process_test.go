package soak_test

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// child is a process of this test binary that answers each question with one
// value, both in gob, on its standard input and output. It belongs to the
// goroutine of the test.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	ask *gob.Encoder
	got *gob.Decoder
	err bytes.Buffer // of the process; read when it has ended
}

// startChild starts a process in a role; prepare, if not nil, changes how.
// stop must be called.
func startChild(role string, prepare func(*exec.Cmd)) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.Command(self)}
	c.cmd.Env = append(os.Environ(), roleVariable+"="+role)
	c.cmd.Stderr = &c.err
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if prepare != nil {
		prepare(c.cmd)
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	c.ask, c.got = gob.NewEncoder(c.in), gob.NewDecoder(out)
	return c, nil
}

// callTime is how long a process may think about an answer.
const callTime = 30 * time.Second

// call asks a question and waits for its answer.
func (c *child) call(question, answer any) error { return c.callWithin(callTime, question, answer) }

// callWithin is call for questions that take longer. A process that has no
// answer in time is aborted.
func (c *child) callWithin(limit time.Duration, question, answer any) error {
	defer time.AfterFunc(limit, c.abort).Stop()
	err := c.ask.Encode(question)
	if err == nil {
		err = c.got.Decode(answer)
	}
	if err != nil {
		return fmt.Errorf("the process %v: %w\n%s", c.cmd.Args, err, c.stop())
	}
	return nil
}

// abort ends the process at once. It lists its goroutines first where the
// system can ask for that.
func (c *child) abort() {
	if c.cmd.Process.Signal(syscall.SIGQUIT) != nil {
		_ = c.cmd.Process.Kill()
	}
}

// stop ends the process and returns what it had to say. Calling it again
// does nothing.
func (c *child) stop() string {
	c.in.Close()
	_ = c.cmd.Wait()
	return c.err.String()
}

// resources are what a process holds; -1 where the system does not tell.
type resources struct {
	goroutines  int
	descriptors int
	heap        int64 // bytes of live objects
	rss         int64 // bytes
}

func (r resources) String() string {
	return fmt.Sprintf("%d goroutines, %d descriptors, heap %.1f MiB, RSS %.1f MiB", r.goroutines, r.descriptors, mib(r.heap), mib(r.rss))
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

// descriptors counts those of this process that are open.
func descriptors() int {
	d, err := os.Open("/proc/self/fd")
	if err != nil {
		return -1
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return -1
	}
	return len(names) - 1 // without d
}

// residentSet is the second figure of /proc/self/statm, in pages.
func residentSet() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if fields := strings.Fields(string(text)); err == nil && len(fields) > 1 {
		if pages, err := strconv.ParseInt(fields[1], 10, 64); err == nil {
			return pages * int64(os.Getpagesize())
		}
	}
	return -1
}

// logger writes to the test's log from many goroutines, at most some lines of
// each kind.
type logger struct {
	t     *testing.T
	mu    sync.Mutex
	lines map[string]int // guarded by mu; by kind
}

// maxLines is how many complaints of one kind are shown.
const maxLines = 5

// complain fails the test.
func (l *logger) complain(kind, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lines == nil {
		l.lines = make(map[string]int)
	}
	if l.lines[kind]++; l.lines[kind] <= maxLines {
		l.t.Errorf("%s: %s", kind, fmt.Sprintf(format, args...))
	} else {
		l.t.Fail()
	}
}

// sum says how many complaints there were of each kind.
func (l *logger) sum() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for kind, n := range l.lines {
		if n > maxLines {
			l.t.Logf("%s: %d in all", kind, n)
		}
	}
}
