package mien_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// TestProperty sends random requests to an origin that breaks them and their
// handshakes at random, and holds each to what must be true of any: see judge.
// MIEN_PROPERTY_CASES is how many, MIEN_PROPERTY_SEED repeats a round.
func TestProperty(t *testing.T) {
	cases := 2000
	if testing.Short() {
		cases = 200
	}
	if n, err := strconv.Atoi(os.Getenv("MIEN_PROPERTY_CASES")); err == nil {
		cases = n
	}
	seed, err := strconv.ParseUint(os.Getenv("MIEN_PROPERTY_SEED"), 10, 64)
	once := err == nil
	for !once {
		seed = rand.Uint64()
		made := 0
		synctest.Test(t, func(t *testing.T) { made = newRound(t, seed).run() })
		if cases -= made; cases <= 0 || t.Failed() {
			return
		}
	}
	synctest.Test(t, func(t *testing.T) { newRound(t, seed).run() })
}

// step is what the origin does with one delivery of a request.
type step string

const (
	stepOK      step = "ok"
	stepSlow    step = "slow"              // answers late
	stepFIN     step = "fin"               // ends the connection before it reads the content
	stepRST     step = "rst"               //
	stepReadFIN step = "read, fin"         // after it
	stepReadRST step = "read, rst"         //
	stepReset   step = "internal error"    // RST_STREAM
	stepCalm    step = "enhance calm"      //
	stepRefuse  step = "refused stream"    //
	stepHTTP1   step = "http/1.1 required" //
	stepGoAway  step = "goaway"            // that leaves the request out
	step421     step = "421"
	step425     step = "425"
	step503     step = "503"
	stepCut     step = "cut"    // a part of the body, and the end of the connection
	stepSilent  step = "silent" // a part of the body, and nothing more
)

var steps = []step{stepOK, stepSlow, stepFIN, stepRST, stepReadFIN, stepReadRST, stepReset, stepCalm, stepRefuse, stepHTTP1, stepGoAway, step421, step425, step503, stepCut, stepSilent}

// unprocessed reports whether the origin, doing this, says that it did nothing.
func (s step) unprocessed(h2 bool) bool {
	return s == step421 || s == step425 || h2 && (s == stepRefuse || s == stepHTTP1 || s == stepGoAway)
}

// ends reports whether everything else on the connection ends too.
func (s step) ends(h2 bool) bool {
	switch s {
	case stepFIN, stepRST, stepReadFIN, stepReadRST, stepCut:
		return true
	}
	return !h2 && (s == stepReset || s == stepCalm || s == stepRefuse || s == stepHTTP1 || s == stepGoAway)
}

// tried is one random request and what became of it.
type tried struct {
	number          int
	method          string
	marked          bool // as idempotent, whatever the method
	content         int  // bytes, -1: no body
	rewind          bool // GetBody is there
	fresh           bool
	start           time.Duration
	end             time.Duration // of the context, from the start; 0: none
	cancel          bool          // it is cancelled, rather than has a deadline
	plan            []step        // for its deliveries; ok from then on
	begun, finished time.Time
	over            bool // its context ended before it did
	err             error
	status          int

	mu        sync.Mutex // guards what the origin and the hooks note
	delivered []delivery
	retries   []mien.RetryInfo
	done      []mien.RequestInfo
}

type delivery struct {
	step   step
	h2     bool
	reused bool
	conn   string
	stream uint32 // on an HTTP/2 connection
}

func (c *tried) idempotent() bool { return c.marked || c.method != http.MethodPost }

// round is one session, one origin and some requests.
type round struct {
	t        *testing.T
	seed     uint64
	rnd      *rand.Rand // owned by the goroutine of run
	alone    bool       // one request at a time: every cause is known
	restarts bool
	budget   bool
	streams  uint32 // at once, on an HTTP/2 connection
	network  mientest.Network
	origin   *mientest.Origin
	s        *mien.Session
	cases    []*tried

	mu      sync.Mutex
	hello   *rand.Rand    // guarded by mu
	row     int           // guarded by mu; handshakes broken in a row
	broken  []retry.Class // guarded by mu; handshakes, "" for one that was let pass
	killing bool          // guarded by mu; a connection ended under other requests
	goAways goAways       // guarded by mu
}

// manyStreams is more than any round has requests.
const manyStreams = 250

