package fetch

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func someHeader() header {
	return header{Version: stateVersion, Input: identity{Size: 7, SHA256: "ab"}, Out: "out", OutPath: "/out"}
}

func emptyOut() (bool, error) { return true, nil }
func fullOut() (bool, error)  { return false, nil }

func TestStateKeepsItsMark(t *testing.T) {
	name := filepath.Join(t.TempDir(), "state")
	s, _, fresh, err := openState(name, someHeader(), emptyOut)
	if err != nil || !fresh {
		t.Fatal(fresh, err)
	}
	for _, offset := range []int64{10, 20, 1 << 40} {
		if err := s.reached(offset); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	s, began, fresh, err := openState(name, header{}, fullOut)
	if err != nil || fresh || began != someHeader() || s.mark != (mark{3, 1 << 40}) {
		t.Fatalf("%+v, fresh %v, mark %+v, %v", began, fresh, s.mark, err)
	}
	// A crash in the middle of the next mark leaves the one before.
	at := s.slots + 0*slotBytes // number 4 goes here
	if _, err := s.f.WriteAt([]byte("mark 00000000000000"), at); err != nil {
		t.Fatal(err)
	}
	s.close()
	s, _, _, err = openState(name, header{}, fullOut)
	if err != nil || s.mark != (mark{3, 1 << 40}) {
		t.Fatalf("mark %+v, %v", s.mark, err)
	}
	s.close()
}

func TestStateLocked(t *testing.T) {
	name := filepath.Join(t.TempDir(), "state")
	s, _, _, err := openState(name, someHeader(), emptyOut)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := openState(name, someHeader(), emptyOut); !errors.Is(err, errInUse) {
		t.Errorf("a second run on the state: %v", err)
	}
	s.close()
	if s, _, _, err = openState(name, someHeader(), emptyOut); err != nil {
		t.Errorf("after the first has ended: %v", err)
	} else {
		s.close()
	}
}

func TestStateRefusals(t *testing.T) {
	for _, c := range []struct {
		name, content string
		out           func() (bool, error)
		want          string // "": it is begun anew
	}{
		{"empty", "", emptyOut, ""},
		{"half a header", headerStart + `1,"inp`, emptyOut, ""},
		{"half of its start", headerStart[:5], emptyOut, ""},
		{"blocks that were lost", strings.Repeat("\x00", 300), emptyOut, ""},
		{"not whole, but results", headerStart, fullOut, "it holds nothing, but --out out does"},
		{"a list of URLs", "https://example.com/\n", emptyOut, "not a state of mien fetch"},
		{"one URL", "https://example.com/", emptyOut, "not a state of mien fetch"},
		{"a result", `{"line":1,"url":"x"}` + "\n", emptyOut, "not a state of mien fetch"},
		{"another version", headerStart + `2,"input":[]}` + "\n", emptyOut, "it is of version 2, and this program knows version 1"},
		{"broken", headerStart + "1,\n", emptyOut, "not a state of mien fetch"},
		{"a long line", headerStart + strings.Repeat(" ", maxHeader) + "\n", emptyOut, "not a state of mien fetch"},
	} {
		t.Run(c.name, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "state")
			if err := os.WriteFile(name, []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			s, _, fresh, err := openState(name, someHeader(), c.out)
			if err == nil {
				s.close()
			}
			switch {
			case c.want == "" && (err != nil || !fresh):
				t.Errorf("fresh %v, %v", fresh, err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("error is %v, want %q", err, c.want)
			}
			if after, _ := os.ReadFile(name); c.want != "" && string(after) != c.content {
				t.Errorf("what was refused was written to: %q", after)
			}
		})
	}
	if _, _, _, err := openState(t.TempDir(), someHeader(), emptyOut); err == nil {
		t.Error("a directory is a state")
	}
	if runtime.GOOS == "linux" {
		if _, _, _, err := openState("/dev/null", someHeader(), emptyOut); err == nil || !strings.Contains(err.Error(), "regular") {
			t.Errorf("/dev/null: %v", err)
		}
	}
}

// FuzzParseState: whatever is read gives a mark that was written, or none.
func FuzzParseState(f *testing.F) {
	header := headerStart + `1,"input":{"size":1,"sha256":"a"},"out":"o","path":"/o","bodies":"","begun":"2026-01-01T00:00:00Z"}` + "\n"
	f.Add([]byte(header + string(mark{1, 500}.encode()) + string(mark{2, 900}.encode())))
	f.Add([]byte(header + strings.Repeat(" ", slotBytes) + string(mark{1, 1 << 62}.encode())))
	f.Add([]byte(header))
	f.Add([]byte(headerStart))
	f.Add([]byte("\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, m, length, err := parseState(data)
		if err != nil {
			if m != (mark{}) {
				t.Errorf("mark %+v beside %v", m, err)
			}
			return
		}
		if h.Version != stateVersion || length > len(data) || data[length-1] != '\n' {
			t.Errorf("header %+v of %d bytes", h, length)
		}
		if m.number == 0 {
			return
		}
		if got, ok := parseMark(m.encode()); !ok || got != m || m.offset < 0 {
			t.Errorf("mark %+v comes back as %+v, %v", m, got, ok)
		}
		if !bytes.Contains(data, m.encode()) {
			t.Errorf("mark %+v was not written", m)
		}
	})
}
