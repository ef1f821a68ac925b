package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/mien-http/mien/cmd/mien/internal/fetch"
	"github.com/mien-http/mien/mientest"
)

// fetched runs "mien fetch" over lines and gives the results by line.
func fetched(t *testing.T, lines string, args ...string) (code int, results map[int64]fetch.Result, stderr string) {
	t.Helper()
	input := filepath.Join(t.TempDir(), "urls")
	if err := os.WriteFile(input, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := mienCommand(append([]string{"fetch", input}, args...)...)
	results = make(map[int64]fetch.Result)
	for dec := json.NewDecoder(strings.NewReader(stdout)); dec.More(); {
		var r fetch.Result
		if err := dec.Decode(&r); err != nil {
			t.Fatal(err)
		}
		results[r.Line] = r
	}
	return code, results, stderr
}

func TestFetch(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("/", answers())
	mux.HandleFunc("/robots.txt", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "User-agent: mien\nDisallow: /private\n")
	})
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/private/x", http.StatusFound) })
	for _, protocol := range []string{"h2", "http/1.1"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			url, ca := newOrigin(t, mientest.Config{Handler: mux, Protocols: []string{protocol}})
			bodies := t.TempDir()
			input := strings.ReplaceAll("U/\r\nU/old\n# U/\n\nU/cut\nU/private\nU/away\nU/missing\nU/silent\nnonsense\nU/loop\nU/", "U", url)
			code, got, stderr := fetched(t, input, "--cacert", ca, "--bodies", bodies, "--timeout", "3s", "--max-attempts", "1")
			if code != exitFailed || len(got) != 10 {
				t.Fatalf("exit code %d, %d results; %s", code, len(got), stderr)
			}
			for line, want := range map[int64]struct {
				status, redirects int
				final, body       string
				phase, class      string
			}{
				1:  {status: 200, body: "front page"},
				2:  {status: 200, redirects: 2, final: url + "/", body: "front page"},
				5:  {status: 200, phase: "body", class: "BodyCut"},
				6:  {class: "Robots"},
				7:  {status: 302, class: "Robots"},
				8:  {status: 404, body: "404 page not found\n"},
				9:  {phase: "headers", class: "HeaderTimeout"},
				10: {class: "Invalid"},
				11: {status: 302, redirects: 20, phase: "headers", class: "Redirect"},
				12: {status: 200, body: "front page"},
			} {
				r := got[line]
				if r.Status != want.status || r.FinalURL != want.final || r.Redirects != want.redirects {
					t.Errorf("line %d: %+v, want %+v", line, r, want)
				}
				if (want.class == "") != (r.Error == nil) || r.Error != nil && (r.Error.Class != want.class || r.Error.Phase != want.phase) {
					t.Errorf("line %d: %+v, want %+v", line, r.Error, want)
				}
				if r.Error != nil {
					continue
				}
				body, err := os.ReadFile(filepath.Join(bodies, filepath.FromSlash(r.Body)))
				if err != nil || string(body) != want.body || r.Bytes != int64(len(body)) || r.Protocol != protocol {
					t.Errorf("line %d: %+v with body %q, %v", line, r, body, err)
				}
				if r.Attempts != 1+want.redirects || r.Milliseconds["headers"] <= 0 || r.Milliseconds["total"] < r.Milliseconds["headers"] {
					t.Errorf("line %d: %d attempts, %v", line, r.Attempts, r.Milliseconds)
				}
			}
			for _, part := range []string{"mien: 10 of 10 URLs, 6 failed", "  2xx  3\n  4xx  1\n", "failed, Robots  2\n", "failed, body BodyCut  1\n", " handshakes, 0 retries\n"} {
				if !strings.Contains(stderr, part) {
					t.Errorf("%q is missing in the summary\n%s", part, stderr)
				}
			}
		})
	}
}

