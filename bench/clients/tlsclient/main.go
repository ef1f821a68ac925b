// Command tlsclient measures bogdanfinn/tls-client.
package main

import (
	"context"
	"io"

	http "github.com/bogdanfinn/fhttp"
	tlsclient "github.com/bogdanfinn/tls-client"
	"github.com/bogdanfinn/tls-client/profiles"

	"github.com/mien-http/mien/bench/driver"
)

func main() { driver.Main(open) }

type client struct {
	http   tlsclient.HttpClient
	header http.Header
	fresh  bool
}

func open(job driver.Job) (driver.Client, error) {
	pool, err := job.Roots()
	if err != nil {
		return nil, err
	}
	profile := profiles.Chrome_146
	if job.Resume {
		profile = profiles.Chrome_146_PSK // the other one keeps no tickets
	}
	options := []tlsclient.HttpClientOption{
		tlsclient.WithClientProfile(profile),
		tlsclient.WithRandomTLSExtensionOrder(),
		tlsclient.WithDisableHttp3(),
		tlsclient.WithTimeoutSeconds(int(job.Timeout.Seconds())),
		tlsclient.WithTransportOptions(&tlsclient.TransportOptions{RootCAs: pool, MaxIdleConnsPerHost: job.InFlight}),
	}
	if job.Protocol != "h2" {
		options = append(options, tlsclient.WithForceHttp1())
	}
	c, err := tlsclient.NewHttpClient(tlsclient.NewNoopLogger(), options...)
	if err != nil {
		return nil, err
	}
	header, order := http.Header{}, []string{}
	for _, f := range driver.Fields {
		header[f[0]] = []string{f[1]}
		order = append(order, f[0])
	}
	header[http.HeaderOrderKey] = order
	return &client{c, header, job.Fresh}, nil
}

func (c *client) Get(ctx context.Context, url string) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	req.Header = c.header.Clone() // written to by the client
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if c.fresh {
		c.http.CloseIdleConnections()
	}
	if err == nil {
		err = driver.Status(resp.StatusCode)
	}
	return n, err
}

func (c *client) Close() { c.http.CloseIdleConnections() }
