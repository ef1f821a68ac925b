// Package egress is the way out of a session: it opens every socket, and no
// other package may. A socket that is open is in the session's [Registry], so
// that Close finds it.
//
// A [Route] says which way: straight to the origin, or through a chain of
// proxies. If a route cannot carry a connection, Dial fails; it never goes
// around a proxy.
package egress

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/mien-http/mien/retry"
)

// Resolver looks up the addresses of a host; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// DialFunc opens one stream connection, as net.Dialer.DialContext does.
type DialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// Config is what a Dialer works with. It is not changed after New.
type Config struct {
	Resolver    Resolver      // nil: the pure Go resolver of package net
	LocalAddr   netip.Addr    // zero: the system chooses
	DialContext DialFunc      // nil: TCP sockets; otherwise it gets names unresolved
	Timeout     time.Duration // for name and socket together; 0: none but the context's
	Registry    *Registry     // required
}

// A Route is a way out: proxies from the nearest to the farthest, credentials
// in their URLs. The zero value goes straight to the origin.
type Route struct {
	Proxies []*url.URL
	// TLS is for https proxies; nil verifies them against the system's roots.
	TLS *tls.Config
}

// Key tells routes apart: two routes share connections, tickets and addresses
// only if their keys are equal. It holds credentials: never print it.
func (r Route) Key() string {
	if len(r.Proxies) == 0 {
		return ""
	}
	var b strings.Builder
	for _, p := range r.Proxies {
		b.WriteString(p.String())
		b.WriteByte(' ')
	}
	return b.String()
}

// A Dialer opens the sockets of one session. It is safe for concurrent use.
type Dialer struct {
	cfg    Config
	system net.Dialer
}

// New returns a Dialer for cfg.
func New(cfg Config) *Dialer {
	if cfg.Resolver == nil {
		cfg.Resolver = &net.Resolver{PreferGo: true}
	}
	d := &Dialer{cfg: cfg}
	d.system.KeepAliveConfig = net.KeepAliveConfig{Enable: true, Idle: keepAliveIdle, Interval: keepAliveInterval, Count: keepAliveCount}
	d.system.Control = control
	if cfg.LocalAddr.IsValid() {
		d.system.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(cfg.LocalAddr, 0))
	}
	return d
}

// A dead peer is found after about 45 + 3×15 seconds on an idle connection, and
// after userTimeout on one with unacknowledged data.
const (
	keepAliveIdle     = 45 * time.Second // what Chromium sets
	keepAliveInterval = 15 * time.Second
	keepAliveCount    = 3
	userTimeout       = 90 * time.Second
)

// Error says at which step a dial failed. It unwraps to the cause.
type Error struct {
	Phase retry.Phase // dns, dial or proxy
	Proxy string      // host:port of the proxy involved, "" if none
	Err   error
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Dial connects to host:port along route and enters the connection in the
// registry. Its error is an *Error, except that a context that ended gives the
// context's error.
func (d *Dialer) Dial(ctx context.Context, route Route, host, port string) (net.Conn, error) {
	if d.cfg.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, d.cfg.Timeout, &timeoutError{what: "dial", after: d.cfg.Timeout})
		defer cancel()
	}
	if len(route.Proxies) > 0 {
		return nil, &Error{Phase: retry.PhaseProxy, Proxy: route.Proxies[0].Host,
			Err: fmt.Errorf("proxy scheme %q is not supported", route.Proxies[0].Scheme)}
	}
	c, err := d.open(ctx, host, port)
	if err != nil {
		return nil, err
	}
	return d.cfg.Registry.add(c)
}

// open gives a socket to host:port, which is the origin's or the first proxy's.
func (d *Dialer) open(ctx context.Context, host, port string) (net.Conn, error) {
	if d.cfg.DialContext != nil {
		c, err := d.cfg.DialContext(ctx, "tcp", net.JoinHostPort(host, port))
		return c, dialError(ctx, err)
	}
	addrs, err := d.resolve(ctx, host, port)
	if err != nil {
		return nil, err
	}
	return d.race(ctx, addrs)
}

// dialError puts the dial phase on err; the context's own error wins.
func dialError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return &Error{Phase: retry.PhaseDial, Err: err}
}

// timeoutError is a limit of ours that ran out.
type timeoutError struct {
	what  string
	after time.Duration
}

func (e *timeoutError) Error() string { return fmt.Sprintf("%s timed out after %v", e.what, e.after) }
func (e *timeoutError) Timeout() bool { return true }
func (e *timeoutError) Is(target error) bool {
	return target == context.DeadlineExceeded
}
