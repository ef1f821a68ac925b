// Command httpcloak measures sardanioss/httpcloak.
package main

import (
	"context"
	"io"

	"github.com/sardanioss/httpcloak"

	"github.com/mien-http/mien/bench/driver"
)

func main() { driver.Main(open) }

type client struct {
	session *httpcloak.Session
	fields  map[string][]string
	job     driver.Job
}

// open leaves httpcloak to the system's roots: it has no setting for others.
func open(job driver.Job) (driver.Client, error) {
	if err := job.SystemRoots(); err != nil {
		return nil, err
	}
	protocol := httpcloak.WithForceHTTP1()
	if job.Protocol == "h2" {
		protocol = httpcloak.WithForceHTTP2()
	}
	c := &client{
		session: httpcloak.NewSession("chrome-150-linux", protocol, httpcloak.WithSessionTimeout(job.Timeout)),
		fields:  make(map[string][]string),
		job:     job,
	}
	for _, f := range driver.Fields {
		c.fields[f[0]] = []string{f[1]}
	}
	return c, nil
}

func (c *client) Get(ctx context.Context, url string) (int64, error) {
	resp, err := c.session.Do(ctx, &httpcloak.Request{Method: "GET", URL: url, Headers: c.fields})
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(io.Discard, resp.Body)
	_ = resp.Close()
	if c.job.Fresh {
		c.session.Refresh() // closes the connections and keeps the tickets
	}
	if err == nil {
		err = driver.Status(resp.StatusCode)
	}
	return n, err
}

func (c *client) Close() { c.session.Close() }
