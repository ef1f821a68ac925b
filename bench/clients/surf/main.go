// Command surf measures enetx/surf.
package main

import (
	"context"
	"io"

	"github.com/enetx/g"
	"github.com/enetx/surf"

	"github.com/mien-http/mien/bench/driver"
)

func main() { driver.Main(open) }

type client struct {
	http  *surf.Client
	fresh bool
}

// open leaves the fields to surf's own Chrome, a list of the same length: what
// its impersonation sets cannot be replaced in order. Roots are the system's,
// for its TLS layer hands no others on.
func open(job driver.Job) (driver.Client, error) {
	if err := job.SystemRoots(); err != nil {
		return nil, err
	}
	b := surf.NewClient().Builder().SecureTLS().Impersonate().Linux().Chrome().Timeout(job.Timeout)
	if job.Protocol != "h2" {
		b = b.ForceHTTP1()
	}
	if job.Resume {
		b = b.Session() // keeps tickets
	}
	built := b.Build()
	if built.IsErr() {
		return nil, built.Err()
	}
	return &client{built.Ok(), job.Fresh}, nil
}

func (c *client) Get(ctx context.Context, url string) (int64, error) {
	result := c.http.Get(g.String(url)).WithContext(ctx).Do()
	if result.IsErr() {
		return 0, result.Err()
	}
	resp := result.Ok()
	n, err := io.Copy(io.Discard, resp.Body.Reader)
	_ = resp.Body.Close()
	if c.fresh {
		c.http.CloseIdleConnections()
	}
	if err == nil {
		err = driver.Status(int(resp.StatusCode))
	}
	return n, err
}

func (c *client) Close() { _ = c.http.Close() }
