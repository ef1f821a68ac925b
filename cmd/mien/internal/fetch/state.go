package fetch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"time"
)

// stateVersion is that of the state file.
const stateVersion = 1

// header is the first line of a state file. It is written once.
type header struct {
	Version int       `json:"mien_fetch_state"`
	Input   identity  `json:"input"`
	Out     string    `json:"out"`    // as it was given
	OutPath string    `json:"path"`   // absolute
	Bodies  string    `json:"bodies"` // as it was given, "" if none
	Begun   time.Time `json:"begun"`
}

const (
	headerStart = `{"mien_fetch_state":`
	maxHeader   = 64 << 10
	// A slot holds a mark in text: "mark", its number, the offset, a checksum.
	// There are two behind the header, written in turns, so that one is whole at
	// any moment.
	slotBytes = 64
	slotForm  = "mark %016x %016x"
)

// mark says how far the output, with the bodies that its lines name, is known to
// be on the disk.
type mark struct {
	number uint64 // from 1; 0: none yet
	offset int64  // of the output
}

var (
	errNotState  = errors.New("it is not a state of mien fetch")
	errTornState = errors.New("it is not whole")
)

func (m mark) encode() []byte {
	text := fmt.Sprintf(slotForm, m.number, m.offset)
	return fmt.Appendf(nil, "%-*s\n", slotBytes-1, fmt.Sprintf("%s %08x", text, crc32.ChecksumIEEE([]byte(text))))
}

func parseMark(slot []byte) (mark, bool) {
	var m mark
	var sum uint32
	if _, err := fmt.Sscanf(string(slot), slotForm+" %08x", &m.number, &m.offset, &sum); err != nil || m.number == 0 || m.offset < 0 {
		return mark{}, false
	}
	return m, bytes.Equal(m.encode(), slot)
}

// parseState reads a state file. A file that a crash kept from being whole is
// errTornState, any other that is none errNotState; both as errors.Is finds them.
func parseState(data []byte) (header, mark, int, error) {
	var h header
	line, rest, whole := bytes.Cut(data, []byte("\n"))
	if !whole {
		zeros := len(bytes.Trim(data, "\x00")) == 0
		start := data[:min(len(data), len(headerStart))]
		if zeros || len(data) < maxHeader && bytes.HasPrefix([]byte(headerStart), start) {
			return h, mark{}, 0, errTornState
		}
		return h, mark{}, 0, errNotState
	}
	if !bytes.HasPrefix(line, []byte(headerStart)) || len(line) >= maxHeader {
		return h, mark{}, 0, errNotState
	}
	var version struct {
		Version int `json:"mien_fetch_state"`
	}
	if err := json.Unmarshal(line, &version); err != nil {
		return h, mark{}, 0, fmt.Errorf("%w: %w", errNotState, err)
	}
	if version.Version != stateVersion {
		return h, mark{}, 0, fmt.Errorf("it is of version %d, and this program knows version %d: go on with the program that began it", version.Version, stateVersion)
	}
	if err := json.Unmarshal(line, &h); err != nil {
		return h, mark{}, 0, fmt.Errorf("%w: %w", errNotState, err)
	}
	var latest mark
	for range 2 {
		slot := rest[:min(slotBytes, len(rest))]
		if m, ok := parseMark(slot); ok && m.number > latest.number {
			latest = m
		}
		rest = rest[len(slot):]
	}
	return h, latest, len(line) + 1, nil
}

// state is an open state file. One goroutine uses it at a time.
type state struct {
	f     *os.File
	slots int64 // where the slots begin
	mark  mark
}

// openState opens and locks a state file and makes a new one if there is none.
// fresh is false if a run is to be resumed; began is then what that began with.
func openState(name string, want header, outEmpty func() (bool, error)) (s *state, began header, fresh bool, err error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, began, false, err
	}
	defer func() {
		if err != nil {
			f.Close()
			err = fmt.Errorf("--state %s: %w", name, err)
		}
	}()
	if info, err := f.Stat(); err != nil {
		return nil, began, false, err
	} else if !info.Mode().IsRegular() {
		return nil, began, false, errors.New("it is not a regular file")
	}
	if err := lock(f); err != nil {
		return nil, began, false, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxHeader+2*slotBytes))
	if err != nil {
		return nil, began, false, err
	}
	s = &state{f: f}
	began, latest, length, err := parseState(data)
	switch {
	case err == nil:
		s.slots, s.mark = int64(length), latest
		return s, began, false, nil
	case !errors.Is(err, errTornState):
		return nil, began, false, err
	}
	// Nothing is requested before the state is on the disk, so one that is not
	// whole has no output.
	empty, err := outEmpty()
	if err != nil {
		return nil, began, false, err
	}
	if !empty {
		return nil, began, false, fmt.Errorf("it holds nothing, but --out %s does: remove that file, or name another", want.Out)
	}
	return s, want, true, s.begin(want)
}

// begin writes the header and makes it last.
func (s *state) begin(h header) error {
	line, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if len(line) >= maxHeader {
		return errors.New("the names of the files are too long")
	}
	s.slots = int64(len(line)) + 1
	line = fmt.Appendf(line, "\n%[1]*[2]s%[1]*[2]s", slotBytes, "\n") // and two slots of blanks
	if err := s.f.Truncate(0); err != nil {
		return err
	}
	if _, err := s.f.WriteAt(line, 0); err != nil {
		return err
	}
	if err := s.f.Sync(); err != nil {
		return err
	}
	return syncDir(filepath.Dir(s.f.Name()))
}

// reached makes it last that the output is on the disk up to offset.
func (s *state) reached(offset int64) error {
	next := mark{number: s.mark.number + 1, offset: offset}
	at := s.slots + int64(next.number%2)*slotBytes
	if _, err := s.f.WriteAt(next.encode(), at); err != nil {
		return err
	}
	s.mark = next
	return s.f.Sync()
}

func (s *state) close() error { return s.f.Close() }
