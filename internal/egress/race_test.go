package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mien-http/mien/retry"
)

// internet is a set of addresses that answer, or do not, after a time.
type internet struct {
	t      *testing.T
	start  time.Time
	answer map[string]answerOf // by address without port; others never answer

	mu    sync.Mutex
	tried []string // guarded by mu: "address@time since start"
	conns []*fakeConn
}

type answerOf struct {
	after time.Duration
	err   error
}

// fakeConn only knows whether it was closed.
type fakeConn struct {
	net.Conn
	addr   string
	closed bool
}

func (c *fakeConn) Close() error { c.closed = true; return nil }

func (n *internet) socket(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
	ip := addr.Addr().String()
	n.mu.Lock()
	n.tried = append(n.tried, fmt.Sprintf("%s@%v", ip, time.Since(n.start)))
	a, known := n.answer[ip]
	n.mu.Unlock()
	if !known {
		a.after = time.Hour
	}
	timer := time.NewTimer(a.after)
	defer timer.Stop()
	fail := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(addr), Err: err}
	}
	select {
	case <-ctx.Done():
		if a.err == errLate { // it connected in the very moment
			break
		}
		return fail(context.Cause(ctx))
	case <-timer.C:
		if a.err != nil {
			return fail(a.err)
		}
	}
	c := &fakeConn{addr: ip}
	n.mu.Lock()
	n.conns = append(n.conns, c)
	n.mu.Unlock()
	return c, nil
}

var errLate = errors.New("late")

// zone is a Resolver with one answer.
type zone []string

func (z zone) LookupNetIP(ctx context.Context, _, host string) ([]netip.Addr, error) {
	if len(z) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	var addrs []netip.Addr
	for _, a := range z {
		addrs = append(addrs, netip.MustParseAddr(a))
	}
	return addrs, nil
}

func (n *internet) dialer(cfg Config, addrs ...string) *Dialer {
	cfg.Registry = &Registry{}
	if cfg.Resolver == nil {
		cfg.Resolver = zone(addrs)
	}
	d := New(cfg)
	d.socket = n.socket
	return d
}

func refused() error { return os.NewSyscallError("connect", syscall.ECONNREFUSED) }

func TestHappyEyeballs(t *testing.T) {
	const a, b, c, d = "2001:db8::a", "192.0.2.2", "2001:db8::c", "192.0.2.4"
	ms := time.Millisecond
	for _, tt := range []struct {
		name   string
		answer map[string]answerOf
		tried  string
		won    string
		took   time.Duration
	}{
		{"first at once", map[string]answerOf{a: {0, nil}}, a + "@0s", a, 0},
		{"first within its time", map[string]answerOf{a: {249 * ms, nil}}, a + "@0s", a, 249 * ms},
		{"second after 250 ms, the families alternate", map[string]answerOf{b: {10 * ms, nil}}, a + "@0s " + b + "@250ms", b, 260 * ms},
		{"first after all", map[string]answerOf{a: {300 * ms, nil}}, a + "@0s " + b + "@250ms", a, 300 * ms},
		{"first fails at once", map[string]answerOf{a: {0, refused()}, b: {5 * ms, nil}}, a + "@0s " + b + "@0s", b, 5 * ms},
		{"a failure starts the time anew", map[string]answerOf{a: {100 * ms, refused()}, c: {0, nil}}, a + "@0s " + b + "@100ms " + c + "@350ms", c, 350 * ms},
		{"all silent but the last", map[string]answerOf{d: {0, nil}}, a + "@0s " + b + "@250ms " + c + "@500ms " + d + "@750ms", d, 750 * ms},
		{"the first fails late", map[string]answerOf{a: {600 * ms, refused()}, d: {0, nil}}, a + "@0s " + b + "@250ms " + c + "@500ms " + d + "@600ms", d, 600 * ms},
		{"a loser connects as it is cancelled", map[string]answerOf{a: {time.Hour, errLate}, b: {0, nil}}, a + "@0s " + b + "@250ms", b, 250 * ms},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &internet{t: t, start: time.Now(), answer: tt.answer}
				dialer := n.dialer(Config{}, a, c, b, d)
				conn, err := dialer.Dial(t.Context(), Route{}, "origin.test", "443")
				if err != nil {
					t.Fatal(err)
				}
				if got := strings.Join(n.tried, " "); got != tt.tried {
					t.Errorf("tried %s, want %s", got, tt.tried)
				}
				if took := time.Since(n.start); took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
				for _, c := range n.conns {
					if c.closed != (c.addr != tt.won) {
						t.Errorf("the connection to %s is closed: %v; %s should win", c.addr, c.closed, tt.won)
					}
				}
				if len(n.conns) == 0 || dialer.cfg.Registry.Len() != 1 {
					t.Error("the winner is not in the registry")
				}
				_ = conn.Close()
			})
		})
	}
}

