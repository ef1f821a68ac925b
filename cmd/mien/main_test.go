package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	testscript.Main(leakFree{m}, map[string]func(){
		"mien": main, "browser-that-crashes": crashingBrowser, "browser-that-hangs": hangingBrowser, "no-browser": notABrowser,
	})
}

// leakFree fails a run that leaves goroutines behind.
type leakFree struct{ m *testing.M }

func (l leakFree) Run() int {
	code := l.m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return code
}

// quickExit keeps the race detector from holding up each process for a second.
const quickExit = "GORACE=atexit_sleep_ms=0"

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			name, value, _ := strings.Cut(quickExit, "=")
			env.Setenv(name, value)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve":   cmdServe,
			"exits":   cmdExits,
			"objects": cmdObjects,
		},
	})
}

// cmdServe starts "mien serve" on a free port with these flags and waits until
// it has said where it is: $URL then holds that, $PORT the port. It is
// interrupted when the script ends and has to exit with 0 then.
func cmdServe(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("serve cannot be negated")
	}
	cmd := exec.Command("mien", append([]string{"serve", "--addr", "127.0.0.1:0"}, args...)...)
	cmd.Dir, cmd.Env = ts.MkAbs("."), append(os.Environ(), quickExit)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() {
		if runtime.GOOS == "windows" { // has no interrupt for one process
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			return
		}
		ts.Check(cmd.Process.Signal(os.Interrupt))
		if err := cmd.Wait(); err != nil {
			ts.Fatalf("serve, interrupted: %v", err)
		}
	})
	lines := bufio.NewReader(out)
	url, err := lines.ReadString('\n')
	if err != nil {
		ts.Fatalf("serve printed no URL: %v\n%s", err, &stderr)
	}
	how, err := lines.ReadString('\n')
	ts.Check(err)
	io.WriteString(ts.Stdout(), url+how)
	url = strings.TrimSpace(url)
	ts.Setenv("URL", url)
	ts.Setenv("PORT", url[strings.LastIndexByte(url, ':')+1:])
}

// cmdExits runs mien and checks its exit code: exits CODE ARG...
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code arg...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	cmd := exec.Command("mien", args[1:]...)
	cmd.Dir, cmd.Env = ts.MkAbs("."), append(os.Environ(), quickExit)
	cmd.Stdout, cmd.Stderr = ts.Stdout(), ts.Stderr()
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		ts.Fatalf("%v", err)
	}
	if got := cmd.ProcessState.ExitCode(); got != want {
		ts.Fatalf("mien %s exited with %d, not %d", strings.Join(args[1:], " "), got, want)
	}
}

// cmdObjects checks that a file holds that many JSON objects with these keys,
// and no more with "only": objects FILE COUNT [only] KEY...
func cmdObjects(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: objects file count [only] key...")
	}
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	keys := args[2:]
	only := keys[0] == "only"
	if only {
		keys = keys[1:]
	}
	dec := json.NewDecoder(strings.NewReader(ts.ReadFile(args[0])))
	n := 0
	for ; ; n++ {
		var object map[string]json.RawMessage
		if err := dec.Decode(&object); err == io.EOF {
			break
		} else if err != nil {
			ts.Fatalf("object %d: %v", n+1, err)
		}
		for _, key := range keys {
			if _, ok := object[key]; !ok {
				ts.Fatalf("object %d has no %q", n+1, key)
			}
		}
		if only && len(object) != len(keys) {
			ts.Fatalf("object %d has %d keys, not %d", n+1, len(object), len(keys))
		}
	}
	if n != want {
		ts.Fatalf("%d objects, not %d", n, want)
	}
}
