package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/mien-http/mien"
)

// run is a Job at work.
type run struct {
	*Job
	ctx     context.Context
	stop    context.CancelCauseFunc
	do      func(*http.Request) (*http.Response, error)
	pace    pace
	robots  *robots // nil: ignored
	wg      sync.WaitGroup
	pending chan struct{} // a token for each line that was read and is not over
	slots   chan struct{} // a token for each URL that is requested
}

// ErrInterrupted is the end of a run by its context. What was in flight has no
// result.
var ErrInterrupted = errors.New("interrupted")

// Run requests what is not finished. An error is the reason why it ended before
// all lines had a result; the Summary holds either way.
func (j *Job) Run(ctx context.Context) (sum Summary, err error) {
	began := time.Now()
	defer j.input.Close()
	r := &run{Job: j, do: j.o.do}
	r.pending = make(chan struct{}, max(1024, 4*j.o.Concurrency)) // some wait for slow hosts while others run
	r.slots = make(chan struct{}, j.o.Concurrency)
	if j.o.Rate > 0 {
		r.pace.interval = time.Duration(float64(time.Second) / j.o.Rate)
	}
	r.ctx, r.stop = context.WithCancelCause(context.WithoutCancel(ctx))
	defer r.stop(nil)
	defer context.AfterFunc(ctx, func() { r.stop(ErrInterrupted) })()
	j.out.fail = func(err error) { r.stop(&storeError{fmt.Errorf("writing results: %w", err)}) }
	session, err := r.start()
	if err != nil {
		_ = j.out.close()
		return sum, err
	}
	r.work(began)
	cause := context.Cause(r.ctx)
	if session != nil {
		_ = session.Close()
		sum.Stats = session.Stats()
	}
	err = j.out.mark()
	if e := j.out.close(); err == nil {
		err = e
	}
	if err != nil && cause == nil {
		cause = fmt.Errorf("writing results: %w", err)
	}
	sum.Tally, sum.Before, sum.Total, sum.Elapsed = j.out.counts(), j.before, j.total, time.Since(began)
	return sum, cause
}

// start makes the session and the robots.
func (r *run) start() (*mien.Session, error) {
	var session *mien.Session
	if r.do == nil {
		cfg := r.o.Config
		cfg.Limits.InFlight = -1 // slots are counted here, where waiting costs no time-out
		cfg.Hooks = mien.ChainHooks(cfg.Hooks, hooks())
		cfg.Redirect.Check = r.redirect
		var err error
		if session, err = mien.New(cfg); err != nil {
			return nil, err
		}
		r.do = session.Do
	}
	if !r.o.IgnoreRobots {
		r.robots = newRobots(r)
	}
	return session, nil
}

// work reads lines and waits for what becomes of them.
func (r *run) work(began time.Time) {
	var writing, beside sync.WaitGroup
	stop := make(chan struct{})
	writing.Go(r.out.write)
	beside.Go(func() { r.out.keep(stop) })
	if r.o.Progress != nil {
		beside.Go(func() { r.report(began, stop) })
	}
	if err := r.feed(); err != nil {
		r.stop(err)
	}
	r.wg.Wait()
	close(r.out.in)
	writing.Wait()
	close(stop)
	beside.Wait()
}

// feed starts what is not finished, line by line. The input is read by a
// goroutine of its own: nothing can end a read of a terminal or pipe.
func (r *run) feed() error {
	items, ended := make(chan item), make(chan error, 1)
	go func() {
		lines := newLineReader(r.input)
		for {
			it, err := lines.next()
			if err != nil {
				ended <- err
				return
			}
			select {
			case items <- it:
			case <-r.ctx.Done():
				return
			}
		}
	}()
	var last int64
	for {
		var it item
		select {
		case <-r.ctx.Done():
			return nil
		case err := <-ended:
			switch {
			case err != io.EOF:
				return fmt.Errorf("reading the input after line %d: %w", last, err)
			case r.lines.n > 0:
				return fmt.Errorf("%w: it ended at line %d, and there is a result of line %d", ErrOtherInput, last, r.lines.last)
			}
			return nil
		case it = <-items:
		}
		last = it.line
		was, same := r.lines.take(it.line, it.text)
		if !same {
			return fmt.Errorf("%w: line %d was another one when it was requested", ErrOtherInput, it.line)
		}
		if was || it.text == "" {
			continue
		}
		select {
		case r.pending <- struct{}{}:
		case <-r.ctx.Done():
			return nil
		}
		r.wg.Go(func() {
			defer func() { <-r.pending }()
			if res := r.one(it); res != nil {
				r.out.add(res)
			}
		})
	}
}

// report tells of the progress until stop is closed.
func (r *run) report(began time.Time, stop <-chan struct{}) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-stop:
			return
		}
		t := r.out.counts()
		r.o.Progress(Progress{Total: r.total, Before: r.before, Done: t.Done, Failed: t.Failed, Elapsed: time.Since(began)})
	}
}

// redirect is asked before a redirect is followed. It keeps nobody waiting for a
// rate, as the request is under its time-out: it makes the host's next ones wait.
func (r *run) redirect(next *http.Request, via []*http.Request) error {
	if next.Context().Value(robotsKey{}) != nil {
		if len(via) > maxRobotsHops {
			return http.ErrUseLastResponse
		}
		r.pace.charge(hostOf(next.URL), 0)
		return nil
	}
	var delay time.Duration
	if r.robots != nil && (next.URL.Scheme == "http" || next.URL.Scheme == "https") {
		var err error
		if delay, err = r.robots.may(next.Context(), next.URL); err != nil {
			return err
		}
	}
	r.pace.charge(hostOf(next.URL), delay)
	return nil
}

// hostOf is what a rate is for.
func hostOf(u *url.URL) string { return strings.ToLower(u.Hostname()) }
