package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/fingerprint/capture"
)

func importCommand() *cobra.Command {
	var out string
	var derive bool
	var o capture.Options
	cmd := &cobra.Command{
		Use:   "import DIR",
		Short: "Make a profile of a recorded browser",
		Long: `import reads a recording of a browser: raw ClientHellos in DIR/clienthello/*.bin, and
for each run of the browser a folder with requests.jsonl (or kinds/*.json) and
events.jsonl. What never varies in it is fixed in the profile, what varies must be
something that browsers draw. Kinds of request that the browser never sent are
named in the profile, and refused when it is used.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := importFolder(args[0], o)
			if err != nil {
				return failedf("%s: %v", args[0], err)
			}
			if derive {
				if what := capture.Derive(p); what != "" {
					p.Provenance.Headers.From += "; derived: " + what
				}
			}
			b, err := capture.Format(p)
			if err != nil {
				return err
			}
			if out == "" {
				_, err = cmd.OutOrStdout().Write(b)
				return err
			}
			if err := os.WriteFile(out, b, 0o644); err != nil {
				return failedf("%v", err)
			}
			for _, k := range p.Absent {
				fmt.Fprintf(cmd.ErrOrStderr(), "not in the recording: %s\n", k)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "write the profile to this file")
	cmd.Flags().StringVar(&o.Name, "name", "", "name of the profile (default: brand, version and platform)")
	cmd.Flags().StringVar(&o.Version, "version", "", "full version of the browser (default: from the folder's name or the User-Agent)")
	cmd.Flags().StringVar(&o.Source, "source", "", "what to name as the source (default: the browser and its version)")
	cmd.Flags().BoolVar(&derive, "derive", false, "add what other wires tell of HTTP/1.1 and cleartext")
	return cmd
}

// fullVersion is a version in the name of a folder.
var fullVersion = regexp.MustCompile(`[0-9]+(\.[0-9]+){2,}`)

func importFolder(dir string, o capture.Options) (*fingerprint.Profile, error) {
	c, err := capture.Read(os.DirFS(dir))
	if err != nil {
		return nil, err
	}
	if o.Version == "" {
		if abs, err := filepath.Abs(dir); err == nil {
			o.Version = fullVersion.FindString(filepath.Base(abs))
		}
	}
	return capture.Import(c, o)
}
