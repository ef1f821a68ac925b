// Package with holds examples that need other modules: mien under a crawler, an
// SDK, and Prometheus. Each brings its origin along and runs anywhere.
package with

import (
	"context"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

const field = `(  [\w:-]+: .*\n)*` // any number of header fields

// outputs are what the programs print.
var outputs = map[string]string{
	"crawl": `31 pages, 0 failed\n`,
	"metrics": `mien_handshake_failure_ratio 0\.75\n(mien_.*\n)*mien_handshakes_failed_total\{class="HandshakeReset"\} 3\n(mien_.*\n)*` +
		`mien_requests_total 5\nmien_retries_total 3\nmien_retry_causes_total\{class="HandshakeReset",of="connection"\} 3\n`,
	"sdk": `content of /bucket/key, after 2 handshakes that died\n` + field + `  user-agent: aws-sdk-go-v2/.*\n` + field +
		`  sec-ch-ua: .*"Google Chrome";v="156".*\n` + field + `  sec-fetch-mode: cors\n  sec-fetch-dest: empty\n` + field +
		`  priority: u=1, i\n`,
}

func TestExamples(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("the go command is not here")
	}
	programs, err := filepath.Glob("*/main.go")
	if err != nil {
		t.Fatal(err)
	}
	if len(programs) != len(outputs) {
		t.Errorf("%d programs, of which %d are run: %q", len(programs), len(outputs), programs)
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
