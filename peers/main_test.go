package peers_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
)

const (
	// requireLive makes a program that is not installed a failure.
	requireLive = "MIEN_REQUIRE_LIVE"
	// liveEnv asks for whole sizes and every browser: "make live" sets it, so
	// that the tests that are run with every other target stay short.
	liveEnv = "MIEN_LIVE"
)

// patience is what one request may take. None comes near it: it is there so
// that a peer that hangs fails one test and not the whole run.
const patience = time.Minute

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// installed is the path of a program; without it the test is skipped. Servers
// are installed outside the PATH of most users.
func installed(t *testing.T, name string) string {
	t.Helper()
	for _, candidate := range []string{name, filepath.Join("/usr/sbin", name)} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path
		}
	}
	if os.Getenv(requireLive) != "" {
		t.Fatalf("%s is not installed, and %s is set", name, requireLive)
	}
	t.Skipf("%s is not installed", name)
	return ""
}

// browsers are the profiles that meet every peer: one of each engine.
var browsers = []string{"chromium-156-linux", "firefox-153-linux"}

// chosen are those of them for which there is time.
func chosen() []string {
	if os.Getenv(liveEnv) != "" {
		return browsers
	}
	return browsers[:1]
}

func profile(t *testing.T, name string) *fingerprint.Profile {
	t.Helper()
	p, err := fingerprint.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// loopback says that every name is this machine.
type loopback struct{}

func (loopback) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}, nil
}

// noNames knows no name: what a session needs that leaves them to its proxies.
type noNames struct{ t *testing.T }

func (n noNames) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	n.t.Errorf("the session itself looked up %q", host)
	return nil, errors.New("no names here")
}

// client is a session and how many connections its requests were given first.
type client struct {
	*mien.Session
	t       *testing.T
	options mien.Options // of every request
	opened  atomic.Int64
}

func newClient(t *testing.T, cfg mien.Config) *client {
	t.Helper()
	s, err := mien.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &client{Session: s, t: t}
}

// send sends a request, body nil for none, and leaves its answer unread.
func (c *client) send(method, url string, body io.Reader) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(mien.WithOptions(c.t.Context(), c.options), patience)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		if !i.Reused {
			c.opened.Add(1)
		}
	}})
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		c.t.Error(err)
		cancel()
		return nil, err
	}
	resp, err := c.Do(req)
	if err != nil {
		cancel()
		return nil, err
	}
	resp.Body = &cancelingBody{resp.Body, cancel}
	return resp, nil
}

// cancelingBody ends the request's context with the body.
type cancelingBody struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b *cancelingBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}

// fetch sends a request that is answered with 200, and reads the answer. The
// test is over if it fails, so it is for the test's own goroutine.
func (c *client) fetch(method, url string, body io.Reader) (*http.Response, []byte) {
	c.t.Helper()
	resp, err := c.send(method, url, body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, url, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("%s %s: %d bytes, then %v", method, url, len(b), err)
	}
	if resp.StatusCode != http.StatusOK {
		c.t.Fatalf("%s %s: status %s: %.200q", method, url, resp.Status, b)
	}
	return resp, b
}
