package main

import (
	"encoding/xml"
	"io"
	"os"
	"strings"
	"testing"
)

// TestPictureIsTheRecording: the picture is drawn from the recording beside it,
// and stays small enough for a README.
func TestPictureIsTheRecording(t *testing.T) {
	f, err := os.Open("demo.cast")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := readCast(f)
	if err != nil {
		t.Fatal(err)
	}
	want, err := draw(c, 4)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("demo.svg")
	if err != nil {
		t.Fatal(err)
	}
	if strings.ReplaceAll(string(got), "\r\n", "\n") != want {
		t.Error("demo.svg is not what demo.cast gives: go run ./docs/img < docs/img/demo.cast > docs/img/demo.svg")
	}
	if len(want) > 60_000 {
		t.Errorf("%d bytes", len(want))
	}
	for d := xml.NewDecoder(strings.NewReader(want)); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

const header = `{"version": 2, "width": 5, "height": 3, "title": "a <b>"}` + "\n"

func TestHistory(t *testing.T) {
	c, err := readCast(strings.NewReader(header +
		`[1, "o", "\rone"]` + "\n" + `[1.05, "o", "\r   \r"]` + "\n" + `[1.05, "i", "key"]` + "\n" + `[1.06, "o", "uno"]` + "\n" +
		`[2, "o", "\rtwo"]` + "\n" + `[3, "o", "\r   \rwrapped\r\nend"]` + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := history(c, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	want := []shown{
		{0, "one", 1, 1.06}, // the empty line was over too soon
		{0, "uno", 1.06, 2},
		{0, "two", 2, 3},
		{0, "wrapp", 3, -1},
		{1, "ed", 3, -1},
		{2, "end", 3, -1},
	}
	if len(all) != len(want) {
		t.Fatalf("%v, want %v", all, want)
	}
	for i := range want {
		if all[i] != want[i] {
			t.Errorf("%d: %v, want %v", i, all[i], want[i])
		}
	}
	svg, err := draw(c, 1)
	if err != nil || !strings.Contains(svg, "a &lt;b&gt;") || !strings.Contains(svg, "animation:on 1.00s 2.00s") {
		t.Errorf("%v\n%s", err, svg)
	}
}

func TestWhatIsRefused(t *testing.T) {
	for recording, want := range map[string]string{
		"":                               "no recording",
		"{}":                             "version 0",
		"x":                              "line 1",
		header + "x":                     "line 2",
		header + `[0, "o", "\u001b[1m"]`: "control character 0x1b",
	} {
		c, err := readCast(strings.NewReader(recording))
		if err == nil {
			_, err = draw(c, 1)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", recording, err, want)
		}
	}
}
