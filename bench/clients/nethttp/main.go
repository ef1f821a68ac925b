// Command nethttp is the measure: Go's own client, sending the field list that
// Chrome 156 sends.
package main

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"

	"github.com/mien-http/mien/bench/driver"
)

func main() { driver.Main(open) }

type client struct {
	job    driver.Job
	http   *http.Client
	config *tls.Config
	fields http.Header // not written to by http.Client, which copies it where it adds to it
}

func open(job driver.Job) (driver.Client, error) {
	pool, err := job.Roots()
	if err != nil {
		return nil, err
	}
	c := &client{job: job, config: &tls.Config{RootCAs: pool}, fields: make(http.Header)}
	for _, f := range driver.Fields {
		c.fields.Set(f[0], f[1])
	}
	if job.Resume {
		c.config.ClientSessionCache = tls.NewLRUClientSessionCache(1024)
	}
	c.http = &http.Client{Transport: c.transport()}
	return c, nil
}

func (c *client) transport() *http.Transport {
	t := &http.Transport{
		TLSClientConfig:     c.config,
		ForceAttemptHTTP2:   c.job.Protocol == "h2",
		MaxIdleConnsPerHost: c.job.InFlight,
		DisableKeepAlives:   c.job.Fresh,
	}
	if c.job.Protocol != "h2" {
		t.Protocols = new(http.Protocols)
		t.Protocols.SetHTTP1(true)
	}
	return t
}

func (c *client) Get(ctx context.Context, url string) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	req.Header = c.fields
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	if err := driver.Status(resp.StatusCode); err != nil {
		return 0, err
	}
	return io.Copy(io.Discard, resp.Body)
}

func (c *client) Close() { c.http.CloseIdleConnections() }
