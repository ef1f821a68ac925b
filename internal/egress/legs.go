package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"github.com/mien-http/mien/retry"
)

// leg is one proxy and what it is asked for.
type leg struct {
	proxy      Proxy
	host, port string // of the next proxy or the origin; "" for nothing: DialProxy
}

// plan checks the whole way to host:port before anything is dialled.
func plan(route Route, host, port string) ([]leg, error) {
	legs, err := planProxy(route)
	if err != nil {
		return nil, err
	}
	last := &legs[len(legs)-1]
	if reason := last.proxy.cannotReach(host, port); reason != "" {
		return nil, &RouteError{Index: -1, Reason: reason}
	}
	last.host, last.port = host, port
	return legs, nil
}

// planProxy checks the way to the farthest proxy.
func planProxy(route Route) ([]leg, error) {
	proxies, err := route.parse()
	if err != nil {
		return nil, err
	}
	legs := make([]leg, len(proxies))
	for i, p := range proxies {
		legs[i].proxy = p
		if i > 0 {
			legs[i-1].host, legs[i-1].port = p.Host, p.Port
		}
	}
	return legs, nil
}

// through opens a socket to the first proxy and walks the legs on it.
func (d *Dialer) through(ctx context.Context, legs []leg, config *tls.Config) (net.Conn, error) {
	first := legs[0].proxy
	c, err := d.open(ctx, first.Host, first.Port)
	if err != nil {
		var e *Error
		if errors.As(err, &e) {
			err = e.Err
		}
		return nil, &Error{Phase: retry.PhaseProxy, Proxy: first.Addr(), Err: err}
	}
	socket := c
	for _, l := range legs {
		c, err = d.walk(ctx, socket, c, l, config)
		if err != nil {
			_ = socket.Close()
			return nil, &Error{Phase: retry.PhaseProxy, Proxy: l.proxy.Addr(), Err: withAlert(err)}
		}
	}
	return c, nil
}

// walk makes c, a connection to l's proxy, one to what lies behind it. When ctx
// or the time for one leg ends, the socket below everything is closed.
func (d *Dialer) walk(ctx context.Context, socket, c net.Conn, l leg, config *tls.Config) (net.Conn, error) {
	if d.cfg.ProxyTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, d.cfg.ProxyTimeout, &timeoutError{what: "proxy exchange", after: d.cfg.ProxyTimeout})
		defer cancel()
	}
	stop := context.AfterFunc(ctx, func() { _ = socket.Close() })
	c, err := d.exchange(ctx, c, l, config)
	if !stop() && !(isRefusal(err) && ownTimeout(ctx)) {
		return nil, context.Cause(ctx)
	}
	return c, err
}

// isRefusal is true of an answer that was complete but for its body, which time
// then ran out for.
func isRefusal(err error) bool {
	var e *ProxyError
	return errors.As(err, &e)
}

func (d *Dialer) exchange(ctx context.Context, c net.Conn, l leg, config *tls.Config) (net.Conn, error) {
	if l.proxy.Scheme == "https" {
		tc := tls.Client(c, proxyTLS(config, l.proxy.Host))
		if err := tc.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		c = &tlsLeg{tc}
	}
	switch {
	case l.host == "":
		return c, nil
	case l.proxy.socks5():
		return c, socks5(c, l)
	case l.proxy.socks4():
		return c, socks4(c, l)
	}
	return connect(c, l, d.cfg.Connect)
}

// proxyTLS is the configuration of the TLS connection to the proxy host. What
// identifies or links sessions stays out of it: no tickets, and http/1.1 alone
// whatever the caller lists.
func proxyTLS(config *tls.Config, host string) *tls.Config {
	if config == nil {
		config = &tls.Config{}
	} else {
		config = config.Clone()
	}
	if config.ServerName == "" {
		config.ServerName = host
	}
	config.NextProtos = []string{"http/1.1"}
	config.ClientSessionCache = nil
	return config
}