func TestAllAddressesFail(t *testing.T) {
	const a, b = "192.0.2.1", "192.0.2.2"
	unreachable := os.NewSyscallError("connect", syscall.EHOSTUNREACH)
	for _, tt := range []struct {
		name   string
		answer map[string]answerOf
		first  error
		class  retry.Class
		took   time.Duration
	}{
		{"the first error speaks", map[string]answerOf{a: {0, unreachable}, b: {0, refused()}}, syscall.EHOSTUNREACH, retry.Refused, 0},
		{"the first to fail", map[string]answerOf{a: {time.Second, unreachable}, b: {0, refused()}}, syscall.ECONNREFUSED, retry.Refused, time.Second},
		{"one refuses and one is silent", map[string]answerOf{a: {0, refused()}}, syscall.ECONNREFUSED, retry.Refused, 10 * time.Second},
		{"all silent", nil, context.DeadlineExceeded, retry.HandshakeTimeout, 10 * time.Second},
		{"out of descriptors", map[string]answerOf{a: {0, syscall.EMFILE}, b: {0, syscall.EMFILE}}, syscall.EMFILE, retry.LocalLimit, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &internet{t: t, start: time.Now(), answer: tt.answer}
				_, err := n.dialer(Config{Timeout: 10 * time.Second}, a, b).Dial(t.Context(), Route{}, "origin.test", "443")
				f := failureOf(t, err)
				if class := retry.Classify(f); class != tt.class || f.Phase != retry.PhaseDial {
					t.Errorf("%q in phase %q: %v", class, f.Phase, err)
				}
				var errno syscall.Errno
				if errors.As(err, &errno) && errno != tt.first || !errors.Is(err, tt.first) {
					t.Errorf("%v, want %v first", err, tt.first)
				}
				if took := time.Since(n.start); took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
			})
		})
	}
}

// One address's error comes as the system gave it.
func TestOneAddressFails(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.EADDRNOTAVAIL} {
		synctest.Test(t, func(t *testing.T) {
			n := &internet{t: t, start: time.Now(), answer: map[string]answerOf{"192.0.2.1": {0, errno}}}
			_, err := n.dialer(Config{}, "192.0.2.1").Dial(t.Context(), Route{}, "origin.test", "443")
			f := failureOf(t, err)
			if op, ok := f.Err.(*net.OpError); !ok || op.Err != errno {
				t.Errorf("%T: %v", f.Err, f.Err)
			}
			if class := retry.Classify(f); class != retry.LocalLimit {
				t.Errorf("class %q", class)
			}
		})
	}
}

