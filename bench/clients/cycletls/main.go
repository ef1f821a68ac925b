// Command cycletls measures Danny-Dasilva/CycleTLS.
package main

import (
	"context"
	"errors"

	"github.com/Danny-Dasilva/CycleTLS/cycletls"

	"github.com/mien-http/mien/bench/driver"
)

func main() { driver.Main(open) }

// chrome is the JA3 of a Chrome without the GREASE values, which CycleTLS adds.
const chrome = "771,4865-4866-4867-49195-49199-49196-49200-52393-52392-49171-49172-156-157-47-53,0-23-65281-10-11-35-16-5-13-18-51-45-43-27-17513,29-23-24,0"

type client struct {
	http    cycletls.CycleTLS
	options cycletls.Options
}

// open leaves CycleTLS to the system's roots: it has no setting for others.
func open(job driver.Job) (driver.Client, error) {
	if err := job.SystemRoots(); err != nil {
		return nil, err
	}
	c := &client{http: cycletls.Init(), options: cycletls.Options{
		Ja3:                   chrome,
		UserAgent:             driver.UserAgent,
		Timeout:               int(job.Timeout.Seconds()),
		ForceHTTP1:            job.Protocol != "h2",
		EnableConnectionReuse: !job.Fresh,
		Headers:               make(map[string]string),
	}}
	for _, f := range driver.Fields {
		c.options.Headers[f[0]] = f[1]
		c.options.HeaderOrder = append(c.options.HeaderOrder, f[0])
	}
	return c, nil
}

// Get has no way to hand ctx over; the time-out of the job takes its place.
func (c *client) Get(_ context.Context, url string) (int64, error) {
	resp, err := c.http.Do(url, c.options, "GET")
	if err != nil {
		return 0, err
	}
	if resp.Status != 200 {
		return 0, errors.New(resp.Body) // which is where failures are told
	}
	return int64(len(resp.Body)), nil
}

func (c *client) Close() {}
