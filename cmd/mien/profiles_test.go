package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/mien-http/mien/fingerprint"
)

// docs/profiles.md is what the command prints.
func TestProfilesMarkdown(t *testing.T) {
	want, err := os.ReadFile("../../docs/profiles.md")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := profileRows()
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := printMarkdown(&got, rows); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Error("docs/profiles.md is out of date; renew it with: go run ./cmd/mien profiles --markdown > docs/profiles.md")
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(got.String()) {
		if strings.HasPrefix(line, "| ") && !strings.Contains(string(readme), line) {
			t.Errorf("README.md lacks a row of docs/profiles.md: %s", line)
		}
	}
	for _, name := range fingerprint.Names() {
		if n := strings.Count(got.String(), "| `"+name+"` |"); n != 1 {
			t.Errorf("%s has %d rows", name, n)
		}
	}
}
