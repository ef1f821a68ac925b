// Package examples holds programs that show how package mien is used. Each
// brings its origin along and runs anywhere.
package examples

import (
	"context"
	"os/exec"
	"regexp"
	"testing"
	"time"
)

func TestExamples(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("the go command is not here")
	}
	for _, c := range []struct{ name, want string }{
		{"basic", `(?s)^200 OK over h2\nHTTP/2 looks like 1:65536;2:0;4:6291456;6:262144\|15663105\|0\|m,a,s,p\n` +
			`  :method: GET\n  :authority: .*\n  sec-ch-ua: .*"Google Chrome";v="156".*\n  priority: u=0, i\n$`},
		{"concurrent", `^5000 ok, 0 failed, \d+ kB\n\d+ handshakes, \d+ % of them killed, \d+ retries\n$`},
		{"api", `^/price 200 42\n/health 200 2 handshakes, failure rate 0\.50\n$`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			out, err := exec.CommandContext(ctx, goTool, "run", "./"+c.name).CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if !regexp.MustCompile(c.want).Match(out) {
				t.Errorf("it printed\n%s", out)
			}
		})
	}
}
