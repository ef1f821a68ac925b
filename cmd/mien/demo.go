package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/mien-http/mien/fingerprint"
)

// demoOptions are the flags of "mien demo".
type demoOptions struct {
	protocol  string
	requests  int
	resets    float64
	profile   string
	json      bool
	noControl bool
}

func demoCommand() *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "5,000 requests at once while a fifth of the TLS handshakes are killed",
		Long: `demo starts an HTTPS origin in a process of its own on loopback. The origin holds
each request for a second and kills a share of the TLS handshakes after the
ClientHello, half by FIN and half by RST, as an overloaded peer or a middlebox
does. Then it sends all requests at once: with net/http without retries, with
mien over HTTP/1.1 (a handshake for each request) and with mien over HTTP/2.

It exits with 0 if every request of mien succeeded and the origin saw the
browser that was asked for.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return demo(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.protocol, "protocol", "both", "both, h1 or h2")
	f.IntVar(&o.requests, "requests", 5000, "requests at once")
	f.Float64Var(&o.resets, "resets", 0.2, "share of the TLS handshakes that the origin kills, 0 to 0.9")
	f.StringVar(&o.profile, "profile", "chrome", "browser to look like; see mien profiles")
	f.BoolVar(&o.json, "json", false, "print a JSON object for each client")
	f.BoolVar(&o.noControl, "no-control", false, "leave out net/http")
	return cmd
}

func (o demoOptions) check() (*fingerprint.Profile, error) {
	switch o.protocol {
	case "both", protocolH1, protocolH2:
	default:
		return nil, fmt.Errorf("--protocol %q: both, h1 or h2", o.protocol)
	}
	if o.requests < 1 {
		return nil, fmt.Errorf("--requests %d: at least 1", o.requests)
	}
	if o.resets < 0 || o.resets > 0.9 {
		return nil, fmt.Errorf("--resets %v: 0 to 0.9", o.resets)
	}
	return fingerprint.Lookup(o.profile)
}

// demo runs the rows one after the other, each with an origin of its own.
func demo(ctx context.Context, o demoOptions, stdout, stderr io.Writer) error {
	p, err := o.check()
	if err != nil {
		return err
	}
	if err := checkDescriptors(o); err != nil {
		return &failedError{text: err.Error()}
	}
	var rows []demoRow
	for _, client := range o.clients() {
		row, err := runRow(ctx, o, client, p, newProgress(stderr, o, client))
		if ctx.Err() != nil {
			return failedf("demo, %s: interrupted", client)
		}
		if err != nil {
			return failedf("demo, %s: %v", client, err)
		}
		rows = append(rows, row)
		if o.json {
			if err := json.NewEncoder(stdout).Encode(row); err != nil {
				return err
			}
		}
	}
	if !o.json {
		printTable(stdout, o, p, rows)
	}
	for _, r := range rows {
		if why := r.wrong(); why != "" {
			return failedf("%s: %s", r.Client, why)
		}
	}
	return nil
}

// The rows of the demo.
const (
	clientControl = "net/http"
	clientH1      = "mien h1"
	clientH2      = "mien h2"
)

func (o demoOptions) clients() []string {
	var list []string
	if !o.noControl {
		list = append(list, clientControl)
	}
	if o.protocol != protocolH2 {
		list = append(list, clientH1)
	}
	if o.protocol != protocolH1 {
		list = append(list, clientH2)
	}
	return list
}

// checkDescriptors says beforehand when the demo cannot have all its
// connections open: one each at the client and at the origin.
func checkDescriptors(o demoOptions) error {
	limit, command, ok := descriptorLimit()
	const spare = 100
	need := uint64(o.requests) + spare
	if o.protocol == protocolH2 && o.noControl {
		need = uint64(o.requests)/10 + spare
	}
	if !ok || limit >= need {
		return nil
	}
	return fmt.Errorf("this process may open %d file descriptors and the demo needs %d: raise the limit with %q, or run fewer requests with --requests %d",
		limit, need, fmt.Sprintf(command, need), max(int(limit)-spare, 1))
}

// newProgress shows answered requests on a terminal, and nothing elsewhere.
func newProgress(w io.Writer, o demoOptions, client string) func(done int) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return func(int) {}
	}
	bar := progressbar.NewOptions(o.requests,
		progressbar.OptionSetWriter(f),
		progressbar.OptionSetDescription(fmt.Sprintf("%-9s", client)),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionShowCount())
	return func(done int) {
		if done < 0 {
			_ = bar.Finish()
			return
		}
		_ = bar.Set(done)
	}
}
