// Command mien sends requests as a browser does, shows how clients look on the
// wire, and makes profiles of browsers. "mien help" lists its commands.
//
// Exit codes: 0 done, 1 some requests failed, 2 wrong use.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/spf13/cobra"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// failedError makes the command exit with exitFailed: it was used rightly, but
// something did not succeed. An empty text prints nothing.
type failedError struct{ text string }

func (e *failedError) Error() string { return e.text }

func failedf(format string, args ...any) error {
	return &failedError{text: fmt.Sprintf(format, args...)}
}

func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	root := &cobra.Command{
		Use:           "mien",
		Short:         "An HTTP client that looks like a browser on the wire",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddCommand(demoCommand(), demoOriginCommand(), demoClientCommand(), getCommand(), fetchCommand(), serveCommand(), doctorCommand(), profilesCommand(), showCommand(), importCommand(), diffCommand(), captureCommand())
	completeFlags(root)
	err := root.ExecuteContext(ctx)
	var failed *failedError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &failed):
		if failed.text != "" {
			fmt.Fprintln(stderr, "mien:", failed.text)
		}
		return exitFailed
	}
	fmt.Fprintln(stderr, "mien:", err)
	return exitUsage
}