// TestFetchWrongUse makes no request and no file.
func TestFetchWrongUse(t *testing.T) {
	dir := t.TempDir()
	full := filepath.Join(dir, "full")
	if err := os.WriteFile(full, []byte("https://a.invalid/\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"accepts 1 arg":                  {},
		"no such file":                   {filepath.Join(dir, "none")},
		"is a directory, not a file":     {dir},
		"--state needs --out":            {full, "--state", filepath.Join(dir, "s")},
		"holds something already":        {full, "--out", full},
		"--concurrency -1":               {full, "--concurrency", "-1"},
		"--rate -1":                      {full, "--rate", "-1"},
		"--timeout -1s":                  {full, "--timeout", "-1s"},
		"--max-attempts -1":              {full, "--max-attempts", "-1"},
		"500k, 10M or 2G":                {full, "--max-body", "x"},
		"--proxy: it is not of the form": {full, "--proxy", "x"},
		"ignore-robots robots-agent":     {full, "--ignore-robots", "--robots-agent", "x"},
		"--robots-agent \"a/1\"":         {full, "--robots-agent", "a/1"},
		"not a state of mien fetch":      {full, "--state", full, "--out", filepath.Join(dir, "o")},
		"unknown profile":                {full, "--profile", "netscape"},
		"there is no certificate in PEM": {full, "--cacert", full},
		"--bodies: ":                     {full, "--bodies", full},
	} {
		code, stdout, stderr := mienCommand(append([]string{"fetch"}, args...)...)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, want) && runtime.GOOS != "windows" {
			t.Errorf("%v: exit code %d, %q, want %q", args, code, stderr, want)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("files were made: %v", left)
	}
}

// TestFetchInterrupted ends by SIGINT with a word on how to go on.
func TestFetchInterrupted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no interrupt for one process")
	}
	asked := make(chan struct{}, 1)
	url, ca := newOrigin(t, mientest.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/robots.txt" {
			return
		}
		asked <- struct{}{}
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	})})
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "mien", "fetch", "-", "--cacert", ca, "--out", filepath.Join(dir, "out"), "--state", filepath.Join(dir, "state"))
	cmd.Env = append(os.Environ(), quickExit)
	in, err := cmd.StdinPipe() // left open: the end does not wait for its input
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(in, url)
	<-asked
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	err = cmd.Wait()
	out, _ := os.ReadFile(filepath.Join(dir, "out"))
	if cmd.ProcessState.ExitCode() != exitFailed || len(out) != 0 || !strings.Contains(stderr.String(), "interrupted: run the same command again to go on") {
		t.Errorf("%v, output %q\n%s", err, out, &stderr)
	}
}

func TestByteSize(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "1": 1, "5k": 5 << 10, "5KB": 5 << 10, "10M": 10 << 20, "2G": 2 << 30, "-1": -1, "": -1, "k": -1, "1.5M": -1, "9999999999G": -1, "1T": -1} {
		var s byteSize
		err := s.Set(text)
		if (err != nil) != (want < 0) || err == nil && int64(s) != want {
			t.Errorf("%q is %d, %v", text, s, err)
		}
	}
	for n, want := range map[byteSize]string{0: "0", 1000: "1000", 100 << 20: "100M", 1 << 30: "1G", 1536: "1536", 2048: "2k"} {
		if n.String() != want {
			t.Errorf("%d is %s, not %s", int64(n), n.String(), want)
		}
	}
}

func TestProgressLine(t *testing.T) {
	for _, c := range []struct {
		p    fetch.Progress
		want string
	}{
		{fetch.Progress{Total: 100, Before: 20, Done: 40, Failed: 3, Elapsed: 10 * time.Second}, "40 of 100 URLs, 3 failed, 2.0/s, 30s left"},
		{fetch.Progress{Total: -1, Done: 40, Elapsed: 10 * time.Second}, "40 URLs, 0 failed, 4.0/s"},
		{fetch.Progress{Total: 5}, "0 of 5 URLs, 0 failed, 0.0/s"},
	} {
		if got := progressLine(c.p); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// TestFetchRobotsRedirected: five redirects lead to the rules, a sixth to none
// (RFC 9309 §2.3.1.2).
func TestFetchRobotsRedirected(t *testing.T) {
	for hops, want := range map[int]int{5: exitFailed, 6: exitDone} {
		url, ca := newOrigin(t, mientest.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			left := hops
			if _, err := fmt.Sscanf(r.URL.Path, "/robots.txt/%d", &left); err != nil && r.URL.Path != "/robots.txt" {
				return
			}
			if left > 0 {
				http.Redirect(w, r, fmt.Sprint("/robots.txt/", left-1), http.StatusMovedPermanently)
				return
			}
			io.WriteString(w, "User-agent: *\nDisallow: /\n")
		})})
		if code, got, stderr := fetched(t, url, "--cacert", ca); code != want || (got[1].Error != nil) != (want == exitFailed) {
			t.Errorf("%d redirects: exit code %d, %+v; %s", hops, code, got[1], stderr)
		}
	}
}
