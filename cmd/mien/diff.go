package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/fingerprint/capture"
)

func diffCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "diff A B",
		Short: "Say how two looks on the wire differ",
		Long: `diff compares two profiles, or a profile and a recording, field by field. Each of A and
B is the name of a profile, a profile's file, or the folder of a recording. What a
browser draws at random is compared by what it is drawn from.

Exit code 1 says that there are differences.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			found, err := compare(args[0], args[1])
			if err != nil {
				return err
			}
			if asJSON {
				if err := printIndented(cmd.OutOrStdout(), append([]capture.Difference{}, found...)); err != nil {
					return err
				}
			} else {
				for _, d := range found {
					fmt.Fprintln(cmd.OutOrStdout(), d)
				}
			}
			if len(found) > 0 {
				return failedf("%d differences", len(found))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array")
	return cmd
}

// look is one side of a comparison: a profile, or a recording.
type look struct {
	name    string
	profile *fingerprint.Profile
	capture *capture.Capture
}

func compare(a, b string) ([]capture.Difference, error) {
	x, err := lookOf(a)
	if err != nil {
		return nil, err
	}
	y, err := lookOf(b)
	if err != nil {
		return nil, err
	}
	if x.capture != nil && y.capture != nil {
		// What was learned from the one is compared with the other.
		if x.profile, err = importFolder(x.name, capture.Options{}); err != nil {
			return nil, failedf("%s: %v", x.name, err)
		}
	}
	switch {
	case y.capture != nil:
		return capture.DiffCapture(x.profile, y.capture), nil
	case x.capture != nil:
		return capture.DiffCapture(y.profile, x.capture), nil
	}
	return capture.DiffProfiles(x.profile, y.profile), nil
}

func lookOf(name string) (look, error) {
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir():
		c, err := capture.Read(os.DirFS(name))
		if err != nil {
			return look{}, failedf("%s: %v", name, err)
		}
		return look{name: name, capture: c}, nil
	case err == nil || strings.HasSuffix(name, ".json"):
		p, err := fingerprint.Load(name)
		if err != nil {
			return look{}, failedf("%v", err)
		}
		return look{profile: p}, nil
	}
	p, err := fingerprint.Lookup(name)
	return look{profile: p}, err
}
