// Command azuretls measures Noooste/azuretls-client.
package main

import (
	"context"

	"github.com/Noooste/azuretls-client"

	"github.com/mien-http/mien/bench/driver"
)

func main() { driver.Main(open) }

type client struct {
	session *azuretls.Session
	fields  azuretls.OrderedHeaders
	job     driver.Job
}

// open leaves azuretls as it comes: it verifies with the system's roots, for it
// has no setting for others, and opens a second connection for each host to
// learn the certificate that it pins.
func open(job driver.Job) (driver.Client, error) {
	if err := job.SystemRoots(); err != nil {
		return nil, err
	}
	c := &client{session: azuretls.NewSession(), job: job}
	c.session.Browser = azuretls.Chrome
	c.session.SetTimeout(job.Timeout)
	for _, f := range driver.Fields {
		c.fields = append(c.fields, []string{f[0], f[1]})
	}
	return c, nil
}

// Get has no way to hand ctx over; the time-out of the job takes its place.
func (c *client) Get(_ context.Context, url string) (int64, error) {
	resp, err := c.session.Do(&azuretls.Request{
		Method: "GET", Url: url, OrderedHeaders: c.fields,
		ForceHTTP1: c.job.Protocol != "h2",
	})
	if err != nil {
		return 0, err
	}
	if c.job.Fresh {
		c.session.Transport.CloseIdleConnections()
		c.session.HTTP2Transport.CloseIdleConnections()
	}
	return int64(len(resp.Body)), driver.Status(resp.StatusCode)
}

func (c *client) Close() { c.session.Close() }
