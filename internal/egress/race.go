package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/mien-http/mien/retry"
)

// attemptDelay is how long one address has before the next is tried beside it
// (RFC 8305 §5 recommends 250 ms).
const attemptDelay = 250 * time.Millisecond

type attempt struct {
	addr netip.AddrPort
	conn net.Conn
	err  error
}

// race connects to the first address that answers. The next one is tried when
// one fails, or after attemptDelay; the losers are closed. All failing, the
// first error speaks for all. Addresses that failed of late come last.
func (d *Dialer) race(ctx context.Context, addrs []netip.AddrPort) (net.Conn, error) {
	addrs = d.bad.sort(addrs, time.Now())
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	results := make(chan attempt)
	timer := time.NewTimer(attemptDelay)
	defer timer.Stop()
	var failed attemptErrors
	next, running := 0, 0
	start := func() {
		addr := addrs[next]
		next++
		running++
		timer.Reset(attemptDelay)
		go func() {
			c, err := d.socket(ctx, addr)
			results <- attempt{addr, c, err}
		}()
	}
	start()
	for {
		select {
		case <-timer.C:
			if next < len(addrs) && ctx.Err() == nil {
				start()
			}
		case r := <-results:
			running--
			if r.err == nil {
				d.bad.work(r.addr)
				cancel(errLostRace)
				drain(results, running)
				return r.conn, nil
			}
			failed = d.failure(ctx, failed, r)
			switch {
			case next < len(addrs) && ctx.Err() == nil:
				start()
			case running == 0:
				return nil, raceError(ctx, failed)
			}
		}
	}
}

// failure records that an attempt failed. What ended with ctx says nothing by
// itself, but an address that a whole dial's time was not enough for is as bad
// as one that refused. An error of this machine is no address's fault.
func (d *Dialer) failure(ctx context.Context, failed attemptErrors, r attempt) attemptErrors {
	if !ended(ctx) {
		failed = append(failed, r.err)
	} else if !ownTimeout(ctx) {
		return failed
	}
	if retry.Classify(retry.Failure{Phase: retry.PhaseDial, Err: r.err}) != retry.LocalLimit {
		d.bad.fail(r.addr, time.Now())
	}
	return failed
}

// raceError is the error of a race that nobody won.
func raceError(ctx context.Context, failed attemptErrors) error {
	switch {
	case ownTimeout(ctx) && len(failed) > 0:
		// What the addresses said that did answer is the better reason.
		return &Error{Phase: retry.PhaseDial, Err: append(failed, context.Cause(ctx))}
	case ended(ctx) || len(failed) > 1:
		return dialError(ctx, failed)
	}
	return dialError(ctx, failed[0])
}

var errLostRace = errors.New("another address answered first")

// drain waits for the n attempts that lost, which the cancelled context ends at once.
func drain(results <-chan attempt, n int) {
	for range n {
		if r := <-results; r.conn != nil {
			_ = r.conn.Close()
		}
	}
}
