package soak_test

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mien-http/mien"
)

// The two ends of the line. The addresses exist in the namespaces alone.
const (
	originEnd = "10.97.0.1"
	clientEnd = "10.97.0.2"
	lineNet   = "10.97.0.0/30"
	line      = "soak0" // the interface, at both ends
)

// lossRequests are made at once.
const lossRequests = 1000

// lossSetup is what the two processes of a lossy line are told.
type lossSetup struct {
	Percent int // of the packets in each direction are dropped
	Kind    string
	CA      []byte // for the client
	URL     string // for the client
}

// lossReport is what the client made of it.
type lossReport struct {
	OK            int
	Failed        []string // the first few texts
	P50, P99, All time.Duration
	Stats         mien.Stats
	Lost          int    // packets
	Denied        bool   // this system does not let the process have namespaces
	Err           string // the line could not be laid
}

// TestLiveLoss makes requests over a line that loses packets: a pair of network
// namespaces and a rule of nftables at both ends. The namespaces have no names
// and belong to the processes in them, so they are gone when those are, however
// they end.
func TestLiveLoss(t *testing.T) {
	require := os.Getenv("MIEN_REQUIRE_LIVE") != ""
	denied := func(t *testing.T) { t.Skip("this system does not permit network namespaces") }
	probe, err := startChild("nothing", unshare)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.ENOSPC) {
		denied(t)
	}
	if err != nil {
		t.Fatal(err)
	}
	probe.stop()
	for _, tool := range []string{"ip", "nft"} {
		if _, err := exec.LookPath(tool); err == nil {
			continue
		}
		if require {
			t.Fatalf("%s is not installed, and MIEN_REQUIRE_LIVE is set", tool)
		}
		t.Skipf("%s is not installed", tool)
	}
	for _, percent := range []int{5, 20} {
		for _, kind := range []string{"h2", "h1"} {
			t.Run(fmt.Sprintf("%d%%/%s", percent, kind), func(t *testing.T) {
				t.Parallel()
				far, err := startChild("line", unshare)
				if err != nil {
					t.Fatal(err)
				}
				defer far.stop()
				var r lossReport
				if err := far.callWithin(lossTime+callTime, lossSetup{Percent: percent, Kind: kind}, &r); err != nil {
					t.Fatal(err)
				}
				switch {
				case r.Denied:
					denied(t)
				case r.Err != "":
					t.Fatal(r.Err)
				}
				t.Logf("%d requests in %v: p50 %v, p99 %v; %d handshakes, %d retries, %d packets lost",
					lossRequests, r.All.Round(time.Millisecond), r.P50, r.P99, r.Stats.Handshakes, r.Stats.Retries, r.Lost)
				if r.OK != lossRequests {
					t.Errorf("%d of %d requests went well; handshakes failed: %v; %q", r.OK, lossRequests, r.Stats.HandshakesFailed, r.Failed)
				}
				if r.Lost == 0 {
					t.Error("nothing was lost: this proves nothing")
				}
			})
		}
	}
}

// unshare gives a process a network of its own. Who is not root gets a user
// namespace around it, in which it is.
func unshare(cmd *exec.Cmd) {
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Geteuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	cmd.SysProcAttr = attr
}

// command runs a program, whose words are the error.
func command(input string, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out)
	}
	return nil
}

// lay makes an end of the line: the interface is there.
func lay(address string, percent int) error {
	rule := fmt.Sprintf("table inet soak { chain in { type filter hook input priority 0; iifname %s numgen random mod 100 < %d counter drop; }; }", line, percent)
	return errors.Join(
		command("", "ip", "link", "set", "lo", "up"),
		command("", "ip", "addr", "add", address+"/30", "dev", line),
		// One segment is one packet: the kernel would drop 64 KiB at once otherwise.
		command("", "ip", "link", "set", line, "gso_max_segs", "1", "up"),
		// The line has no delay: the usual 200 ms before a loss is made good are the test's time alone.
		command("", "ip", "route", "replace", lineNet, "dev", line, "rto_min", "10ms"),
		command(rule, "nft", "-f", "-"),
		boundBackoff(),
	)
}

