package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
)

// clientReport is a line from the client: progress, and at last the result.
type clientReport struct {
	Done   int           `json:"done"`
	Result *clientResult `json:"result,omitempty"`
}

// clientResult is what the client did.
type clientResult struct {
	OK               int      `json:"ok"`
	Failed           int      `json:"failed"`
	Seconds          float64  `json:"seconds"`
	Retries          int64    `json:"retries"`
	PeakRSS          *int64   `json:"peak_rss"`
	GoroutinesBefore int      `json:"goroutines_before"`
	GoroutinesAfter  int      `json:"goroutines_after"`
	Errors           []string `json:"errors"`
}

func demoClientCommand() *cobra.Command {
	var client, profile string
	var requests int
	cmd := &cobra.Command{
		Use:    "demo-client",
		Short:  "One client of mien demo",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var at originAddress
			if err := json.NewDecoder(cmd.InOrStdin()).Decode(&at); err != nil {
				return err
			}
			return demoClient(cmd.Context(), client, profile, requests, at, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&client, "client", clientH2, "which")
	cmd.Flags().StringVar(&profile, "profile", "chrome", "browser to look like")
	cmd.Flags().IntVar(&requests, "requests", 1, "requests at once")
	return cmd
}

// getter is a client under comparison.
type getter struct {
	get   func(ctx context.Context, url string) (*http.Response, error)
	close func() (retries int64)
}

func demoClient(ctx context.Context, client, profile string, requests int, at originAddress, out io.Writer) error {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(at.CA)) {
		return errors.New("the origin's CA is not PEM")
	}
	roots := &tls.Config{RootCAs: pool}
	before := runtime.NumGoroutine()
	var g getter
	var err error
	if client == clientControl {
		g = controlGetter(roots)
	} else if g, err = mienGetter(profile, roots); err != nil {
		return err
	}
	enc := json.NewEncoder(out)
	result := sendAll(ctx, g, at.URL, requests, func(done int) { _ = enc.Encode(clientReport{Done: done}) })
	result.Retries = g.close()
	result.GoroutinesBefore, result.GoroutinesAfter = before, settledGoroutines(before)
	result.PeakRSS = peakRSS()
	return enc.Encode(clientReport{Done: requests, Result: &result})
}

// mienGetter is a Session with nothing set but the profile and the roots.
func mienGetter(profile string, roots *tls.Config) (getter, error) {
	p, err := fingerprint.Lookup(profile)
	if err != nil {
		return getter{}, err
	}
	s, err := mien.New(mien.Config{Profile: p, TLS: roots})
	if err != nil {
		return getter{}, err
	}
	return getter{get: s.Get, close: func() int64 {
		_ = s.Close()
		return s.Stats().Retries
	}}, nil
}

// controlGetter is the standard library over HTTP/1.1, without retries.
func controlGetter(roots *tls.Config) getter {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	t := &http.Transport{TLSClientConfig: roots, Protocols: protocols}
	c := &http.Client{Transport: t}
	return getter{
		get: func(ctx context.Context, url string) (*http.Response, error) {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
			if err != nil {
				return nil, err
			}
			return c.Do(req)
		},
		close: func() int64 { t.CloseIdleConnections(); return 0 },
	}
}

// keptErrors is how many error texts are passed on.
const keptErrors = 3

// sendAll sends every request at once and waits for all of them.
func sendAll(ctx context.Context, g getter, url string, requests int, progress func(int)) clientResult {
	var wg sync.WaitGroup
	var done, ok atomic.Int64
	var mu sync.Mutex
	var texts []string
	start := time.Now()
	for range requests {
		wg.Go(func() {
			err := getOnce(ctx, g, url)
			if err == nil {
				ok.Add(1)
			} else {
				mu.Lock()
				if len(texts) < keptErrors {
					texts = append(texts, err.Error())
				}
				mu.Unlock()
			}
			done.Add(1)
		})
	}
	finished := make(chan struct{})
	go func() {
		wg.Wait()
		close(finished)
	}()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			progress(int(done.Load()))
			continue
		case <-finished:
		}
		n := int(ok.Load())
		return clientResult{OK: n, Failed: requests - n, Seconds: time.Since(start).Seconds(), Errors: texts}
	}
}

func getOnce(ctx context.Context, g getter, url string) error {
	resp, err := g.get(ctx, url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK || string(body) != "ok\n" {
		return fmt.Errorf("status %d, body %.40q", resp.StatusCode, body)
	}
	return nil
}

// settledGoroutines waits a moment for goroutines that are on their way out,
// as those of net/http's connections are, and counts the rest.
func settledGoroutines(want int) int {
	deadline := time.Now().Add(2 * time.Second)
	for runtime.NumGoroutine() > want && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	return runtime.NumGoroutine()
}
