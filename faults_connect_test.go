package mien_test

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// connectFaults are the rows up to an open socket.
func connectFaults() []fault {
	nameError := func(err *net.DNSError) func(*testing.T, place, int) *broken {
		return func(t *testing.T, p place, times int) *broken {
			b := breaking(t, p, mientest.Config{}, 0, nil)
			b.url = strings.Replace(b.url, "127.0.0.1", "origin.test", 1)
			b.cfg.Resolver = &resolver{times: times, err: err}
			return b
		}
	}
	// The system's own errors cannot be brought about for one test alone: the
	// error is made as package net makes it.
	errno := func(call string, errno syscall.Errno) func(*testing.T, place, int) *broken {
		return func(t *testing.T, p place, times int) *broken {
			b := breaking(t, p, mientest.Config{}, 0, nil)
			dialing(b, times, func(context.Context, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError(call, errno)}
			})
			return b
		}
	}
	refused := func(t *testing.T, p place, times int) *broken {
		b := breaking(t, p, mientest.Config{}, 0, nil)
		addr := nobody(t)
		dialing(b, times, func(ctx context.Context, network string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, addr)
		})
		return b
	}
	queued := outcome{phase: retry.PhaseQueue, class: retry.Queue, over: true, timeout: true, deadline: true}
	temporary := outcome{phase: retry.PhaseDNS, class: retry.NameTemporary}
	timedOut := outcome{phase: retry.PhaseDNS, class: retry.NameTemporary, timeout: true}
	local := outcome{phase: retry.PhaseDial, class: retry.LocalLimit}
	return []fault{
		{row: "no slot before the context ended", start: noSlot, want: queued, decision: retry.Never, once: true},
		{row: "NXDOMAIN", direct: true, start: nameError(&net.DNSError{Err: "no such host", IsNotFound: true}),
			want: outcome{phase: retry.PhaseDNS, class: retry.NameNotFound}, decision: retry.Never},
		{row: "DNS time-out or server failure", variant: "time-out", direct: true,
			start: nameError(&net.DNSError{Err: "i/o timeout", IsTimeout: true}), want: timedOut, decision: retry.Any},
		{row: "DNS time-out or server failure", variant: "SERVFAIL", direct: true,
			start: nameError(&net.DNSError{Err: "server misbehaving", IsTemporary: true}), want: temporary, decision: retry.Any},
		{row: "port refused, host unreachable", variant: "port refused", direct: true, start: refused,
			want: outcome{phase: retry.PhaseDial, class: retry.Refused}, decision: retry.Any, attempts: 4},
		{row: "port refused, host unreachable", variant: "host unreachable", direct: true, start: errno("connect", syscall.EHOSTUNREACH),
			want: outcome{phase: retry.PhaseDial, class: retry.Refused}, decision: retry.Any},
		{row: "EMFILE, ENFILE, EADDRNOTAVAIL", variant: "EMFILE", direct: true, start: errno("socket", syscall.EMFILE), want: local, decision: retry.Any},
		{row: "EMFILE, ENFILE, EADDRNOTAVAIL", variant: "ENFILE", direct: true, start: errno("socket", syscall.ENFILE), want: local, decision: retry.Any},
		{row: "EMFILE, ENFILE, EADDRNOTAVAIL", variant: "EADDRNOTAVAIL", direct: true, start: errno("connect", syscall.EADDRNOTAVAIL), want: local, decision: retry.Any},
		{row: "context cancelled", variant: "in a handshake", once: true, start: canceled,
			want: outcome{phase: retry.PhaseTLS, class: retry.Canceled, over: true, canceled: true}, decision: retry.Never},
	}
}

// nobody is an address where nobody listens, nor will until the test is over: it
// is taken, by the client's end of a connection.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.LocalAddr().String()
}

// resolver fails the first look-ups, all if times is negative.
type resolver struct {
	times int
	err   *net.DNSError
	n     atomic.Int32
}

func (r *resolver) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if breaks(int(r.n.Add(1)), r.times) {
		err := *r.err
		err.Name = host
		return nil, &err
	}
	return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
}

// dialing has the first dials, all if times is negative, end in what dial returns.
func dialing(b *broken, times int, dial func(ctx context.Context, network string) (net.Conn, error)) {
	var n atomic.Int32
	b.cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if breaks(int(n.Add(1)), times) {
			return dial(ctx, network)
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
}

// noSlot is a session whose only slot a body holds that nobody reads.
func noSlot(t *testing.T, p place, _ int) *broken {
	b := breaking(t, p, mientest.Config{}, 0, nil)
	u, _ := url.Parse(b.url)
	u.Path = warming
	b.cfg.Limits.InFlight = 1
	b.before = func(t *testing.T, s *mien.Session) {
		inner := newOrigin(t, mientest.Config{Protocols: p.alpn})
		resp, err := s.Get(t.Context(), inner.URL)
		if err != nil {
			t.Fatal(err)
		}
		b.after = func() { _ = resp.Body.Close() }
	}
	b.ctx = func() (context.Context, context.CancelFunc) {
		return context.WithTimeout(context.Background(), 20*time.Millisecond)
	}
	return b
}

// canceled is a handshake that stalls until the caller gives up.
func canceled(t *testing.T, p place, _ int) *broken {
	ctx, cancel := context.WithCancel(context.Background())
	addr := scripted(t, p, func(_ int, nc net.Conn) {
		_, _ = nc.Read(make([]byte, 1))
		cancel()
		gone(nc)
	})
	return &broken{
		url: "https://" + addr, seen: func() int { return 0 },
		ctx: func() (context.Context, context.CancelFunc) { return ctx, cancel },
	}
}
