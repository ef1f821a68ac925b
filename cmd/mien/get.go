package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/retry"
)

func getCommand() *cobra.Command {
	var o getOptions
	cmd := &cobra.Command{
		Use:   "get URL...",
		Short: "Send a request as a browser and print the answer, with curl's flags",
		Long: `get sends a request with the TLS, HTTP/2 and header fields of a browser and
prints the body. Its flags are curl's, with curl's meaning; where it differs:

  - Redirects are followed, as browsers do; -L is accepted, --no-follow stops it.
  - A URL without a scheme is taken to be https, not http.
  - Several URLs are asked one after the other, over the same connections and
    with the same cookies; each is taken as it stands: no {a,b}, no [1-9].
  - Fields that are not given are the browser's: User-Agent, Accept, Sec-Fetch-*.
    Bodies are decoded (--compressed). No proxy is read from the environment.
  - -v shows the request as it left, field by field, in order. Credentials and
    cookies are hidden there, because such output is pasted into reports;
    --show-secrets shows them.
  - What may be sent twice is tried again without --retry; see --max-attempts.

An answer of any status counts as done; --fail changes that. The exit code is 0
if all was done, 1 if something failed and 2 for wrong use. A body that breaks
off is kept as far as it came, and the exit code is 1.`,
		Example: `  mien get https://example.com/
  mien get https://example.com/api --json '{"dish":"soup"}'
  mien get https://example.com/upload -F picture=@cat.png -F 'note=a cat'
  mien get https://127.0.0.1:8443/ --cacert ca.pem --profile firefox -v`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.agentSet = cmd.Flags().Changed("user-agent")
			o.retriesSet = cmd.Flags().Changed("retry")
			o.redirsSet = cmd.Flags().Changed("max-redirs")
			g := oneGet{o: o, stdin: cmd.InOrStdin(), stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr()}
			return g.get(cmd.Context(), args)
		},
	}
	o.register(cmd)
	completeGet(cmd)
	return cmd
}

// oneGet is one run of "mien get".
type oneGet struct {
	o              getOptions
	stdin          io.Reader
	stdinRead      bool
	stdout, stderr io.Writer
	talk           *talk
	write          writeOut                              // of --write-out
	content        *content                              // nil: none
	dumped         bool                                  // --dump-header has its first answer
	data           []byte                                // what the flags for data join to; nil: not read so far
	proxyOf        func(*http.Request) (*url.URL, error) // nil: none
}

func (g *oneGet) get(ctx context.Context, args []string) error {
	targets, err := g.targets(args)
	if err != nil {
		return err
	}
	if g.content, err = g.body(); err != nil {
		return err
	}
	if g.write, err = g.writeOut(); err != nil {
		return err
	}
	cfg, err := g.config(targets)
	if err != nil {
		return err
	}
	g.talk = newTalk(g.stderr, &g.o, cfg.Profile)
	g.talk.forwards = g.forwards
	cfg.Hooks = g.talk.hooks()
	g.redirects(&cfg)
	requests := make([]*http.Request, len(targets))
	for i, t := range targets { // wrong use is told before anything is sent
		if requests[i], err = g.request(t); err != nil {
			return err
		}
	}
	s, err := mien.New(cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := g.importCookies(s, requests); err != nil {
		return err
	}
	failed := false
	for i, req := range requests {
		switch err := g.one(ctx, s, targets[i], req); {
		case err == nil:
		case isUsage(err):
			return err
		default:
			failed = true
			g.complain(err)
		}
	}
	if err := g.saveCookies(s); err != nil {
		failed = true
		g.complain(err)
	}
	if failed {
		return failedf("")
	}
	return nil
}

// complain prints err, unless it is silent.
func (g *oneGet) complain(err error) {
	if text := err.Error(); text != "" && (!g.o.silent || g.o.showError) {
		fmt.Fprintln(g.stderr, "mien:", text)
	}
}

// isUsage reports whether nothing was asked that could be answered.
func isUsage(err error) bool {
	var e *mien.Error
	return errors.As(err, &e) && e.Class == retry.Invalid
}

// one sends one request and prints its answer.
func (g *oneGet) one(ctx context.Context, s *mien.Session, t target, req *http.Request) error {
	if g.o.maxTime > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(g.o.maxTime))
		defer cancel()
	}
	g.talk.begin(time.Now(), req, t.assumed)
	req = req.WithContext(mien.WithOptions(g.talk.trace(ctx), g.options()))
	resp, err := s.Do(req)
	if err != nil {
		err = g.failed(t.url, resp, nil, err)
		if !isUsage(err) {
			g.writeSummary(resp, 0, err)
		}
		return err
	}
	defer resp.Body.Close()
	g.talk.answered(resp)
	n, err := g.answer(t, resp)
	g.talk.finished(s.Stats())
	g.writeSummary(resp, n, err)
	return err
}

// failed reports err, with what there is of the response.
func (g *oneGet) failed(url string, resp *http.Response, body []byte, err error) error {
	if isUsage(err) {
		return err
	}
	if g.o.report {
		if err := g.printReport(url, resp, body, err); err != nil {
			return failedf("%v", err)
		}
	}
	return failedf("%v", err)
}

// redirects has the session follow them as the flags want it, and tells of them.
func (g *oneGet) redirects(cfg *mien.Config) {
	switch n := g.o.maxRedirs; {
	case g.o.noFollow:
		cfg.Redirect.Max = -1
	case g.o.redirsSet && n < 0:
		cfg.Redirect.Max = int(^uint(0) >> 1)
	case n > 0:
		cfg.Redirect.Max = n
	}
	none := g.o.redirsSet && g.o.maxRedirs == 0
	cfg.Redirect.Check = func(next *http.Request, via []*http.Request) error {
		g.talk.redirected(next, len(via))
		if none {
			return errors.New("--max-redirs 0 lets none be followed")
		}
		return nil
	}
}
