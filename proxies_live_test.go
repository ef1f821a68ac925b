package mien_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/internal/livetest"
)

// throughRecorder is a browser whose proxy is a recorder at scheme://addr.
type throughRecorder struct {
	program, profile string // its name, and that of ours
	args             func(t *testing.T, dir, scheme, addr string) []string
	drive            func(ctx context.Context, dir, url string, auth bool) error
	trust            func(home, dir string) string // where its certificates are
}

var throughRecorders = []throughRecorder{
	{"chromium", "chromium-156-linux", func(_ *testing.T, dir, scheme, addr string) []string {
		return []string{"--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
			"--disable-component-update", "--disable-sync", "--user-data-dir=" + dir, "--remote-debugging-port=0", "--proxy-server=" + scheme + "://" + addr, "about:blank"}
	}, driveChromium, func(home, _ string) string { return filepath.Join(home, ".pki", "nssdb") }},
	{"firefox-esr", "firefox-153-linux", func(t *testing.T, dir, scheme, addr string) []string {
		word := map[string]string{"http": "PROXY", "https": "HTTPS"}[scheme]
		prefs := livetest.FirefoxPreferences + `user_pref("network.proxy.type", 2);
user_pref("network.proxy.autoconfig_url", "data:,function FindProxyForURL(u, h) { return '` + word + " " + addr + `' }");
`
		if err := os.WriteFile(filepath.Join(dir, "user.js"), []byte(prefs), 0o600); err != nil {
			t.Fatal(err)
		}
		return []string{"--headless", "--no-remote", "--profile", dir, "--remote-debugging-port=0", "about:blank"}
	}, driveFirefox, func(_, dir string) string { return dir }},
}

// TestLiveConnect compares the heads that the installed browser sends to its
// proxy with those that mien sends to the same under the browser's profile.
func TestLiveConnect(t *testing.T) {
	for _, b := range throughRecorders {
		for _, scheme := range []string{"http", "https"} {
			for _, auth := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/credentials %v", b.program, scheme, auth), func(t *testing.T) {
					b.compare(t, scheme, auth)
				})
			}
		}
	}
}

func (b *throughRecorder) compare(t *testing.T, scheme string, auth bool) {
	path := installed(t, b.program)
	profile, err := fingerprint.Lookup(b.profile)
	if err != nil {
		t.Fatal(err)
	}
	version, err := exec.CommandContext(t.Context(), path, "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	var server, client *tls.Config
	if scheme == "https" {
		server, client = peerTLS(t, []string{"http/1.1"}, &x509.Certificate{})
	}
	theirs := record(t, server, auth)
	for tries := 1; ; tries++ {
		err := b.visit(t, path, scheme, theirs)
		if err == nil {
			break
		}
		// A browser that hangs as it starts says nothing of mien.
		if t.Logf("%s: %v", b.program, err); tries == 3 {
			t.Fatal("the browser did not visit the page")
		}
		theirs = record(t, server, auth)
	}
	ours := record(t, server, auth)
	askAll(t, profile, ours, client)
	got, want := ours.got(), theirs.got()
	same := strings.Contains(string(version), profile.Browser.Major()+".")
	if !same {
		t.Logf("%s is not the profile's version %s", strings.TrimSpace(string(version)), profile.Browser.Version)
	}
	for _, kind := range proxiedKinds {
		t.Logf("%s", want[kind])
		switch {
		case auth && kind == proxiedKinds[0]: // the browser was asked for credentials first, see TestProxiedHeads
		case got[kind] == want[kind]:
		case same:
			t.Errorf("mien:\n%sbrowser:\n%s", got[kind], want[kind])
		default:
			t.Logf("mien:\n%sbrowser:\n%s", got[kind], want[kind])
		}
	}
}

// visit runs the browser until it has sent everything; an error is the browser's.
func (b *throughRecorder) visit(t *testing.T, path, scheme string, r *recorder) error {
	t.Helper()
	home := livetest.Home(t)
	dir := filepath.Join(home, "profile")
	ca, err := peerCA()
	if err != nil {
		t.Fatal(err)
	}
	livetest.TrustNSS(t, b.trust(home, dir), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Leaf.Raw}))
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, b.args(t, dir, scheme, r.addr)...)
	cmd.Env = append(os.Environ(), "HOME="+home)
	cmd.WaitDelay = time.Second // browsers start processes of their own, which hold the pipes open
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	driven := make(chan error, 1)
	go func() { driven <- b.drive(ctx, dir, "http://plain.test/visit", r.auth) }()
	select {
	case <-r.all:
		cancel()
		<-driven
		err = nil
	case err = <-driven:
		cancel()
	}
	_ = cmd.Wait()
	return err
}
