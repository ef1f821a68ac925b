package semaphore

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestFIFO(t *testing.T) { synctest.Test(t, testFIFO) }

func testFIFO(t *testing.T) {
	s := New(1)
	first := mustAcquire(t, s)
	const n = 50
	order := make(chan int, n)
	for i := range n {
		go func() {
			slot, err := s.Acquire(t.Context())
			if err != nil {
				t.Errorf("waiter %d: %v", i, err)
				return
			}
			order <- i
			slot.Release()
		}()
		synctest.Wait() // i is in the queue before i+1
	}
	if _, ok := s.TryAcquire(); ok {
		t.Error("TryAcquire overtook the queue")
	}
	first.Release()
	for i := range n {
		if got := <-order; got != i {
			t.Fatalf("place %d went to waiter %d", i, got)
		}
	}
	synctest.Wait()
	checkIdle(t, s)
}

func TestQueueErrorTellsWhoIsInTheWay(t *testing.T) { synctest.Test(t, testQueueError) }

func testQueueError(t *testing.T) {
	s := New(3)
	for range 3 {
		mustAcquire(t, s)
		<-time.After(time.Second)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
	defer cancel()
	_, err := s.Acquire(ctx)
	var q *QueueError
	if !errors.As(err, &q) {
		t.Fatalf("error is %T: %v", err, err)
	}
	if q.Held != 3 || q.Oldest != 12*time.Second || q.Waiting != 1 || !q.Timeout() {
		t.Errorf("QueueError = %+v, Timeout %v", q, q.Timeout())
	}
	want := "no free slot: 3 of 3 held, the oldest for 12s, 1 waiting: context deadline exceeded"
	if err.Error() != want {
		t.Errorf("text %q, want %q", err, want)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error("not a DeadlineExceeded")
	}
	if st := s.Stats(); st.Held != 3 || st.Waiting != 0 || st.Oldest != 12*time.Second {
		t.Errorf("afterwards: %+v", st)
	}
	if ages := s.Ages(2); len(ages) != 2 || ages[0] != 12*time.Second || ages[1] != 11*time.Second {
		t.Errorf("Ages(2) = %v", ages)
	}
}

func TestQueueErrorKeepsCauseAndContextError(t *testing.T) {
	cause := errors.New("shutting down")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	s := New(1)
	_, err := s.Acquire(ctx)
	if !errors.Is(err, cause) || !errors.Is(err, context.Canceled) {
		t.Errorf("%v: cause or Canceled is lost", err)
	}
	if q := (*QueueError)(nil); !errors.As(err, &q) || q.Err != cause || q.Held != 0 || q.Timeout() {
		t.Errorf("QueueError = %+v", q)
	}
	if want := "no slot taken: shutting down"; err.Error() != want {
		t.Errorf("text %q, want %q", err, want)
	}
	checkIdle(t, s)
}

func TestReleaseOnlyOnce(t *testing.T) {
	s := New(2)
	a, b := mustAcquire(t, s), mustAcquire(t, s)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(a.Release)
	}
	wg.Wait()
	if held := s.Stats().Held; held != 1 {
		t.Fatalf("%d held after one of two slots was released eight times", held)
	}
	b.Release()
	checkIdle(t, s)
	(*Slot)(nil).Release()
}

func TestPeakNeverAboveWidth(t *testing.T) {
	for _, width := range []int{1, 3, 256} {
		synctest.Test(t, func(t *testing.T) { testPeak(t, width) })
	}
}

func testPeak(t *testing.T, width int) {
	s := New(width)
	var running, peak atomic.Int64
	var wg sync.WaitGroup
	for range 4 * width {
		wg.Go(func() {
			slot, err := s.Acquire(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			defer slot.Release()
			n := running.Add(1)
			for p := peak.Load(); n > p && !peak.CompareAndSwap(p, n); p = peak.Load() {
			}
			<-time.After(time.Second)
			running.Add(-1)
		})
	}
	start := time.Now()
	wg.Wait()
	if got := peak.Load(); got != int64(width) {
		t.Errorf("width %d: peak %d", width, got)
	}
	if took := time.Since(start); took != 4*time.Second {
		t.Errorf("width %d: four rounds took %v", width, took)
	}
	if st := s.Stats(); st.Peak != width {
		t.Errorf("width %d: Stats.Peak %d", width, st.Peak)
	}
	checkIdle(t, s)
}

func TestUnlimited(t *testing.T) {
	for _, width := range []int{0, -1} {
		s := New(width)
		var slots []*Slot
		for range 1000 {
			slots = append(slots, mustAcquire(t, s))
		}
		if st := s.Stats(); st.Held != 1000 || st.Width != 0 {
			t.Errorf("New(%d): %+v", width, st)
		}
		for _, slot := range slots {
			slot.Release()
		}
		checkIdle(t, s)
	}
}

// Ten thousand acquisitions, most of them cancelled at a random moment: before
// the wait, in the queue, at the very moment of the hand-over, or with the
// slot in hand.
func TestRandomCancelsLeakNoSlot(t *testing.T) { synctest.Test(t, testRandomCancels) }

func testRandomCancels(t *testing.T) {
	const width = 7
	n := 10_000
	if underRace { // whose runtime fails now and then above 8,128 goroutines at once
		n = 2_000
	}
	s := New(width)
	k := NewKeyed(2)
	var canceled, done, running atomic.Int64
	var wg sync.WaitGroup
	rng := rand.New(rand.NewPCG(1, 2))
	for range n {
		timeout := time.Duration(rng.IntN(3000)) * time.Millisecond
		hold := time.Duration(rng.IntN(3)) * time.Millisecond
		start := time.Duration(rng.IntN(1000)) * time.Millisecond
		key := string(rune('a' + rng.IntN(20)))
		wg.Go(func() {
			<-time.After(start)
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			slot, err := s.Acquire(ctx)
			if err != nil {
				canceled.Add(1)
				return
			}
			defer slot.Release()
			if r := running.Add(1); r > width {
				t.Errorf("%d at once", r)
			}
			defer running.Add(-1)
			host, err := k.Acquire(ctx, key)
			if err != nil {
				canceled.Add(1)
				return
			}
			defer host.Release()
			<-time.After(hold)
			done.Add(1)
		})
	}
	wg.Wait()
	if canceled.Load() == 0 || done.Load() == 0 {
		t.Fatalf("%d cancelled, %d done: not a test of both", canceled.Load(), done.Load())
	}
	checkIdle(t, s)
	if k.Len() != 0 {
		t.Errorf("%d keys left", k.Len())
	}
	for range width { // every slot can still be had
		if _, ok := s.TryAcquire(); !ok {
			t.Fatal("a slot is lost")
		}
	}
}

// The same on the real scheduler, where hand-over and cancellation truly race.
func TestHandOverRacesWithCancel(t *testing.T) {
	s := New(1)
	for range 2000 {
		held := mustAcquire(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if slot, err := s.Acquire(ctx); err == nil {
				slot.Release()
			}
		})
		wg.Go(cancel)
		wg.Go(held.Release)
		wg.Wait()
		checkIdle(t, s)
	}
}

