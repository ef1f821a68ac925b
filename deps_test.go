package mien_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const modulePath = "github.com/mien-http/mien"

// importRules say who may know whom. Packages are named by their folder, "."
// being the root; "..." stands for every path and "x/..." for x and all below it.
var importRules = []importRule{
	{
		in: []string{"..."}, but: []string{"internal/tlsconn"},
		not: []string{"github.com/refraction-networking/utls/..."},
		why: "uTLS's types and errors are not crypto/tls's, so errors.As fails on them: one package converts them all",
	},
	{
		in: []string{"..."}, but: []string{"internal/h2", "mientest", "retry"},
		not: []string{"golang.org/x/net/http2"},
		why: "one package speaks HTTP/2 and the fault origin answers it; retry reads the error types of x/net's transport, to be of use around that one",
	},
	{
		in:  []string{"fingerprint/..."},
		not: []string{external}, may: []string{"fingerprint/..."},
		why: "profiles, codecs and digests are data and arithmetic: tools that only read hellos get no dependency with them",
	},
	{
		in: []string{"internal/..."}, tests: true,
		not: []string{"."},
		why: "imports point down: the root is made of the internal packages",
	},
	{
		in: []string{"internal/..."}, but: []string{"internal/egress"},
		not: []string{"internal/..."},
		why: "TLS, HTTP/1, HTTP/2, decoders and semaphores meet in the root alone; each can be read and changed by itself",
	},
	{
		in:  []string{"internal/..."},
		not: []string{"mientest/...", "cmd/...", "examples/..."},
		why: "imports point down; tests may use the fault origin",
	},
	{
		in: []string{"retry/..."}, tests: true,
		not: []string{".", "internal/...", "fingerprint/..."},
		why: "it works around any http.RoundTripper: facts reach it through small interfaces, not through our types",
	},
	{
		in:  []string{"mientest/..."},
		not: []string{".", "internal/...", "retry/..."},
		why: "a judge must not share code with what it judges; only fingerprint's codecs are common to both",
	},
	{
		in: []string{"cmd/...", "examples/..."}, tests: true,
		not: []string{"internal/..."}, may: []string{"internal/livetest"},
		why: "what they do, every importer of the module must be able to do. (livetest: their tests start programs)",
	},
	{
		in:  []string{"..."},
		not: []string{"internal/livetest"},
		why: "it is for tests alone",
	},
	{
		in: []string{"cmd/mien/internal/..."}, but: []string{"cmd/mien/internal/capture"},
		not: []string{"mientest/..."},
		why: "the fault origin is for tests of what a command finds out. (capture: what it finds out is what an origin sees)",
	},
	{
		in:  []string{"cmd/mien/internal/..."},
		not: []string{"github.com/spf13/cobra"},
		why: "what a command finds out is told apart from how it is asked and shown; the fault origin is for its tests",
	},
	{
		in: []string{"..."}, but: []string{"mientest", "examples/..."},
		not: []string{"log"},
		why: "a library does not print; warnings go to Config.Logger. (mientest: the type of http.Server's ErrorLog)",
	},
	{
		in: []string{"..."}, but: []string{"examples/...", "internal/livetest"},
		not: []string{"testing", "net/http/httptest"},
		why: "test machinery does not belong into a program; mientest too works without a *testing.T. (livetest: for tests alone)",
	},
}

// useRules say who may call what.
var useRules = []useRule{
	{
		but: []string{"internal/egress", "internal/livetest", "mientest/...", "cmd/...", "examples/..."},
		of:  "net",
		not: []string{
			"Dial*", "Dialer", "ListenPacket", "ListenUDP", "ListenIP", "ListenUnixgram", "ListenMulticastUDP",
			"Lookup*", "Resolve*", "Resolver", "DefaultResolver",
		},
		why: "every socket and every name lookup has one choke point: a session bound to a proxy can then never go around it",
	},
	{
		but: []string{"mientest/...", "cmd/...", "examples/...", "internal/egress"},
		of:  "crypto/tls",
		not: []string{"Dial*", "Dialer", "Client"},
		why: "a connection made by crypto/tls does not look like any browser (internal/egress: to an https proxy, which is no origin)",
	},
	{
		but: []string{"cmd/...", "examples/...", "retry"},
		of:  "net/http",
		not: []string{"DefaultClient", "DefaultTransport", "Get", "Head", "Post", "PostForm"},
		why: "the default client dials by itself, around egress and profile. (retry: the base of a Transport that names none)",
	},
	{
		but: []string{"examples/..."},
		of:  "log",
		not: []string{"Print*", "Fatal*", "Panic*", "Default", "SetOutput", "SetFlags", "SetPrefix", "Output"},
		why: "a library does not print, and does not end the program",
	},
}

