package main

import (
	"github.com/spf13/cobra"

	"github.com/mien-http/mien/fingerprint"
)

func showCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME",
		Short: "Print a profile as JSON",
		Long: `show prints all of a profile: the ClientHello, the HTTP/2 connection, the header
fields of each kind of request, and where each part comes from. The output is a
document that package fingerprint parses.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := fingerprint.Lookup(args[0])
			if err != nil {
				return err
			}
			return printIndented(cmd.OutOrStdout(), p)
		},
	}
}
