package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/retry"
)

// getOptions are the flags of "mien get".
type getOptions struct {
	profile     string
	cacert      string
	insecure    bool
	method      string
	headers     []string
	data        []string
	output      string
	include     bool
	head        bool
	noFollow    bool
	verbose     bool
	json        bool
	fail        bool
	timeout     time.Duration
	maxAttempts int
}

func getCommand() *cobra.Command {
	var o getOptions
	cmd := &cobra.Command{
		Use:   "get URL",
		Short: "Send one request as a browser and print the answer",
		Long: `get sends one request with the TLS, HTTP/2 and header fields of a browser,
follows redirects and prints the body.

An answer of any status counts as done; --fail changes that.`,
		Example: `  mien get https://example.com/
  mien get https://example.com/api -d @order.json -H 'Content-Type: application/json'
  mien get https://127.0.0.1:8443/ --cacert ca.pem --profile firefox`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			g := oneGet{o: o, stdin: cmd.InOrStdin(), stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr()}
			return g.get(cmd.Context(), args[0])
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.profile, "profile", "chrome", "browser to look like, see mien profiles; or a profile's file")
	f.StringVar(&o.cacert, "cacert", "", "trust the certificates in this PEM `file`, and no others")
	f.BoolVarP(&o.insecure, "insecure", "k", false, "do not verify the server's certificate")
	f.StringVarP(&o.method, "method", "X", "", "request `method` (GET, or POST with --data)")
	f.StringArrayVarP(&o.headers, "header", "H", nil, "`'Name: value'`; 'Name:' leaves the profile's field out; repeatable")
	f.StringArrayVarP(&o.data, "data", "d", nil, "request `body`; @FILE reads a file, - standard input; several are joined by &")
	f.StringVarP(&o.output, "output", "o", "", "write the body to this `file`")
	f.BoolVarP(&o.include, "include", "i", false, "print status and header fields before the body")
	f.BoolVarP(&o.head, "head", "I", false, "send HEAD and print status and header fields")
	f.BoolVar(&o.noFollow, "no-follow", false, "do not follow redirects")
	f.BoolP("location", "L", true, "follow redirects, which is the default")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "tell on standard error what happens")
	f.BoolVar(&o.json, "json", false, "print one JSON object: url, status, protocol, headers, body or error")
	f.BoolVarP(&o.fail, "fail", "f", false, "exit with 1, without the body, if the status is not 2xx")
	f.DurationVar(&o.timeout, "timeout", 0, "limit for all of it, such as 30s")
	f.IntVar(&o.maxAttempts, "max-attempts", 0, "how often a request is tried in all (default 4); 1: nothing is tried again, connections neither")
	cmd.MarkFlagsMutuallyExclusive("json", "include")
	cmd.MarkFlagsMutuallyExclusive("json", "output")
	cmd.MarkFlagsMutuallyExclusive("no-follow", "location")
	cmd.MarkFlagsMutuallyExclusive("head", "data")
	cmd.MarkFlagsMutuallyExclusive("head", "method")
	return cmd
}

// oneGet is one run of "mien get".
type oneGet struct {
	o              getOptions
	stdin          io.Reader
	stdout, stderr io.Writer
}

func (g *oneGet) get(ctx context.Context, url string) error {
	cfg, err := g.config()
	if err != nil {
		return err
	}
	if g.o.timeout < 0 {
		return fmt.Errorf("--timeout %v: it must not be negative", g.o.timeout)
	}
	if g.o.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, g.o.timeout)
		defer cancel()
	}
	talk := newTalk(g.stderr, g.o.verbose)
	cfg.Hooks = talk.hooks()
	req, err := g.request(talk.trace(ctx), url)
	if err != nil {
		return err
	}
	s, err := mien.New(cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	talk.started(time.Now())
	resp, err := s.Do(req)
	if err != nil {
		return g.failed(url, resp, nil, err)
	}
	defer resp.Body.Close()
	talk.answered(resp)
	err = g.answer(url, resp)
	talk.finished(s.Stats())
	return err
}

// config is the Session's.
func (g *oneGet) config() (mien.Config, error) {
	var cfg mien.Config
	var err error
	if cfg.Profile, err = profileOf(g.o.profile); err != nil {
		return cfg, err
	}
	cfg.TLS = &tls.Config{}
	if g.o.cacert != "" {
		if g.o.insecure {
			return cfg, errors.New("--cacert and --insecure exclude each other")
		}
		if cfg.TLS.RootCAs, err = readRoots(g.o.cacert); err != nil {
			return cfg, err
		}
	}
	if g.o.insecure {
		fmt.Fprintln(g.stderr, "mien: --insecure: the server's certificate is not verified, anybody in between can read and change what is sent")
		cfg.TLS.InsecureSkipVerify = true
	}
	if cfg.Retry, err = g.o.retry(); err != nil {
		return cfg, err
	}
	if g.o.noFollow {
		cfg.Redirect.Max = -1
	}
	return cfg, nil
}

// profileOf is the profile of that name, or of that file: a name has no path and
// no ending.
func profileOf(name string) (*fingerprint.Profile, error) {
	if strings.HasSuffix(name, ".json") || strings.ContainsAny(name, `/\`) {
		return fingerprint.Load(name)
	}
	return fingerprint.Lookup(name)
}

func (o *getOptions) retry() (retry.Policy, error) {
	switch {
	case o.maxAttempts < 0:
		return retry.Policy{}, fmt.Errorf("--max-attempts %d: at least 1", o.maxAttempts)
	case o.maxAttempts == 1:
		return retry.Policy{MaxAttempts: -1}, nil
	}
	return retry.Policy{MaxAttempts: o.maxAttempts}, nil
}

func readRoots(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--cacert: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--cacert %s: there is no certificate in PEM form in it", file)
	}
	return pool, nil
}

// failed reports err, with what there is of the response.
func (g *oneGet) failed(url string, resp *http.Response, body []byte, err error) error {
	var e *mien.Error
	if errors.As(err, &e) && e.Class == retry.Invalid {
		return err // wrong use: nothing was asked that could be answered
	}
	if g.o.json {
		if err := g.printJSON(url, resp, body, err); err != nil {
			return failedf("%v", err)
		}
	}
	return failedf("%v", err)
}
