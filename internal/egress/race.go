package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"
)

// attemptDelay is how long one address has before the next is tried beside it
// (RFC 8305 §5 recommends 250 ms).
const attemptDelay = 250 * time.Millisecond

type attempt struct {
	conn net.Conn
	err  error
}

// race connects to the first address that answers. The next one is tried when
// one fails, or after attemptDelay; the losers are closed. All failing, it
// returns the first error.
func (d *Dialer) race(ctx context.Context, addrs []netip.AddrPort) (net.Conn, error) {
	if len(addrs) == 1 {
		c, err := d.system.DialContext(ctx, "tcp", addrs[0].String())
		return c, dialError(ctx, err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	results := make(chan attempt)
	timer := time.NewTimer(attemptDelay)
	defer timer.Stop()
	var first error
	next, running := 0, 0
	start := func() {
		addr := addrs[next].String()
		next++
		running++
		timer.Reset(attemptDelay)
		go func() {
			c, err := d.system.DialContext(ctx, "tcp", addr)
			results <- attempt{c, err}
		}()
	}
	start()
	for {
		select {
		case <-timer.C:
			if next < len(addrs) {
				start()
			}
		case r := <-results:
			running--
			if r.err == nil {
				cancel(errLostRace)
				drain(results, running)
				return r.conn, nil
			}
			if first == nil {
				first = r.err
			}
			switch {
			case next < len(addrs) && ctx.Err() == nil:
				start()
			case running == 0:
				return nil, dialError(ctx, first)
			}
		}
	}
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
