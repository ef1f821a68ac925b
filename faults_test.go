package mien_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// outcome is what can be told of an error without reading its text.
type outcome struct {
	phase                      retry.Phase
	class                      retry.Class
	sent                       bool
	alert                      uint8
	h2                         string // name of the HTTP/2 code, "" if there is none
	status                     int    // of the proxy, 0 if there is none
	socks                      byte   // reply, 0 if there is none
	limit                      bool   // one of ours was passed
	timeout                    bool
	canceled, deadline, closed bool // errors.Is for the standard sentinels
	over                       bool // the context of the error's request has ended
}

func outcomeOf(err error) outcome {
	var e *mien.Error
	if !errors.As(err, &e) {
		return outcome{class: retry.Class("no *mien.Error: " + err.Error())}
	}
	o := outcome{
		phase: e.Phase, class: e.Class, sent: e.Sent, alert: e.Alert, timeout: e.Timeout(),
		canceled: errors.Is(err, context.Canceled),
		deadline: errors.Is(err, context.DeadlineExceeded),
		closed:   errors.Is(err, net.ErrClosed),
		over:     e.Request != nil && e.Request.Context().Err() != nil,
	}
	if code, ok := e.HTTP2Code(); ok {
		o.h2 = http2.ErrCode(code).String()
	}
	var limit interface{ LimitExceeded() bool }
	o.limit = errors.As(err, &limit) && limit.LimitExceeded()
	if p, ok := any(e).(interface{ ProxyStatus() (int, bool) }); ok {
		o.status, _ = p.ProxyStatus()
	}
	if p, ok := any(e).(interface{ SOCKSReply() (byte, bool) }); ok {
		o.socks, _ = p.SOCKSReply()
	}
	return o
}

// fault is a row of the table of what can go wrong, or one variant of it: what
// the peer does, and what must follow.
type fault struct {
	row     string // a line of testdata/faults.txt
	variant string // "" if the row has one only
	skipped string // why it is not caused here; all below is empty then

	wire     string // "h1" or "h2" if it concerns that alone
	bubble   bool   // it takes its time: in memory, by testing/synctest's clock
	direct   bool   // it makes no sense through a proxy
	start    func(t *testing.T, p place, times int) *broken
	want     outcome
	or       []outcome // what may come as well, as chance has it
	decision retry.Decision
	seen     bool // a broken attempt's request reaches the origin
	attempts int  // at a peer that never stops; 0: what the decision allows
	once     bool // it cannot happen twice in a row to one request
	hops     int  // redirects that are followed before it

	run func(t *testing.T, p protocol) // in place of start, for what is no error
}

// broken is a peer that breaks the first times requests or connections, or all
// if times is negative, and what it takes to meet it.
type broken struct {
	url    string
	seen   func() int                                   // requests that reached it
	cfg    mien.Config                                  // of the session
	before func(t *testing.T, s *mien.Session)          // run first
	ctx    func() (context.Context, context.CancelFunc) // of the request
	after  func()                                       // run when the request is over
}

func breaks(n, times int) bool { return times < 0 || n <= times }

func faults() []fault {
	var all []fault
	for _, rows := range [][]fault{connectFaults(), handshakeFaults(), exchangeFaults(), bodyFaults(), h2Faults(), malformedFaults(), answerFaults(), proxyFaults()} {
		all = append(all, rows...)
	}
	return all
}

// TestFaults goes through the table of what can go wrong, row by row.
func TestFaults(t *testing.T) {
	for _, f := range faults() {
		t.Run(strings.TrimSuffix(f.row+": "+f.variant, ": "), func(t *testing.T) {
			if f.skipped != "" {
				t.Skip(f.skipped)
			}
			for _, p := range protocols {
				if f.wire != "" && f.wire != p.name {
					continue
				}
				t.Run(p.name, func(t *testing.T) {
					if f.run != nil {
						f.run(t, p)
						return
					}
					for _, m := range f.modes() {
						t.Run(m.name, func(t *testing.T) {
							if !f.bubble {
								f.meet(t, place{protocol: p}, m, nil)
								return
							}
							synctest.Test(t, func(t *testing.T) {
								f.meet(t, place{p, new(mientest.Network), new(atomic.Int32)}, m, nil)
							})
						})
					}
				})
			}
		})
	}
}

// mode is one way of meeting a fault.
type mode struct {
	name     string
	times    int // broken attempts, negative: all
	method   string
	getBody  bool
	off      bool // retrying is off
	attempts int  // that are expected
	fails    bool // whether the last one fails
}

// modes says what each kind of request comes to, by the table's decision.
func (f *fault) modes() []mode {
	any := f.decision == retry.Any || f.decision == retry.AnyOnce
	idempotent := any || f.decision == retry.Idempotent || f.decision == retry.IdempotentOnce
	after := func(retried bool) (attempts int, fails bool) {
		if retried {
			return 2, false
		}
		return 1, true
	}
	var modes []mode
	add := func(name string, times int, method string, getBody, off bool, attempts int, fails bool) {
		modes = append(modes, mode{name, times, method, getBody, off, attempts, fails})
	}
	add("off", 1, http.MethodGet, false, true, 1, true)
	n, fails := after(idempotent)
	add("GET", 1, http.MethodGet, false, false, n, fails)
	n, fails = after(any)
	add("POST", 1, http.MethodPost, true, false, n, fails)
	// Nothing of a body was taken while there was no connection to write it to.
	n, fails = after(any && f.want.phase.Connecting())
	add("POST without GetBody", 1, http.MethodPost, false, false, n, fails)
	n = f.attempts
	switch {
	case n > 0 || f.once:
	case f.decision == retry.Never:
		n = 1
	case f.decision.Once():
		n = 2
	case f.want.phase.Connecting():
		n = retry.DefaultMaxConnectAttempts
	default:
		n = retry.DefaultMaxAttempts
	}
	if !f.once {
		add("GET without end", -1, http.MethodGet, false, false, n, true)
	}
	return modes
}

