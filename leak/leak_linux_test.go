package leak_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// roles are what a child process can be.
var roles = map[string]func() error{"nothing": func() error { return nil }, "far": serveFar, "near": serveNear}

// leakReport is what the two processes of TestLiveLeak tell.
type leakReport struct {
	Wrong    []wrong
	Cases    int
	Dials    int      // connections that the kernel saw begin to proxies
	Packets  int      // to proxies, in all
	Controls []string // what each control was counted as
	Denied   bool     // the system does not let the process set up its network
	Err      string   // why there is no more in this
}

// wrong is what was wrong with a case.
type wrong struct{ Way, Case, Text string }

// TestLiveLeak runs every case by every way in a network namespace whose only
// link leads to another one, with the proxies, the origins and a name server.
// The kernel counts what leaves. The namespaces belong to the processes in them
// and are gone with those.
func TestLiveLeak(t *testing.T) {
	t.Parallel()
	require := os.Getenv("MIEN_REQUIRE_LIVE") != ""
	denied := func() { t.Skip("this system does not permit network namespaces") }
	var nothing struct{}
	err := inChild(t.Context(), "nothing", nil, nil, &nothing)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.ENOSPC) {
		denied()
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range []string{"ip", "nft"} {
		if _, err := exec.LookPath(tool); err == nil {
			continue
		}
		if require {
			t.Fatalf("%s is not installed, and MIEN_REQUIRE_LIVE is set", tool)
		}
		t.Skipf("%s is not installed", tool)
	}
	var r leakReport
	if err := inChild(t.Context(), "far", nil, nil, &r); err != nil {
		t.Fatal(err)
	}
	switch {
	case r.Denied:
		denied()
	case r.Err != "":
		t.Fatal(r.Err)
	}
	for _, w := range r.Wrong {
		t.Errorf("%s: %s: %s", w.Way, w.Case, w.Text)
	}
	t.Logf("%d cases, %d connections and %d packets to proxies; controls: %s", r.Cases, r.Dials, r.Packets, strings.Join(r.Controls, ", "))
	if want := len(ways()) * len(cases()); r.Cases != want {
		t.Errorf("%d cases ran, want %d", r.Cases, want)
	}
	if r.Dials == 0 || r.Packets == 0 {
		t.Error("nothing went to a proxy: this proves nothing")
	}
}

// childTime is how long a process may take.
const childTime = 4 * time.Minute

// inChild runs a role in a process with a network and mounts of its own, hands
// it question and waits for its answer, both JSON. started, if not nil, is
// called before the question is asked, with the process's ID.
func inChild(ctx context.Context, role string, started func(pid int) error, question, answer any) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, childTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.SysProcAttr = ownNetwork()
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if started != nil {
		err = started(cmd.Process.Pid)
	}
	if err == nil {
		err = json.NewEncoder(in).Encode(question)
	}
	if err != nil && !errors.Is(err, syscall.EPIPE) {
		in.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return err
	}
	// in stays open: its end tells the process that nobody waits for it.
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("the process %q: %w\n%s", role, err, said.Bytes())
	}
	if out.Len() == 0 {
		return nil
	}
	return json.Unmarshal(out.Bytes(), answer)
}

// ownNetwork gives a process namespaces of its own. Who is not root gets a user
// namespace around them, in which it is.
func ownNetwork() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return attr
}

// answerOnce is a role that is asked one question. It ends when its standard
// input does, so that it never outlives who asked.
func answerOnce[T any](answer func(question T) leakReport) error {
	in := json.NewDecoder(os.Stdin)
	var question T
	if err := in.Decode(&question); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	return json.NewEncoder(os.Stdout).Encode(answer(question))
}

// failed is the report of a set-up that did not succeed.
func failed(err error) leakReport {
	text := err.Error()
	return leakReport{Err: text, Denied: errors.Is(err, syscall.EPERM) || strings.Contains(text, "Operation not permitted")}
}

// command runs a program, whose words are the error.
func command(input string, line string) error {
	words := strings.Fields(line)
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", line, err, out)
	}
	return nil
}
