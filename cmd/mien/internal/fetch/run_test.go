package fetch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// answer is a response without a connection.
func answer(req *http.Request, status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Status: fmt.Sprint(status), ProtoMajor: 2, Request: req, Body: io.NopCloser(strings.NewReader(body))}
}

// runOn runs the lines of input and returns the results by line.
func runOn(t *testing.T, ctx context.Context, input string, o Options) (map[int64]*Result, Summary, error) {
	t.Helper()
	var out bytes.Buffer
	o.Input, o.Stdin, o.Stdout = "-", strings.NewReader(input), &out
	job, err := Prepare(o)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := job.Run(ctx)
	if o.Out != "" {
		content, err := os.ReadFile(o.Out)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(content)
	}
	results := make(map[int64]*Result)
	for dec := json.NewDecoder(&out); dec.More(); {
		var r Result
		if err := dec.Decode(&r); err != nil {
			t.Fatal(err)
		}
		if results[r.Line] != nil {
			t.Errorf("line %d has two results", r.Line)
		}
		results[r.Line] = &r
	}
	return results, sum, err
}

// lines is an input that holds itself in no memory.
type lines struct{ next, last int } // eight of each host

func (l *lines) Read(p []byte) (int, error) {
	n := 0
	for ; l.next <= l.last && len(p)-n > 40; l.next++ {
		n += copy(p[n:], fmt.Sprintf("https://host-%d.example/\n", l.next/8))
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// TestConstantMemory measures the heap after half of the lines and after all of
// them, of 25,000 hosts, with robots and a rate. Half of the hosts are more than
// are remembered.
func TestConstantMemory(t *testing.T) {
	const growth = 2 << 20
	total := int64(200_000)
	if raceEnabled || testing.Short() {
		total = 20_000
	}
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	var done, early atomic.Int64
	job, err := Prepare(Options{
		Input: "-", Stdin: &lines{1, int(total)}, Stdout: io.Discard, Rate: 1e6,
		do: func(req *http.Request) (*http.Response, error) {
			if req.URL.Path == "/robots.txt" {
				return answer(req, 404, ""), nil
			}
			if done.Add(1) == total/2 {
				early.Store(heap())
			}
			return answer(req, 200, "x"), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	sum, err := job.Run(t.Context())
	late := heap()
	runtime.KeepAlive(job)
	if err != nil || sum.Done != total || sum.Failed != 0 {
		t.Fatalf("%+v, %v", sum, err)
	}
	if late-early.Load() > growth {
		t.Errorf("%d bytes after %d lines, %d after %d", early.Load(), total/2, late, total)
	}
	t.Logf("%d kB after %d lines, %d kB at the end", early.Load()>>10, total/2, late>>10)
}

func TestRobots(t *testing.T) {
	var mu sync.Mutex
	asked := make(map[string]int)
	do := func(req *http.Request) (*http.Response, error) {
		mu.Lock()
		asked[req.URL.String()]++
		mu.Unlock()
		robots := req.URL.Path == "/robots.txt"
		switch host := req.URL.Host; {
		case robots && host == "rules":
			return answer(req, 200, "User-agent: mien\nDisallow: /p\n"), nil
		case robots && host == "forbidden":
			return answer(req, 403, "User-agent: *\nDisallow: /\n"), nil
		case robots && host == "broken":
			return answer(req, 503, ""), nil
		case robots && host == "down":
			return nil, errors.New("nobody there")
		case robots && host == "long":
			return answer(req, 200, strings.Repeat("#\n", maxRobotsBytes/2)+"User-agent: *\nDisallow: /\n"), nil
		}
		return answer(req, 200, "body"), nil
	}
	const input = "https://rules/x\nhttps://rules/p/x\nhttps://RULES/p?q\nhttps://forbidden/\nhttps://broken/\nhttps://down/\nhttps://long/\n"
	got, sum, err := runOn(t, t.Context(), input, Options{do: do})
	if err != nil || sum.Done != 7 || sum.Failed != 4 || sum.Failures[FailureKind{"", ClassRobots}] != 4 {
		t.Errorf("%+v, %v", sum, err)
	}
	for line, want := range map[int64]string{1: "", 2: "disallows https://rules/p/x", 3: "disallows", 4: "", 5: "answered 503", 6: "nobody there", 7: ""} {
		r := got[line]
		if (r.Error == nil) != (want == "") || r.Error != nil && (r.Error.Class != ClassRobots || r.Error.Sent || !strings.Contains(r.Error.Message, want)) {
			t.Errorf("line %d: %+v, want %q", line, r.Error, want)
		}
	}
	for _, url := range []string{"https://rules/p/x", "https://broken/", "https://down/"} {
		if asked[url] != 0 {
			t.Errorf("%s was asked for", url)
		}
	}
	if asked["https://rules/robots.txt"] != 1 {
		t.Errorf("asked %d times for robots.txt", asked["https://rules/robots.txt"])
	}
	clear(asked)
	if _, sum, err := runOn(t, t.Context(), input, Options{do: do, IgnoreRobots: true}); err != nil || sum.Failed != 0 || asked["https://rules/robots.txt"] != 0 {
		t.Errorf("robots ignored: %+v, %v", sum, err)
	}
	if got, _, _ := runOn(t, t.Context(), input, Options{do: do, RobotsAgent: "other"}); got[2].Error != nil {
		t.Errorf("another robot: %+v", got[2].Error)
	}
}

func TestRates(t *testing.T) { synctest.Test(t, testRates) }

func testRates(t *testing.T) {
	for _, c := range []struct {
		rate         float64
		robots       string
		ignore       bool
		slow, others time.Duration // between two requests
	}{
		{rate: 2, ignore: true, slow: time.Second / 2, others: time.Second / 2},
		{rate: 2, robots: "User-agent: *\nCrawl-delay: 3\n", slow: 3 * time.Second, others: time.Second / 2},
		{rate: 2, robots: "User-agent: *\nCrawl-delay: 0.1\n", slow: time.Second / 2, others: time.Second / 2},
		{robots: "User-agent: *\nCrawl-delay: 3\n", slow: 3 * time.Second},
	} {
		var mu sync.Mutex
		last := make(map[string]time.Time)
		do := func(req *http.Request) (*http.Response, error) {
			if req.URL.Path == "/robots.txt" {
				if req.URL.Host == "slow" {
					return answer(req, 200, c.robots), nil
				}
				return answer(req, 404, ""), nil
			}
			want := c.others
			if req.URL.Host == "slow" {
				want = c.slow
			}
			mu.Lock()
			defer mu.Unlock()
			if at, ok := last[req.URL.Host]; ok && time.Since(at) != want {
				t.Errorf("%+v: %s after %v, want %v", c, req.URL, time.Since(at), want)
			}
			last[req.URL.Host] = time.Now()
			return answer(req, 200, ""), nil
		}
		var input strings.Builder
		for i := range 10 {
			fmt.Fprintf(&input, "https://slow/%d\nhttps://a/%d\nhttps://b/%[2]d\n", i, i)
		}
		// One URL at once: who waits for a rate holds nobody up.
		got, _, err := runOn(t, t.Context(), input.String(), Options{do: do, Rate: c.rate, IgnoreRobots: c.ignore, Concurrency: 1, Timeout: time.Second})
		if err != nil || len(got) != 30 {
			t.Errorf("%d results, %v", len(got), err)
		}
	}
}

// TestInterrupted: what is in flight has no result, and is requested when the
// run goes on.
func TestInterrupted(t *testing.T) {
	dir := t.TempDir()
	o := Options{Out: filepath.Join(dir, "out"), State: filepath.Join(dir, "state"), Bodies: filepath.Join(dir, "bodies"), IgnoreRobots: true}
	const input = "https://a/1\nhttps://a/2\nhttps://a/1\nhttps://a/4\nbad\n"
	ctx, cancel := context.WithCancel(t.Context())
	var answered atomic.Int64
	o.do = func(req *http.Request) (*http.Response, error) {
		if req.URL.Path == "/4" {
			return answer(req, 200, "four"), nil
		}
		if answered.Add(1) == 3 { // all the others are in flight
			cancel()
		}
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	got, _, err := runOn(t, ctx, input, o)
	if !errors.Is(err, ErrInterrupted) || got[1] != nil || got[2] != nil || got[3] != nil {
		t.Errorf("%v, %v", got, err)
	}
	had := len(got)
	o.do = func(req *http.Request) (*http.Response, error) { return answer(req, 200, "later"), nil }
	got, sum, err := runOn(t, t.Context(), input, o)
	if err != nil || len(got) != 5 || sum.Before != int64(had) || sum.Done != 5 || sum.Failed != 1 {
		t.Errorf("%v, %+v, %v", got, sum, err)
	}
	if got[5].Error == nil || got[5].Error.Class != "Invalid" || !strings.Contains(got[5].Error.Message, "line 5") {
		t.Errorf("the bad line has %+v", got[5].Error)
	}
	if got[1].Body == got[3].Body || got[1].Body == "" {
		t.Errorf("bodies %q and %q of one URL on two lines", got[1].Body, got[3].Body)
	}
	// A body that a crash has lost, beyond the last mark, is asked for again; a
	// damaged one behind it is not noticed, as it is not read.
	if err := os.WriteFile(filepath.Join(o.Bodies, filepath.FromSlash(got[1].Body)), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, sum, err := runOn(t, t.Context(), input, o); err != nil || sum.Before != 5 {
		t.Errorf("%+v, %v", sum, err)
	}
	s, _, _, err := openState(o.State, header{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.reached(0); err != nil {
		t.Fatal(err)
	}
	s.close()
	_, sum, err = runOn(t, t.Context(), input, o)
	content, _ := os.ReadFile(filepath.Join(o.Bodies, filepath.FromSlash(got[1].Body)))
	if err != nil || sum.Before == 5 || sum.Done != 5 || string(content) != "later" {
		t.Errorf("%+v, %v, body %q", sum, err, content)
	}
	// Other lines, and fewer.
	for _, other := range []string{"https://b/1\n" + input, "https://a/1\n"} {
		if _, _, err := runOn(t, t.Context(), other, o); !errors.Is(err, ErrOtherInput) {
			t.Errorf("input %q: %v", other, err)
		}
	}
}

// broken is an output without room.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("no room") }

func TestNoRoom(t *testing.T) {
	job, err := Prepare(Options{Input: "-", Stdin: &lines{1, 100_000}, Stdout: broken{}, IgnoreRobots: true,
		do: func(req *http.Request) (*http.Response, error) { return answer(req, 200, ""), nil }})
	if err != nil {
		t.Fatal(err)
	}
	if sum, err := job.Run(t.Context()); err == nil || err.Error() != "writing results: no room" || sum.Done != 0 {
		t.Errorf("%+v, %v", sum, err)
	}
}

func TestBodies(t *testing.T) {
	dir := t.TempDir()
	o := Options{Bodies: filepath.Join(dir, "b"), IgnoreRobots: true, MaxBody: 5, do: func(req *http.Request) (*http.Response, error) {
		return answer(req, 200, req.URL.Path[1:]), nil
	}}
	got, _, err := runOn(t, t.Context(), "https://a/12345\nhttps://a/123456\nhttps://a/\n", o)
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[int64]string{1: "12345", 3: ""} {
		content, err := os.ReadFile(filepath.Join(o.Bodies, filepath.FromSlash(got[line].Body)))
		if err != nil || string(content) != want || got[line].Bytes != int64(len(want)) {
			t.Errorf("line %d: %q, %v", line, content, err)
		}
	}
	if e := got[2].Error; e == nil || e.Class != ClassTooLong || got[2].Body != "" || got[2].Status != 200 {
		t.Errorf("a long body: %+v", got[2])
	}
	parts, _ := filepath.Glob(filepath.Join(o.Bodies, "*", "*"+partial))
	if len(parts) != 0 {
		t.Errorf("left behind: %v", parts)
	}
	// A link in the folder leads nowhere.
	name := bodyName("https://a/1", 1)
	if err := os.RemoveAll(filepath.Join(o.Bodies, name[:2])); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dir, filepath.Join(o.Bodies, name[:2])); err != nil {
		t.Skip("no links here:", err)
	}
	if _, _, err := runOn(t, t.Context(), "https://a/1\n", o); err == nil || !strings.Contains(err.Error(), "writing bodies") {
		t.Errorf("a body went through a link: %v", err)
	}
}
