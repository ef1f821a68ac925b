package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/retry"
)

// attempt is one handshake, or with whole one request.
type attempt struct {
	url      string
	address  string        // host:port to connect to in place of the name; "": the name
	line     *startLine    // where the hello waits for others; nil: it does not
	patience time.Duration // for line
	whole    bool          // send the request too

	arrive sync.Once    // at line
	shakes atomic.Bool  // the handshake has begun
	bytes  atomic.Int64 // of the ClientHello
	sealed atomic.Bool  // nothing more goes out
}

// result is what became of an attempt.
type result struct {
	failed *mien.Error   // nil: it went well, or was cut off
	cut    bool          // the examination's time was up: nothing is known
	took   time.Duration // the handshake
	bytes  int
	state  tls.ConnectionState
	status int // with whole: of the response
}

type attemptKey struct{}

// run makes the attempt in s, within limit.
func (a *attempt) run(ctx context.Context, s *mien.Session, limit time.Duration) result {
	if a.line != nil {
		defer a.arrive.Do(a.line.arrive)
	}
	inner, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var r result
	var begun time.Time
	done := false // the handshake succeeded
	// FreshConnection: the callbacks run in this goroutine.
	inner = httptrace.WithClientTrace(inner, &httptrace.ClientTrace{
		TLSHandshakeStart: func() {
			begun = time.Now()
			a.shakes.Store(true)
		},
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			r.took, r.state, done = time.Since(begun), state, err == nil
			if done && !a.whole {
				a.sealed.Store(true)
				cancel()
			}
		},
	})
	inner = mien.WithOptions(context.WithValue(inner, attemptKey{}, a), mien.Options{FreshConnection: true})
	method := http.MethodHead
	if a.whole {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(inner, method, a.url, nil)
	if err != nil {
		return result{failed: &mien.Error{Class: retry.Invalid, Err: err}}
	}
	resp, err := s.RoundTrip(req)
	if err == nil {
		_ = resp.Body.Close()
		r.status = resp.StatusCode
	}
	r.bytes = int(a.bytes.Load())
	switch {
	case err == nil, done && !a.whole:
		return r
	case ctx.Err() != nil:
		return result{cut: true}
	}
	if !errors.As(err, &r.failed) {
		r.failed = &mien.Error{Err: err}
	}
	if r.failed.Class == retry.Canceled || r.failed.Class == retry.Unknown && r.failed.Timeout() {
		slow := *r.failed
		slow.Class = retry.HandshakeTimeout
		r.failed = &slow
	}
	return r
}

// dial is the sessions' DialContext.
func dial(ctx context.Context, network, addr string) (net.Conn, error) {
	a, ok := ctx.Value(attemptKey{}).(*attempt)
	if !ok {
		return nil, errors.New("doctor: a connection that no attempt asked for")
	}
	if a.address != "" {
		addr = a.address
	}
	d := net.Dialer{Resolver: &net.Resolver{PreferGo: true}}
	c, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, attempt: a, closed: make(chan struct{})}, nil
}

// conn measures the hello, and holds it back until all others are ready.
type conn struct {
	net.Conn
	attempt *attempt
	once    sync.Once
	closed  chan struct{}
}

func (c *conn) Write(p []byte) (int, error) {
	a := c.attempt
	if a.sealed.Load() {
		return 0, net.ErrClosed
	}
	if a.shakes.Load() && a.bytes.CompareAndSwap(0, int64(len(p))) && a.line != nil {
		a.arrive.Do(a.line.arrive)
		a.line.wait(c.closed, a.patience)
	}
	return c.Conn.Write(p)
}

func (c *conn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// startLine lets hellos go at the same moment.
type startLine struct {
	left atomic.Int64
	open chan struct{} // closed when all have arrived
}

func newStartLine(n int) *startLine {
	l := &startLine{open: make(chan struct{})}
	l.left.Store(int64(n))
	return l
}

func (l *startLine) arrive() {
	if l.left.Add(-1) == 0 {
		close(l.open)
	}
}

// wait returns when all have arrived, gone is closed, or after patience: one
// that cannot connect must not make the others time out.
func (l *startLine) wait(gone <-chan struct{}, patience time.Duration) {
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-l.open:
	case <-gone:
	case <-t.C:
	}
}
