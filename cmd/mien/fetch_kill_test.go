package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mien-http/mien/cmd/mien/internal/fetch"
	"github.com/mien-http/mien/mientest"
)

// TestFetchKilled kills the process three times, cuts the output by hand once
// more, and lets the fourth process come to the end.
func TestFetchKilled(t *testing.T) {
	urls := 20_000
	if testing.Short() || raceEnabled {
		urls = 2_000
	}
	origin, ca := newOrigin(t, mientest.Config{RecordFull: 1, RecordMax: 1, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, bodyFor(r.URL.Path))
	})})
	dir := fastDir(t)
	input, out, bodies := filepath.Join(dir, "urls"), filepath.Join(dir, "out"), filepath.Join(dir, "bodies")
	var list bytes.Buffer
	for i := range urls {
		fmt.Fprintf(&list, "%s/%d\n", origin, i+1)
	}
	if err := os.WriteFile(input, list.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	command := func() (*exec.Cmd, *bytes.Buffer) {
		cmd := exec.CommandContext(t.Context(), "mien", "fetch", input, "--out", out, "--bodies", bodies,
			"--state", filepath.Join(dir, "state"), "--cacert", ca, "--concurrency", "100")
		cmd.Env = append(os.Environ(), quickExit)
		stderr := new(bytes.Buffer)
		cmd.Stderr = stderr
		return cmd, stderr
	}
	for kill := range 3 {
		cmd, stderr := command()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		until := urls*(kill+1)/5 + rand.IntN(urls/10)
		killed := killAfter(cmd, out, until)
		err := cmd.Wait()
		if !killed || err == nil || cmd.ProcessState.Exited() {
			t.Fatalf("run %d ended before %d lines: %v\n%s", kill+1, until, err, stderr)
		}
	}
	info, err := os.Stat(out)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(out, info.Size()-rand.Int64N(1000)); err != nil {
		t.Fatal(err)
	}
	cmd, stderr := command()
	if err := cmd.Run(); err != nil {
		t.Fatalf("the last run: %v\n%s", err, stderr)
	}
	if !strings.Contains(stderr.String(), fmt.Sprintf("mien: %d of %d URLs (", urls, urls)) {
		t.Errorf("the summary is\n%s", stderr)
	}
	checkFetched(t, out, bodies, urls)
}

// bodyFor has a length of its own for each path.
func bodyFor(path string) string {
	return strings.Repeat(path+"\n", 1+len(path)*37%101)
}

// killAfter kills cmd once the output has that many lines. It reports false if
// the output stands still for a minute.
func killAfter(cmd *exec.Cmd, out string, lines int) bool {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	var f *os.File
	defer func() { f.Close() }()
	buf := make([]byte, 1<<20)
	for seen := 0; seen < lines; {
		select {
		case <-tick.C:
		case <-late.C:
			_ = cmd.Process.Kill()
			return false
		}
		if f == nil {
			f, _ = os.Open(out)
			continue
		}
		n, _ := f.Read(buf)
		seen += bytes.Count(buf[:n], []byte("\n"))
	}
	return cmd.Process.Kill() == nil
}

// checkFetched wants one result of each line and each body whole.
func checkFetched(t *testing.T, out, bodies string, urls int) {
	t.Helper()
	f, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	seen := make(map[int64]bool)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var r fetch.Result
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("%v in %q", err, lines.Text())
		}
		if seen[r.Line] {
			t.Errorf("line %d has two results", r.Line)
		}
		seen[r.Line] = true
		want := bodyFor(fmt.Sprintf("/%d", r.Line))
		body, err := os.ReadFile(filepath.Join(bodies, filepath.FromSlash(r.Body)))
		if err != nil || string(body) != want || r.Status != http.StatusOK || r.Bytes != int64(len(want)) {
			t.Fatalf("%+v has a body of %d bytes, not %d; %v", r, len(body), len(want), err)
		}
	}
	files := 0
	err = filepath.WalkDir(bodies, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files++
		}
		return err
	})
	if len(seen) != urls || files != urls || err != nil {
		t.Errorf("%d results and %d files, not %d; %v", len(seen), files, urls, err)
	}
}
