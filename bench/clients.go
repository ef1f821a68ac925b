package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mien-http/mien/bench/driver"
)

// clientNames are the folders of clients/, in the order in which results are
// shown. The first two are what the bars are about.
var clientNames = []string{"mien", "nethttp", "fasthttp", "tlsclient", "azuretls", "req", "cycletls", "surf", "httpcloak"}

// program is a client that was built.
type program struct {
	name, path string
	unverified bool // it talks to a server whose certificate nobody signed
}

// build compiles the clients. One that cannot be built, because a module of its
// own is not to be had any more, is left out, with the reason in missing.
func build(ctx context.Context, dir string, only []string) (programs []program, missing map[string]string, err error) {
	missing = make(map[string]string)
	for _, name := range clientNames {
		if len(only) > 0 && !slices.Contains(only, name) {
			continue
		}
		path := filepath.Join(dir, "client-"+name)
		cmd := exec.CommandContext(ctx, "go", "build", "-o", path, ".")
		cmd.Dir = filepath.Join("clients", name)
		if out, err := cmd.CombinedOutput(); err != nil {
			if name == "mien" || name == "nethttp" {
				return nil, nil, fmt.Errorf("%s does not build: %s", name, out)
			}
			missing[name] = "does not build: " + firstLine(string(out))
			continue
		}
		programs = append(programs, program{name: name, path: path})
	}
	return programs, missing, nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

// process is a running client.
type process struct {
	cmd *exec.Cmd
	in  *json.Encoder
	out *bufio.Reader
	end func() error
}

func (p program) start(ctx context.Context, roots string) (*process, error) {
	cmd := onCore(ctx, clientCore, p.path)
	// One core means one thread that runs Go code: what a client costs, not how
	// well it spreads.
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "SSL_CERT_FILE="+roots, "SSL_CERT_DIR="+filepath.Dir(roots)+"/none")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &process{cmd, json.NewEncoder(in), bufio.NewReader(out), in.Close}, nil
}

// grace is what a client may take beyond a job's time-out before it is killed.
const grace = 3 * time.Second

// do runs one job. A client that does not answer in time is killed.
func (p *process) do(job driver.Job) (driver.Result, error) {
	var result driver.Result
	if err := p.in.Encode(job); err != nil {
		return result, err
	}
	late := time.AfterFunc(job.Timeout+grace, func() { _ = p.cmd.Process.Kill() })
	defer late.Stop()
	for {
		line, err := p.out.ReadBytes('\n')
		if err != nil {
			return result, fmt.Errorf("no answer: %w", err)
		}
		if line[0] == '{' { // some clients write words of their own between
			return result, json.Unmarshal(line, &result)
		}
	}
}

func (p *process) stop() {
	_ = p.end()
	late := time.AfterFunc(time.Second, func() { _ = p.cmd.Process.Kill() })
	defer late.Stop()
	_ = p.cmd.Wait()
}
