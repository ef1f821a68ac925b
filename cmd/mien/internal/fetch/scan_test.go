package fetch

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func resultLine(line int64) string {
	b, _ := (&Result{Line: line, URL: fmt.Sprint("https://a/", line), Status: 200, Bytes: 5, Body: fmt.Sprint(line)}).encode()
	return string(b)
}

func TestScan(t *testing.T) {
	one, two, three := resultLine(1), resultLine(2), resultLine(3)
	lost := func(line int64) func(*Result) bool { return func(r *Result) bool { return r.Line != line } }
	for _, c := range []struct {
		name, out string
		sure      int
		holds     func(*Result) bool
		done      int64
		end       int
		err       string
	}{
		{name: "empty"},
		{name: "whole", out: one + three, done: 2, end: len(one + three)},
		{name: "half a line", out: one + three[:20], done: 1, end: len(one)},
		{name: "without its line break", out: one + three[:len(three)-1], done: 1, end: len(one)},
		{name: "a line twice", out: one + three + one, done: 2, end: len(one + three + one)},
		{name: "another file", out: "https://a/\n", err: "line 1 is no result"},
		{name: "changed by hand", out: one + "\n" + two, err: "line 2 is no result"},
		{name: "no line", out: `{"url":"https://a/"}` + "\n", err: "no line or no url"},
		{name: "blocks lost", out: one + "\x00\x00\x00" + two[3:] + three, done: 1, end: len(one)},
		{name: "blocks lost that were sure", out: one + "\x00\x00\x00" + two[3:], sure: 1 << 20, err: "line 2 is no result"},
		{name: "blocks lost at the end", out: one + strings.Repeat("\x00", 5000), done: 1, end: len(one)},
		{name: "body lost", out: one + two + three, holds: lost(2), done: 1, end: len(one)},
		{name: "body lost of a sure line", out: one + two + three, sure: len(one + two), holds: lost(2), done: 3, end: len(one + two + three)},
		{name: "too long", out: strings.Repeat("x", maxResult+2) + "\n", err: "line 1: it is longer than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := scan(strings.NewReader(c.out), int64(c.sure), c.holds)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("error is %v, want %q", err, c.err)
				}
				return
			}
			if err != nil || p.tally.Done != c.done || p.lines.n != c.done || p.end != int64(c.end) {
				t.Errorf("%d results, %d lines, end %d, %v; want %d and %d", p.tally.Done, p.lines.n, p.end, err, c.done, c.end)
			}
		})
	}
}

// FuzzScan: an output that scan accepts is one that it accepts again when cut to
// what counts, with the same result.
func FuzzScan(f *testing.F) {
	f.Add([]byte(resultLine(1)+resultLine(7)), int64(0))
	f.Add([]byte(resultLine(1)+"\x00\x00\n"), int64(10))
	f.Add([]byte(resultLine(1)+resultLine(1 << 40)[:30]), int64(0))
	f.Fuzz(func(t *testing.T, out []byte, sure int64) {
		p, err := scan(strings.NewReader(string(out)), sure, nil)
		if err != nil {
			return
		}
		if p.end < 0 || p.end > int64(len(out)) || p.end > 0 && out[p.end-1] != '\n' {
			t.Fatalf("end %d of %d", p.end, len(out))
		}
		again, err := scan(strings.NewReader(string(out[:p.end])), sure, nil)
		if err != nil || again.end != p.end || again.tally.Done != p.tally.Done {
			t.Errorf("%+v and then %+v, %v", p.tally, again.tally, err)
		}
	})
}

func TestResultLine(t *testing.T) {
	r := Result{Line: 3, URL: "https://a/?x=<&>\u2028", Error: &Failure{Message: "a\nb", Class: ClassRobots}}
	line, err := r.encode()
	if err != nil || strings.Count(string(line), "\n") != 1 || !strings.Contains(string(line), "<&>") {
		t.Errorf("%s, %v", line, err)
	}
	var back Result
	if err := json.Unmarshal(line, &back); err != nil || back.URL != r.URL || *back.Error != *r.Error {
		t.Errorf("%+v, %v", back, err)
	}
}

func TestLineSet(t *testing.T) {
	s := newLineSet()
	lines := []int64{1, 3, chunkLines - 1, chunkLines, 5*chunkLines + 1}
	for _, n := range lines {
		if !s.add(n, fmt.Sprint(n)) || s.add(n, "again") {
			t.Errorf("line %d", n)
		}
	}
	if s.n != int64(len(lines)) || s.last != 5*chunkLines+1 {
		t.Errorf("%d lines, the last %d", s.n, s.last)
	}
	for n := int64(1); n <= 6*chunkLines; n++ {
		was, same := s.take(n, fmt.Sprint(n))
		want := false
		for _, l := range lines {
			want = want || l == n
		}
		if was != want || !same {
			t.Fatalf("line %d: was %v, same %v", n, was, same)
		}
	}
	if s.n != 0 || len(s.chunks) != 0 {
		t.Errorf("%d lines in %d chunks are left", s.n, len(s.chunks))
	}
	s.add(7, "https://a/")
	if _, same := s.take(7, "https://b/"); same {
		t.Error("another text is the same")
	}
	s.add(8, "https://a/")
	if _, same := s.take(8, ""); same {
		t.Error("a blank line is the same")
	}
}
