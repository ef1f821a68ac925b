package docs_test

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/mien-http/mien"

// ours are the packages that documents speak of; theirs what examples need beside
// what these import anyway.
var (
	ours   = []string{module, module + "/fingerprint", module + "/retry", module + "/mientest"}
	theirs = []string{
		"bufio", "bytes", "context", "crypto/tls", "crypto/x509", "encoding/base64", "encoding/json", "errors", "fmt",
		"io", "iter", "log", "log/slog", "maps", "math/rand/v2", "mime/multipart", "net", "net/http", "net/http/cookiejar",
		"net/netip", "net/textproto", "net/url", "os", "os/signal", "runtime", "runtime/debug", "slices", "strings", "sync", "syscall", "time",
	}
)

// prelude declares what the pieces of code in documents take for given.
const prelude = `ctx context.Context, cfg mien.Config, o mien.Options, s *mien.Session, req *http.Request, resp *http.Response,
	err error, e *mien.Error, requests iter.Seq[*http.Request], client *http.Client, p *fingerprint.Profile, proxyURL *url.URL,
	rawURL string, body io.Reader, form url.Values, w io.Writer, r io.Reader, jar http.CookieJar, roots *x509.CertPool,
	certificate tls.Certificate, log func(...any), logger *slog.Logger, stats mien.Stats, policy retry.Policy, pool []*url.URL`

// compiled imports packages by what the compiler wrote of them.
var compiled = sync.OnceValues(func() (types.Importer, error) {
	args := append([]string{"list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}"}, append(slices.Clone(ours), theirs...)...)
	cmd := exec.Command("go", args...)
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list -export: %w", err)
	}
	files := map[string]string{}
	for _, line := range strings.Split(string(out), "\n") {
		if name, file, ok := strings.Cut(line, " "); ok {
			files[name] = file
		}
	}
	return importer.ForCompiler(token.NewFileSet(), "gc", func(name string) (io.ReadCloser, error) { return os.Open(files[name]) }), nil
})

// TestCode: Go in a document compiles against this tree: fenced blocks, and what
// stands in the column "here" of a table. What is unused is no fault there. The
// documents of nested modules, whose dependencies are not the root's, are parsed.
func TestCode(t *testing.T) {
	imp, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	pieces := 0
	for _, d := range everyDocument(t) {
		nested := nestedModule(d.name)
		for _, b := range d.blocks {
			if b.lang != "go" {
				continue
			}
			pieces++
			for _, problem := range checkCode(imp, d.name, b.line, strings.Join(b.lines, "\n"), nested) {
				t.Error(problem)
			}
		}
		for _, r := range d.rows {
			for _, s := range parse("", r.here).spans {
				pieces++
				for _, problem := range checkCode(imp, d.name, r.line, s.text, nested) {
					t.Errorf("%s\n\tin `%s`", problem, s.text)
				}
			}
		}
	}
	t.Logf("%d pieces", pieces)
	for code, want := range map[string]string{
		"cfg.Limits.Nothing = 1":             "Nothing",
		"s.Get(ctx)":                         "not enough arguments",
		"resp, err := s.Get(ctx, rawURL":     "missing ','",
		"package x\nfunc f() { mien.New() }": "undefined: mien",
		"cfg.Proxy":                          "",
		"s.Get(ctx, rawURL)":                 "",
		"x := s.Stats().Queued // …":         "",
		"if err != nil { … }":                "",
		"func f() error { return nil }":      "",
	} {
		if got := strings.Join(checkCode(imp, "x.md", 7, code, false), "\n"); !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("%q: %q, want %q", code, got, want)
		} else if want != "" && !strings.HasPrefix(got, "x.md:") {
			t.Errorf("%q: %q does not say where", code, got)
		}
	}
}

// nestedModule says whether a document belongs to a module of its own.
func nestedModule(name string) bool {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if _, err := os.Stat(path.Join(root, dir, "go.mod")); err == nil {
			return true
		}
	}
	return false
}

