package mien_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// TestDocumented: every package, and everything that a package exports, says
// what it is. A comment above it or behind it on its line counts. So does, for
// lists of constants and variables, one above the list; for fields, one above
// the unbroken run of lines that they stand in, or the type's if it names them;
// for an interface of one method, the interface's. Error and Unwrap say nothing
// that the type does not.
func TestDocumented(t *testing.T) {
	documented := map[string]bool{}
	for _, f := range sourceFiles(t) {
		if f.test {
			continue
		}
		documented[f.pkg] = documented[f.pkg] || said(f.syntax.Doc)
		for _, d := range f.syntax.Decls {
			for _, u := range undocumented(f, d) {
				t.Errorf("%s: %s has no comment", f.position(u.at), u.name)
			}
		}
	}
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("%s: the package has no comment", pkg)
		}
	}
}

type symbol struct {
	name string
	at   ast.Node
}

func undocumented(f *sourceFile, d ast.Decl) []symbol {
	var missing []symbol
	switch d := d.(type) {
	case *ast.FuncDecl:
		receiver := receiverOf(d)
		plain := d.Recv != nil && (d.Name.Name == "Error" || d.Name.Name == "Unwrap")
		if d.Name.IsExported() && (d.Recv == nil || ast.IsExported(receiver)) && !said(d.Doc) && !plain {
			name := d.Name.Name
			if receiver != "" {
				name = receiver + "." + name
			}
			missing = append(missing, symbol{name, d})
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if !spec.Name.IsExported() {
					continue
				}
				if !said(spec.Doc, spec.Comment) && (d.Lparen != token.NoPos || !said(d.Doc)) {
					missing = append(missing, symbol{spec.Name.Name, spec})
				}
				doc := spec.Doc
				if doc == nil && d.Lparen == token.NoPos {
					doc = d.Doc
				}
				missing = append(missing, undocumentedMembers(f, spec, doc.Text())...)
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					if name.IsExported() && !said(d.Doc, spec.Doc, spec.Comment) {
						missing = append(missing, symbol{name.Name, spec})
					}
				}
			}
		}
	}
	return missing
}

func undocumentedMembers(f *sourceFile, spec *ast.TypeSpec, doc string) []symbol {
	var members *ast.FieldList
	switch kind := spec.Type.(type) {
	case *ast.StructType:
		members = kind.Fields
	case *ast.InterfaceType:
		if members = kind.Methods; len(members.List) == 1 {
			return nil
		}
	default:
		return nil
	}
	line := func(p token.Pos) int { return f.fset.Position(p).Line }
	words := strings.FieldsFunc(doc, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	var missing []symbol
	explained, last := false, -1 // of the run of lines that m stands in
	for _, m := range members.List {
		if m.Doc != nil || line(m.Pos()) != last+1 {
			explained = said(m.Doc)
		}
		last = line(m.End())
		for _, name := range m.Names {
			if name.IsExported() && !explained && !said(m.Comment) && !slices.Contains(words, name.Name) {
				missing = append(missing, symbol{spec.Name.Name + "." + name.Name, m})
			}
		}
	}
	return missing
}

func said(comments ...*ast.CommentGroup) bool {
	for _, c := range comments {
		if c != nil && c.Text() != "" { // Text leaves directives out
			return true
		}
	}
	return false
}

func TestUndocumented(t *testing.T) {
	const source = `package p

// T is explained, and so is Named.
type T struct {
	Named int
	Bare  int
	Line  int // explained

	// First explains the run.
	First  int
	Second int

	After int
}

type U struct{}

func (T) Method() {}
func (T) Error()  {}

// Both are explained.
const (
	A = 1
	B = 2
)

// One explains its method.
type One interface{ M() }

// Two does not explain its methods.
type Two interface {
	M()
	N() // explained
}
`
	fset := token.NewFileSet()
	syntax, err := parser.ParseFile(fset, "p.go", source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range syntax.Decls {
		for _, u := range undocumented(&sourceFile{fset: fset, syntax: syntax}, d) {
			got = append(got, u.name)
		}
	}
	if want := []string{"T.Bare", "T.After", "U", "T.Method", "Two.M"}; !slices.Equal(got, want) {
		t.Errorf("undocumented:\n got %q\nwant %q", got, want)
	}
}
