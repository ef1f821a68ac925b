package mien

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/mien-http/mien/retry"
)

// finish makes resp the caller's: decoded, watched, and tied to the slots.
func (c *call) finish(resp *http.Response, pc *pooled) *http.Response {
	resp.Request = c.req
	if resp.StatusCode == http.StatusSwitchingProtocols {
		c.slots.release()
		c.wait.stop() // the connection is the caller's and no context's
		c.done(resp, 0, nil)
		return resp
	}
	stream := isEventStream(resp)
	if resp.Body == nil || resp.Body == http.NoBody {
		resp.Body = http.NoBody
		c.slots.release()
		pc.letGo()
		c.wait.leave()
		c.done(resp, 0, nil)
		return resp
	}
	body := &responseBody{call: c, pc: pc, raw: resp.Body, resp: resp, since: time.Now()}
	if d := c.t.cfg.Timeouts.BodyStall; d > 0 && !stream {
		body.stall = stallBody{ReadCloser: resp.Body, limit: d, pc: pc}
		resp.Body = &body.stall
	}
	limit := c.t.cfg.Limits.BodyBytes
	if !c.wantsRaw() {
		if err := c.t.decoders.Decode(resp, limit); err != nil {
			resp.Body = &brokenBody{ReadCloser: resp.Body, err: err}
		}
	}
	if limit > 0 && !resp.Uncompressed {
		resp.Body = &limitBody{ReadCloser: resp.Body, left: limit, limit: limit}
	}
	body.ReadCloser = resp.Body
	if stream {
		c.slots.release()
	} else if ctx := c.req.Context(); ctx.Done() != nil {
		stop := context.AfterFunc(ctx, body.expire)
		body.stop.Store(&stop)
	}
	resp.Body = body
	return resp
}

// wantsRaw reports whether the body is the caller's as it came: Accept-Encoding is
// set on the request or in Config.Header, to whatever value, nil included.
func (c *call) wantsRaw() bool {
	return hasField(c.req.Header, "Accept-Encoding") || hasField(c.t.cfg.Header, "Accept-Encoding")
}

func isEventStream(resp *http.Response) bool {
	ct := resp.Header.Get("Content-Type")
	return len(ct) >= len(eventStream) && strings.EqualFold(ct[:len(eventStream)], eventStream)
}

const eventStream = "text/event-stream"

// fail makes the error that the caller gets.
func (c *call) fail(f retry.Failure, attempt int) *Error {
	f.Sent = f.Sent || c.sent
	return fail(c.req, f, c.key.String(), attempt)
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}