var declares = regexp.MustCompile(`(?m)^(func|type|import|const) ?[\w("(]`)

// checkCode says what is wrong with a piece of code: a file, declarations,
// statements or an expression. An ellipsis … stands for what is left out.
func checkCode(imp types.Importer, name string, line int, code string, parseOnly bool) []string {
	code = strings.ReplaceAll(code, "…", "")
	var file strings.Builder
	if !strings.HasPrefix(strings.TrimSpace(code), "package ") {
		file.WriteString("package p; import (")
		for _, p := range append(slices.Clone(ours), theirs...) {
			if !strings.Contains(code, fmt.Sprintf("%q\n", p)) {
				fmt.Fprintf(&file, "%q;", p)
			}
		}
		file.WriteString(")\n")
	}
	expr, err := parser.ParseExpr(code)
	_, call := expr.(*ast.CallExpr)
	switch {
	case strings.HasPrefix(strings.TrimSpace(code), "package "), declares.MatchString(code):
		fmt.Fprintf(&file, "//line %s:%d\n%s\n", name, line, code)
	case err == nil && !call:
		fmt.Fprintf(&file, "func _(%s) {\n//line %s:%d\n_ = %s\n}", prelude, name, line, code)
	default:
		fmt.Fprintf(&file, "func _(%s) {{\n//line %s:%d\n%s\n}}", prelude, name, line, code)
	}
	fset := token.NewFileSet()
	syntax, err := parser.ParseFile(fset, name, file.String(), parser.SkipObjectResolution)
	if err != nil {
		return []string{err.Error()}
	}
	if parseOnly {
		return nil
	}
	var problems []string
	conf := types.Config{Importer: imp, Error: func(err error) {
		if e, ok := err.(types.Error); ok && !e.Soft {
			problems = append(problems, err.Error())
		}
	}}
	_, _ = conf.Check("p", fset, []*ast.File{syntax}, nil)
	return problems
}

var nameSpan = regexp.MustCompile(`^([A-Za-z]\w*)((?:\.[A-Z]\w*)+)$`)

// TestNames: a name between backticks that begins with one of the packages, or
// with a type of the root, is exported.
func TestNames(t *testing.T) {
	imp, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	packages := map[string]*types.Package{}
	for _, name := range ours {
		p, err := imp.Import(name)
		if err != nil {
			t.Fatal(err)
		}
		packages[p.Name()] = p
	}
	checked := 0
	for _, d := range everyDocument(t) {
		if nestedModule(d.name) {
			continue // has an Options of its own
		}
		for _, s := range d.spans {
			m := nameSpan.FindStringSubmatch(s.text)
			if m == nil {
				continue
			}
			known, ok := lookUp(packages, m[1], strings.Split(m[2], ".")[1:])
			if known {
				checked++
			}
			if known && !ok {
				t.Errorf("%s:%d: nothing is called %s", d.name, s.line, s.text)
			}
		}
	}
	t.Logf("%d names", checked)
	if _, ok := lookUp(packages, "Config", []string{"Nothing"}); ok {
		t.Error("Config.Nothing was found")
	}
	if _, ok := lookUp(packages, "Config", []string{"Limits", "PerHostRate"}); !ok {
		t.Error("Config.Limits.PerHostRate was not found")
	}
}

// lookUp follows names from a package or from a type of the root package.
func lookUp(packages map[string]*types.Package, first string, rest []string) (known, ok bool) {
	var object types.Object
	if p := packages[first]; p != nil {
		object, rest = p.Scope().Lookup(rest[0]), rest[1:]
	} else if object = packages["mien"].Scope().Lookup(first); object == nil || !object.Exported() {
		return false, false
	}
	for _, name := range rest {
		if object == nil {
			return true, false
		}
		object, _, _ = types.LookupFieldOrMethod(object.Type(), true, object.Pkg(), name)
	}
	return true, object != nil && object.Exported()
}
