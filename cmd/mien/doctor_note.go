package main

import (
	"bytes"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/mien-http/mien/cmd/mien/internal/doctor"
)

// printNote writes r for people: what was seen, and then what it means.
func printNote(w io.Writer, r *doctor.Report, took time.Duration) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "This machine, for %s connections:\n", thousands(int64(r.Connections)))
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, c := range r.Checks {
		fmt.Fprintf(t, "  %s\t%s\t%s\n", c.Name, c.Value, c.State)
	}
	_ = t.Flush() // into memory
	for _, c := range r.Checks {
		if c.State == doctor.Low || c.State == doctor.Note {
			fmt.Fprintf(&b, "  %s: %s.\n    raise it: %s\n", c.Name, c.Why, c.Raise)
		}
	}
	if r.URL != "" {
		fmt.Fprintf(&b, "\n%s, as %s", r.URL, r.Profile)
		if r.Proxy != "" {
			fmt.Fprintf(&b, ", proxy %s", r.Proxy)
		}
		b.WriteString(":\n")
		for i := range r.Probes {
			fmt.Fprintf(&b, "  %s\n", &r.Probes[i])
		}
		fmt.Fprintf(&b, "  %d handshakes tried in %v\n", r.Handshakes, took.Round(time.Millisecond))
		if !r.Complete {
			b.WriteString("  time ran out before everything was tried\n")
		}
	}
	if len(r.Evidence) > 0 {
		b.WriteString("\nWhat counts:\n")
	}
	for _, e := range r.Evidence {
		fmt.Fprintf(&b, "  - %s\n", e)
	}
	fmt.Fprintf(&b, "\nVerdict: %s (%s).\n", r.Text, r.Verdict)
	if r.Advice != "" {
		fmt.Fprintf(&b, "What to do: %s.\n", r.Advice)
	}
	_, err := w.Write(b.Bytes())
	return err
}
