package capture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// A Browser is an installed program. It is safe for concurrent use.
type Browser struct {
	Path    string // of the program
	Version string // what it says of itself: "Chromium 156.0.8078.79 built on …"
	gecko   bool
}

// Limits of how long a browser is waited for.
const (
	versionTime = 30 * time.Second // until it has said its version
	endTime     = 5 * time.Second  // until it has ended after it was told to
	removeTime  = 5 * time.Second  // until its folder can be removed
)

// Find looks up a browser by its path, or its name in PATH, and asks for its
// version. The error says what is wrong with it.
func Find(ctx context.Context, name string) (*Browser, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return nil, fmt.Errorf("browser %q: %w", name, errors.Unwrap(err))
	}
	ctx, cancel := context.WithTimeout(ctx, versionTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "--version")
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	version := strings.TrimSpace(string(out))
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("browser %s: --version did not end: %w", path, ctx.Err())
	case err != nil && version == "":
		return nil, fmt.Errorf("browser %s: --version: %w", path, err)
	}
	b := &Browser{Path: path, Version: lastLine(version)}
	switch {
	case strings.Contains(b.Version, "Firefox"):
		b.gecko = true
	case strings.Contains(b.Version, "Chrom"), strings.Contains(b.Version, "Edge"), strings.Contains(b.Version, "Brave"):
	default:
		return nil, fmt.Errorf("browser %s: it says it is %q, and neither Chromium nor Firefox", path, b.Version)
	}
	return b, nil
}

// lastLine leaves out what start scripts say.
func lastLine(s string) string { return s[strings.LastIndexByte(s, '\n')+1:] }

var versionNumber = regexp.MustCompile(`[0-9]+(\.[0-9]+)+`)

// Number is the version alone: "156.0.8078.79".
func (b *Browser) Number() string { return versionNumber.FindString(b.Version) }

// Visit opens a part of the site in a browser with an empty profile and no window,
// and ends the browser once the last request has come. It returns an error if the
// browser ends before, and when ctx ends.
func (b *Browser) Visit(ctx context.Context, s *Site, p *Part) error {
	home, err := os.MkdirTemp("", "mien-capture-")
	if err != nil {
		return err
	}
	defer removeAll(home)
	prepare := b.chromium
	if b.gecko {
		prepare = b.firefox
	}
	args, err := prepare(ctx, s, home)
	if err != nil {
		return err
	}
	cmd := exec.Command(b.Path, append(args, p.URL)...)
	cmd.Env = append(os.Environ(), "HOME="+home)
	cmd.Dir = home
	said := &tail{}
	cmd.Stdout, cmd.Stderr = said, said
	cmd.WaitDelay = time.Second // processes of its own hold the pipes open
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("browser %s: %w", b.Path, err)
	}
	gone := make(chan error, 1)
	go func() { gone <- cmd.Wait() }()
	select {
	case <-p.Ended():
		settle(ctx, gone)
	case <-ctx.Done():
		err = fmt.Errorf("browser %s: %s: it did not come to the end: %w", b.Path, p.Name, ctx.Err())
	case e := <-gone:
		gone <- e
		err = fmt.Errorf("browser %s: %s: it ended before it had sent everything (%s)%s", b.Path, p.Name, how(e), said)
	}
	end(cmd, gone)
	return err
}

// settle leaves the browser the moment in which what it sends behind the last
// request arrives.
func settle(ctx context.Context, gone chan error) {
	t := time.NewTimer(300 * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	case e := <-gone:
		gone <- e
	}
}

// end asks the browser to end, makes it after a while, and returns when it has.
func end(cmd *exec.Cmd, gone <-chan error) {
	terminate(cmd)
	t := time.NewTimer(endTime)
	defer t.Stop()
	select {
	case <-gone:
		kill(cmd) // what is left of its group
	case <-t.C:
		kill(cmd)
		<-gone
	}
}

func how(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

// removeAll removes a folder in which processes that are about to end may still
// write.
func removeAll(dir string) {
	for deadline := time.Now().Add(removeTime); os.RemoveAll(dir) != nil && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
	}
}

// tail keeps the end of what a program prints.
type tail struct {
	mu  sync.Mutex
	buf []byte // guarded by mu
}

const maxTail = 2000

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if len(t.buf) > maxTail {
		t.buf = t.buf[len(t.buf)-maxTail:]
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := bytes.TrimSpace(t.buf); len(s) > 0 {
		return ": " + string(s)
	}
	return ""
}

// chromium prepares a folder for Chromium and returns its flags.
func (b *Browser) chromium(_ context.Context, s *Site, home string) ([]string, error) {
	return []string{
		"--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--user-data-dir=" + filepath.Join(home, "profile"),
		"--host-resolver-rules=MAP *.test 127.0.0.1,MAP * ~NOTFOUND", // it reaches nobody else
		"--ignore-certificate-errors-spki-list=" + s.Key(),
		"--remote-debugging-port=0", // keeps it from ending with the page
	}, nil
}

// preferences keep Firefox from calls of its own, and have it find the hosts here.
const preferences = `user_pref("network.dns.forceResolve", "127.0.0.1");
user_pref("app.update.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("toolkit.telemetry.enabled", false);
user_pref("termsofuse.bypassNotification", true);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("dom.security.https_first", false);
user_pref("dom.security.https_first_schemeless", false);
user_pref("dom.disable_open_during_load", false);
`

// firefox prepares a profile for Firefox, with the certificate in its database, and
// returns its flags.
func (b *Browser) firefox(ctx context.Context, s *Site, home string) ([]string, error) {
	profile, ca := filepath.Join(home, "profile"), filepath.Join(home, "ca.pem")
	if err := os.Mkdir(profile, 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(preferences), 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(ca, s.CertPEM(), 0o600); err != nil {
		return nil, err
	}
	certutil, err := exec.LookPath("certutil")
	if err != nil {
		return nil, errors.New("certutil of NSS is not installed (Debian: libnss3-tools); Firefox needs it to trust the origin")
	}
	for _, args := range [][]string{
		{"-N", "-d", "sql:" + profile, "--empty-password"},
		{"-A", "-d", "sql:" + profile, "-n", "mien capture", "-t", "C,,", "-i", ca},
	} {
		if out, err := exec.CommandContext(ctx, certutil, args...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("certutil %s: %w: %s", args[0], err, bytes.TrimSpace(out))
		}
	}
	return []string{"--headless", "--no-remote", "--profile", profile}, nil
}
