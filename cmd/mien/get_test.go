package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mien-http/mien/mientest"
)

// newOrigin runs an origin and returns its URL and the file with its CA.
func newOrigin(t *testing.T, cfg mientest.Config) (url, cacert string) {
	t.Helper()
	o, err := mientest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	cacert = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(cacert, o.CertPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	return o.URL, cacert
}

// mienCommand runs the command in this process.
func mienCommand(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(args, &out, &errs)
	return code, out.String(), errs.String()
}

// answers is a handler with one path for each case.
func answers() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "front page") })
	mux.HandleFunc("/old", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/older", http.StatusFound) })
	mux.HandleFunc("/older", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusMovedPermanently) })
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	mux.HandleFunc("/bytes", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte{0xff, 0xfe}) })
	mux.HandleFunc("/silent", func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		panic(http.ErrAbortHandler) // else 200 could still arrive while the client is closing
	})
	mux.HandleFunc("/cut", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		io.WriteString(w, "12345")
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	return mux
}

func TestGetAnswers(t *testing.T) {
	for _, protocol := range []string{"h2", "http/1.1"} {
		url, ca := newOrigin(t, mientest.Config{Handler: answers(), Protocols: []string{protocol}})
		for _, c := range []struct {
			name   string
			path   string
			args   []string
			code   int
			stdout string // all of it
			stderr string // a part of it; "": nothing is printed
		}{
			{name: "body", path: "/", stdout: "front page"},
			{name: "redirects", path: "/old", stdout: "front page"},
			{name: "redirects told", path: "/old", args: []string{"-v"}, stdout: "front page", stderr: "* redirect 2, to " + url + "/\n"},
			{name: "redirect kept", path: "/old", args: []string{"--no-follow"}, stdout: "<a href=\"/older\">Found</a>.\n\n"},
			{name: "redirect is no failure", path: "/old", args: []string{"--no-follow", "--fail"}, stdout: "<a href=\"/older\">Found</a>.\n\n"},
			{name: "fail with body", path: "/missing", args: []string{"--fail-with-body"}, code: 1, stdout: "404 page not found\n", stderr: "mien: " + url + "/missing answered 404 Not Found\n"},
			{name: "silent", path: "/missing", args: []string{"-sf"}, code: 1},
			{name: "silent but for errors", path: "/missing", args: []string{"-sSf"}, code: 1, stderr: "answered 404"},
			{name: "redirects bounded", path: "/old", args: []string{"--max-redirs", "1"}, code: 1, stderr: "stopped after 1 redirects"},
			{name: "redirects refused", path: "/old", args: []string{"--max-redirs", "0"}, code: 1, stderr: "--max-redirs 0 lets none be followed"},
			{name: "any number of redirects", path: "/old", args: []string{"-L", "--max-redirs", "-1"}, stdout: "front page"},
			{name: "seconds", path: "/silent", args: []string{"-m", "0.1"}, code: 1, stderr: "deadline exceeded"},
			{name: "loop", path: "/loop", code: 1, stderr: "redirect"},
			{name: "status", path: "/missing", stdout: "404 page not found\n"},
			{name: "fail", path: "/missing", args: []string{"-f"}, code: 1, stderr: "mien: " + url + "/missing answered 404 Not Found\n"},
			{name: "timeout", path: "/silent", args: []string{"--timeout", "100ms"}, code: 1, stderr: "deadline exceeded"},
			{name: "cut body", path: "/cut", code: 1, stdout: "12345", stderr: "(5 bytes of the body were written)\n"},
			{name: "no such directory", path: "/", args: []string{"-o", filepath.Join(t.TempDir(), "no", "file")}, code: 1, stderr: "no"},
		} {
			t.Run(protocol+" "+c.name, func(t *testing.T) {
				code, stdout, stderr := mienCommand(append([]string{"get", url + c.path, "--cacert", ca}, c.args...)...)
				if code != c.code || stdout != c.stdout {
					t.Errorf("exit code %d, output %q; want %d, %q", code, stdout, c.code, c.stdout)
				}
				if !strings.Contains(stderr, c.stderr) || c.stderr == "" && stderr != "" {
					t.Errorf("standard error is %q, want %q", stderr, c.stderr)
				}
			})
		}
	}
}

func TestGetReport(t *testing.T) {
	url, ca := newOrigin(t, mientest.Config{Handler: answers()})
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"after redirects", []string{"/old"}, 0, `{"url":"` + url + `/","status":200,"protocol":"h2","body":"front page"}`},
		{"bytes", []string{"/bytes"}, 0, `{"url":"` + url + `/bytes","status":200,"protocol":"h2","body_base64":"//4="}`},
		{"empty", []string{"/", "-I"}, 0, `{"url":"` + url + `/","status":200,"protocol":"h2","body":""}`},
		{"fail", []string{"/missing", "-f"}, 1, `{"url":"` + url + `/missing","status":404,"protocol":"h2","body":"404 page not found\n",` +
			`"error":{"message":"` + url + `/missing answered 404 Not Found","phase":"","class":"","sent":true,"attempt":0}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := mienCommand(append([]string{"get", "--report", "--cacert", ca, url + c.args[0]}, c.args[1:]...)...)
			var got, want map[string]any
			if err := json.Unmarshal([]byte(stdout), &got); err != nil {
				t.Fatalf("%v; standard error: %s", err, stderr)
			}
			if _, ok := got["headers"].(map[string]any); !ok {
				t.Errorf("headers are %v", got["headers"])
			}
			delete(got, "headers")
			if err := json.Unmarshal([]byte(c.want), &want); err != nil {
				t.Fatal(err)
			}
			g, _ := json.Marshal(got)
			w, _ := json.Marshal(want)
			if code != c.code || !bytes.Equal(g, w) {
				t.Errorf("exit code %d and\n%s, want %d and\n%s", code, g, c.code, w)
			}
		})
	}
}

// TestGetReportError has an error in the middle of the body: what came is kept.
func TestGetReportError(t *testing.T) {
	url, ca := newOrigin(t, mientest.Config{Handler: answers()})
	code, stdout, _ := mienCommand("get", "--report", "--cacert", ca, url+"/cut")
	var got getResult
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err)
	}
	if code != exitFailed || got.Status != 200 || got.Body == nil || *got.Body != "12345" {
		t.Errorf("exit code %d, %s", code, stdout)
	}
	if e := got.Error; e == nil || e.Phase != "body" || e.Class != "BodyCut" || !e.Sent || e.Attempt != 1 {
		t.Errorf("error is %+v", e)
	}
}

// TestGetMaxAttempts counts what reaches the origin.
func TestGetMaxAttempts(t *testing.T) {
	for _, c := range []struct {
		flag string
		want int64
	}{{"0", 4}, {"1", 1}, {"2", 2}} {
		o, err := mientest.New(mientest.Config{Faults: mientest.Faults{Request: mientest.RequestFaults{
			Script: func(int, *http.Request) mientest.RequestAction {
				return mientest.RequestAction{Reset: true, ResetCode: 7} // REFUSED_STREAM: not processed, so always repeated
			},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		code, _, stderr := mienCommand("get", o.URL, "-k", "--max-attempts", c.flag)
		if got := o.Counters().Requests; code != exitFailed || got != c.want {
			t.Errorf("--max-attempts %s: exit code %d, %d requests, want %d; %s", c.flag, code, got, c.want, stderr)
		}
		o.Close()
	}
}