// boundBackoff keeps the kernel from waiting up to two minutes before it sends
// a segment again that was lost several times: of 1,000 requests one connection
// would come to that in one run of twenty, which says nothing of the client.
// Kernels before 6.15 have no such bound, and a container may refuse it: there
// the test runs without.
func boundBackoff() error {
	err := os.WriteFile("/proc/sys/net/ipv4/tcp_rto_max_ms", []byte("1000"), 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return nil
	}
	return err
}

// serveLine is the role of the process at the far end: it starts the near one,
// lays the line and is the origin.
func serveLine(stdin io.Reader) error {
	in, out := gob.NewDecoder(stdin), gob.NewEncoder(os.Stdout)
	var setup lossSetup
	if err := in.Decode(&setup); err != nil {
		return err
	}
	report, err := acrossLine(setup)
	if err != nil {
		report.Denied = strings.Contains(err.Error(), "ermitted") || strings.Contains(err.Error(), "ermission denied")
		report.Err = err.Error()
	}
	return out.Encode(report)
}

func acrossLine(setup lossSetup) (r lossReport, err error) {
	near, err := startChild("client", func(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET} })
	if err != nil {
		return r, err
	}
	defer near.stop()
	pid := strconv.Itoa(near.cmd.Process.Pid)
	if err := command("", "ip", "link", "add", line, "type", "veth", "peer", "name", line, "netns", pid); err != nil {
		return r, err
	}
	if err := lay(originEnd, setup.Percent); err != nil {
		return r, err
	}
	o := &origins{setup: originSetup{Host: originEnd, Calm: true, Sites: []string{setup.Kind}}}
	hello, err := o.start()
	defer o.stop()
	if err != nil {
		return r, err
	}
	setup.CA, setup.URL = hello.CA, hello.URLs[0]
	if err := near.callWithin(lossTime, setup, &r); err != nil {
		return r, err
	}
	here, err := lost()
	r.Lost += here
	return r, err
}

// lossTime is how long the requests may take in all.
const lossTime = 80 * time.Second

// lossyClient is the role of the process at the near end.
func lossyClient(stdin io.Reader) error {
	in, out := gob.NewDecoder(stdin), gob.NewEncoder(os.Stdout)
	var setup lossSetup
	if err := in.Decode(&setup); err != nil {
		return err
	}
	var r lossReport
	if err := lay(clientEnd, setup.Percent); err != nil {
		return err
	}
	roots, err := trusting(setup.CA)
	if err != nil {
		return err
	}
	s, err := mien.New(mien.Config{TLS: roots, Resolver: oneAddress{netip.MustParseAddr(originEnd)}})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), lossTime-5*time.Second)
	defer cancel()
	var mu sync.Mutex
	var wg sync.WaitGroup
	var times durations
	start := time.Now()
	for n := range lossRequests {
		wg.Go(func() {
			begun := time.Now()
			err := getOnce(ctx, s, setup.URL, n)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				r.OK++
				times.add(time.Since(begun))
			} else if len(r.Failed) < maxLines {
				r.Failed = append(r.Failed, err.Error())
			}
		})
	}
	wg.Wait()
	r.All, r.P50, r.P99, r.Stats = time.Since(start), times.quantile(0.5), times.quantile(0.99), s.Stats()
	_ = s.Close()
	r.Lost, err = lost()
	return errors.Join(err, out.Encode(r))
}

// getOnce makes one request and reads its answer, of about a packet.
func getOnce(ctx context.Context, s *mien.Session, url string, n int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/"+strconv.Itoa(n), nil)
	if err != nil {
		return err
	}
	req.Header.Set(padField, "1000")
	req.Header.Set(idField, strconv.Itoa(n+1))
	resp, err := s.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != http.StatusOK || len(body) != len(answerHead(strconv.Itoa(n+1), 0, 0))+1000) {
		err = fmt.Errorf("%w: %s, %d bytes", errWrongAnswer, resp.Status, len(body))
	}
	return err
}

// lost counts the packets that were dropped at this end.
func lost() (int, error) {
	text, err := exec.Command("nft", "list", "table", "inet", "soak").CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("nft list: %w: %s", err, text)
	}
	found := counted.FindSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("nft list names no counter: %s", text)
	}
	return strconv.Atoi(string(found[1]))
}

var counted = regexp.MustCompile(`counter packets (\d+)`)
