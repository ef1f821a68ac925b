package docs_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestRun types what the documents tell to type. The blocks of one document are
// typed one after the other in one folder. It is an empty module, beside the
// repository as ../mien, and has the blocks under a comment "file: name", and where
// mien import is spoken of a folder named recording: what mien capture --raw wrote of
// headless_shell 153. mien is the one built from this tree. An origin that a document starts with "mien serve" runs until the
// document ends, on a port of its own, whatever port the document says.
//
// What is not typed is listed with -v: blocks under a comment "not run: reason",
// commands that a stage of "make check" runs, commands with a placeholder such as
// URL, those that ask a public host, and programs that are not installed. Only for
// "mien get" an origin stands in for example.com.
func TestRun(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the documents are written for a POSIX shell")
	}
	mien := mienBinary(t)
	stages := strings.Fields(strings.Join(stagesLine.FindStringSubmatch(readFile(t, "Makefile"))[1:], ""))
	ran := 0
	for _, d := range everyDocument(t) {
		if !slices.ContainsFunc(d.blocks, block.isCommands) {
			continue
		}
		r := newReader(t, mien)
		if slices.ContainsFunc(d.spans, func(s text) bool { return strings.HasPrefix(s.text, "mien import") }) {
			r.unpack(t)
		}
		for _, b := range d.blocks {
			if b.file != "" {
				if err := os.WriteFile(filepath.Join(r.dir, b.file), []byte(strings.Join(b.lines, "\n")), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for _, line := range b.typed() {
				why := b.notRun
				if why == "" {
					why = exempt(line, stages)
				}
				if why != "" {
					t.Logf("%s:%d: not run (%s): %s", d.name, line.line, why, line.text)
					continue
				}
				ran++
				if out, err := r.typeLine(t, line); err != nil {
					t.Errorf("%s:%d: %s\n\t%v\n%s", d.name, line.line, line.text, err, out)
				}
			}
		}
	}
	t.Logf("%d lines were run", ran)
}

var stagesLine = regexp.MustCompile(`(?m)^STAGES := (.*)$`)

// exempt says why a line is not typed, "" if it is.
func exempt(line text, stages []string) string {
	for _, c := range commandsOf(line) {
		switch c.words[0] {
		case "make":
			for _, w := range c.words[1:] {
				if w != "check" && !slices.Contains(stages, w) {
					return "longer than a test may take"
				}
			}
			return "it is what CI runs"
		case "go":
			if args, ok := c.mienArgs(); ok {
				if slices.Contains(args, "demo") && slices.Contains(stages, "demo") {
					return "stage demo"
				}
				break
			}
			switch {
			case c.words[1] == "test" && slices.Contains(stages, "test"):
				return "stage test"
			case c.words[1] == "install" && slices.Contains(c.words, "./cmd/mien"):
				return "this is how the mien of this test was built"
			case strings.Contains(line.text, "-replace="):
				continue // all that it needs is here
			case c.words[1] == "get", slices.ContainsFunc(c.words, func(w string) bool { return strings.Contains(w, "@") }):
				return "it fetches a module"
			}
		case "mien":
			if len(c.words) > 1 && c.words[1] == "demo" {
				return "stage demo"
			}
		case "git", "sudo", "sysctl", "docker":
			return "it is for the reader's machine"
		default:
			if _, err := exec.LookPath(c.words[0]); err != nil && c.words[0] != "ulimit" && c.words[0] != "cd" {
				return c.words[0] + " is not installed"
			}
		}
		for _, w := range c.words[1:] {
			if isPlaceholder(w) {
				return "placeholder " + w
			}
			host := hostOf(w)
			if host == standsFor && c.words[0] == "mien" && c.words[1] == "get" {
				continue
			}
			if host != "" && host != "localhost" && host != "127.0.0.1" {
				return "it asks " + host
			}
		}
	}
	return ""
}

var placeholder = regexp.MustCompile(`^[A-Z][A-Z_]*$|…|[^\x00-\x7f]`)

func isPlaceholder(word string) bool {
	switch word {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		return false
	}
	return placeholder.MatchString(word)
}

func hostOf(word string) string {
	if !strings.HasPrefix(word, "http://") && !strings.HasPrefix(word, "https://") {
		return ""
	}
	u, err := url.Parse(word)
	if err != nil {
		return word
	}
	return u.Hostname()
}

// standsFor is the public host for which "mien get" is given an origin of this machine.
const standsFor = "example.com"

// reader types lines in a folder.
type reader struct {
	dir, mien string
	served    []string // old and new URL, pairs for strings.NewReplacer
	standIn   bool     // for standsFor: one is there, and in served
}

// newReader makes the folder: the module app, beside the repository as mien.
func newReader(t *testing.T, mien string) *reader {
	t.Helper()
	r := &reader{dir: filepath.Join(t.TempDir(), "app"), mien: mien}
	repository, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(repository, filepath.Join(filepath.Dir(r.dir), "mien")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(r.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.dir, "go.mod"), []byte("module app\n\ngo 1.26\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *reader) unpack(t *testing.T) {
	z, err := zip.OpenReader(filepath.Join(root, "fingerprint/capture/testdata/headless-shell-153.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = z.Close() }()
	if err := os.CopyFS(filepath.Join(r.dir, "recording"), z); err != nil {
		t.Fatal(err)
	}
}

var (
	goRunMien  = regexp.MustCompile(`\bgo run \./cmd/mien\b`)
	serveAddr  = regexp.MustCompile(`--addr[ =]\S+`)
	background = regexp.MustCompile(`\s*&$`)
)

// typeLine runs one line to its end, but an origin, which it leaves running.
func (r *reader) typeLine(t *testing.T, line text) (string, error) {
	s := goRunMien.ReplaceAllString(line.text, "mien")
	if strings.HasPrefix(s, "mien serve") {
		return "", r.serve(t, commandsOf(text{line.line, background.ReplaceAllString(s, "")})[0])
	}
	if strings.HasPrefix(s, "mien get") && strings.Contains(s, "https://"+standsFor) {
		if err := r.standInFor(t); err != nil {
			return "", err
		}
		s += " --cacert stands-in.pem"
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", strings.NewReplacer(r.served...).Replace(s))
	if strings.HasPrefix(s, "go run ./") { // of the repository; nothing else is typed there
		cmd.Dir = root
	}
	r.equip(cmd)
	out, err := cmd.CombinedOutput()
	if strings.HasPrefix(s, "mien diff") && bytes.Contains(out, []byte("difference")) {
		err = nil // that there are some is no failure
	}
	return string(out), err
}

// standInFor starts the origin that is asked in place of standsFor, and makes the
// file that is uploaded there.
func (r *reader) standInFor(t *testing.T) error {
	if r.standIn {
		return nil
	}
	r.standIn = true
	if err := os.WriteFile(filepath.Join(r.dir, "cat.png"), []byte("a cat"), 0o600); err != nil {
		return err
	}
	if err := r.serve(t, command{words: strings.Fields("mien serve --cacert-out stands-in.pem")}); err != nil {
		return err
	}
	r.served = append(r.served, standsFor, r.served[len(r.served)-3]) // localhost and its port
	return nil
}

func (r *reader) equip(cmd *exec.Cmd) {
	if cmd.Dir == "" {
		cmd.Dir = r.dir
	}
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(r.mien)+string(os.PathListSeparator)+os.Getenv("PATH"), "GOPROXY=off", "GOSUMDB=off")
	cmd.WaitDelay = 10 * time.Second
}

// serve starts an origin on a free port. From then on the URL that it would have
// had in the document stands for the one that it has.
func (r *reader) serve(t *testing.T, c command) error {
	args, _ := c.mienArgs()
	whole := strings.Join(args, " ")
	old := "127.0.0.1:8443"
	if a := serveAddr.FindString(whole); a != "" {
		_, old, _ = strings.Cut(strings.Replace(a, "=", " ", 1), " ")
	}
	port := old[strings.LastIndexByte(old, ':')+1:]
	cmd := exec.Command(r.mien, append(slices.Clone(args), "--addr", "127.0.0.1:0")...)
	r.equip(cmd)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	first := make([]byte, 256) // its first line, written at once, is its URL
	n, err := out.Read(first)
	if err != nil {
		return fmt.Errorf("mien serve printed nothing: %s", stderr.String())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	line, _, _ := strings.Cut(string(first[:n]), "\n")
	u, err := url.Parse(strings.TrimSpace(line))
	if err != nil {
		return err
	}
	r.served = append(r.served, "localhost:"+port, "localhost:"+u.Port(), "127.0.0.1:"+port, "127.0.0.1:"+u.Port())
	return nil
}

// TestRunFails: a line that fails is found out.
func TestRunFails(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the documents are written for a POSIX shell")
	}
	r := newReader(t, mienBinary(t))
	for _, line := range []string{"mien show no-such-browser", "mien diff no-such.json chrome", "false"} {
		if out, err := r.typeLine(t, text{1, line}); err == nil {
			t.Errorf("%s: no error\n%s", line, out)
		}
	}
}

// TestExempt: what may not be typed is told apart from what must be.
func TestExempt(t *testing.T) {
	stages := []string{"test", "demo"}
	for line, want := range map[string]string{
		"make check":                           "it is what CI runs",
		"make nightly":                         "longer than a test may take",
		"go test ./...":                        "stage test",
		"go run ./cmd/mien demo":               "stage demo",
		"mien get https://example.com/":        "",
		"mien get https://example.org/":        "it asks example.org",
		"mien doctor https://example.com/":     "it asks example.com",
		"mien get URL":                         "placeholder URL",
		"mien get -X POST https://localhost/":  "",
		"go run ./cmd/mien profiles":           "",
		"no-such-program-anywhere":             "no-such-program-anywhere is not installed",
		"go get example.com/x":                 "it fetches a module",
		"go mod edit -replace=a=b && go get a": "",
	} {
		if got := exempt(text{1, line}, stages); got != want {
			t.Errorf("%s: %q, not %q", line, got, want)
		}
	}
}
