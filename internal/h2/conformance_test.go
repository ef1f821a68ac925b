package h2

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	// h2specdEnv names the h2specd program (github.com/summerwind/h2spec).
	h2specdEnv = "MIEN_H2SPECD"
	// conformanceClient makes this test program the client that h2specd runs.
	conformanceClient = "MIEN_CONFORMANCE_CLIENT"
	// conformanceCases is how many cases h2specd 2.2.1 has.
	conformanceCases = 57
)

// conformanceExceptions are cases that may fail, with the reason, by h2specd's
// own words for them. None is needed.
var conformanceExceptions = map[string]string{}

// TestConformanceH2spec runs every client case of h2specd, with --strict as
// well, and the same with curl as the control: what fails for curl too would
// say more of the set-up than of a client. h2specd calls a closed connection
// a success in most cases, so the client stays until the peer ends it.
func TestConformanceH2spec(t *testing.T) {
	h2specd := os.Getenv(h2specdEnv)
	if h2specd == "" {
		t.Skipf("%s is not set: make conformance builds h2specd and sets it", h2specdEnv)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, strict := range []bool{false, true} {
		for _, client := range []struct{ name, command string }{
			{"chromium", self + " chromium-156-linux"},
			{"firefox", self + " firefox-153-linux"},
			{"curl", "curl --silent --max-time 2 --output /dev/null --http2-prior-knowledge"},
		} {
			name := client.name
			if strict {
				name += " strict"
			}
			t.Run(name, func(t *testing.T) {
				if client.name == "curl" {
					if _, err := exec.LookPath("curl"); err != nil {
						t.Skip("curl is not installed: no control")
					}
				}
				total, passed, failed := runH2specd(t, h2specd, client.command, strict)
				t.Logf("%s: %d of %d", name, passed, total)
				for _, f := range failed {
					switch reason, known := conformanceExceptions[f]; {
					case client.name == "curl":
						t.Logf("the control fails: %s", f)
					case known:
						t.Logf("exception: %s: %s", f, reason)
					default:
						t.Errorf("failed: %s", f)
					}
				}
				if client.name != "curl" && (total != conformanceCases || passed+len(failed) != total) {
					t.Errorf("%d cases, %d passed and %d failed; want %d", total, passed, len(failed), conformanceCases)
				}
			})
		}
	}
}

var (
	specSummary = regexp.MustCompile(`(?m)^(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed`)
	specFailed  = regexp.MustCompile(`(?m)^ *× \d+: (.*)$`)
)

// runH2specd has h2specd run command against each of its cases.
func runH2specd(t *testing.T, h2specd, command string, strict bool) (total, passed int, failed []string) {
	t.Helper()
	port := freePorts(t, conformanceCases)
	// A case ends before the client's own time, or its close would pass for an answer.
	args := []string{"--timeout", "1", "--from-port", fmt.Sprint(port), "--exec", command}
	if strict {
		args = append(args, "--strict")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, h2specd, args...)
	cmd.Env = append(os.Environ(), conformanceClient+"=1")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("h2specd: %v\n%s", err, &out)
	}
	m := specSummary.FindSubmatch(out.Bytes())
	if m == nil {
		t.Fatalf("h2specd gave no summary:\n%s", &out)
	}
	fmt.Sscan(string(m[1]), &total)
	fmt.Sscan(string(m[2]), &passed)
	for _, m := range specFailed.FindAllSubmatch(out.Bytes(), -1) {
		failed = append(failed, string(m[1])) // once where it ran, once in the list at the end
	}
	slices.Sort(failed)
	return total, passed, slices.Compact(failed)
}

// freePorts finds n ports in a row, below those that the system hands out, on
// which nothing listens.
func freePorts(t *testing.T, n int) int {
	t.Helper()
	for range 100 {
		first := 10_000 + rand.IntN(32_768-n-10_000)
		if portsFree(first, n) {
			return first
		}
	}
	t.Fatalf("no %d free ports in a row", n)
	return 0
}

func portsFree(first, n int) bool {
	for port := first; port < first+n; port++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return false
		}
		defer l.Close()
	}
	return true
}

// conformanceMain is the client: one request to the URL, and no end before the
// peer's. It returns an exit code.
func conformanceMain(args []string) int {
	if len(args) != 2 {
		return 2
	}
	u, err := url.Parse(args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	nc, err := new(net.Dialer).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	failed := make(chan struct{}, 1)
	c := New(nc, Config{Profile: lookup(args[0]), OnState: func(c *Conn) {
		if c.Err() != nil {
			select {
			case failed <- struct{}{}:
			default:
			}
		}
	}})
	defer c.Close()
	req := (&http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: http.Header{"User-Agent": {"mien"}}}).WithContext(ctx)
	resp, err := c.RoundTrip(req, headOf(req))
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	select {
	case <-failed:
	case <-ctx.Done():
	}
	// The connection lingers for a second until the peer has read its GOAWAY and
	// closes. h2specd reads at once, and closes a second later.
	select {
	case <-c.Done():
	case <-time.After(100 * time.Millisecond):
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, strings.TrimSpace(err.Error()))
		return 1
	}
	return 0
}
