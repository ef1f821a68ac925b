// Command mien is the measured client of this repository.
package main

import (
	"context"
	"crypto/tls"
	"io"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/bench/driver"
	"github.com/mien-http/mien/fingerprint"
)

func main() { driver.Main(open) }

type client struct {
	session *mien.Session
	fresh   bool
}

func open(job driver.Job) (driver.Client, error) {
	pool, err := job.Roots()
	if err != nil {
		return nil, err
	}
	profile, err := fingerprint.Lookup("chrome-156-linux")
	if err != nil {
		return nil, err
	}
	session, err := mien.New(mien.Config{
		Profile: profile,
		TLS:     &tls.Config{RootCAs: pool, SessionTicketsDisabled: job.Fresh && !job.Resume},
	})
	if err != nil {
		return nil, err
	}
	return &client{session, job.Fresh}, nil
}

func (c *client) Get(ctx context.Context, url string) (int64, error) {
	if c.fresh {
		ctx = mien.WithOptions(ctx, mien.Options{FreshConnection: true})
	}
	resp, err := c.session.Get(ctx, url)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	if err := driver.Status(resp.StatusCode); err != nil {
		return 0, err
	}
	return io.Copy(io.Discard, resp.Body)
}

func (c *client) Close() { _ = c.session.Close() }
