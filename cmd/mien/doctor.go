package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/mien-http/mien/cmd/mien/internal/doctor"
	"github.com/mien-http/mien/fingerprint"
)

// doctorOptions are the flags of "mien doctor".
type doctorOptions struct {
	profile     string
	cacert      string
	proxy       string
	noDirect    bool
	connections int
	repeat      int
	concurrent  int
	timeout     time.Duration
	json        bool
}

func doctorCommand() *cobra.Command {
	var o doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor [URL]",
		Short: "Say why TLS handshakes fail here",
		Long: `doctor looks at the limits of this machine and, if there is a URL, at the way to
it: the name, each address, TCP, and TLS as the browser speaks it, with a hello
small enough for one TCP segment, without the server name, direct and through
the proxy, repeated, and more and more at once until failures jump. Then it says
what fits all that it saw, and what to do.

It is polite: never more than ` + fmt.Sprint(doctor.MaxHandshakes) + ` handshakes, each ended as soon as it is complete,
and one GET of the URL if all is well so far. With the defaults that is about
150 handshakes. With --proxy it connects to the origin directly too, to compare;
--no-direct keeps it from that.

It exits with 0 if it found nothing wrong and with 1 if it did.`,
		Example: `  mien doctor
  mien doctor https://example.com/
  mien doctor https://example.com/ --proxy http://proxy.example:3128 --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			target := ""
			if len(args) == 1 {
				target = args[0]
				if err := checkURL(target); err != nil {
					return err
				}
			}
			return o.run(cmd.Context(), target, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.profile, "profile", "chrome", "browser to look like; see mien profiles")
	f.StringVar(&o.cacert, "cacert", "", "trust the certificates in this PEM `file`, and no others")
	f.StringVar(&o.proxy, "proxy", "", "`URL` of a proxy to go through: http, https, socks5h, …")
	f.BoolVar(&o.noDirect, "no-direct", false, "with --proxy: open no connection to the origin itself")
	f.IntVar(&o.connections, "connections", 5000, "how many connections this machine is to hold at once")
	f.IntVar(&o.repeat, "repeat", 5, "how often each hello is tried, at most 20")
	f.IntVar(&o.concurrent, "concurrent", 64, "the most handshakes at once, at most 128; 0: none")
	f.DurationVar(&o.timeout, "timeout", time.Minute, "limit for all of it")
	f.BoolVar(&o.json, "json", false, "print one JSON object: checks, probes, verdict, text, advice, evidence")
	return cmd
}

func (o *doctorOptions) run(ctx context.Context, target string, stdout io.Writer) error {
	opts, err := o.options(target)
	if err != nil {
		return err
	}
	start := time.Now()
	report, err := doctor.Examine(ctx, opts)
	switch {
	case ctx.Err() != nil:
		return failedf("interrupted")
	case err != nil:
		return err
	case o.json:
		err = printIndented(stdout, report)
	default:
		err = printNote(stdout, report, time.Since(start))
	}
	if err == nil && !report.Healthy {
		err = failedf("")
	}
	return err
}

// options checks the flags; its errors name the flag.
func (o *doctorOptions) options(target string) (doctor.Options, error) {
	opts := doctor.Options{
		URL: target, NoDirect: o.noDirect,
		Connections: o.connections, Repeat: o.repeat, Concurrent: o.concurrent, Timeout: o.timeout,
	}
	switch {
	case o.connections < 1:
		return opts, fmt.Errorf("--connections %d: at least 1", o.connections)
	case o.repeat < 1:
		return opts, fmt.Errorf("--repeat %d: at least 1", o.repeat)
	case o.concurrent < 0:
		return opts, fmt.Errorf("--concurrent %d: it must not be negative", o.concurrent)
	case o.timeout <= 0:
		return opts, fmt.Errorf("--timeout %v: it must be positive", o.timeout)
	case o.concurrent == 0:
		opts.Concurrent = -1
	}
	var err error
	if opts.Profile, err = fingerprint.Lookup(o.profile); err != nil {
		return opts, err
	}
	if o.cacert != "" {
		if opts.RootCAs, err = readRoots(o.cacert); err != nil {
			return opts, err
		}
	}
	if o.proxy != "" {
		// The parser's error is not shown: it quotes the URL, and that may hold
		// a password.
		if opts.Proxy, err = url.Parse(o.proxy); err != nil || opts.Proxy.Host == "" {
			return opts, fmt.Errorf("--proxy: it is not of the form http://host:port")
		}
	}
	return opts, nil
}
