package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	origin "github.com/mien-http/mien/cmd/mien/internal/capture"
	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/fingerprint/capture"
)

// captureOptions are the flags of "mien capture".
type captureOptions struct {
	browser string
	out     string
	raw     string
	ca      string
	name    string
	version string
	source  string
	timeout time.Duration
	fresh   int
}

func captureCommand() *cobra.Command {
	var o captureOptions
	cmd := &cobra.Command{
		Use:   "capture",
		Short: "Record a browser and make a profile of it",
		Long: `capture runs origins whose pages have a browser send every kind of request, over
HTTP/2, HTTP/1.1 and in cleartext, and open connections of every kind. It writes
down what arrives, and a profile learned from that.

With --browser it starts the browser itself, without a window and with an empty
profile. Without, it prints one URL after the other: open each in the browser that
is to be recorded, which has to trust the certificate of --cacert-out and to find
the hosts *.test at 127.0.0.1. A kind of request that the browser never sends is
named in the profile, and refused when it is used.`,
		Example: `  mien capture --browser /usr/bin/chromium --out p.json
  mien get https://example.com/ --profile p.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r := captureRun{o: o, stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr()}
			return r.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.browser, "browser", "", "start this `program`: a Chromium or a Firefox")
	f.StringVar(&o.out, "out", "", "write the profile to this `file` (default: standard output)")
	f.StringVar(&o.raw, "raw", "", "write what arrived to this `folder`, for mien import and mien diff")
	f.StringVar(&o.ca, "cacert-out", "", "write the CA's certificate to this `file`, in PEM")
	f.StringVar(&o.name, "name", "", "name of the profile (default: brand, version and platform)")
	f.StringVar(&o.version, "version", "", "full version of the browser (default: what --browser says, or the User-Agent)")
	f.StringVar(&o.source, "source", "", "what to name as the source (default: the browser and its version)")
	f.DurationVar(&o.timeout, "timeout", 5*time.Minute, "limit for all of it")
	f.IntVar(&o.fresh, "hellos", 32, "how many fresh connections to look at")
	return cmd
}

// captureRun is one run of "mien capture".
type captureRun struct {
	o              captureOptions
	stdout, stderr io.Writer
}

func (r *captureRun) run(ctx context.Context) error {
	if r.o.timeout <= 0 {
		return fmt.Errorf("--timeout %v: it must be positive", r.o.timeout)
	}
	if r.o.fresh < 2 {
		return fmt.Errorf("--hellos %d: at least 2, to see what varies", r.o.fresh)
	}
	var browser *origin.Browser
	if r.o.browser != "" {
		var err error
		if browser, err = origin.Find(ctx, r.o.browser); err != nil {
			return fmt.Errorf("--browser: %w", err)
		}
		fmt.Fprintln(r.stderr, browser.Version)
	}
	ctx, cancel := context.WithTimeout(ctx, r.o.timeout)
	defer cancel()
	site, err := origin.New(origin.Options{Fresh: r.o.fresh})
	if err != nil {
		return failedf("%v", err)
	}
	defer site.Close()
	if r.o.ca != "" {
		if err := writeWhole(r.o.ca, site.CertPEM()); err != nil {
			return fmt.Errorf("--cacert-out: %w", err)
		}
	}
	visited := r.visit(ctx, site, browser)
	if missing := site.Missing(); len(missing) > 0 {
		fmt.Fprintln(r.stderr, "never sent:", origin.Summary(missing))
	}
	dir := r.o.raw
	if dir == "" {
		if dir, err = os.MkdirTemp("", "mien-capture-"); err != nil {
			return failedf("%v", err)
		}
		defer os.RemoveAll(dir)
	}
	if err := site.WriteRaw(dir); err != nil {
		return failedf("--raw: %v", err)
	}
	if visited != nil {
		return failedf("%v", visited)
	}
	return r.profile(dir, browser)
}

// visit has every part visited: by the browser, or by whoever reads the URLs.
func (r *captureRun) visit(ctx context.Context, site *origin.Site, browser *origin.Browser) error {
	for _, p := range site.Parts() {
		if browser != nil {
			fmt.Fprintf(r.stderr, "%s: %s\n", p.Name, p.Says)
			if err := browser.Visit(ctx, site, p); err != nil {
				return err
			}
			continue
		}
		if r.o.out != "" { // or the profile goes there
			fmt.Fprintln(r.stdout, p.URL)
		}
		fmt.Fprintf(r.stderr, "open %s (%s)\n", p.URL, p.Says)
		if err := r.await(ctx, site, p); err != nil {
			return err
		}
	}
	return nil
}

// await waits for the end of a part that a person has opened, and says now and
// then what there is not yet.
func (r *captureRun) await(ctx context.Context, site *origin.Site, p *origin.Part) error {
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-p.Ended():
			return nil
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("%s: the browser did not come to the end within %v", p.URL, r.o.timeout)
			}
			return ctx.Err()
		case <-tick.C:
			fmt.Fprintln(r.stderr, "still missing:", origin.Summary(site.Missing()))
		}
	}
}

// profile learns the profile from the recording and writes it.
func (r *captureRun) profile(dir string, browser *origin.Browser) error {
	o := capture.Options{Name: r.o.name, Version: r.o.version, Source: r.o.source}
	if browser != nil && o.Version == "" {
		o.Version = browser.Number()
	}
	p, err := importFolder(dir, o)
	if err != nil {
		return failedf("no profile can be made of what arrived: %v", err)
	}
	b, err := capture.Format(p)
	if err != nil {
		return failedf("%v", err)
	}
	if r.o.out == "" {
		_, err = r.stdout.Write(b)
	} else {
		err = writeWhole(r.o.out, b)
	}
	if err != nil {
		return failedf("%v", err)
	}
	fmt.Fprintf(r.stderr, "%s: %d header lists%s\n", p.Name, len(p.Headers), absentOf(p))
	return nil
}

func absentOf(p *fingerprint.Profile) string {
	s := ""
	for i, k := range p.Absent {
		if i == 0 {
			s = "; without "
		} else {
			s += ", "
		}
		s += k.String()
	}
	return s
}
