package main

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// completed is what a shell would offer for these words, without descriptions.
func completed(t *testing.T, words ...string) (all []string, directive string) {
	t.Helper()
	code, stdout, stderr := mienCommand(append([]string{"__complete"}, words...)...)
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	for _, line := range lines[:len(lines)-1] {
		word, _, _ := strings.Cut(line, "\t")
		all = append(all, word)
	}
	return all, lines[len(lines)-1]
}

func TestCompletion(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"order.json", "other", ".hidden"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		words     []string
		want      []string // all of them, or with "…" at the end these among others
		directive string
	}{
		{[]string{"get", "--profile", "fire"}, []string{"firefox", "firefox-153-linux", "…"}, ":4"},
		{[]string{"get", "--profile", "utls:HelloChrome_13"}, []string{"utls:HelloChrome_133", "…"}, ":4"},
		{[]string{"get", "--profile", "./p"}, []string{"json"}, ":8"},
		{[]string{"doctor", "--profile", "fire"}, []string{"firefox", "…"}, ":4"},
		{[]string{"show", "fire"}, []string{"firefox", "…"}, ":4"},
		{[]string{"get", "--dest", ""}, destinations(), ":4"},
		{[]string{"get", "--dest", "i"}, []string{"iframe", "image"}, ":4"},
		{[]string{"get", "-X", "P"}, []string{"POST", "PUT", "PATCH"}, ":4"},
		{[]string{"get", "--cacert", ""}, []string{"pem", "crt", "cer", "key"}, ":8"},
		{[]string{"get", "-x", "socks5"}, []string{"socks5h://", "socks5://"}, ":6"},
		{[]string{"get", "-d", "@o"}, []string{"@order.json", "@other"}, ":4"},
		{[]string{"get", "-F", "a=@"}, []string{"a=@order.json", "a=@other"}, ":4"},
		{[]string{"get", "-w", "%{time_c"}, []string{"%{time_connect}"}, ":4"},
		{[]string{"get", "-u", ""}, nil, ":4"},
		{[]string{"get", "ht"}, []string{"https://", "http://"}, ":6"},
		{[]string{"get", "-o", ""}, nil, ":0"},
	} {
		got, directive := completed(t, c.words...)
		some := len(c.want) > 0 && c.want[len(c.want)-1] == "…"
		want := c.want
		if some {
			want = want[:len(want)-1]
		}
		for _, w := range want {
			if !slices.Contains(got, w) {
				t.Errorf("%q: %q is not in %q", c.words, w, got)
			}
		}
		if directive != c.directive || !some && len(got) != len(want) {
			t.Errorf("%q: %q %s, want %q %s", c.words, got, directive, want, c.directive)
		}
	}
}

// TestCompletionScripts: each shell has its script.
func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		code, stdout, stderr := mienCommand("completion", shell)
		if code != exitDone || !strings.Contains(stdout, "mien") || len(stdout) < 1000 {
			t.Errorf("%s: exit code %d, %d bytes: %s", shell, code, len(stdout), stderr)
		}
	}
}

// TestNoRefusedFlagIsOffered: what is refused is neither in the help nor completed.
func TestNoRefusedFlagIsOffered(t *testing.T) {
	_, help, _ := mienCommand("get", "--help")
	offered, _ := completed(t, "get", "--")
	for _, r := range refusedFlags {
		if strings.Contains(help, "--"+r.name+" ") || slices.Contains(offered, "--"+r.name) {
			t.Errorf("--%s is offered", r.name)
		}
	}
}
