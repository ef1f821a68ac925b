package fetch

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func readAll(t *testing.T, input string) (items []item, err error) {
	t.Helper()
	lines := newLineReader(strings.NewReader(input))
	for {
		it, err := lines.next()
		if err == io.EOF {
			return items, nil
		}
		if err != nil {
			return items, err
		}
		if it.text != "" {
			items = append(items, it)
		}
	}
}

func TestInputLines(t *testing.T) {
	long := "https://a/" + strings.Repeat("x", 1<<20)
	for _, c := range []struct {
		name, input string
		want        []item
	}{
		{"empty", "", nil},
		{"blank and comments", "\n  \n# https://a/\n\t\r\n", nil},
		{"no line break at the end", "https://a/", []item{{1, "https://a/", ""}}},
		{"CRLF and blanks", "\r\n https://a/ \r\n", []item{{2, "https://a/", ""}}},
		{"byte order mark", "\xef\xbb\xbfhttps://a/\n", []item{{1, "https://a/", ""}}},
		{"byte order mark before a comment", "\xef\xbb\xbf# a\n", nil},
		{"twice", "https://a/\nhttps://a/\n", []item{{1, "https://a/", ""}, {2, "https://a/", ""}}},
		{"no scheme", "example.com/x\n", []item{{1, "example.com/x", "it has no scheme, such as https://"}}},
		{"scheme", "ftp://a/\n", []item{{1, "ftp://a/", `the scheme is "ftp", not http or https`}}},
		{"no host", "https:///x\n", []item{{1, "https:///x", "it has no host"}}},
		{"opaque", "https:a\n", []item{{1, "https:a", "it has no scheme, such as https://"}}},
		{"blank within", "https://a/ b\n", []item{{1, "https://a/ b", "byte 0x20 at 10 cannot be in a URL"}}},
		{"escape", "https://a/%zz\n", []item{{1, "https://a/%zz", `invalid URL escape "%zz"`}}},
		{"Unicode", "https://ä/ü\n", []item{{1, "https://ä/ü", ""}}},
		{"not UTF-8", "https://a/\xff\n", []item{{1, "https://a/\uFFFD", "it is not UTF-8"}}},
		{"NUL further down", "https://a/\nb\x00\n", []item{{1, "https://a/", ""}, {2, "b\x00", "byte 0x00 at 1 cannot be in a URL"}}},
		{"long", long + "\nhttps://b/\n", []item{{1, long[:maxShown], "it is longer than 65536 bytes"}, {2, "https://b/", ""}}},
		{"long at the end", long, []item{{1, long[:maxShown], "it is longer than 65536 bytes"}}},
		{"as long as can be", long[:maxLineBytes-1] + "\n", []item{{1, long[:maxLineBytes-1], ""}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := readAll(t, c.input)
			if err != nil || len(got) != len(c.want) {
				t.Fatalf("%.200v, %v", got, err)
			}
			for i := range got {
				if got[i] != c.want[i] {
					t.Errorf("%+v, want %+v", got[i], c.want[i])
				}
			}
		})
	}
	for name, input := range map[string]string{"binary": "\x7fELF\x00\x01\n", "UTF-16": "\xff\xfeh\x00t\x00"} {
		if _, err := readAll(t, input); !errors.Is(err, errNotText) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzLines: what a result shows of a line is valid UTF-8, is not empty, and is
// the same when the line is read again.
func FuzzLines(f *testing.F) {
	f.Add("https://a/\r\n# x\n\xff\n")
	f.Add("\xef\xbb\xbf\n" + strings.Repeat("é", maxShown))
	f.Fuzz(func(t *testing.T, input string) {
		items, err := readAll(t, input)
		again, _ := readAll(t, input)
		if err != nil && !errors.Is(err, errNotText) || len(again) != len(items) {
			t.Fatal(err)
		}
		for i, it := range items {
			if it.text == "" || strings.ToValidUTF8(it.text, "") != it.text || it != again[i] || it.line < 1 {
				t.Errorf("%+v", it)
			}
		}
	})
}

func TestIdentity(t *testing.T) {
	name := filepath.Join(t.TempDir(), "urls")
	of := func(content string) (identity, int64) {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		f, id, total, err := openInput(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		return id, total
	}
	a, total := of("https://a/\n#\nbad\n")
	if total != 2 {
		t.Errorf("%d lines with a URL", total)
	}
	b, _ := of("https://b/\n#\nbad\n")
	c, _ := of("https://a/\n#\nbad\nhttps://c/\n")
	if again, _ := of("https://a/\n#\nbad\n"); a.same(again) != nil {
		t.Error(a.same(again))
	}
	for _, other := range []identity{b, c, {}} {
		if err := a.same(other); !errors.Is(err, ErrOtherInput) {
			t.Errorf("%+v: %v", other, err)
		}
	}
	if _, _, _, err := openInput(t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Error(err)
	}
}
