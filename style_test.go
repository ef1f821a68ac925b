package mien_test

import (
	"bufio"
	"bytes"
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// maxLines keeps a file to one subject, tests included.
const maxLines = 400

func TestFileLength(t *testing.T) {
	for _, f := range sourceFiles(t) {
		if !ast.IsGenerated(f.syntax) && f.lines > maxLines {
			t.Errorf("%s has %d lines, more than %d: one state machine, one struct, one file", f.name, f.lines, maxLines)
		}
	}
}

// TestNoSleepInTests: a test waits for what it waits for, by a channel, or in
// the exact time of testing/synctest, where a sleep takes no time.
func TestNoSleepInTests(t *testing.T) {
	for _, f := range sourceFiles(t) {
		local := f.localName("time")
		if !f.test || local == "" || f.localName("testing/synctest") != "" {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Sleep" {
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == local {
					t.Errorf("%s: time.Sleep in a test is slow on a fast machine and wrong on a slow one", f.position(sel))
				}
			}
			return true
		})
	}
}

// wordRules hold comments and documents to be about the project, finished, and
// true on every machine.
var wordRules = []struct {
	bad *regexp.Regexp
	why string
}{
	{regexp.MustCompile(`\b(TODO|FIXME|XXX|HACK)\b`), "what is left to do goes into an issue; the tree is finished at every commit"},
	{regexp.MustCompile(`(?i)\b(not (yet )?implemented|stubbed)\b`), "what does not exist is not exported, and a gap is documented as a limitation"},
	{regexp.MustCompile(`(^|[\s"'(\x60=])/(work|root|tmp|home/\w+|Users/\w+)/`), "a path of one machine means nothing to another reader"},
	{regexp.MustCompile(`(?i)\bissue #?\d{1,3}\b`), "a comment explains by itself; who reads it does not have the tracker open"},
}

func checkWords(t *testing.T, where, text string) {
	t.Helper()
	for _, r := range wordRules {
		if found := r.bad.FindString(text); found != "" {
			t.Errorf("%s: %q\n\t%s", where, strings.TrimSpace(found), r.why)
		}
	}
}

func TestWordsOfComments(t *testing.T) {
	for _, f := range sourceFiles(t) {
		for _, group := range f.syntax.Comments {
			for _, c := range group.List {
				checkWords(t, f.position(c), c.Text)
			}
		}
	}
}

func TestWordsOfDocuments(t *testing.T) {
	err := walkTree(func(name string) error {
		switch base := path.Base(name); {
		case path.Ext(base) == ".md", path.Ext(base) == ".yml", path.Ext(base) == ".sh":
		case base == "Makefile", path.Dir(name) == ".ci":
		default:
			return nil
		}
		text, err := os.ReadFile(filepath.FromSlash(name))
		if err != nil {
			return err
		}
		checkWords(t, name, string(text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWordRulesBite(t *testing.T) {
	for text, bad := range map[string]bool{
		"// TODO: later":                      true,
		"// not implemented":                  true,
		"see /work/x/README.md":               true,
		"written for issue 7":                 true,
		"see golang/go issue 12345":           false,
		"https://example.com/tmp/x":           false,
		"a method that RFC 9110 has not tODO": false,
	} {
		got := false
		for _, r := range wordRules {
			got = got || r.bad.MatchString(text)
		}
		if got != bad {
			t.Errorf("%q: refused %v, want %v", text, got, bad)
		}
	}
}

// TestLintersHaveReasons: a linter without a reason is noise to whoever it stops.
func TestLintersHaveReasons(t *testing.T) {
	text, err := os.ReadFile(".golangci.yml")
	if err != nil {
		t.Fatal(err)
	}
	item := regexp.MustCompile(`^\s+- [a-z0-9_]+\s*(#.*)?$`)
	count := 0
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		m := item.FindStringSubmatch(s.Text())
		if m == nil {
			continue
		}
		count++
		if len(m[1]) < len("# reason") {
			t.Errorf(".golangci.yml: %q has no reason behind it", strings.TrimSpace(s.Text()))
		}
	}
	if count == 0 {
		t.Error(".golangci.yml: no linter found")
	}
}

// TestNamedTestsExist: a document that proves a claim by a test names one that
// is there.
func TestNamedTestsExist(t *testing.T) {
	declared := map[string]bool{}
	for _, f := range sourceFiles(t) {
		for _, d := range f.syntax.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && f.test {
				declared[fn.Name.Name] = true
			}
		}
	}
	named := regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z]\\w*)`")
	err := walkTree(func(name string) error {
		if path.Ext(name) != ".md" {
			return nil
		}
		text, err := os.ReadFile(filepath.FromSlash(name))
		if err != nil {
			return err
		}
		for _, m := range named.FindAllStringSubmatch(string(text), -1) {
			if !declared[m[1]] {
				t.Errorf("%s names %s, which does not exist", name, m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
