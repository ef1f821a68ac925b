package mien

import (
	"errors"
	"net/http"
	"time"

	"github.com/mien-http/mien/retry"
)

// refused is the end of a hop that no layer below may see.
func (t *transport) refused(req *http.Request, err error) *Error {
	e := fail(req, retry.Failure{Err: err}, "", 0)
	t.stats.requests.Add(1)
	t.stats.failed.Add(1)
	if req != nil && t.cfg.Hooks.Done != nil {
		t.cfg.Hooks.Done(RequestInfo{Request: req, Err: e})
	}
	return e
}

// done tells the hook that the hop is over.
func (c *call) done(resp *http.Response, read int64, err error) {
	if c.t.cfg.Hooks.Done == nil {
		return
	}
	info := RequestInfo{Request: c.req, Origin: c.key.String(), Attempts: c.attempt, Bytes: read, Duration: time.Since(c.since)}
	if c.origin != nil {
		info.Proxy = c.origin.egress.proxy
	}
	if resp != nil {
		info.Status, info.Protocol = resp.StatusCode, resp.Proto
	}
	errors.As(err, &info.Err)
	c.t.cfg.Hooks.Done(info)
}

// ended tells the hooks that the response's body is over.
func (c *call) ended(b *responseBody, failed *Error) {
	if failed == nil {
		c.phase(retry.PhaseBody, time.Since(b.since), nil)
		c.done(b.resp, b.read.Load(), nil)
		return
	}
	c.phase(retry.PhaseBody, time.Since(b.since), &retry.Failure{Phase: retry.PhaseBody, Sent: true, Err: failed.Err})
	c.done(b.resp, b.read.Load(), failed)
}

// phase tells the hook that a phase of the request is over.
func (c *call) phase(phase retry.Phase, took time.Duration, f *retry.Failure) {
	if c.t.cfg.Hooks.Phase == nil {
		return
	}
	info := PhaseInfo{Request: c.req, Origin: c.key.String(), Phase: phase, Duration: took}
	if c.origin != nil {
		info.Proxy = c.origin.egress.proxy
	}
	if f != nil {
		info.Phase, info.Class, info.Err = f.Phase, retry.Classify(*f), f.Err
	}
	c.t.cfg.Hooks.Phase(info)
}
