package mien_test

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/internal/livetest"
	"github.com/mien-http/mien/mientest"
)

const liveHost = "www.shop.test"

// installed is the path of a program; without it the test is skipped.
func installed(t *testing.T, name string) string {
	t.Helper()
	return livetest.Program(t, name)
}

// browse runs a browser until the origin has seen its navigation. It reports
// false if that takes more than a minute.
func browse(t *testing.T, visited <-chan struct{}, env []string, name string, args ...string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), env...)
	// Browsers start processes of their own, which hold the pipes open.
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	came := false
	select {
	case <-visited:
		came = true
	case <-ctx.Done():
		t.Logf("%s did not come within a minute", filepath.Base(name))
	}
	cancel()
	_ = cmd.Wait()
	return came
}

func TestLiveChromium(t *testing.T) {
	path := installed(t, "chromium")
	testLive(t, path, "chromium-156-linux", func(home string, origin *mientest.Origin, visited <-chan struct{}, url string) bool {
		livetest.TrustNSS(t, filepath.Join(home, ".pki", "nssdb"), origin.CertPEM())
		return browse(t, visited, []string{"HOME=" + home}, path,
			"--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
			"--disable-component-update", "--disable-sync", "--user-data-dir="+filepath.Join(home, "profile"),
			"--host-resolver-rules=MAP "+liveHost+" 127.0.0.1", "--remote-debugging-port=0", url)
	})
}

func TestLiveFirefox(t *testing.T) {
	path := installed(t, "firefox-esr")
	testLive(t, path, "firefox-153-linux", func(home string, origin *mientest.Origin, visited <-chan struct{}, url string) bool {
		profile := filepath.Join(home, "profile")
		livetest.TrustNSS(t, profile, origin.CertPEM())
		prefs := livetest.FirefoxPreferences + `user_pref("network.dns.forceResolve", "127.0.0.1");`
		if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(prefs), 0o600); err != nil {
			t.Fatal(err)
		}
		return browse(t, visited, []string{"HOME=" + home}, path, "--headless", "--no-remote", "--profile", profile, url)
	})
}

// testLive compares what the installed browser sends to an origin with what
// mien sends to the same origin under the browser's profile.
func testLive(t *testing.T, path, name string, visit func(home string, origin *mientest.Origin, visited <-chan struct{}, url string) bool) {
	profile, err := fingerprint.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	version, err := exec.CommandContext(t.Context(), path, "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			visited := make(chan struct{}, 100)
			origin := newOrigin(t, mientest.Config{
				Protocols: p.alpn,
				Hosts:     []string{liveHost},
				Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Type", "text/html")
					if _, err := fmt.Fprint(w, "<!doctype html><link rel=icon href=data:,><title>mien</title>"); err == nil && r.URL.Path == "/visit" {
						visited <- struct{}{}
					}
				}),
			})
			url := strings.Replace(origin.URL, "127.0.0.1", liveHost, 1) + "/visit"
			// A browser that hangs as it starts says nothing of mien.
			for tries := 1; !visit(livetest.Home(t), origin, visited, url); tries++ {
				if tries == 3 {
					t.Fatal("the browser did not come")
				}
			}
			theirs, there := navigation(origin)
			if there == nil {
				t.Fatal("the browser's navigation was not recorded")
			}
			s := newSession(t, mien.Config{Profile: profile, Resolver: loopbackResolver{}})
			get(t, s, url)
			ours, here := navigation(origin)
			differences := compare(here, there, ours, theirs)
			if !strings.Contains(string(version), profile.Browser.Major()+".") {
				t.Logf("%s is not the profile's version %s; differences: %q", strings.TrimSpace(string(version)), profile.Browser.Version, differences)
				return
			}
			for _, d := range differences {
				t.Error(d)
			}
		})
	}
}

// navigation is the last request for the page, and its connection.
func navigation(origin *mientest.Origin) (mientest.Connection, *mientest.Request) {
	all := origin.Requests()
	for i := range slices.Backward(all) {
		if all[i].Path == "/visit" {
			return origin.Connections()[all[i].Conn-1], &all[i]
		}
	}
	return mientest.Connection{}, nil
}

// headless is what a browser without a window adds to its User-Agent.
var headless = regexp.MustCompile(`Headless(Chrome|Chromium)`)

func compare(ours, theirs *mientest.Request, ourConn, theirConn mientest.Connection) []string {
	var list []string
	differ := func(what string, got, want any) {
		if fmt.Sprint(got) != fmt.Sprint(want) {
			list = append(list, fmt.Sprintf("%s: mien %v, browser %v", what, got, want))
		}
	}
	if ourConn.Resumed == theirConn.Resumed {
		differ("JA4_r", ourConn.JA4R, theirConn.JA4R)
	}
	differ("HTTP/2", ourConn.Akamai, theirConn.Akamai)
	differ("order", ours.Order, theirs.Order)
	differ("priority", ours.Priority, theirs.Priority)
	differ("stream", ours.Stream, theirs.Stream)
	for i := range min(len(ours.Fields), len(theirs.Fields)) {
		f := theirs.Fields[i]
		differ(f.Name, ours.Fields[i].Value, headless.ReplaceAllString(f.Value, "$1"))
	}
	for i := range min(len(ours.HPACK), len(theirs.HPACK)) {
		a, b := ours.HPACK[i], theirs.HPACK[i]
		if !strings.EqualFold(a.Name, "user-agent") { // shorter without the word Headless
			differ("HPACK of "+b.Name, []any{a.Representation, a.NameHuffman, a.ValueHuffman}, []any{b.Representation, b.NameHuffman, b.ValueHuffman})
		}
	}
	return list
}

// loopbackResolver says that every name is this machine.
type loopbackResolver struct{}

func (loopbackResolver) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}, nil
}
