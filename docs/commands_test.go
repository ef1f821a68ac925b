package docs_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// binary is mien, built once, in a folder of its own.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "mien-docs-")
	if err != nil {
		return "", err
	}
	built = dir
	cmd := exec.Command("go", "install", "-buildvcs=false", "./cmd/mien")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "GOBIN="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go install ./cmd/mien: %w\n%s", err, out)
	}
	name := filepath.Join(dir, "mien")
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return name, nil
})

var built string // the folder of binary; TestMain removes it

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		_ = os.RemoveAll(built)
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func mienBinary(t *testing.T) string {
	t.Helper()
	name, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// everyCommand is all that documents tell to type: in blocks, and between
// backticks where it begins with one of the project's programs.
func everyCommand(t *testing.T) map[*document][]command {
	all := map[*document][]command{}
	for _, d := range everyDocument(t) {
		for _, b := range d.blocks {
			for _, line := range b.typed() {
				all[d] = append(all[d], commandsOf(line)...)
			}
		}
		for _, s := range d.spans {
			if w := strings.Fields(s.text); len(w) > 1 && slices.Contains([]string{"mien", "go", "make", "curl", "ulimit"}, w[0]) {
				all[d] = append(all[d], commandsOf(s)...)
			}
		}
	}
	return all
}

// TestCommands: each command in a document can be typed. mien has the subcommand
// and the flags, and takes their values; make has the target; go finds the package,
// and the tests that -run asks for are there.
func TestCommands(t *testing.T) {
	mien := mienBinary(t)
	targets, tests := makeTargets(t), testNames(t)
	checked := map[string]string{}
	for d, commands := range everyCommand(t) {
		for _, c := range commands {
			key := strings.Join(c.words, "\x00")
			problem, ok := checked[key]
			if !ok {
				problem = checkCommand(c, mien, targets, tests)
				checked[key] = problem
			}
			if problem != "" {
				t.Errorf("%s:%d: %s\n\t%s", d.name, c.line, c.whole, problem)
			}
		}
	}
	t.Logf("%d commands", len(checked))
	if len(checked) < 20 {
		t.Errorf("only %d commands were found", len(checked))
	}
	for line, want := range map[string]string{
		"mien get URL --no-such-flag":           "unknown flag",
		"mien no-such-command":                  "unknown command",
		"mien demo --requests many":             "invalid argument",
		"make no-such-target":                   "no target",
		"go test ./no/such/package":             "no package",
		"go test -run '^TestNoSuchTest$' ./...": "no test",
	} {
		if got := checkCommand(commandsOf(text{1, line})[0], mien, targets, tests); !strings.Contains(got, want) {
			t.Errorf("%s: %q does not say %q", line, got, want)
		}
	}
}

func checkCommand(c command, mien string, targets, tests []string) string {
	if args, ok := c.mienArgs(); ok {
		return checkMien(mien, args)
	}
	switch c.words[0] {
	case "make":
		for _, w := range c.words[1:] {
			if !strings.HasPrefix(w, "-") && !isAssignment(w) && !slices.Contains(targets, w) {
				return "the Makefile has no target " + w
			}
		}
	case "go":
		return checkGo(c.words[1:], tests)
	}
	return ""
}

// checkMien asks for help in front of the flags: mien then looks at the command and
// at all flags with their values, and does nothing. A flag at the end may stand
// without its value.
func checkMien(mien string, args []string) string {
	if i := slices.Index(args, "--"); i >= 0 {
		args = args[:i]
	}
	ask := slices.Clone(args)
	if len(ask) > 0 {
		ask = slices.Insert(ask, 1, "--help")
	} else {
		ask = []string{"--help"}
	}
	out, err := helpOf(mien, ask)
	if strings.HasPrefix(ask[len(ask)-1], "-") && strings.Contains(out, "needs an argument") {
		out, err = helpOf(mien, append(ask, "1"))
	}
	if err != nil {
		return strings.TrimSpace(out)
	}
	if !strings.Contains(out, "Usage:") {
		return "its help has no usage"
	}
	return ""
}

func helpOf(mien string, args []string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, mien, args...).CombinedOutput()
	return string(out), err
}

func checkGo(args, tests []string) string {
	if len(args) == 0 {
		return ""
	}
	switch args[0] {
	case "test", "run", "vet", "build", "install", "doc", "get":
	default:
		return ""
	}
	for i, w := range args[1:] {
		before := args[i]
		switch {
		case before == "-run" || before == "-fuzz":
			if re, err := regexp.Compile(w); err != nil {
				return err.Error()
			} else if !isPlaceholder(w) && w != "^$" && !slices.ContainsFunc(tests, re.MatchString) {
				return "there is no test that -run " + w + " matches"
			}
		case strings.HasPrefix(w, "./") || strings.HasPrefix(w, "github.com/mien-http/mien"):
			name, _, _ := strings.Cut(strings.TrimPrefix(w, "github.com/mien-http/mien"), "@")
			files, _ := filepath.Glob(filepath.Join(root, strings.TrimSuffix(name, "..."), "*"))
			if len(files) == 0 {
				return "there is no package " + w
			}
			if args[0] == "run" {
				return "" // what follows are arguments
			}
		}
	}
	return ""
}

var targetLine = regexp.MustCompile(`(?m)^([a-z]+):.*##`)

func makeTargets(t *testing.T) []string {
	var names []string
	for _, m := range targetLine.FindAllStringSubmatch(readFile(t, "Makefile"), -1) {
		names = append(names, m[1])
	}
	return names
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark|Example)\w*)\(`)

// testNames are those of all tests in the repository, nested modules included.
func testNames(t *testing.T) []string {
	var names []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		b, err := os.ReadFile(path)
		for _, m := range testFunc.FindAllSubmatch(b, -1) {
			names = append(names, string(m[1]))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

var pathSpan = regexp.MustCompile(`^[\w.-]+(/[\w.*-]+)+/?$`)

// TestNamedFiles: a path between backticks that begins with a folder of the
// repository exists, seen from its root or from the document.
func TestNamedFiles(t *testing.T) {
	for _, d := range everyDocument(t) {
		here := filepath.Dir(filepath.Join(root, d.name))
		for _, s := range d.spans {
			first, _, ok := strings.Cut(s.text, "/")
			if !ok || !pathSpan.MatchString(s.text) {
				continue
			}
			if info, err := os.Stat(filepath.Join(root, first)); err != nil || !info.IsDir() {
				continue
			}
			a, _ := filepath.Glob(filepath.Join(root, s.text))
			b, _ := filepath.Glob(filepath.Join(here, s.text))
			if len(a)+len(b) == 0 {
				t.Errorf("%s:%d: there is no %s", d.name, s.line, s.text)
			}
		}
	}
}

var metricName = regexp.MustCompile(`\bmien_[a-z_]+`)

// TestNamedMetrics: a metric that a document names is one of observe/prometheus.
func TestNamedMetrics(t *testing.T) {
	var source strings.Builder
	files, err := filepath.Glob(filepath.Join(root, "observe/prometheus/*.go"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(b)
	}
	known := metricName.FindAllString(source.String(), -1)
	for _, d := range everyDocument(t) {
		for _, s := range d.spans {
			for _, name := range metricName.FindAllString(s.text, -1) {
				if !slices.Contains(known, name) {
					t.Errorf("%s:%d: there is no metric %s", d.name, s.line, name)
				}
			}
		}
	}
}
