package mien_test

import (
	"go/ast"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// withoutExample are functions that need none.
var withoutExample = []string{
	"mien.RoundTrip",                                                  // as an http.Client calls it
	"mien.CloseIdleConnections",                                       // the same
	"fingerprint.Chrome", "fingerprint.Firefox", "fingerprint.Safari", // Lookup by another name
	"fingerprint.MixOrder", // for who compares recordings
	"retry.Classes",        // a list
	"retry.Replayable",     // what Rewind asks
}

// TestExamplesCover: every function of api.txt, and every method of Session, is
// used in an example of its package.
func TestExamplesCover(t *testing.T) {
	used := map[string]bool{} // package.Name
	for _, f := range sourceFiles(t) {
		if !f.test || !strings.HasPrefix(path.Base(f.name), "example") {
			continue
		}
		pkg := strings.TrimSuffix(f.syntax.Name.Name, "_test")
		for _, d := range f.syntax.Decls {
			ast.Inspect(d, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok {
					used[pkg+"."+sel.Sel.Name] = true
				}
				return true
			})
		}
	}
	api, err := os.ReadFile("api.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(api)) {
		pkg, rest, _ := strings.Cut(strings.TrimPrefix(line, "pkg "), ", ")
		name, ok := strings.CutPrefix(rest, "func ")
		if !ok {
			name, ok = strings.CutPrefix(rest, "method (*Session) ")
		}
		if !ok {
			continue
		}
		n++
		name, _, _ = strings.Cut(name, "(")
		name = pkg + "." + name
		if used[name] == slices.Contains(withoutExample, name) {
			t.Errorf("%s is used in an example: %t; withoutExample says otherwise", name, used[name])
		}
	}
	if n < 30 {
		t.Errorf("only %d functions in api.txt", n)
	}
}