func TestSetWidth(t *testing.T) { synctest.Test(t, testSetWidth) }

func testSetWidth(t *testing.T) {
	s := New(1)
	var got atomic.Int64
	var slots [6]*Slot
	for i := range slots {
		go func() {
			slot, err := s.Acquire(t.Context())
			if err != nil {
				t.Error(err)
			}
			slots[i] = slot
			got.Add(1)
		}()
		synctest.Wait()
	}
	s.SetWidth(4)
	synctest.Wait()
	if got.Load() != 4 {
		t.Fatalf("%d admitted after widening to 4", got.Load())
	}
	s.SetWidth(2)
	slots[0].Release()
	slots[1].Release()
	synctest.Wait()
	if got.Load() != 4 {
		t.Fatalf("%d admitted while 2 of 2 are held", got.Load())
	}
	slots[2].Release()
	synctest.Wait()
	if got.Load() != 5 {
		t.Fatalf("%d admitted, want 5", got.Load())
	}
	s.SetWidth(0)
	synctest.Wait()
	if got.Load() != 6 {
		t.Fatalf("%d admitted without a limit, want 6", got.Load())
	}
	for _, slot := range slots {
		slot.Release()
	}
	checkIdle(t, s)
}

func TestStatsByAge(t *testing.T) { synctest.Test(t, testStatsByAge) }

func testStatsByAge(t *testing.T) {
	s := New(2)
	a := mustAcquire(t, s)
	<-time.After(time.Second)
	mustAcquire(t, s)
	go func() { _, _ = s.Acquire(t.Context()) }()
	synctest.Wait()
	<-time.After(3 * time.Second)
	if got, want := s.Stats(), (Stats{Width: 2, Held: 2, Waiting: 1, Peak: 2, Oldest: 4 * time.Second, LongestWait: 3 * time.Second, SinceLastFree: 4 * time.Second}); got != want {
		t.Errorf("Stats\n got %+v\nwant %+v", got, want)
	}
	a.Release()
	<-time.After(time.Second)
	if got, want := s.Stats(), (Stats{Width: 2, Held: 2, Peak: 2, Oldest: 4 * time.Second, SinceLastFree: time.Second}); got != want {
		t.Errorf("Stats after a release\n got %+v\nwant %+v", got, want)
	}
}

func TestUncontendedAllocations(t *testing.T) {
	s, ctx := New(1), t.Context()
	n := testing.AllocsPerRun(100, func() {
		slot, _ := s.Acquire(ctx)
		slot.Release()
	})
	if n > 1 {
		t.Errorf("%v allocations for an uncontended Acquire and Release, want at most 1", n)
	}
}

func TestQueueErrorOfUnlimited(t *testing.T) {
	s := New(0)
	mustAcquire(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Acquire(ctx)
	if err == nil || strings.Contains(err.Error(), "of 0") {
		t.Errorf("error %v", err)
	}
}

func BenchmarkUncontended(b *testing.B) {
	s, ctx := New(1), b.Context()
	b.ReportAllocs()
	for b.Loop() {
		slot, _ := s.Acquire(ctx)
		slot.Release()
	}
}

func BenchmarkContended(b *testing.B) {
	s, ctx := New(8), b.Context()
	b.ReportAllocs()
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			slot, _ := s.Acquire(ctx)
			slot.Release()
		}
	})
}

func mustAcquire(t *testing.T, s *Semaphore) *Slot {
	t.Helper()
	slot, err := s.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return slot
}

func checkIdle(t *testing.T, s *Semaphore) {
	t.Helper()
	st := s.Stats()
	if st.Held != 0 || st.Waiting != 0 || st.Oldest != 0 || st.LongestWait != 0 {
		t.Errorf("not idle: %+v", st)
	}
	if s.held.head != nil || s.held.tail != nil || s.waiting.head != nil || s.waiting.tail != nil {
		t.Error("a list is not empty")
	}
}
