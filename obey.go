package mien

import (
	"context"
	"net"
	"net/netip"
	"time"

	"github.com/mien-http/mien/internal/egress"
)

// patience is how long a function of the caller's may go on after its context has
// ended before nobody waits for it any more.
const patience = time.Second

// obey calls f and returns soon after ctx has ended, whether f does or not. What f
// gives after that goes to late.
func obey[T any](ctx context.Context, f func() (T, error), late func(T)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		value, err := f()
		done <- outcome{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.value, r.err
	case <-timer.C:
	}
	go func() {
		if r := <-done; r.err == nil {
			late(r.value)
		}
	}()
	var none T
	return none, context.Cause(ctx)
}

// obeyingDial is dial for callers that wait with a context.
func obeyingDial(dial egress.DialFunc) egress.DialFunc {
	if dial == nil {
		return nil
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		return obey(ctx, func() (net.Conn, error) { return dial(ctx, network, addr) }, func(c net.Conn) {
			if c != nil {
				_ = c.Close()
			}
		})
	}
}

// obeyingResolver is r for callers that wait with a context.
func obeyingResolver(r Resolver) egress.Resolver {
	if r == nil {
		return nil
	}
	return lookupFunc(func(ctx context.Context, network, host string) ([]netip.Addr, error) {
		return obey(ctx, func() ([]netip.Addr, error) { return r.LookupNetIP(ctx, network, host) }, func([]netip.Addr) {})
	})
}

type lookupFunc func(ctx context.Context, network, host string) ([]netip.Addr, error)

func (f lookupFunc) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	return f(ctx, network, host)
}
