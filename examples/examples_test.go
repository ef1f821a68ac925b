// Package examples holds programs that show how package mien is used. Each
// brings its origin along and runs anywhere. Those in folder with need modules
// that mien does without; they have a go.mod and a test of their own.
package examples

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

const (
	chrome = `1:65536;2:0;4:6291456;6:262144\|15663105\|0\|m,a,s,p`
	field  = `(  [\w:-]+: .*\n)*` // any number of header fields
)

// outputs are what the programs print. Package faults is tests, which run as such.
var outputs = map[string]string{
	"basic": `200 OK over h2\nHTTP/2 looks like ` + chrome + `\n  :method: GET\n  :authority: .*\n` +
		field + `  sec-ch-ua: .*"Google Chrome";v="156".*\n` + field + `  priority: u=0, i\n`,
	"concurrent": `5000 ok, 0 failed, \d+ kB\n\d+ handshakes, \d+ % of them killed, \d+ retries\n`,
	"api":        `/price 200 42\n/health 200 2 handshakes, failure rate 0\.50\n`,
	"proxies": `in turn: berlin\nin turn: lima\nchosen: lima\ngateway: exit 1\nsame tunnel: exit 1\n` +
		`new tunnel: exit 2\nnew tunnel: exit 3\n`,
	"profile": `refused: profile: identity\[0\]\.value: ".*" is not of macOS, browser\.platform\n` +
		`JA4 t13d1517h2_8daaf6152771_cb7bf5808d99 as recorded: true\n` +
		field + `  sec-ch-ua-platform: "Windows"\n` + field + `  accept-language: de-DE,de;q=0\.9,.*\n  priority: u=0, i\n`,
	"websocket": `101 Switching Protocols\nsent ping, got ping\nsent Grüße, got Grüße\n  Host: .*\n  Connection: Upgrade\n` +
		field + `  Origin: https://.*\n` + field + `  Sec-WebSocket-Extensions: permessage-deflate\n`,
	"sse": `event 1 text/event-stream\nevent 2 again\nstream ended: body of .*: unexpected EOF, attempt 1, the request was sent\n` +
		`event 3 text/event-stream\nevent 4 again\nstream ended: body .*\n` +
		`event 5 text/event-stream\nevent 6 again\nstream ended: body .*\n`,
}

func TestExamples(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("the go command is not here")
	}
	for name, want := range outputs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			out, err := exec.CommandContext(ctx, goTool, "run", "./"+name).CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if !regexp.MustCompile(`^` + want + `$`).Match(out) {
				t.Errorf("it printed\n%s", out)
			}
		})
	}
}

// TestPrograms: every program is run by a test, that of folder with by the one there.
func TestPrograms(t *testing.T) {
	programs, err := filepath.Glob("*/main.go")
	if err != nil {
		t.Fatal(err)
	}
	if len(programs) != len(outputs) {
		t.Errorf("%d programs, of which %d are run: %q", len(programs), len(outputs), programs)
	}
}

// TestLength: who reads an example sees all of a file at once.
func TestLength(t *testing.T) {
	const most = 80
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".go" || d.Name() == "examples_test.go" {
			return err
		}
		text, err := os.ReadFile(name)
		if n := bytes.Count(text, []byte("\n")); n > most {
			t.Errorf("%s has %d lines, more than %d", name, n, most)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
