// Command fasthttp measures valyala/fasthttp, which speaks HTTP/1.1 alone.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/mien-http/mien/bench/driver"
)

func main() { driver.Main(open) }

type client struct {
	http    *fasthttp.Client
	timeout time.Duration
}

func open(job driver.Job) (driver.Client, error) {
	if job.Protocol != "http/1.1" {
		return nil, errors.New("no HTTP/2")
	}
	pool, err := job.Roots()
	if err != nil {
		return nil, err
	}
	return &client{&fasthttp.Client{
		TLSConfig:                     &tls.Config{RootCAs: pool},
		MaxConnsPerHost:               job.InFlight,
		DisableHeaderNamesNormalizing: true,
		NoDefaultUserAgentHeader:      true,
	}, job.Timeout}, nil
}

// Get has no way to hand ctx over; the time-out of the job takes its place.
func (c *client) Get(_ context.Context, url string) (int64, error) {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.SetRequestURI(url)
	for _, f := range driver.Fields {
		req.Header.Set(f[0], f[1])
	}
	if err := c.http.DoTimeout(req, resp, c.timeout); err != nil {
		return 0, err
	}
	return int64(len(resp.Body())), driver.Status(resp.StatusCode())
}

func (c *client) Close() { c.http.CloseIdleConnections() }
