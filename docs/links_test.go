package docs_test

import (
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestLinks: a link within the repository leads to a file that is there, and to a
// heading that this file has. A link out of it is https. None is fetched.
func TestLinks(t *testing.T) {
	byName := map[string]*document{}
	for _, d := range everyDocument(t) {
		byName[d.name] = d
	}
	links := 0
	for _, d := range byName {
		for _, l := range d.targets {
			links++
			if problem := checkLink(byName, d, l.text); problem != "" {
				t.Errorf("%s:%d: link to %s: %s", d.name, l.line, l.text, problem)
			}
		}
	}
	if links < 20 {
		t.Errorf("only %d links were found", links)
	}
}

var lineAnchor = regexp.MustCompile(`^L(\d+)$`)

func checkLink(byName map[string]*document, from *document, target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return err.Error()
	}
	if u.Scheme != "" || u.Host != "" {
		switch {
		case u.Scheme != "https":
			return "links go to https"
		case u.User != nil || !strings.Contains(u.Hostname(), ".") || strings.ContainsAny(target, " \t\"'`"):
			return "it is not well formed"
		}
		return ""
	}
	name := from.name
	if u.Path != "" {
		name = path.Join(path.Dir(from.name), u.Path)
		if strings.HasPrefix(u.Path, "/") || strings.HasPrefix(name, "../") {
			return "it leads out of the repository"
		}
		if _, err := os.Stat(filepath.Join(root, name)); err != nil {
			return "there is no such file"
		}
	}
	if u.Fragment == "" {
		return ""
	}
	if to := byName[name]; to != nil {
		if !to.anchors[u.Fragment] {
			return "the document has no such heading"
		}
		return ""
	}
	m := lineAnchor.FindStringSubmatch(u.Fragment)
	b, err := os.ReadFile(filepath.Join(root, name))
	if m == nil || err != nil {
		return "only documents have headings"
	}
	if n, _ := strconv.Atoi(m[1]); n > strings.Count(string(b), "\n") {
		return "the file has fewer lines"
	}
	return ""
}

func TestSlug(t *testing.T) {
	for heading, want := range map[string]string{
		"What it is":                        "what-it-is",
		"HTTP/2, and `h2` codes":            "http2-and-h2-codes",
		"A [link](x.md) & more":             "a-link--more",
		"chrome-150-android":                "chrome-150-android",
		"safari-18.4-ios":                   "safari-184-ios",
		"旧办法，与 mien 的做法":                    "旧办法与-mien-的做法",
		"Don't: `snake_case` (one) **two**": "dont-snake_case-one-two",
	} {
		if got := slug(heading); got != want {
			t.Errorf("slug(%q) = %q, not %q", heading, got, want)
		}
	}
	d := parse("x.md", "# A\n## A\n```\n# not one\n```\n<a id=\"own\"></a>\n")
	for _, want := range []string{"a", "a-1", "own"} {
		if !d.anchors[want] {
			t.Errorf("anchor %s is missing in %v", want, d.anchors)
		}
	}
	if len(d.anchors) != 3 {
		t.Errorf("anchors: %v", d.anchors)
	}
}

// TestLinksAreChecked: what is wrong is found, and what is right is not.
func TestLinksAreChecked(t *testing.T) {
	d := parse("docs/x.md", "[a](gone.md) [b](#none) [c](http://example.com/) [d](../../out.md) ![e](gone.svg \"t\")\n"+
		"[f]: https://user@example.com/\n<img src=\"nothing.png\"> <http://example.com/> `[not](one.md)`\n\n"+
		"# Here\n[g](#here) [h](../README.md) [i](https://example.com/) [j](../go.mod#L1) [k](../go.mod#L99999)\n")
	var wrong []string
	for _, l := range d.targets {
		if checkLink(map[string]*document{d.name: d}, d, l.text) != "" {
			wrong = append(wrong, l.text)
		}
	}
	want := "gone.md #none http://example.com/ ../../out.md gone.svg https://user@example.com/ nothing.png http://example.com/ ../go.mod#L99999"
	if got := strings.Join(wrong, " "); got != want {
		t.Errorf("found wrong: %s\nwant:        %s", got, want)
	}
}
