package doctor

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mien-http/mien/mientest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newOrigin(t *testing.T, cfg mientest.Config) *mientest.Origin {
	t.Helper()
	o, err := mientest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

// towards are options for an origin under the name of localhost at addr, with
// few connections for a small machine, and no crowds.
func towards(o *mientest.Origin, addr net.Addr) Options {
	_, port, _ := net.SplitHostPort(addr.String())
	return Options{
		URL:         "https://localhost:" + port + "/page?key=value",
		RootCAs:     o.CertPool(),
		Resolver:    names{netip.MustParseAddr("127.0.0.1")},
		Connections: 10,
		Concurrent:  -1,
	}
}

func examine(t *testing.T, o Options) *Report {
	t.Helper()
	r, err := Examine(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Handshakes > MaxHandshakes {
		t.Errorf("%d handshakes were tried, more than %d", r.Handshakes, MaxHandshakes)
	}
	if r.Healthy != (r.Verdict == NothingWrong) {
		t.Errorf("verdict %s, healthy: %v", r.Verdict, r.Healthy)
	}
	if len(r.Evidence) == 0 && r.Verdict != Undecided {
		t.Errorf("verdict %s without evidence", r.Verdict)
	}
	return r
}

// names is a resolver that gives every name these addresses.
type names []netip.Addr

func (n names) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) { return n, nil }

// noName is a resolver that fails with itself.
type noName struct{ net.DNSError }

func (n *noName) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return nil, &n.DNSError
}

// peer serves each connection to a loopback port in a goroutine, until the test
// ends, and returns the address.
func peer(t *testing.T, serve func(net.Conn)) net.Addr {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{} // nil when the test is over
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			if open == nil {
				_ = c.Close()
			} else {
				open[c] = true
				wg.Go(func() {
					serve(c)
					_ = c.Close()
				})
			}
			mu.Unlock()
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for c := range open {
			_ = c.Close()
		}
		open = nil
		mu.Unlock()
		wg.Wait()
	})
	return l.Addr()
}

func reset(c net.Conn) {
	_ = c.(*net.TCPConn).SetLinger(0)
	_ = c.Close()
}

// relay joins c and the server at addr until one of them ends. early was read
// from c already.
func relay(c net.Conn, early []byte, addr string) {
	s, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return
	}
	defer s.Close()
	if _, err := s.Write(early); err != nil {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(c, s)
		_ = c.Close()
	}()
	_, _ = io.Copy(s, c)
	_ = s.Close()
	<-done
}

// middlebox passes hellos of one segment on to addr. With larger ones it does
// what it was made to do.
func middlebox(t *testing.T, addr string, larger func(net.Conn)) net.Addr {
	return peer(t, func(c net.Conn) {
		first := make([]byte, segment)
		n, err := io.ReadAtLeast(c, first, 5)
		if err != nil {
			return
		}
		if 5+int(first[3])<<8+int(first[4]) > segment {
			larger(c)
			return
		}
		relay(c, first[:n], addr)
	})
}

// silence reads until the other side gives up.
func silence(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// connectProxy is an HTTP proxy that answers CONNECT with status, and after a
// 200 hands the tunnel on. The URL holds credentials.
func connectProxy(t *testing.T, status int, tunnel func(c net.Conn, early []byte, target string)) (proxy *url.URL, tunnels *atomic.Int64) {
	tunnels = new(atomic.Int64)
	addr := peer(t, func(c net.Conn) {
		br := bufio.NewReader(c)
		req, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		tunnels.Add(1)
		resp := http.Response{StatusCode: status, ProtoMajor: 1, ProtoMinor: 1}
		if resp.Write(c) != nil || status != http.StatusOK {
			return
		}
		early, _ := br.Peek(br.Buffered())
		tunnel(c, early, req.Host)
	})
	return &url.URL{Scheme: "http", Host: addr.String(), User: url.UserPassword("user", "hunter2")}, tunnels
}

// crowdedListener resets what is accepted while max handshakes are in progress.
type crowdedListener struct {
	net.Listener
	max  int64
	busy atomic.Int64
}

func (l *crowdedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.busy.Add(1) <= l.max {
			return &shakingConn{Conn: c, busy: &l.busy}, nil
		}
		l.busy.Add(-1)
		reset(c)
	}
}

// shakingConn is in its handshake until it reads something after it wrote, or
// is closed.
type shakingConn struct {
	net.Conn
	busy  *atomic.Int64
	wrote atomic.Bool
	once  sync.Once
}

func (c *shakingConn) end() { c.once.Do(func() { c.busy.Add(-1) }) }

func (c *shakingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && c.wrote.Load() {
		c.end()
	}
	return n, err
}

func (c *shakingConn) Write(p []byte) (int, error) {
	c.wrote.Store(true)
	return c.Conn.Write(p)
}

func (c *shakingConn) Close() error {
	c.end()
	return c.Conn.Close()
}
