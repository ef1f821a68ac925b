package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/mien-http/mien/fingerprint"
)

// profileRow is a profile as "mien profiles --json" lists it.
type profileRow struct {
	Name       string                 `json:"name"`
	Alias      string                 `json:"alias,omitempty"` // a shorter name, on this system
	Browser    fingerprint.Browser    `json:"browser"`
	Provenance fingerprint.Provenance `json:"provenance"`
	JA4        string                 `json:"ja4"`
	Akamai     string                 `json:"akamai"`
	Absent     []fingerprint.Kind     `json:"absent,omitempty"` // kinds of request that no source holds
	Notes      []string               `json:"notes,omitempty"`  // where sources disagree, and what none holds
}

// presetRow is a preset of uTLS as "mien profiles --json" lists it.
type presetRow struct {
	Name     string `json:"name"`
	Matches  string `json:"matches"`  // who really sends such a hello
	Compared bool   `json:"compared"` // with recorded hellos; otherwise it is the name's claim
}

func profilesCommand() *cobra.Command {
	var asJSON, asMarkdown bool
	cmd := &cobra.Command{
		Use:   "profiles",
		Short: "List the browsers that can be imitated and where their looks come from",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			rows, err := profileRows()
			if err != nil {
				return failedf("%v", err)
			}
			if asJSON {
				return printIndented(cmd.OutOrStdout(), struct {
					Profiles []profileRow `json:"profiles"`
					Presets  []presetRow  `json:"presets"`
				}{rows, presetRows()})
			}
			if asMarkdown {
				return printMarkdown(cmd.OutOrStdout(), rows)
			}
			return printProfiles(cmd.OutOrStdout(), rows, presetRows())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	cmd.Flags().BoolVar(&asMarkdown, "markdown", false, "print docs/profiles.md")
	_ = cmd.Flags().MarkHidden("markdown") // fails for a flag that does not exist alone
	return cmd
}

func profileRows() ([]profileRow, error) {
	aliases := make(map[string]string)
	for _, alias := range []string{"chrome", "firefox", "safari", "edge"} {
		p, err := fingerprint.Lookup(alias)
		if err != nil {
			return nil, err
		}
		aliases[p.Name] = alias
	}
	var rows []profileRow
	for _, name := range fingerprint.Names() {
		p, err := fingerprint.Lookup(name)
		if err != nil {
			return nil, err
		}
		rows = append(rows, profileRow{
			Name: p.Name, Alias: aliases[p.Name], Browser: p.Browser, Provenance: p.Provenance,
			JA4: p.Digests.JA4, Akamai: p.Digests.Akamai, Absent: p.Absent, Notes: p.Notes,
		})
	}
	return rows, nil
}

func presetRows() []presetRow {
	var rows []presetRow
	for _, m := range fingerprint.PresetMatches() {
		rows = append(rows, presetRow{Name: "utls:" + m.Preset, Matches: m.Browser, Compared: m.Compared})
	}
	return rows
}

func printProfiles(w io.Writer, profiles []profileRow, presets []presetRow) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tBROWSER\tFROM\tJA4\tAKAMAI")
	for _, p := range profiles {
		b := p.Browser
		fmt.Fprintf(t, "%s\t%s %s, %s\t%s\t%s\t%s\n", p.Name, b.Brand, b.Version, b.Platform, origins(p.Provenance), p.JA4, p.Akamai)
	}
	fmt.Fprintln(t)
	for _, p := range profiles {
		if p.Alias != "" {
			fmt.Fprintf(t, "%s\tis %s here\n", p.Alias, p.Name)
		}
	}
	fmt.Fprintln(t, "\nPRESET OF UTLS\tTLS OF\tCOMPARED")
	for _, p := range presets {
		compared := "with recorded hellos"
		if !p.Compared {
			compared = "no, by its name"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", p.Name, p.Matches, compared)
	}
	return t.Flush()
}

// origins is where the parts of a profile come from: one word if all agree.
func origins(p fingerprint.Provenance) string {
	if p.TLS.Kind == p.HTTP2.Kind && p.TLS.Kind == p.Headers.Kind && p.TLS.Kind == p.Identity.Kind {
		return string(p.TLS.Kind)
	}
	return fmt.Sprintf("tls %s, h2 %s, headers %s, identity %s", p.TLS.Kind, p.HTTP2.Kind, p.Headers.Kind, p.Identity.Kind)
}

func printIndented(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return failedf("%v", err)
	}
	return nil
}
