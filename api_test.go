package mien_test

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/build"
	"go/printer"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var updateAPI = flag.Bool("update", false, "rewrite api.txt from the source")

// The root package is what an importer has to learn: it stays countable.
const (
	maxRootTypes = 18
	maxRootFuncs = 12
)

// TestAPI compares the public surface with api.txt, so that no change of it goes
// unseen. "make api" rewrites the file.
func TestAPI(t *testing.T) {
	var lines []string
	for _, pkg := range []string{".", "fingerprint", "retry", "mientest"} {
		lines = append(lines, surface(t, pkg)...)
	}
	got := strings.Join(lines, "\n") + "\n"
	if *updateAPI {
		if err := os.WriteFile("api.txt", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	golden, err := os.ReadFile("api.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSuffix(string(golden), "\n"), "\n")
	for _, line := range want {
		if !slices.Contains(lines, line) {
			t.Errorf("gone: %s", line)
		}
	}
	for _, line := range lines {
		if !slices.Contains(want, line) {
			t.Errorf("new:  %s", line)
		}
	}
	if t.Failed() {
		t.Log("the public surface is not that of api.txt; if it is meant so, run: make api")
	} else if got != string(golden) {
		t.Error("api.txt holds the right lines in another order; run: make api")
	}
}

func TestAPISize(t *testing.T) {
	types, funcs := 0, 0
	for _, line := range surface(t, ".") {
		_, rest, _ := strings.Cut(line, ", ")
		switch {
		case strings.HasPrefix(rest, "func "):
			funcs++
		case strings.HasPrefix(rest, "type ") && !strings.Contains(rest, ", "):
			types++
		}
	}
	t.Logf("package mien: %d types, %d functions", types, funcs)
	if types > maxRootTypes {
		t.Errorf("package mien exports %d types, more than %d", types, maxRootTypes)
	}
	if funcs > maxRootFuncs {
		t.Errorf("package mien exports %d functions, more than %d", funcs, maxRootFuncs)
	}
}

// surface lists what pkg exports on Linux, one fact a line, sorted.
func surface(t *testing.T, pkg string) []string {
	t.Helper()
	system := build.Default
	system.GOOS, system.GOARCH = "linux", "amd64"
	s := &surfaceWriter{fset: token.NewFileSet()}
	for _, f := range sourceFiles(t) {
		if f.pkg != pkg || f.test {
			continue
		}
		built, err := system.MatchFile(filepath.FromSlash(pkg), path.Base(f.name))
		if err != nil {
			t.Fatal(err)
		}
		if !built {
			continue
		}
		s.prefix = "pkg " + f.syntax.Name.Name + ", "
		for _, d := range f.syntax.Decls {
			s.decl(d)
		}
	}
	slices.Sort(s.lines)
	return slices.Compact(s.lines)
}

type surfaceWriter struct {
	fset   *token.FileSet
	prefix string
	lines  []string
}

func (s *surfaceWriter) line(format string, args ...any) {
	s.lines = append(s.lines, s.prefix+fmt.Sprintf(format, args...))
}

func (s *surfaceWriter) decl(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		switch receiver := receiverOf(d); {
		case !d.Name.IsExported():
		case d.Recv == nil:
			s.line("func %s%s%s", d.Name.Name, s.typeParams(d.Type.TypeParams), s.signature(d.Type))
		case ast.IsExported(receiver):
			s.line("method (%s) %s%s", s.expr(d.Recv.List[0].Type), d.Name.Name, s.signature(d.Type))
		}
	case *ast.GenDecl:
		// In a list of constants, a name without a type has that of the one above it.
		var above ast.Expr
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if spec.Name.IsExported() {
					s.typeSpec(spec)
				}
			case *ast.ValueSpec:
				kind := spec.Type
				if kind == nil && len(spec.Values) == 0 {
					kind = above
				}
				above = kind
				for _, name := range spec.Names {
					if name.IsExported() {
						s.line("%s", strings.TrimSpace(d.Tok.String()+" "+name.Name+" "+s.expr(kind)))
					}
				}
			}
		}
	}
}

func (s *surfaceWriter) typeSpec(spec *ast.TypeSpec) {
	name := "type " + spec.Name.Name + s.typeParams(spec.TypeParams)
	switch kind := spec.Type.(type) {
	case *ast.StructType:
		s.line("%s struct", name)
		for _, f := range kind.Fields.List {
			for _, field := range f.Names {
				if field.IsExported() {
					s.line("%s struct, %s %s", name, field.Name, s.expr(f.Type))
				}
			}
			if len(f.Names) == 0 && ast.IsExported(baseName(f.Type)) {
				s.line("%s struct, embedded %s", name, s.expr(f.Type))
			}
		}
	case *ast.InterfaceType:
		s.line("%s interface", name)
		for _, f := range kind.Methods.List {
			if m, ok := f.Type.(*ast.FuncType); ok && len(f.Names) == 1 {
				s.line("%s interface, %s%s", name, f.Names[0].Name, s.signature(m))
			} else {
				s.line("%s interface, embedded %s", name, s.expr(f.Type))
			}
		}
	default:
		if spec.Assign.IsValid() {
			name += " ="
		}
		s.line("%s %s", name, s.expr(kind))
	}
}

func (s *surfaceWriter) typeParams(list *ast.FieldList) string {
	if list == nil {
		return ""
	}
	var params []string
	for _, f := range list.List {
		for _, name := range f.Names {
			params = append(params, name.Name+" "+s.expr(f.Type))
		}
	}
	return "[" + strings.Join(params, ", ") + "]"
}

// signature leaves the parameters' names out: changing one breaks nobody.
func (s *surfaceWriter) signature(f *ast.FuncType) string {
	results := s.kinds(f.Results)
	text := "(" + strings.Join(s.kinds(f.Params), ", ") + ")"
	switch len(results) {
	case 0:
		return text
	case 1:
		return text + " " + results[0]
	}
	return text + " (" + strings.Join(results, ", ") + ")"
}

func (s *surfaceWriter) kinds(list *ast.FieldList) []string {
	if list == nil {
		return nil
	}
	var kinds []string
	for _, f := range list.List {
		kinds = append(kinds, slices.Repeat([]string{s.expr(f.Type)}, max(1, len(f.Names)))...)
	}
	return kinds
}

func (s *surfaceWriter) expr(e ast.Expr) string {
	switch e := e.(type) {
	case nil:
		return ""
	case *ast.FuncType:
		return "func" + s.signature(e)
	}
	var b bytes.Buffer
	if err := printer.Fprint(&b, s.fset, e); err != nil {
		return err.Error()
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// receiverOf is the name of a method's type, "" for a function.
func receiverOf(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	return baseName(d.Recv.List[0].Type)
}

// baseName is the name that a type is found by: T for *T, p.T and T[X].
func baseName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.StarExpr:
		return baseName(e.X)
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.IndexExpr:
		return baseName(e.X)
	case *ast.IndexListExpr:
		return baseName(e.X)
	}
	return ""
}
