package semaphore

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestShrink(t *testing.T) { synctest.Test(t, testShrink) }

func testShrink(t *testing.T) {
	s := New(1000)
	var slots []*Slot
	for range 400 {
		slots = append(slots, mustAcquire(t, s))
	}
	check := func(what string, width, full int) {
		t.Helper()
		if st := s.Stats(); st.Width != width || st.Full != full {
			t.Errorf("%s: width %d of %d, want %d of %d", what, st.Width, st.Full, width, full)
		}
	}
	if w, first := s.Shrink(time.Now(), 16); w != 200 || !first {
		t.Errorf("first error: width %d, first %v", w, first)
	}
	<-time.After(999 * ms)
	if w, first := s.Shrink(time.Now(), 16); w != 200 || first {
		t.Errorf("the same shortage: width %d, first %v", w, first)
	}
	<-time.After(time.Second)
	if w, first := s.Shrink(time.Now(), 16); w != 100 || first {
		t.Errorf("another: width %d, first %v", w, first)
	}
	if _, ok := s.TryAcquire(); ok {
		t.Error("admitted beyond the narrowed width")
	}
	<-time.After(recoverEvery - 1)
	slots[0].Release()
	check("before the time is up", 100, 1000)
	<-time.After(1)
	slots[1].Release()
	check("ten seconds without an error", 125, 1000)
	<-time.After(5 * recoverEvery)
	slots[2].Release()
	check("a minute without an error", 378, 1000)
	for _, slot := range slots {
		slot.Release()
	}
	<-time.After(10 * recoverEvery)
	mustAcquire(t, s).Release()
	check("long after", 1000, 0)
	if _, first := s.Shrink(time.Now(), 16); !first {
		t.Error("a new shortage is not told")
	}
}

func TestShrinkFloorAndUnlimited(t *testing.T) { synctest.Test(t, testShrinkFloorAndUnlimited) }

func testShrinkFloorAndUnlimited(t *testing.T) {
	s := New(0)
	for range 40 {
		mustAcquire(t, s)
	}
	for _, want := range []int{20, 16, 16} {
		if w, _ := s.Shrink(time.Now(), 16); w != want {
			t.Errorf("width %d, want %d", w, want)
		}
		<-time.After(2 * time.Second)
	}
	<-time.After(10 * recoverEvery)
	mustAcquire(t, s)
	if st := s.Stats(); st.Width != 0 || st.Full != 0 {
		t.Errorf("not unlimited again: %+v", st)
	}

	small := New(8) // narrower than the floor already
	if w, _ := small.Shrink(time.Now(), 16); w != 8 {
		t.Errorf("width %d, want 8", w)
	}
	small.SetWidth(4)
	if st := small.Stats(); st.Width != 4 || st.Full != 0 {
		t.Errorf("SetWidth after Shrink: %+v", st)
	}
}

// Those who wait get in when the width recovers, at the next slot that is
// given back.
func TestShrinkAdmitsWhenItRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(4)
		slots := []*Slot{mustAcquire(t, s), mustAcquire(t, s), mustAcquire(t, s), mustAcquire(t, s)}
		s.Shrink(time.Now(), 1)
		got := make(chan *Slot, 3)
		for range 3 {
			go func() {
				slot, _ := s.Acquire(t.Context())
				got <- slot
			}()
		}
		synctest.Wait()
		<-time.After(2 * recoverEvery)
		slots[0].Release()
		synctest.Wait()
		if len(got) != 1 || s.Stats().Width != 4 {
			t.Fatalf("%d admitted, %+v", len(got), s.Stats())
		}
		for _, slot := range slots {
			slot.Release()
		}
		for range 3 {
			(<-got).Release()
		}
		checkIdle(t, s)
	})
}

func TestStarving(t *testing.T) { synctest.Test(t, testStarving) }

func testStarving(t *testing.T) {
	const after = 10 * time.Second
	s := New(1)
	starving := func(want bool, again time.Duration) {
		t.Helper()
		if got, when := s.Starving(time.Now(), after); got != want || when != again {
			t.Errorf("Starving = %v, %v, want %v, %v", got, when, want, again)
		}
	}
	starving(false, after)
	held := mustAcquire(t, s)
	<-time.After(time.Minute)
	starving(false, after) // nobody waits
	second := make(chan *Slot, 2)
	for range 2 {
		go func() {
			slot, _ := s.Acquire(t.Context())
			second <- slot
		}()
	}
	synctest.Wait()
	starving(false, after)
	<-time.After(7 * time.Second)
	starving(false, 3*time.Second)
	<-time.After(3 * time.Second)
	starving(true, after)
	<-time.After(time.Hour)
	starving(false, after) // told already
	held.Release()
	synctest.Wait()
	held = <-second
	starving(false, after) // a slot came back: another episode
	<-time.After(after)
	starving(true, after)
	held.Release()
	(<-second).Release()
	starving(false, after)
}
