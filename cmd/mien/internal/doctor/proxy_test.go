package doctor

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mien-http/mien/mientest"
)

// contextUntil ends the context as soon as done reports true.
func contextUntil(t *testing.T, done func() bool) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	tick := time.NewTicker(time.Millisecond)
	go func() {
		defer tick.Stop()
		for !done() {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
		cancel()
	}()
	return ctx, cancel
}

func TestProxyCloses(t *testing.T) {
	t.Parallel()
	origin := newOrigin(t, mientest.Config{})
	closes := func(net.Conn, []byte, string) {}
	t.Run("after its answer", func(t *testing.T) {
		o := towards(origin, origin.Addr())
		o.Proxy, _ = connectProxy(t, http.StatusOK, closes)
		expect(t, examine(t, o), ProxyCloses, "closes the stream after it opened the tunnel; without it handshakes complete")
	})
	t.Run("no direct try", func(t *testing.T) {
		o := towards(origin, origin.Addr())
		o.Proxy, _ = connectProxy(t, http.StatusOK, closes)
		o.NoDirect = true
		before := origin.Counters().Handshakes
		r := examine(t, o)
		expect(t, r, ProxyCloses, "closes the stream after it opened the tunnel")
		if n := origin.Counters().Handshakes; n != before || r.probe(Direct, ProfileHello) != nil {
			t.Errorf("%d handshakes with the origin itself", n-before)
		}
	})
	t.Run("silence", func(t *testing.T) {
		t.Parallel()
		o := towards(origin, origin.Addr())
		o.Proxy, _ = connectProxy(t, http.StatusOK, func(c net.Conn, _ []byte, _ string) { silence(c) })
		o.HandshakeTime = 200 * time.Millisecond
		expect(t, examine(t, o), ProxyCloses, "nothing comes back")
	})
	t.Run("before its answer", func(t *testing.T) {
		o := towards(origin, origin.Addr())
		o.Proxy = &url.URL{Scheme: "http", Host: peer(t, reset).String()}
		expect(t, examine(t, o), ProxyCloses, "before it answers")
	})
}

func TestProxyRefuses(t *testing.T) {
	origin := newOrigin(t, mientest.Config{})
	o := towards(origin, origin.Addr())
	o.Proxy, _ = connectProxy(t, http.StatusProxyAuthRequired, nil)
	expect(t, examine(t, o), ProxyRefuses, "answers CONNECT with status 407")
	o.Proxy = &url.URL{Scheme: "socks5h", Host: peer(t, func(c net.Conn) {
		hello := make([]byte, 3)
		_, _ = c.Read(hello)
		_, _ = c.Write([]byte{5, 0})
		_, _ = c.Read(make([]byte, 64))
		_, _ = c.Write([]byte{5, 2, 0, 1, 0, 0, 0, 0, 0, 0})
		silence(c)
	}).String()}
	expect(t, examine(t, o), ProxyRefuses, "SOCKS reply 2")
}

func TestProxyUnreachable(t *testing.T) {
	origin := newOrigin(t, mientest.Config{})
	gone := newOrigin(t, mientest.Config{})
	gone.Close()
	o := towards(origin, origin.Addr())
	o.Proxy = &url.URL{Scheme: "http", Host: gone.Addr().String()}
	expect(t, examine(t, o), ProxyUnreachable, "cannot be reached")
}

func TestProxyNothingWrong(t *testing.T) {
	origin := newOrigin(t, mientest.Config{})
	o := towards(origin, origin.Addr())
	var tunnels *atomic.Int64
	o.Proxy, tunnels = connectProxy(t, http.StatusOK, relay)
	o.NoDirect, o.Concurrent = true, 8
	expect(t, examine(t, o), NothingWrong, "")
	if n := origin.Counters().Handshakes; n == 0 || tunnels.Load() != n {
		t.Errorf("%d tunnels for %d handshakes", tunnels.Load(), n)
	}
}

// TestProxyDoesTheSame: what fails direct as well is not the proxy's doing.
func TestProxyDoesTheSame(t *testing.T) {
	origin := newOrigin(t, mientest.Config{Faults: mientest.Faults{Handshake: mientest.HandshakeFaults{Share: 1, How: mientest.FIN}}})
	o := towards(origin, origin.Addr())
	o.Proxy, _ = connectProxy(t, http.StatusOK, relay)
	expect(t, examine(t, o), HandshakeReset, "ends every handshake")
}

func TestProxyOverload(t *testing.T) {
	origin := newOrigin(t, mientest.Config{Faults: mientest.Faults{Delay: 30 * time.Millisecond}})
	o := towards(origin, origin.Addr())
	o.Repeat, o.Concurrent = 2, 16
	var busy atomic.Int64
	o.Proxy, _ = connectProxy(t, http.StatusOK, func(c net.Conn, early []byte, target string) {
		defer busy.Add(-1)
		if busy.Add(1) > 10 {
			reset(c)
			return
		}
		relay(c, early, target)
	})
	r := examine(t, o)
	expect(t, r, Overload, "the proxy resets handshakes above about ")
	if r.Limit < 8 || r.Limit > 12 {
		t.Errorf("the limit is 10; it says %d", r.Limit)
	}
}
