package soak_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/retry"
)

// shape is a kind of request.
type shape struct {
	method string
	weight int
	body   bool
	marked bool // has an Idempotency-Key
	rewind bool // GetBody is there
	stream bool // the length of the body is not said
}

var shapes = []shape{
	{method: http.MethodGet, weight: 38},
	{method: http.MethodHead, weight: 3},
	{method: http.MethodDelete, weight: 4},
	{method: http.MethodPost, weight: 6},
	{method: http.MethodPost, weight: 16, body: true, rewind: true},
	{method: http.MethodPost, weight: 6, body: true},
	{method: http.MethodPost, weight: 3, body: true, stream: true},
	{method: http.MethodPost, weight: 3, marked: true},
	{method: http.MethodPost, weight: 7, body: true, rewind: true, marked: true},
	{method: http.MethodPut, weight: 10, body: true, rewind: true},
	{method: http.MethodPut, weight: 4, body: true},
}

func (s *shape) idempotent() bool { return s.method != http.MethodPost || s.marked }

// replayable reports whether its body can be had twice.
func (s *shape) replayable() bool { return !s.body || s.rewind }

func drawShape(rnd *rand.Rand) *shape {
	total := 0
	for i := range shapes {
		total += shapes[i].weight
	}
	n := rnd.IntN(total)
	for i := range shapes {
		if n -= shapes[i].weight; n < 0 {
			return &shapes[i]
		}
	}
	return nil
}

// outcome is what the caller of one request was told. The hooks write the
// atomic fields; the rest is its caller's until the round is over.
type outcome struct {
	shape *shape

	retries  atomic.Int32
	done     atomic.Int32 // calls of the Done hook
	attempts atomic.Int32 // as the Done hook said

	deadline bool          // its context has one
	over     error         // of its context, when the request was over
	late     time.Duration // how long after the end of the context that was
	took     time.Duration
	status   int  // 0: no response
	early    bool // the caller closed the body unread
	failed   bool
	notError bool // it failed with something else than a *mien.Error
	ended    bool // the error is the context's
	sent     bool
	attempt  int
	phase    retry.Phase
	class    retry.Class
	reason   retry.Reason
	text     string // of some errors
}

type outcomeKey struct{}

// hooks note in a request's outcome what they hear of it, and count the
// retries of connections in connects.
func hooks(retries *tally, connects *atomic.Int64) mien.Hooks {
	of := func(req *http.Request) *outcome {
		o, _ := req.Context().Value(outcomeKey{}).(*outcome)
		return o
	}
	return mien.Hooks{
		Retry: func(i mien.RetryInfo) {
			if i.Request == nil {
				connects.Add(1)
				return
			}
			of(i.Request).retries.Add(1)
			retries.add(string(i.Class), 1)
		},
		Done: func(i mien.RequestInfo) {
			o := of(i.Request)
			o.done.Add(1)
			o.attempts.Store(int32(i.Attempts))
		},
	}
}

// round is some time of many callers. The outcomes are those of the requests
// with the IDs first, first+1, …
type round struct {
	s    *mien.Session
	urls []string
	seed uint64

	mu       sync.Mutex
	first    uint64
	outcomes []*outcome // guarded by mu
}

// run has callers send requests, one after the other, until the time is over,
// and waits for all of them.
func (r *round) run(callers int, length, patience time.Duration) error {
	end := time.Now().Add(length)
	var wg sync.WaitGroup
	for n := range callers {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(r.seed, uint64(n)))
			for time.Now().Before(end) {
				if !r.send(rnd) {
					// As any caller does who was told that the origin is down.
					<-time.After(time.Duration(50+rnd.IntN(200)) * time.Millisecond)
				}
			}
		})
	}
	all := make(chan struct{})
	go func() {
		wg.Wait()
		close(all)
	}()
	select {
	case <-all:
		return nil
	case <-time.After(length + patience):
		return fmt.Errorf("callers hang %v after the end of their round: %+v", patience, r.s.Stats())
	}
}

// begin gives a request its ID.
func (r *round) begin(o *outcome) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outcomes = append(r.outcomes, o)
	return r.first + uint64(len(r.outcomes)) - 1
}

