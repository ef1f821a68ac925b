package mien

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// hostRates spaces the requests to each host evenly. The zero value bounds nothing.
type hostRates struct {
	perSecond float64 // 0: no limit

	mu    sync.Mutex
	hosts map[string]*rate.Limiter // guarded by mu
}

// maxRateHosts is how many hosts are remembered; those that wait for nothing
// are forgotten first.
const maxRateHosts = 4096

func (r *hostRates) limiter(now time.Time, host string) *rate.Limiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l := r.hosts[host]; l != nil {
		return l
	}
	if r.hosts == nil {
		r.hosts = make(map[string]*rate.Limiter)
	}
	if len(r.hosts) >= maxRateHosts {
		for h, l := range r.hosts {
			if l.TokensAt(now) >= 1 {
				delete(r.hosts, h)
			}
		}
	}
	l := rate.NewLimiter(rate.Limit(r.perSecond), 1)
	r.hosts[host] = l
	return l
}

// wait returns when a request to host may start. If that is after the
// context's deadline it fails at once.
func (r *hostRates) wait(ctx context.Context, host string) error {
	if r.perSecond <= 0 {
		return nil
	}
	now := time.Now()
	place := r.limiter(now, host).ReserveN(now, 1)
	delay := place.DelayFrom(now)
	if delay <= 0 {
		return nil
	}
	if deadline, ok := ctx.Deadline(); ok && now.Add(delay).After(deadline) {
		place.CancelAt(now)
		return &rateError{host: host, perSecond: r.perSecond, delay: delay, err: context.DeadlineExceeded}
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		place.Cancel()
		return &rateError{host: host, perSecond: r.perSecond, delay: delay, err: endOf(ctx)}
	}
}

// rateError is a context that ended, or would have, before Limits.PerHostRate
// let the request start.
type rateError struct {
	host      string
	perSecond float64
	delay     time.Duration
	err       error
}

func (e *rateError) Error() string {
	return fmt.Sprintf("the rate limit of %g requests per second for %s asks for a wait of %v: %v", e.perSecond, e.host, e.delay.Round(time.Millisecond), e.err)
}
func (e *rateError) Unwrap() error { return e.err }
