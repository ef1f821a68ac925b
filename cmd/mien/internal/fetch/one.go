package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/retry"
)

// one does what an input line asks for. It returns nil if the run ended first.
func (r *run) one(it item) *Result {
	res := &Result{Line: it.line, URL: it.text, At: time.Now().UTC()}
	if it.bad != "" {
		res.Error = &Failure{Message: fmt.Sprintf("line %d of the input is no URL: %s", it.line, it.bad), Class: retry.Invalid.String()}
		return res
	}
	u, err := url.Parse(it.text)
	if err != nil { // badURL has parsed it
		res.Error = &Failure{Message: err.Error(), Class: retry.Invalid.String()}
		return res
	}
	var delay time.Duration
	if r.robots != nil {
		if delay, err = r.robots.may(r.ctx, u); err != nil {
			if r.ctx.Err() != nil {
				return nil
			}
			res.Error = failureOf(err)
			return res
		}
	}
	if r.pace.wait(r.ctx, hostOf(u), delay) != nil {
		return nil
	}
	select {
	case r.slots <- struct{}{}:
	case <-r.ctx.Done():
		return nil
	}
	defer func() { <-r.slots }()
	if err := r.exchange(it, res); err != nil {
		var store *storeError
		if errors.As(err, &store) {
			r.stop(&storeError{fmt.Errorf("writing bodies: %w", store.err)})
			return nil
		}
		if r.ctx.Err() != nil {
			return nil
		}
		res.Error = failureOf(err)
	}
	return res
}

// exchange sends the request and takes the answer, and fills res as far as it
// gets.
func (r *run) exchange(it item, res *Result) error {
	ctx := r.ctx
	if r.o.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.o.Timeout)
		defer cancel()
	}
	var t trace
	began := time.Now()
	res.At = began.UTC()
	err := r.answer(t.in(ctx), it, res)
	res.Milliseconds, res.Attempts = t.result(time.Since(began))
	var e *mien.Error
	if errors.As(err, &e) {
		res.Attempts = max(res.Attempts, e.Attempt) // those at a connection
	}
	return err
}

func (r *run) answer(ctx context.Context, it item, res *Result) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, it.text, nil)
	if err != nil {
		return err
	}
	resp, err := r.do(req)
	if resp != nil { // beside an error too, if a redirect was not followed
		res.Status, res.Protocol = resp.StatusCode, protocolOf(resp)
		if resp.Request != nil && resp.Request.URL != nil {
			if final := resp.Request.URL.String(); final != req.URL.String() {
				res.FinalURL = final
			}
			for q := resp.Request; q.Response != nil && q.Response.Request != nil; q = q.Response.Request {
				res.Redirects++
			}
		}
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return r.body(it, res, resp.Body)
}

// body reads the body, and keeps it if it is to be kept and comes whole.
func (r *run) body(it item, res *Result, body io.Reader) (err error) {
	if r.o.MaxBody > 0 {
		body = io.LimitReader(body, r.o.MaxBody+1)
	}
	var f *bodyFile
	to := io.Discard
	if r.out.bodies != nil {
		if f, err = r.out.bodies.create(bodyName(it.text, it.line)); err != nil {
			return err
		}
		to = f
	}
	res.Bytes, err = io.Copy(to, body)
	if err == nil && r.o.MaxBody > 0 && res.Bytes > r.o.MaxBody {
		res.Bytes, err = r.o.MaxBody, &tooLongError{r.o.MaxBody}
	}
	switch {
	case f == nil:
	case err != nil:
		f.drop()
	default:
		if res.SHA256, err = f.commit(); err == nil {
			res.Body = f.name
		}
	}
	return err
}

// tooLongError is Options.MaxBody passed.
type tooLongError struct{ limit int64 }

func (e *tooLongError) Error() string {
	return fmt.Sprintf("the body is longer than %d bytes", e.limit)
}

func protocolOf(resp *http.Response) string {
	switch resp.ProtoMajor {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("http/1.%d", resp.ProtoMinor)
	}
	return "h2"
}
