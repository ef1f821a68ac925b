package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/mien-http/mien/fingerprint"
)

// markdownHead is what stands before the table in docs/profiles.md.
const markdownHead = `# Profiles

The browsers that mien can look like, as ` + "`mien profiles --markdown`" + ` prints them. ` + "`chrome`, `firefox`, `safari` and `edge`" + `
name the newest of each, for the operating system that the program runs on where there is one.

A part of a profile is *captured* if it was recorded from that very build, *derived* if it follows from a captured
build by a rule that other captures confirm, *published* if others recorded it, and *incomplete* if its source does not
hold everything.

`

// printMarkdown writes the catalogue, a table and then the sources. Nothing in it
// depends on the system it runs on.
func printMarkdown(w io.Writer, rows []profileRow) error {
	var b strings.Builder
	b.WriteString(markdownHead)
	b.WriteString("| name | browser | from | JA4 | Akamai |\n|---|---|---|---|---|\n")
	for _, p := range rows {
		fmt.Fprintf(&b, "| `%s` | %s %s, %s | %s | `%s` | `%s` |\n", p.Name, p.Browser.Brand, p.Browser.Version, p.Browser.Platform,
			origins(p.Provenance), p.JA4, strings.ReplaceAll(p.Akamai, "|", `\|`))
	}
	b.WriteString("\n## Sources\n")
	for _, p := range rows {
		fmt.Fprintf(&b, "\n### %s\n\n", p.Name)
		for _, part := range []struct {
			name string
			fingerprint.Source
		}{{"TLS", p.Provenance.TLS}, {"HTTP/2", p.Provenance.HTTP2}, {"headers", p.Provenance.Headers}, {"identity", p.Provenance.Identity}} {
			fmt.Fprintf(&b, "- %s: *%s*, %s\n", part.name, part.Kind, part.From)
		}
		if len(p.Absent) > 0 {
			fmt.Fprintf(&b, "- no source, so that such a request is an error: %s\n", absentKinds(p.Absent))
		}
		for _, note := range p.Notes {
			fmt.Fprintf(&b, "- note: %s\n", note)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// absentKinds lists kinds in words.
func absentKinds(kinds []fingerprint.Kind) string {
	words := make([]string, len(kinds))
	for i, k := range kinds {
		words[i] = k.String()
	}
	return strings.Join(words, ", ")
}
