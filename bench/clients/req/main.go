// Command req measures imroc/req with its Chrome impersonation.
package main

import (
	"context"
	"io"
	"net/http"

	"github.com/imroc/req/v3"

	"github.com/mien-http/mien/bench/driver"
)

func main() { driver.Main(open) }

type client struct {
	http   *req.Client
	fields map[string]string
	fresh  bool
}

func open(job driver.Job) (driver.Client, error) {
	pool, err := job.Roots()
	if err != nil {
		return nil, err
	}
	c := &client{http: req.C().ImpersonateChrome(), fresh: job.Fresh}
	c.http.GetTLSClientConfig().RootCAs = pool
	c.http.SetTimeout(job.Timeout).DisableAutoReadResponse()
	c.http.GetTransport().MaxIdleConnsPerHost = job.InFlight
	c.http.GetTransport().MaxIdleConns = job.InFlight
	if job.Protocol != "h2" {
		c.http.EnableForceHTTP1()
	}
	c.fields = make(map[string]string)
	var order []string
	for _, f := range driver.Fields {
		order = append(order, f[0])
		if f[0] != "accept-encoding" { // set by hand it would not be decoded
			c.fields[f[0]] = f[1]
		}
	}
	c.http.SetCommonHeaderOrder(order...)
	for name := range c.http.Headers {
		if _, ours := c.fields[http.CanonicalHeaderKey(name)]; !ours {
			c.http.Headers.Del(name) // req's own list, of an older Chrome
		}
	}
	return c, nil
}

func (c *client) Get(ctx context.Context, url string) (int64, error) {
	resp, err := c.http.R().SetContext(ctx).SetHeaders(c.fields).Get(url)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if c.fresh {
		c.http.GetTransport().CloseIdleConnections()
	}
	if err == nil {
		err = driver.Status(resp.StatusCode)
	}
	return n, err
}

func (c *client) Close() { c.http.GetTransport().CloseIdleConnections() }
