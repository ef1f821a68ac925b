// Package docs_test holds every document of the repository to be true: links
// lead somewhere, commands exist and run, code compiles, names are those of the API.
package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"
)

// root is the repository, seen from this folder.
const root = ".."

// document is one Markdown file.
type document struct {
	name    string // path from the root, with slashes
	blocks  []block
	spans   []text // what stands between backticks
	targets []text // where links and images lead
	anchors map[string]bool
	rows    []row
}

// text is a piece of a document.
type text struct {
	line int // from 1
	text string
}

// block is a fenced block.
type block struct {
	line   int    // of its first line of content
	lang   string // the first word behind the fence
	lines  []string
	notRun string // the reason, where a comment above it says "not run: reason"
	file   string // the name, where a comment above it says "file: name"
}

// row is a row of a table whose header has a column called "here".
type row struct {
	line  int
	first string // the first cell
	here  string
}

var documents = sync.OnceValues(func() ([]*document, error) {
	var all []*document
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (d.Name() == "testdata" || d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".")) {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".md" {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		all = append(all, parse(filepath.ToSlash(name), string(b)))
		return nil
	})
	return all, err
})

func everyDocument(t *testing.T) []*document {
	t.Helper()
	all, err := documents()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func documentNamed(t *testing.T, name string) *document {
	t.Helper()
	all := everyDocument(t)
	i := slices.IndexFunc(all, func(d *document) bool { return d.name == name })
	if i < 0 {
		t.Fatalf("there is no %s", name)
	}
	return all[i]
}

var (
	fenceLine   = regexp.MustCompile("^( *)(```+|~~~+) *([^ `]*)[^`]*$")
	markLine    = regexp.MustCompile(`^ *<!-- (not run|file): (.+) -->$`)
	headingLine = regexp.MustCompile(`^ {0,3}(#{1,6}) +(.*?)(?: +#+)? *$`)
	anchorTag   = regexp.MustCompile(`<[^>]*\b(?:id|name)="([^"]+)"`)
	inlineLink  = regexp.MustCompile(`\]\( *<?([^)>\s]+)>?(?: +"[^"]*")? *\)`)
	namedLink   = regexp.MustCompile(`(?m)^ {0,3}\[[^\]]+\]: +(\S+)`)
	tagLink     = regexp.MustCompile(`\b(?:href|src)="([^"]+)"`)
	autoLink    = regexp.MustCompile(`<(https?:[^>\s]+)>`)
)

func parse(name, content string) *document {
	d := &document{name: name, anchors: map[string]bool{}}
	lines := strings.Split(strings.ReplaceAll(content, "\r\n", "\n"), "\n")
	var next block // what a comment says of it
	for i := 0; i < len(lines); i++ {
		m := fenceLine.FindStringSubmatch(lines[i])
		if m == nil {
			switch n := markLine.FindStringSubmatch(lines[i]); {
			case n != nil && n[1] == "file":
				next.file = n[2]
			case n != nil:
				next.notRun = n[2]
			case strings.TrimSpace(lines[i]) != "":
				next = block{}
			}
			continue
		}
		b := block{line: i + 2, lang: m[3], notRun: next.notRun, file: next.file}
		next = block{}
		lines[i] = ""
		for i++; i < len(lines) && !strings.HasPrefix(strings.TrimLeft(lines[i], " "), m[2]); i++ {
			b.lines = append(b.lines, strings.TrimPrefix(lines[i], m[1]))
			lines[i] = ""
		}
		if i < len(lines) {
			lines[i] = ""
		}
		d.blocks = append(d.blocks, b)
	}
	for start := 0; start < len(lines); { // paragraph by paragraph: a code span may go over lines
		end := start + 1
		for end < len(lines) && strings.TrimSpace(lines[end]) != "" {
			end++
		}
		d.paragraph(start+1, strings.Join(lines[start:end], "\n"))
		start = end
	}
	d.tables(lines)
	seen := map[string]int{}
	for _, line := range lines {
		if m := headingLine.FindStringSubmatch(line); m != nil {
			d.anchors[unique(seen, slug(m[2]))] = true
		}
		for _, m := range anchorTag.FindAllStringSubmatch(line, -1) {
			d.anchors[m[1]] = true
		}
	}
	return d
}

// paragraph collects the code spans and the links of one paragraph.
func (d *document) paragraph(line int, s string) {
	plain := []byte(s)
	at := func(offset int) int { return line + strings.Count(s[:offset], "\n") }
	for i := 0; i < len(s); i++ {
		if s[i] != '`' {
			continue
		}
		run := len(s[i:]) - len(strings.TrimLeft(s[i:], "`"))
		n := strings.Index(s[i+run:], s[i:i+run])
		if n < 0 {
			i += run - 1
			continue
		}
		code := strings.ReplaceAll(s[i+run:i+run+n], "\n", " ")
		d.spans = append(d.spans, text{at(i), strings.TrimSpace(strings.ReplaceAll(code, `\|`, "|"))})
		for j := i; j < i+2*run+n; j++ {
			if plain[j] != '\n' {
				plain[j] = ' '
			}
		}
		i += 2*run + n - 1
	}
	for _, form := range []*regexp.Regexp{inlineLink, namedLink, tagLink, autoLink} {
		for _, m := range form.FindAllSubmatchIndex(plain, -1) {
			d.targets = append(d.targets, text{at(m[2]), string(plain[m[2]:m[3]])})
		}
	}
}

// tables collects the rows of tables with a column "here".
func (d *document) tables(lines []string) {
	here := -1
	for i, line := range lines {
		if !strings.HasPrefix(strings.TrimSpace(line), "|") {
			here = -1
			continue
		}
		c := cells(line)
		switch {
		case here < 0:
			here = slices.Index(c, "here")
			if here < 0 {
				here = len(c) // another table: no row has that cell
			}
		case strings.Trim(line, "|-: ") == "":
		case here < len(c):
			d.rows = append(d.rows, row{i + 1, c[0], c[here]})
		}
	}
}

func cells(line string) []string {
	line = strings.ReplaceAll(strings.Trim(strings.TrimSpace(line), "|"), `\|`, "\x00")
	out := strings.Split(line, "|")
	for i := range out {
		out[i] = strings.TrimSpace(strings.ReplaceAll(out[i], "\x00", "|"))
	}
	return out
}

var markup = regexp.MustCompile("`|\\*\\*?|!?\\[([^\\]]*)\\]\\([^)]*\\)|<[^>]*>")

// slug is the anchor that GitHub gives a heading: its text in lower case, of which
// letters, marks, digits, connectors and hyphens stay, and spaces become hyphens.
func slug(heading string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(markup.ReplaceAllString(heading, "$1")) {
		switch {
		case r == ' ':
			b.WriteByte('-')
		case r == '-' || unicode.In(r, unicode.L, unicode.M, unicode.Nd, unicode.Nl, unicode.Pc):
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unique counts headings of one name: the second is name-1.
func unique(seen map[string]int, name string) string {
	n := seen[name]
	seen[name]++
	if n == 0 {
		return name
	}
	return unique(seen, name+"-"+string(rune('0'+n%10)))
}