func newRound(t *testing.T, seed uint64) *round {
	r := &round{t: t, seed: seed, rnd: rand.New(rand.NewPCG(seed, 1)), hello: rand.New(rand.NewPCG(seed, 2))}
	r.alone = r.chance(0.3)
	r.restarts = !r.alone && r.chance(0.3)
	r.budget = r.chance(0.2)
	for i := range 4 + r.rnd.IntN(30) {
		r.cases = append(r.cases, r.draw(i))
	}
	listener, err := r.network.Listen("origin.test:443")
	if err != nil {
		t.Fatal(err)
	}
	protos := [][]string{{"h2", "http/1.1"}, {"h2", "http/1.1"}, {"http/1.1"}}[r.rnd.IntN(3)]
	cfg := mientest.Config{Listener: listener, Protocols: protos, Handler: http.HandlerFunc(r.answer), RecordMax: 1, RecordFull: -1}
	r.streams = []uint32{1, 3, manyStreams}[r.rnd.IntN(3)]
	cfg.MaxConcurrentStreams = r.streams
	cfg.Faults.Script = r.onHello
	cfg.Faults.Request.Script = r.onRequest
	if !r.alone {
		cfg.Faults.Request.CloseAfter = r.rnd.IntN(4)
		r.killing = cfg.Faults.Request.CloseAfter > 0
	}
	r.origin = newOrigin(t, cfg)
	client := mien.Config{TLS: &tls.Config{RootCAs: r.origin.CertPool()}, DialContext: r.network.DialContext}
	client.Timeouts = mien.Timeouts{TLS: 2 * time.Second, BodyStall: 3 * time.Second}
	client.Limits = mien.Limits{InFlight: 1 + r.rnd.IntN(40), Handshakes: 1 + r.rnd.IntN(8)}
	if !r.budget {
		client.Retry.BudgetRatio = -1
	}
	if r.chance(0.3) {
		client.Retry.Statuses = []int{503}
	}
	client.Hooks = mien.Hooks{
		Retry: func(i mien.RetryInfo) {
			if c := r.caseOf(i.Request); c != nil {
				c.note(func() { c.retries = append(c.retries, i) })
			}
		},
		Done: func(i mien.RequestInfo) {
			if c := r.caseOf(i.Request); c != nil {
				c.note(func() { c.done = append(c.done, i) })
			}
		},
	}
	r.s = newSession(t, client)
	return r
}

func (r *round) chance(p float64) bool { return r.rnd.Float64() < p }

func (c *tried) note(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

const caseField = "X-Case"

func (r *round) caseOf(req *http.Request) *tried {
	if req == nil {
		return nil
	}
	if n, err := strconv.Atoi(req.Header.Get(caseField)); err == nil && n < len(r.cases) {
		return r.cases[n]
	}
	return nil
}

// draw makes a random request.
func (r *round) draw(n int) *tried {
	c := &tried{number: n, content: -1, fresh: r.chance(0.1), start: time.Duration(r.rnd.Int64N(int64(2 * time.Second)))}
	c.method = []string{http.MethodGet, http.MethodPost, http.MethodPut}[r.rnd.IntN(3)]
	c.marked = c.method == http.MethodPost && r.chance(0.3)
	if c.method != http.MethodGet && r.chance(0.8) {
		c.content = 1 + r.rnd.IntN([]int{10, 100_000}[r.rnd.IntN(2)])
		c.rewind = r.chance(0.6)
	}
	if r.chance(0.4) {
		c.end = time.Duration(1 + r.rnd.Int64N(int64(6*time.Second)))
		c.cancel = r.chance(0.5)
	}
	for r.chance(0.6) && len(c.plan) < 8 {
		c.plan = append(c.plan, steps[r.rnd.IntN(len(steps))])
	}
	return c
}

// run sends the requests and holds them to the rules. It returns how many.
func (r *round) run() int {
	var wg sync.WaitGroup
	for _, c := range r.cases {
		if r.alone {
			r.send(c)
			synctest.Wait()
			r.judge(c)
			continue
		}
		wg.Go(func() {
			time.Sleep(c.start)
			r.send(c)
		})
	}
	if r.restarts {
		r.mu.Lock()
		r.killing = true
		r.mu.Unlock()
		for range 1 + r.rnd.IntN(4) {
			time.Sleep(time.Duration(r.rnd.Int64N(int64(time.Second))))
			r.origin.CloseConnections([]mientest.Ending{mientest.FIN, mientest.RST}[r.rnd.IntN(2)])
		}
	}
	wg.Wait()
	synctest.Wait()
	if !r.alone {
		for _, c := range r.cases {
			r.judge(c)
		}
	}
	time.Sleep(10 * time.Second) // a dial that nobody needs any more comes to its end
	r.s.CloseIdleConnections()
	time.Sleep(10 * time.Second) // what lingers has its time
	if st := r.s.Stats(); st.InFlight != 0 || st.Queued != 0 || st.Sockets != 0 {
		r.t.Errorf("seed %d: left behind: %+v", r.seed, st)
	}
	return len(r.cases)
}

// send makes the request of c and reads its answer.
func (r *round) send(c *tried) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	switch {
	case c.end > 0 && c.cancel:
		defer time.AfterFunc(c.end, cancel).Stop()
	case c.end > 0:
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, c.end)
		defer stop()
	}
	ctx = mien.WithOptions(ctx, mien.Options{FreshConnection: c.fresh})
	var body io.Reader
	if c.content >= 0 {
		body = bytes.NewReader(make([]byte, c.content))
	}
	req, err := http.NewRequestWithContext(ctx, c.method, "https://origin.test/", body)
	if err != nil {
		r.t.Fatal(err)
	}
	if !c.rewind {
		req.GetBody = nil
	}
	if req.Header.Set(caseField, strconv.Itoa(c.number)); c.marked {
		req.Header["Idempotency-Key"] = []string{"k"}
	}
	c.begun = time.Now()
	resp, err := r.s.Do(req)
	if err == nil {
		c.status = resp.StatusCode
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	c.err, c.finished, c.over = err, time.Now(), ctx.Err() != nil
}

