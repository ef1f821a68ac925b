package semaphore

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestKeyedBoundsEachKeyAndVanishes(t *testing.T) { synctest.Test(t, testKeyed) }

func testKeyed(t *testing.T) {
	k := NewKeyed(1)
	a, err := k.Acquire(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	b, ok := k.TryAcquire("b")
	if !ok {
		t.Fatal("a holds b up")
	}
	if _, ok := k.TryAcquire("a"); ok {
		t.Fatal("two slots of a")
	}
	<-time.After(2 * time.Second)
	if st := k.Stats("a"); st.Held != 1 || st.Width != 1 || st.Oldest != 2*time.Second {
		t.Errorf("Stats(a) = %+v", st)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	var q *QueueError
	if _, err := k.Acquire(ctx, "a"); !errors.As(err, &q) || q.Held != 1 || q.Oldest != 3*time.Second {
		t.Errorf("Acquire(a) = %v", err)
	}
	if k.Len() != 2 {
		t.Errorf("%d keys, want 2", k.Len())
	}
	a.Release()
	a.Release()
	b.Release()
	if k.Len() != 0 {
		t.Errorf("%d keys left", k.Len())
	}
	if st := k.Stats("a"); st != (Stats{Width: 1}) {
		t.Errorf("Stats of an unused key: %+v", st)
	}
}

// A key that is waited for must not vanish and come back empty when its holder
// leaves.
func TestKeyedSurvivesItsHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := NewKeyed(1)
		a, _ := k.Acquire(t.Context(), "a")
		got := make(chan *Slot, 2)
		for range 2 {
			go func() {
				slot, _ := k.Acquire(t.Context(), "a")
				got <- slot
			}()
		}
		synctest.Wait()
		a.Release()
		synctest.Wait()
		if len(got) != 1 {
			t.Fatalf("%d of 2 waiters admitted to the one slot", len(got))
		}
		(<-got).Release()
		(<-got).Release()
		if k.Len() != 0 {
			t.Errorf("%d keys left", k.Len())
		}
	})
}