// external matches whatever does not come with Go.
const external = "(external)"

type importRule struct {
	in, but []string // packages that the rule binds, and exceptions
	not     []string // what they must not import
	may     []string // exceptions to not
	tests   bool     // binds their tests too
	why     string
}

type useRule struct {
	but []string // packages that the rule does not bind
	of  string   // import path
	not []string // names of that package; a final * stands for any ending
	why string
}

func (r importRule) forbids(pkg, imported string, test bool) bool {
	if test && !r.tests || !matchAny(r.in, pkg) || matchAny(r.but, pkg) {
		return false
	}
	if slices.Contains(r.not, external) && isExternal(imported) {
		return !matchAny(r.may, ownPackage(imported))
	}
	return (matchAny(r.not, ownPackage(imported)) || matchAny(r.not, imported)) && !matchAny(r.may, ownPackage(imported))
}

func (r useRule) forbids(pkg, name string) bool {
	return !matchAny(r.but, pkg) && slices.ContainsFunc(r.not, func(n string) bool {
		stem, open := strings.CutSuffix(n, "*")
		return name == n || open && strings.HasPrefix(name, stem)
	})
}

func matchAny(patterns []string, p string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if pattern == "..." {
			return true
		}
		stem, open := strings.CutSuffix(pattern, "/...")
		return p == stem || open && strings.HasPrefix(p, stem+"/")
	})
}

// isExternal goes by the dot that the first element of every fetched path has.
func isExternal(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return strings.Contains(first, ".")
}

// ownPackage turns an import path of this module into its folder, and gives ""
// for any other.
func ownPackage(imported string) string {
	if imported == modulePath {
		return "."
	}
	folder, ok := strings.CutPrefix(imported, modulePath+"/")
	if !ok {
		return ""
	}
	return folder
}

func TestImports(t *testing.T) {
	for _, f := range sourceFiles(t) {
		for _, spec := range f.syntax.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range importRules {
				if r.forbids(f.pkg, imported, f.test) {
					t.Errorf("%s imports %s\n\t%s", f.position(spec), imported, r.why)
				}
			}
		}
	}
}

func TestUses(t *testing.T) {
	for _, f := range sourceFiles(t) {
		if f.test {
			continue
		}
		for _, r := range useRules {
			local := f.localName(r.of)
			if local == "" {
				continue
			}
			ast.Inspect(f.syntax, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == local && r.forbids(f.pkg, sel.Sel.Name) {
					t.Errorf("%s uses %s.%s\n\t%s", f.position(sel), r.of, sel.Sel.Name, r.why)
				}
				return true
			})
		}
	}
}

