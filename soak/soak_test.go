package soak_test

import (
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mien-http/mien"
)

const (
	// soakCallers is how many there are when MIEN_SOAK is set, and a few
	// otherwise.
	soakCallers = 5000
	fewCallers  = 200
	fewTime     = 4 * time.Second
	// patience is how long callers may take after the end of a round: the
	// longest waits are a stalled handshake (stall) and a silent body (stall
	// again), each at most four times.
	stall    = 2 * time.Second
	patience = 45 * time.Second
	// What a process may hold on to when all is closed. The heap is what is
	// alive: of a minute's 300,000 requests none may keep as much as 16 bytes.
	// The resident set also holds what the runtime does not give back: spans
	// that are partly in use, threads, and its own tables, which are sized for
	// the largest heap there was. Measured after a minute: 0.3 and 4 MiB.
	heapSlack = 4 << 20
	rssSlack  = 24 << 20
)

// TestSoak: see the package's comment.
func TestSoak(t *testing.T) {
	callers, length := fewCallers, fewTime
	if d, err := time.ParseDuration(os.Getenv("MIEN_SOAK")); err == nil {
		callers, length = soakCallers, d
	}
	seed := rand.Uint64()
	t.Logf("seed %d, %d callers, %v", seed, callers, length)
	origin, err := startChild("origin", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if said := origin.stop(); said != "" {
			t.Errorf("the origin's process: %s", said)
		}
	}()
	k := &soak{t: t, origin: origin, seed: seed, log: &logger{t: t}}
	k.judge.log = k.log
	setup := originSetup{Host: "127.0.0.1", Seed: seed, Sites: []string{"h2", "h1", "both", "plain"}}
	if err := origin.call(setup, &k.hello); err != nil {
		t.Fatal(err)
	}

	// The first session is there to grow what stays: pools, tables, threads.
	k.session(callers, min(length/6, 5*time.Second), 1)
	before, running := k.resources(), goleak.IgnoreCurrent()
	start := time.Now()
	k.session(callers, length, max(2, int(length/(15*time.Second))))
	after := k.resources()

	k.log.sum()
	j := &k.judge
	t.Logf("%d requests in %v, %d deliveries, %d restarts; handshakes: %d, %d killed; connections retried: %d",
		j.requests, time.Since(start).Round(time.Second), j.deliveries, k.last.Restarts, k.last.Handshakes, k.last.Killed, k.connects.Load())
	t.Logf("answers: %v", &j.latency)
	t.Logf("past the end of their contexts: %d, %v", j.late.n, &j.late)
	t.Logf("outcomes:%v", &j.counts)
	t.Logf("retries by class:%v", &k.retries)
	t.Logf("deliveries by fault:%v", &j.faults)
	t.Logf("before: %v", before)
	t.Logf("after:  %v", after)
	if j.counts.get("answered 200") < j.requests/3 {
		t.Error("most requests failed: this proves nothing")
	}
	if err := goleak.Find(running); err != nil {
		t.Errorf("goroutines are left: %v", err)
	}
	if after.descriptors > before.descriptors {
		t.Errorf("descriptors are left: %d, %d before", after.descriptors, before.descriptors)
	}
	if grown := after.heap - before.heap; grown > heapSlack {
		t.Errorf("the heap has grown by %.1f MiB", mib(grown))
	}
	// A few seconds are not enough to have grown before, and the race
	// detector's shadow of the memory stays.
	if grown := after.rss - before.rss; grown > rssSlack && callers == soakCallers {
		t.Errorf("the resident set has grown by %.1f MiB", mib(grown))
	}
}

// soak is one run. It belongs to the test's goroutine.
type soak struct {
	t      *testing.T
	origin *child
	seed   uint64
	hello  originHello
	log    *logger
	next   uint64 // ID of the next round's first request, less 1
	last   originReport
	judge  judge

	retries  tally
	connects atomic.Int64
}

// session makes a session, has it send for a time in several rounds, and closes
// it. Nothing of it may be left then.
func (k *soak) session(callers int, length time.Duration, rounds int) {
	cfg := mien.Config{
		Resolver: oneAddress{netip.AddrFrom4([4]byte{127, 0, 0, 1})},
		Timeouts: mien.Timeouts{TLS: stall, BodyStall: stall},
		Hooks:    hooks(&k.retries, &k.connects),
	}
	// Every loss shall have its reason in the request, not in the company it was in.
	cfg.Retry.BudgetRatio = -1
	var err error
	if cfg.TLS, err = trusting(k.hello.CA); err != nil {
		k.t.Fatal(err)
	}
	s, err := mien.New(cfg)
	if err != nil {
		k.t.Fatal(err)
	}
	var r *round
	for n := range rounds {
		if r != nil {
			k.judge.over(r, false)
		}
		k.report(true)
		r = &round{s: s, urls: k.hello.URLs, seed: k.seed + uint64(n), first: k.next + 1}
		if err := r.run(callers, length/time.Duration(rounds), patience); err != nil {
			_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
			k.origin.abort()
			k.t.Fatal(err)
		}
		k.next += uint64(len(r.outcomes))
		k.report(false)
		if st := s.Stats(); st.InFlight != 0 || st.Queued != 0 {
			k.log.complain("slots are held by nobody", "%d in flight, %d queued, the oldest for %v", st.InFlight, st.Queued, st.Oldest)
		}
		for _, o := range s.Stats().Origins {
			if o.InFlight != 0 || o.Waiting != 0 {
				k.log.complain("places are held by nobody", "%s: %d in flight, %d waiting", o.Origin, o.InFlight, o.Waiting)
			}
		}
	}
	_ = s.Close()
	if st := s.Stats(); st.InFlight != 0 || st.Queued != 0 || st.Sockets != 0 {
		k.log.complain("left after Close", "%+v", st)
	}
	k.report(false)
	k.judge.over(r, true)
}

// report fetches the origins' log; restart says whether they are to be
// restarted from now on.
func (k *soak) report(restart bool) {
	for {
		k.last = originReport{} // gob leaves out zeros
		if err := k.origin.call(restart, &k.last); err != nil {
			k.t.Fatal(err)
		}
		k.judge.arrived(k.last.Deliveries, k.last.GoAways)
		k.last.GoAways = nil
		if k.last.Deliveries = nil; !k.last.More {
			return
		}
	}
}

// resources counts what this process holds when all garbage is gone.
func (k *soak) resources() resources {
	for range 3 { // sync.Pool keeps what it has for two collections
		runtime.GC()
	}
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return resources{goroutines: runtime.NumGoroutine(), descriptors: descriptors(), heap: int64(m.HeapAlloc), rss: residentSet()}
}