func TestBadAddressComesLast(t *testing.T) {
	const a, b, c = "192.0.2.1", "192.0.2.2", "192.0.2.3"
	synctest.Test(t, func(t *testing.T) {
		n := &internet{t: t, start: time.Now(), answer: map[string]answerOf{a: {0, refused()}, b: {0, nil}, c: {0, nil}}}
		dialer := n.dialer(Config{}, a, b, c)
		dial := func(want ...string) {
			t.Helper()
			n.mu.Lock()
			n.tried, n.start = nil, time.Now()
			n.mu.Unlock()
			conn, err := dialer.Dial(t.Context(), Route{}, "origin.test", "443")
			if err == nil {
				_ = conn.Close()
			}
			var got []string
			for _, s := range n.tried {
				got = append(got, strings.Split(s, "@")[0])
			}
			if !slices.Equal(got, want) {
				t.Errorf("tried %q, want %q", got, want)
			}
		}
		dial(a, b) // a fails
		dial(b)    // and is passed over
		n.answer[b] = answerOf{0, refused()}
		dial(b, c)
		n.answer[c] = answerOf{0, refused()}
		dial(c, a, b) // all bad now: the one that was not is first
		time.Sleep(badFor - time.Nanosecond)
		n.answer[b] = answerOf{0, nil}
		dial(a, b) // all still bad: the resolver's order
		dial(b)    // b works again, which is remembered too
		n.answer[b] = answerOf{0, syscall.EMFILE}
		n.answer[c] = answerOf{0, nil}
		dial(b, a, c)
		n.answer[b] = answerOf{0, nil}
		dial(b) // being out of descriptors was not b's fault
		time.Sleep(badFor)
		n.answer[a] = answerOf{0, nil}
		dial(a) // long ago
	})
}

// An address that a whole dial's time was not enough for is bad; one that the
// caller gave up on, or that another was faster than, is not.
func TestSilentAddressIsBad(t *testing.T) {
	const a, b = "192.0.2.1", "192.0.2.2"
	synctest.Test(t, func(t *testing.T) {
		n := &internet{t: t, start: time.Now(), answer: map[string]answerOf{b: {time.Minute, nil}}}
		dialer := n.dialer(Config{Timeout: 10 * time.Second}, a, b)
		bad := func() int {
			dialer.bad.mu.Lock()
			defer dialer.bad.mu.Unlock()
			return len(dialer.bad.failed)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := dialer.Dial(ctx, Route{}, "origin.test", "443"); !errors.Is(err, context.DeadlineExceeded) || bad() != 0 {
			t.Errorf("%v, %d bad addresses", err, bad())
		}
		n.answer[b] = answerOf{time.Second, nil}
		if c, err := dialer.Dial(t.Context(), Route{}, "origin.test", "443"); err != nil || bad() != 0 {
			t.Errorf("%v, %d bad addresses", err, bad())
		} else {
			_ = c.Close()
		}
		n.answer = nil
		if _, err := dialer.Dial(t.Context(), Route{}, "origin.test", "443"); err == nil || bad() != 2 {
			t.Errorf("%v, %d bad addresses", err, bad())
		}
	})
}

func TestBadAddrsAreBounded(t *testing.T) {
	var b badAddrs
	now := time.Unix(1e9, 0)
	addr := func(i int) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 443)
	}
	for i := range maxBads + 10 {
		b.fail(addr(i), now.Add(time.Duration(i)))
	}
	if len(b.failed) != maxBads {
		t.Errorf("%d addresses remembered, want %d", len(b.failed), maxBads)
	}
	if _, ok := b.failed[addr(9)]; ok {
		t.Error("the oldest is still there")
	}
	if _, ok := b.failed[addr(10)]; !ok {
		t.Error("more than the oldest went")
	}
	b.fail(addr(11), now.Add(time.Second)) // known: nobody has to go
	b.fail(addr(9), now.Add(time.Hour))
	if len(b.failed) != 1 {
		t.Errorf("%d addresses remembered an hour later, want 1", len(b.failed))
	}
	list := []netip.AddrPort{addr(9), addr(1), addr(2)}
	if got := b.sort(list, now.Add(time.Hour)); !slices.Equal(got, []netip.AddrPort{addr(1), addr(2), addr(9)}) || list[0] != addr(9) {
		t.Error(got, list)
	}
}
