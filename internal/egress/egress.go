// Package egress is the way out of a session: it opens every socket, and no
// other package may. A socket that is open is in the session's [Registry], so
// that Close finds it.
//
// A [Route] says which way: straight to the origin, or through a chain of
// proxies: http and https by CONNECT, socks5 and socks5h by RFC 1928, socks4
// and socks4a. Names always go to the proxy, never to a name server. If a route
// cannot carry a connection, Dial fails; it never goes around a proxy.
package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
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
	Resolver     Resolver      // nil: the pure Go resolver of package net
	Hosts        Hosts         // of these names Resolver is not asked; nil: none
	Answers      time.Duration // that the Resolver's answers are kept; 0: not at all
	LocalAddr    netip.Addr    // zero: the system chooses
	DialContext  DialFunc      // nil: TCP sockets; otherwise it gets names unresolved
	Timeout      time.Duration // for name and socket together, the origin's or the first proxy's; 0: none but the context's
	ProxyTimeout time.Duration // for each proxy: TLS with it and its answer; 0: none but the context's
	Connect      []Field       // of CONNECT requests, in order; nil: ChromiumConnect("")
	Registry     *Registry     // required
}

// A Dialer opens sockets of one session. It is safe for concurrent use.
type Dialer struct {
	cfg     Config
	socket  func(ctx context.Context, addr netip.AddrPort) (net.Conn, error)
	bad     *badAddrs // of all Dialers that come from one New
	answers answers
}

// New returns a Dialer for cfg.
func New(cfg Config) *Dialer {
	if cfg.Resolver == nil {
		cfg.Resolver = &net.Resolver{PreferGo: true}
	}
	system := &net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: keepAliveIdle, Interval: keepAliveInterval, Count: keepAliveCount},
		Control:         control,
	}
	if cfg.LocalAddr.IsValid() {
		system.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(cfg.LocalAddr, 0))
	}
	return &Dialer{cfg: cfg, bad: new(badAddrs), socket: func(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
		c, err := system.DialContext(ctx, "tcp", addr.String())
		var sys *os.SyscallError
		if errors.As(err, &sys) && sys.Syscall == "bind" {
			err = fmt.Errorf("Config.LocalAddr: %w", err) // no address of this machine, or no port left of it
		}
		return c, err
	}}
}

// Apart returns a Dialer as d that shares no answer of the Resolver with it: who
// runs the name server sees each identity ask for itself.
func (d *Dialer) Apart() *Dialer {
	return &Dialer{cfg: d.cfg, socket: d.socket, bad: d.bad}
}

// ForgetNames drops the answers of the Resolver that are kept.
func (d *Dialer) ForgetNames() { d.answers.clear() }

// A dead peer is found after about 45 + 3×15 seconds on an idle connection, and
// after userTimeout on one with unacknowledged data.
const (
	keepAliveIdle     = 45 * time.Second // what Chromium sets
	keepAliveInterval = 15 * time.Second
	keepAliveCount    = 3
	userTimeout       = 90 * time.Second
)

// Dial connects to host:port along route and enters the connection in the
// registry. Its error is an *Error; when ctx ended, that wraps the cause of it.
func (d *Dialer) Dial(ctx context.Context, route Route, host, port string) (net.Conn, error) {
	if len(route.Proxies) == 0 {
		return d.open(ctx, host, port)
	}
	legs, err := plan(route, host, port)
	if err != nil {
		return nil, routeError(err)
	}
	return d.through(ctx, legs, route.TLS)
}

// DialProxy connects to the farthest proxy of a route that Forwards, through
// the others, and asks it for nothing: what follows are requests in absolute
// form, with [Route.ProxyAuthorization] on each. Otherwise it is as Dial.
func (d *Dialer) DialProxy(ctx context.Context, route Route) (net.Conn, error) {
	if !route.Forwards() {
		if err := route.Validate(); err != nil {
			return nil, routeError(err)
		}
		return nil, routeError(&RouteError{Index: len(route.Proxies) - 1, Reason: "only an http or https proxy forwards requests"})
	}
	legs, err := planProxy(route)
	if err != nil {
		return nil, routeError(err)
	}
	return d.through(ctx, legs, route.TLS)
}

func routeError(err error) error { return &Error{Phase: retry.PhaseProxy, Err: err} }

// open gives a socket to host:port, which is the origin's or the first proxy's,
// entered in the registry.
func (d *Dialer) open(ctx context.Context, host, port string) (net.Conn, error) {
	if d.cfg.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, d.cfg.Timeout, &timeoutError{what: "dial", after: d.cfg.Timeout})
		defer cancel()
	}
	c, err := d.connect(ctx, host, port)
	if err != nil {
		return nil, err
	}
	if c, err = d.cfg.Registry.add(c); err != nil {
		return nil, &Error{Phase: retry.PhaseDial, Err: err}
	}
	return c, nil
}

func (d *Dialer) connect(ctx context.Context, host, port string) (net.Conn, error) {
	if d.cfg.DialContext != nil {
		c, err := d.cfg.DialContext(ctx, "tcp", net.JoinHostPort(host, port))
		if c == nil && err == nil {
			err = errors.New("the caller's DialContext returned neither a connection nor an error")
		}
		if err != nil {
			return nil, dialError(ctx, err)
		}
		return c, nil
	}
	to, err := d.resolve(ctx, host, port)
	if err != nil {
		return nil, err
	}
	c, err := d.race(ctx, to.addrs)
	if err != nil && to.entry != nil && (!ended(ctx) || ownTimeout(ctx)) {
		d.answers.forget(to.host, to.entry) // none of the addresses is of use
	}
	return c, err
}

// ended reports whether ctx ended. A socket's timer, set to the context's
// deadline, may be served an instant before the context's own.
func ended(ctx context.Context) bool {
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		<-ctx.Done()
	}
	return ctx.Err() != nil
}

// dialError puts the dial phase on err; the context's own error wins.
func dialError(ctx context.Context, err error) error {
	if ended(ctx) {
		err = context.Cause(ctx)
	}
	return &Error{Phase: retry.PhaseDial, Err: err}
}

// ownTimeout reports whether ctx was ended by a limit of this package and not
// by the caller.
func ownTimeout(ctx context.Context) bool {
	var e *timeoutError
	return ended(ctx) && errors.As(context.Cause(ctx), &e)
}
