package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// cast is what a terminal showed: asciicast v2, as asciinema writes it.
type cast struct {
	title  string // the command
	width  int    // columns
	events []event
}

type event struct {
	at   float64 // seconds since the beginning
	text string  // what the terminal was sent
}

func readCast(r io.Reader) (cast, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	if !lines.Scan() {
		return cast{}, errors.Join(errors.New("no recording on standard input"), lines.Err())
	}
	var head struct {
		Version, Width int
		Title          string
	}
	if err := json.Unmarshal(lines.Bytes(), &head); err != nil {
		return cast{}, fmt.Errorf("line 1: %w", err)
	}
	if head.Version != 2 || head.Width < 1 {
		return cast{}, fmt.Errorf("line 1: version %d, width %d: want version 2 and a width", head.Version, head.Width)
	}
	c := cast{title: head.Title, width: head.Width}
	for n := 2; lines.Scan(); n++ {
		var e event
		var kind string
		if err := json.Unmarshal(lines.Bytes(), &[]any{&e.at, &kind, &e.text}); err != nil {
			return cast{}, fmt.Errorf("line %d: %w", n, err)
		}
		if kind == "o" {
			c.events = append(c.events, e)
		}
	}
	return c, lines.Err()
}

// screen is a terminal that knows text, carriage return and line feed, and
// wraps at its width.
type screen struct {
	width    int
	rows     [][]rune
	row, col int
}

// write fails on escape sequences: a recording that has them wants more than
// this screen can show.
func (s *screen) write(text string) error {
	for _, r := range text {
		switch {
		case r == '\r':
			s.col = 0
		case r == '\n':
			s.row++
		case r < ' ':
			return fmt.Errorf("control character %#x in the recording", r)
		default:
			if s.col == s.width {
				s.row, s.col = s.row+1, 0
			}
			for len(s.rows) <= s.row {
				s.rows = append(s.rows, slices.Repeat([]rune{' '}, s.width))
			}
			s.rows[s.row][s.col] = r
			s.col++
		}
	}
	return nil
}

func (s *screen) line(row int) string {
	if row >= len(s.rows) {
		return ""
	}
	return strings.TrimRight(string(s.rows[row]), " ")
}
