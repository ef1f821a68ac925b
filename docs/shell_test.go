package docs_test

import (
	"slices"
	"strings"
	"testing"
)

// command is one program with its arguments, as a document writes it.
type command struct {
	line  int
	whole string // the line that it stands in, continuations included
	words []string
}

// programs are those by which a block without a language is known to be commands.
var programs = []string{"mien", "go", "make", "ulimit", "curl", "sysctl", "cd", "git"}

// isCommands says whether a block is meant to be typed.
func (b block) isCommands() bool {
	switch b.lang {
	case "sh", "bash", "shell", "console":
		return true
	case "":
		for _, line := range b.lines {
			if w := strings.Fields(line); len(w) > 0 {
				return len(w) > 1 && slices.Contains(programs, strings.TrimPrefix(w[0], "$"))
			}
		}
	}
	return false
}

// typed are the lines of a block that are typed, each with its continuations.
// In a console they follow a dollar; what does not is output.
func (b block) typed() []text {
	if !b.isCommands() {
		return nil
	}
	var out []text
	for i := 0; i < len(b.lines); i++ {
		line, at := b.lines[i], b.line+i
		if b.lang == "console" {
			var ok bool
			if line, ok = strings.CutPrefix(line, "$ "); !ok {
				continue
			}
		}
		for strings.HasSuffix(line, `\`) && i+1 < len(b.lines) {
			i++
			line = strings.TrimSuffix(line, `\`) + " " + strings.TrimSpace(b.lines[i])
		}
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			out = append(out, text{at, line})
		}
	}
	return out
}

// commandsOf splits a line of shell into its commands. Redirections, assignments
// before a command and comments are left out.
func commandsOf(at text) []command {
	var out []command
	var words []string
	word, inWord, skip := "", false, false
	endWord := func() {
		if inWord && !skip {
			words = append(words, word)
		}
		if inWord {
			skip = false
		}
		word, inWord = "", false
	}
	endCommand := func() {
		endWord()
		for len(words) > 0 && isAssignment(words[0]) {
			words = words[1:]
		}
		if len(words) > 0 {
			out = append(out, command{at.line, at.text, words})
		}
		words = nil
	}
	s := at.text
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case ' ', '\t':
			endWord()
		case '\'', '"':
			inWord = true
			for i++; i < len(s) && s[i] != c; i++ {
				word += s[i : i+1]
			}
		case '\\':
			inWord = true
			if i++; i < len(s) {
				word += s[i : i+1]
			}
		case '#':
			if !inWord {
				endCommand()
				return out
			}
			word += "#"
		case '|', '&', ';':
			endCommand()
		case '>', '<':
			if word == "2" || word == "1" {
				word, inWord = "", false
			}
			endWord()
			skip = true
		default:
			inWord = true
			word += s[i : i+1]
		}
	}
	endCommand()
	return out
}

func isAssignment(word string) bool {
	name, _, ok := strings.Cut(word, "=")
	return ok && name != "" && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") == ""
}

// mienArgs are the arguments for mien, if that is what the command runs.
func (c command) mienArgs() ([]string, bool) {
	switch {
	case c.words[0] == "mien":
		return c.words[1:], true
	case len(c.words) >= 3 && c.words[0] == "go" && c.words[1] == "run" && c.words[2] == "./cmd/mien":
		return c.words[3:], true
	}
	return nil, false
}

func TestCommandsOf(t *testing.T) {
	for line, want := range map[string][][]string{
		`mien get URL --profile p.json > out 2> err # said`: {{"mien", "get", "URL", "--profile", "p.json"}},
		`A=1 go test -run '^$' ./x && make all|tail -n 3`:   {{"go", "test", "-run", "^$", "./x"}, {"make", "all"}, {"tail", "-n", "3"}},
		`mien get u -H "A: b c" -d a\ b; ulimit -n 1 &`:     {{"mien", "get", "u", "-H", "A: b c", "-d", "a b"}, {"ulimit", "-n", "1"}},
		`mien profiles --markdown >docs/x.md`:               {{"mien", "profiles", "--markdown"}},
		`# nothing`:                                         nil,
	} {
		var got [][]string
		for _, c := range commandsOf(text{1, line}) {
			got = append(got, c.words)
		}
		if !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%s\ngot  %q\nwant %q", line, got, want)
		}
	}
	b := block{line: 5, lang: "console", lines: []string{"$ mien get \\", "    URL", "output", "$ make"}}
	if got := b.typed(); !slices.Equal(got, []text{{5, "mien get  URL"}, {8, "make"}}) {
		t.Errorf("typed: %v", got)
	}
}