// TestRulesBite holds the tables above to what they are meant to refuse, so that
// a slip in a pattern does not silently allow everything.
func TestRulesBite(t *testing.T) {
	for _, c := range []struct {
		pkg, imported string
		test, refused bool
	}{
		{".", "github.com/refraction-networking/utls", false, true},
		{".", "github.com/refraction-networking/utls/dicttls", false, true},
		{"internal/tlsconn", "github.com/refraction-networking/utls", false, false},
		{"internal/h1", "golang.org/x/net/http2", false, true},
		{"internal/h1", "golang.org/x/net/http2/hpack", false, false},
		{"internal/h2", "golang.org/x/net/http2", false, false},
		{"fingerprint", "golang.org/x/net/idna", false, true},
		{"fingerprint", modulePath + "/retry", false, true},
		{"fingerprint", modulePath + "/fingerprint/profiles", false, false},
		{"fingerprint", "crypto/sha256", false, false},
		{"internal/h2", modulePath, true, true},
		{"internal/h2", modulePath + "/internal/h1", false, true},
		{"internal/h2", modulePath + "/mientest", true, false},
		{"retry", modulePath + "/internal/h2", true, true},
		{"mientest", modulePath + "/internal/h2", false, true},
		{"mientest", modulePath + "/fingerprint", false, false},
		{"cmd/mien", modulePath + "/internal/h2", true, true},
		{"cmd/mien", modulePath + "/mientest", false, false},
		{"cmd/mien", modulePath + "/cmd/mien/internal/doctor", false, false},
		{"cmd/mien", modulePath + "/internal/livetest", true, false},
		{"cmd/mien", modulePath + "/internal/livetest", false, true},
		{"cmd/mien/internal/capture", modulePath + "/mientest", false, false},
		{"cmd/mien/internal/capture", "github.com/spf13/cobra", false, true},
		{"cmd/mien/internal/doctor", modulePath + "/internal/egress", false, true},
		{"cmd/mien/internal/doctor", modulePath + "/mientest", false, true},
		{"cmd/mien/internal/doctor", modulePath + "/mientest", true, false},
		{"retry", "log", false, true},
		{"retry", "log/slog", false, false},
	} {
		refused := slices.ContainsFunc(importRules, func(r importRule) bool { return r.forbids(c.pkg, c.imported, c.test) })
		if refused != c.refused {
			t.Errorf("%s importing %s (test: %v): refused %v, want %v", c.pkg, c.imported, c.test, refused, c.refused)
		}
	}
	for _, c := range []struct {
		pkg, name string
		refused   bool
	}{
		{".", "DialTimeout", true},
		{".", "Dialer", true},
		{"internal/h1", "LookupHost", true},
		{"internal/egress", "Dialer", false},
		{"cmd/mien", "Dial", false},
		{".", "Listener", false},
	} {
		if refused := useRules[0].forbids(c.pkg, c.name); refused != c.refused {
			t.Errorf("%s using net.%s: refused %v, want %v", c.pkg, c.name, refused, c.refused)
		}
	}
}

// sourceFile is one parsed Go file of this module.
type sourceFile struct {
	name   string // slashes, from the module's root
	pkg    string // folder; "." is the root
	test   bool
	lines  int
	fset   *token.FileSet
	syntax *ast.File
}

func (f *sourceFile) position(n ast.Node) string {
	return fmt.Sprintf("%s:%d", f.name, f.fset.Position(n.Pos()).Line)
}

// localName is the name that f knows an imported package by, "" if it does not
// import it.
func (f *sourceFile) localName(imported string) string {
	for _, spec := range f.syntax.Imports {
		if spec.Path.Value != strconv.Quote(imported) {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path.Base(imported)
	}
	return ""
}

var parseSources = sync.OnceValues(func() ([]*sourceFile, error) {
	fset := token.NewFileSet()
	var files []*sourceFile
	err := walkTree(func(name string) error {
		if path.Ext(name) != ".go" {
			return nil
		}
		syntax, err := parser.ParseFile(fset, filepath.FromSlash(name), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files = append(files, &sourceFile{
			name: name, pkg: path.Dir(name), test: strings.HasSuffix(name, "_test.go"),
			lines: fset.File(syntax.FileStart).LineCount() - 1,
			fset:  fset, syntax: syntax,
		})
		return nil
	})
	return files, err
})

// sourceFiles gives every Go file of the module, those for other systems too.
func sourceFiles(t *testing.T) []*sourceFile {
	t.Helper()
	files, err := parseSources()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// walkTree calls visit for every file of the repository by its slash-separated
// name; not for nested modules, test data and what git keeps.
func walkTree(visit func(name string) error) error {
	return filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.IsDir() {
			return visit(filepath.ToSlash(name))
		}
		switch d.Name() {
		case ".git", "testdata", "node_modules", "vendor":
			return filepath.SkipDir
		}
		if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil && name != "." {
			return filepath.SkipDir
		}
		return nil
	})
}
