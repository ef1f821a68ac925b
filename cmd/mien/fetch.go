package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/cmd/mien/internal/fetch"
)

// fetchOptions are the flags of "mien fetch".
type fetchOptions struct {
	profile      string
	cacert       string
	insecure     bool
	proxy        string
	out          string
	state        string
	bodies       string
	concurrency  int
	rate         float64
	timeout      time.Duration
	maxAttempts  int
	maxBody      byteSize
	ignoreRobots bool
	robotsAgent  string
}

func fetchCommand() *cobra.Command {
	o := fetchOptions{maxBody: 100 << 20}
	cmd := &cobra.Command{
		Use:   "fetch FILE|-",
		Short: "Request many URLs as a browser, with limits, progress and resume",
		Long: `fetch requests every URL of a file, or of standard input, and writes a line of
JSON for each as it comes: its number and URL, the final URL if there were
redirects, status, protocol, bytes, milliseconds by phase, attempts, the error
with its phase and class, and the body's file with --bodies.

The input has one URL a line. Blank lines and lines that begin with # are passed
over. A line that is no URL has a result too, of class Invalid. Each line is one
result: a URL on two lines is requested twice.

With --state and --out, the same command goes on where it was ended, even by
SIGKILL: no URL is lost, and none that has a result is requested again. A URL is
finished when its whole line is in --out; failures are results too. To request
some again, take their lines out of --out and run the same command. The input
must be the same; from standard input the same lines must come again in the same
order. Two runs cannot share a state. Every five seconds, and at the end, bodies,
output and state are forced onto the disk.

An interrupted run records nothing of what is in flight.

robots.txt is obeyed, for redirects too: a URL that it disallows is a result of
class Robots, and so is every URL of an origin whose robots.txt cannot be had
(RFC 9309). Its Crawl-delay, up to an hour, counts where --rate allows more.
` + "`" + `--ignore-robots` + "`" + ` asks for everything.

It exits with 0 if every URL was answered, whatever the status, with 1 if some were
not or it was ended before, and with 2, before any request, if it was used wrongly.`,
		Example: `  mien fetch urls.txt > results.jsonl
  mien fetch urls.txt --out results.jsonl --state state --bodies bodies --rate 2
  zcat urls.gz | mien fetch - --concurrency 500 --timeout 20s --out results.jsonl`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM)
			defer stop()
			return o.run(ctx, args[0], cmd)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.out, "out", "", "write results to this `file` (default: standard output)")
	f.StringVar(&o.state, "state", "", "keep in this `file` what it takes to go on after an end of any kind")
	f.StringVar(&o.bodies, "bodies", "", "keep bodies below this `folder`: aa/SHA256-LINE by the URL's SHA-256 and its line")
	f.IntVar(&o.concurrency, "concurrency", 64, "how many URLs at once")
	f.Float64Var(&o.rate, "rate", 0, "requests a second per host, evenly spaced; 0: any number")
	f.DurationVar(&o.timeout, "timeout", time.Minute, "limit for one URL with its body; 0: none")
	f.Var(&o.maxBody, "max-body", "longest body, such as 500k or 2G; 0: any")
	f.IntVar(&o.maxAttempts, "max-attempts", 0, "how often a request is tried in all (default 4); 1: nothing is tried again")
	f.BoolVar(&o.ignoreRobots, "ignore-robots", false, "do not read robots.txt")
	f.StringVar(&o.robotsAgent, "robots-agent", "mien", "the `token` that user-agent lines of robots.txt are compared with")
	f.StringVar(&o.profile, "profile", "chrome", "browser to look like, see mien profiles; or a profile's file")
	f.StringVar(&o.proxy, "proxy", "", "`URL` of a proxy to go through: http, https, socks5h, …")
	f.StringVar(&o.cacert, "cacert", "", "trust the certificates in this PEM `file`, and no others")
	f.BoolVarP(&o.insecure, "insecure", "k", false, "do not verify servers' certificates")
	cmd.MarkFlagsMutuallyExclusive("ignore-robots", "robots-agent")
	cmd.MarkFlagsMutuallyExclusive("cacert", "insecure")
	return cmd
}

func (o *fetchOptions) run(ctx context.Context, input string, cmd *cobra.Command) error {
	stderr := cmd.ErrOrStderr()
	cfg, err := o.config(stderr)
	if err != nil {
		return err
	}
	bar := newFetchBar(stderr, o.out == "")
	job, err := fetch.Prepare(fetch.Options{
		Input: input, Stdin: cmd.InOrStdin(), Out: o.out, Stdout: cmd.OutOrStdout(), State: o.state, Bodies: o.bodies,
		Concurrency: o.concurrency, Rate: o.rate, Timeout: o.timeout, MaxBody: int64(o.maxBody),
		IgnoreRobots: o.ignoreRobots, RobotsAgent: o.robotsAgent, Config: cfg, Progress: bar.show,
	})
	if err != nil {
		return err
	}
	if n := job.Before(); n > 0 {
		fmt.Fprintf(stderr, "mien: going on, %d results are there\n", n)
	}
	sum, err := job.Run(ctx)
	bar.close()
	printFetchSummary(stderr, sum)
	switch {
	case errors.Is(err, fetch.ErrInterrupted) && o.state != "":
		return failedf("interrupted: run the same command again to go on")
	case errors.Is(err, fetch.ErrInterrupted):
		return failedf("interrupted: without --state there is no going on")
	case err != nil && o.state != "" && !errors.Is(err, fetch.ErrOtherInput):
		return failedf("%v; what has a result is kept: run the same command again to go on", err)
	case err != nil:
		return failedf("%v", err)
	case sum.Failed > 0:
		return failedf("")
	}
	return nil
}

// config is the Session's; its errors name the flag.
func (o *fetchOptions) config(stderr io.Writer) (mien.Config, error) {
	var cfg mien.Config
	var err error
	if cfg.Profile, err = profileOf(o.profile); err != nil {
		return cfg, err
	}
	cfg.TLS = &tls.Config{}
	if o.cacert != "" {
		if cfg.TLS.RootCAs, err = readRoots(o.cacert); err != nil {
			return cfg, err
		}
	}
	if o.insecure {
		fmt.Fprintln(stderr, "mien: --insecure: servers' certificates are not verified, anybody in between can read and change what is sent")
		cfg.TLS.InsecureSkipVerify = true
	}
	if o.proxy != "" {
		// The parser's error is not shown: it quotes the URL, and that may hold
		// a password.
		proxy, err := url.Parse(o.proxy)
		if err != nil || proxy.Host == "" {
			return cfg, errors.New("--proxy: it is not of the form http://host:port")
		}
		cfg.Proxy = func(*http.Request) (*url.URL, error) { return proxy, nil }
	}
	switch {
	case o.maxAttempts < 0:
		return cfg, fmt.Errorf("--max-attempts %d: at least 1", o.maxAttempts)
	case o.maxAttempts == 1:
		cfg.Retry.MaxAttempts = -1
	default:
		cfg.Retry.MaxAttempts = o.maxAttempts
	}
	// What New refuses is found here, before a file is made.
	s, err := mien.New(cfg)
	if err != nil {
		return cfg, err
	}
	return cfg, s.Close()
}
