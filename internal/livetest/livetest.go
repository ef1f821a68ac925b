// Package livetest starts real programs for tests: browsers, servers and what
// they need. A test that needs one is named TestLive…; it skips itself where the
// program is not installed, and fails there if MIEN_REQUIRE_LIVE is set.
package livetest

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

const (
	// RequireLive is the environment variable that makes a program which is not
	// installed a failure.
	RequireLive = "MIEN_REQUIRE_LIVE"
	// Whole is the environment variable that asks for whole sizes: "make live"
	// sets it, so that the tests that are run with every other target stay short.
	Whole = "MIEN_LIVE"
)

// listens is how long a server may take until it listens.
const listens = time.Minute

// Program is the path of an installed program; without it the test is skipped.
func Program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv(RequireLive) != "" {
		t.Fatalf("%s is not installed, and %s is set", name, RequireLive)
	}
	t.Skipf("%s is not installed", name)
	return ""
}

// Start starts cmd and ends it with the test. What it says on standard error is
// logged if the test fails.
func Start(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s: %s", cmd.Path, &stderr)
		}
	})
}

// FreeAddr is an address on loopback on which nothing listens, for servers that
// cannot say which port they got.
func FreeAddr(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// WaitFor returns when something listens on addr.
func WaitFor(t *testing.T, addr string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(listens); time.Now().Before(deadline); <-tick.C {
		if c, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr); err == nil {
			_ = c.Close()
			return
		}
	}
	t.Fatalf("nothing listens on %s", addr)
}

// Home makes a directory for a browser. Its processes outlive the one that is
// killed by a moment and still write there, which t.TempDir does not forgive.
func Home(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "mien-live-") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for range 100 {
			if os.RemoveAll(dir) == nil {
				return
			}
			<-time.After(50 * time.Millisecond)
		}
		t.Logf("%s was left behind", dir)
	})
	return dir
}

// TrustNSS makes an NSS certificate database in dir, as browsers read it, that
// trusts a CA given in PEM.
func TrustNSS(t *testing.T, dir string, authority []byte) {
	t.Helper()
	certutil := Program(t, "certutil")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, authority, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"-N", "-d", "sql:" + dir, "--empty-password"},
		{"-A", "-d", "sql:" + dir, "-n", "mientest", "-t", "C,,", "-i", ca},
	} {
		if out, err := exec.CommandContext(t.Context(), certutil, args...).CombinedOutput(); err != nil {
			t.Fatalf("certutil %s: %v\n%s", args[0], err, out)
		}
	}
}