// send makes one random request and reports whether it went well.
func (r *round) send(rnd *rand.Rand) bool {
	o := &outcome{shape: drawShape(rnd)}
	id := r.begin(o)
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), outcomeKey{}, o))
	defer cancel()
	start, end := time.Now(), time.Duration(0)
	if rnd.IntN(5) == 0 {
		// Half of them in the midst of handshakes and first answers, half while all goes on.
		end = time.Duration(rnd.Int64N(int64([]time.Duration{50 * time.Millisecond, 4 * time.Second}[rnd.IntN(2)])))
		if o.deadline = rnd.IntN(2) == 0; o.deadline {
			var stop context.CancelFunc
			ctx, stop = context.WithDeadline(ctx, start.Add(end))
			defer stop()
		} else {
			defer time.AfterFunc(end, cancel).Stop()
		}
	}
	req, want, err := r.request(ctx, rnd, id, o)
	if err != nil {
		panic(err) // the soak's own fault
	}
	resp, err := r.s.Do(req)
	if err == nil {
		o.status = resp.StatusCode
		if o.early = rnd.IntN(25) == 0; !o.early {
			err = check(resp, want)
		}
		_ = resp.Body.Close()
	}
	o.took = time.Since(start)
	if o.over = ctx.Err(); o.over != nil && end > 0 {
		o.late = o.took - end
	}
	if err != nil {
		o.fail(err)
	}
	return err == nil
}

// request makes the request, and the answer that it is to have.
func (r *round) request(ctx context.Context, rnd *rand.Rand, id uint64, o *outcome) (*http.Request, *answer, error) {
	name := strconv.FormatUint(id, 10)
	pad := rnd.IntN(2000)
	if rnd.IntN(50) == 0 {
		pad = rnd.IntN(100_000)
	}
	var content []byte
	var body io.Reader
	if o.shape.body {
		size := rnd.IntN(2000)
		if rnd.IntN(50) == 0 {
			size = rnd.IntN(100_000)
		}
		content = bytes.Repeat([]byte(name+","), 1+size/(len(name)+1))
		if body = bytes.NewReader(content); o.shape.stream {
			body = io.MultiReader(body) // net/http does not know its length
		}
	}
	req, err := http.NewRequestWithContext(ctx, o.shape.method, r.urls[rnd.IntN(len(r.urls))]+"/soak", body)
	if err != nil {
		return nil, nil, err
	}
	if !o.shape.rewind {
		req.GetBody = nil
	}
	req.Header.Set(idField, name)
	req.Header.Set(padField, strconv.Itoa(pad))
	if o.shape.marked {
		req.Header.Set("Idempotency-Key", name)
	}
	return req, &answer{head: answerHead(name, crc32.ChecksumIEEE(content), int64(len(content))), pad: pad, none: o.shape.method == http.MethodHead}, nil
}

// answer is what a request that went well is answered with.
type answer struct {
	head string
	pad  int
	none bool // HEAD
}

// errWrongAnswer is a 200 with another request's answer, or half of one.
var errWrongAnswer = errors.New("the answer is not the request's")

// check reads the whole body.
func check(resp *http.Response, want *answer) error {
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return err
	}
	if want.none {
		if len(body) != 0 {
			return errWrongAnswer
		}
		return nil
	}
	head, pad, _ := bytes.Cut(body, []byte{'\n'})
	if string(head)+"\n" != want.head || len(pad) != want.pad || len(bytes.Trim(pad, ".")) > 0 {
		return fmt.Errorf("%w: %q and %d bytes, not %q and %d", errWrongAnswer, head, len(pad), want.head, want.pad)
	}
	return nil
}

// fail notes the error.
func (o *outcome) fail(err error) {
	o.failed = true
	var e *mien.Error
	if o.notError = !errors.As(err, &e); o.notError {
		o.text = err.Error()
		return
	}
	o.ended = o.over != nil && errors.Is(err, o.over)
	o.sent, o.attempt, o.phase, o.class, o.reason = e.Sent, e.Attempt, e.Phase, e.Class, e.Reason
	if !o.ended {
		o.text = e.Error()
	}
}