// onHello breaks handshakes, at most six in a row.
func (r *round) onHello(int, *fingerprint.ClientHello) mientest.Action {
	r.mu.Lock()
	defer r.mu.Unlock()
	a, class := mientest.Action{}, retry.Unknown
	if r.row < 6 {
		switch r.hello.IntN(16) {
		case 0:
			a, class = mientest.Action{End: mientest.FIN}, retry.HandshakeReset
		case 1:
			a, class = mientest.Action{End: mientest.RST}, retry.HandshakeReset
		case 2:
			a, class = mientest.Action{End: mientest.Stall}, retry.HandshakeTimeout
		case 3:
			a, class = mientest.Action{Write: mientest.Alert(80)}, retry.Alert
		case 4:
			a.Delay = time.Duration(r.hello.Int64N(int64(time.Second)))
		}
	}
	if r.row++; class == retry.Unknown {
		r.row = 0
	}
	r.broken = append(r.broken, class)
	return a
}

// onRequest takes the next step of the request's plan.
func (r *round) onRequest(_ int, req *http.Request) mientest.RequestAction {
	c := r.caseOf(req)
	report, _ := mientest.ReportOf(req)
	h2 := report.Protocol == "h2"
	what := stepOK
	c.note(func() {
		if n := len(c.delivered); n < len(c.plan) {
			what = c.plan[n]
		}
		c.delivered = append(c.delivered, delivery{what, h2, report.Request > 1, connOf(&report), report.Stream})
	})
	if h2 && !r.alone && (what.ends(h2) || what == stepGoAway) {
		r.mu.Lock()
		r.killing = true
		r.mu.Unlock()
	}
	req.Header["X-Step"] = []string{string(what)}
	reset := func(code http2.ErrCode) mientest.RequestAction {
		return mientest.RequestAction{Reset: true, ResetCode: uint32(code)}
	}
	switch what {
	case stepSlow:
		return mientest.RequestAction{Delay: time.Duration(1+c.number) * 150 * time.Millisecond}
	case stepFIN:
		return mientest.RequestAction{End: mientest.FIN}
	case stepRST:
		return mientest.RequestAction{End: mientest.RST}
	case stepReset:
		return reset(http2.ErrCodeInternal)
	case stepCalm:
		return reset(http2.ErrCodeEnhanceYourCalm)
	case stepRefuse:
		return reset(http2.ErrCodeRefusedStream)
	case stepHTTP1:
		return reset(http2.ErrCodeHTTP11Required)
	case stepGoAway:
		return r.leaveOut(&report)
	case step421, step425, step503:
		status, _ := strconv.Atoi(string(what))
		return mientest.RequestAction{Status: status}
	}
	return mientest.RequestAction{}
}

// answer is the handler: the steps after the request was read.
func (r *round) answer(w http.ResponseWriter, req *http.Request) {
	_, _ = io.Copy(io.Discard, req.Body)
	switch step(req.Header.Get("X-Step")) {
	case stepReadFIN:
		mientest.EndConnection(req, mientest.FIN)
	case stepReadRST:
		mientest.EndConnection(req, mientest.RST)
	case stepCut, stepSilent:
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "begun")
		_ = http.NewResponseController(w).Flush()
		if step(req.Header.Get("X-Step")) == stepSilent {
			<-req.Context().Done()
			return
		}
		time.Sleep(time.Millisecond) // the client has read that
		mientest.EndConnection(req, mientest.FIN)
	}
}