// meet sends one request to a broken peer. with changes the session's Config.
func (f *fault) meet(t *testing.T, p place, m mode, with func(*mien.Config)) {
	b := f.start(t, p, m.times)
	cfg := b.cfg
	cfg.Retry.Base, cfg.Retry.Cap, cfg.Retry.ConnectBase, cfg.Retry.ConnectCap = time.Millisecond, 2*time.Millisecond, time.Millisecond, 2*time.Millisecond
	if m.off {
		cfg.Retry.MaxAttempts = -1
	}
	if p.network != nil && cfg.DialContext == nil {
		cfg.DialContext = p.network.DialContext
	}
	seen := &retries{}
	cfg.Hooks.Retry = seen.add
	done := &results{}
	cfg.Hooks.Done = done.add
	if with != nil {
		with(&cfg)
	}
	s := newSession(t, cfg)
	if b.before != nil {
		b.before(t, s)
		seen.clear()
		done.clear()
	}
	got, err := f.send(t, s, b, m)
	if m.fails != (err != nil) {
		t.Fatalf("error %v, want one: %v; retries %v", err, m.fails, seen.list)
	}
	if err != nil {
		if got != f.want && !slices.Contains(f.or, got) {
			t.Errorf("%v\n got %+v\nwant %+v", err, got, f.want)
		}
		var e *mien.Error
		if errors.As(err, &e); e != nil && e.Attempt != m.attempts && !(e.Attempt == 0 && f.unattempted()) {
			t.Errorf("attempt %d, want %d", e.Attempt, m.attempts)
		}
	}
	if len(seen.list) != m.attempts-1 {
		t.Errorf("%d attempts were announced, want %d", len(seen.list), m.attempts-1)
	}
	for i, r := range seen.list {
		if r.Class != f.want.class || r.Attempt != i+1 || r.Err == nil {
			t.Errorf("retry %d: %+v", i+1, r)
		}
		if connection := r.Request == nil; connection != f.want.phase.Connecting() {
			t.Errorf("retry %d is of a connection: %v", i+1, connection)
		}
	}
	want := 0
	if f.seen {
		want = m.attempts
	} else if !m.fails {
		want = 1
	}
	want += f.hops
	if n := b.seen(); n != want {
		t.Errorf("the origin saw the request %d times, want %d", n, want)
	}
	if got := done.clear(); len(got) != f.hops+1 || (got[f.hops].Err != nil) != m.fails && f.want.class != retry.Redirect {
		t.Errorf("the Done hook heard %+v", got)
	}
	if b.after != nil {
		b.after()
	}
	settled(t, s)
}

// unattempted reports whether the caller left before an attempt had come to anything.
func (f *fault) unattempted() bool {
	return f.want.phase == retry.PhaseQueue || f.want.class == retry.Canceled && f.want.phase.Connecting()
}

// send makes the request, reads the answer and asks the error what it can be asked.
func (f *fault) send(t *testing.T, s *mien.Session, b *broken, m mode) (outcome, error) {
	t.Helper()
	limit := 2 * time.Minute
	if f.bubble {
		limit = 24 * time.Hour
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	if b.ctx != nil {
		cancel()
		ctx, cancel = b.ctx()
	}
	defer cancel()
	var body io.Reader
	if m.method == http.MethodPost {
		body = bytes.NewReader([]byte("content"))
	}
	req, err := http.NewRequestWithContext(ctx, m.method, b.url, body)
	if err != nil {
		t.Fatal(err)
	}
	if !m.getBody {
		req.GetBody = nil
	}
	resp, err := s.Do(req)
	if err != nil {
		return outcomeOf(err), err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	if err != nil {
		return outcomeOf(err), err
	}
	if resp.StatusCode != http.StatusOK {
		t.Errorf("status %d", resp.StatusCode)
	}
	return outcome{}, nil
}

// retries is what a retry hook heard.
type retries struct {
	mu   sync.Mutex
	list []mien.RetryInfo
}

func (r *retries) add(i mien.RetryInfo) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, i)
}

func (r *retries) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = nil
}

// results is what a Done hook heard.
type results struct {
	mu   sync.Mutex
	list []mien.RequestInfo
}

func (r *results) add(i mien.RequestInfo) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, i)
}

// clear forgets what was heard and returns it.
func (r *results) clear() []mien.RequestInfo {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.list
	r.list = nil
	return list
}

// settled holds a session to leave nothing behind: no slot, no socket.
func settled(t *testing.T, s *mien.Session) {
	t.Helper()
	s.CloseIdleConnections()
	if !soon(func() bool { st := s.Stats(); return st.InFlight == 0 && st.Queued == 0 && st.Sockets == 0 }) {
		t.Errorf("left behind: %+v", s.Stats())
	}
}

// soon waits, at most ten seconds, until is says so.
func soon(is func() bool) bool {
	limit := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-limit:
			return is()
		}
	}
	return true
}
