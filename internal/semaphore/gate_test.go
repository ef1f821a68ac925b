package semaphore

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestGatePeak(t *testing.T) {
	for _, width := range []int{1, 3, 256} {
		synctest.Test(t, func(t *testing.T) {
			g := NewGate(GateConfig{Max: width})
			var wg sync.WaitGroup
			for i := range 3 * width {
				wg.Go(func() {
					p, err := g.Acquire(t.Context())
					if err != nil {
						t.Error(err)
						return
					}
					<-time.After(100 * time.Millisecond)
					p.Done(Outcome(i % 3))
					p.Done(Completed) // only the first counts
				})
			}
			wg.Wait()
			got := g.Stats()
			if got.Peak > width || got.Peak < min(width, openingWidth) || got.Width > width || got.Width < 1 {
				t.Errorf("at most %d: %+v", width, got)
			}
			got.Stats = Stats{}
			if want := (GateStats{Max: width, Completed: int64(width), Reset: int64(width), Timeout: int64(width)}); got != want {
				t.Errorf("at most %d:\n got %+v\nwant %+v", width, got, want)
			}
		})
	}
}

func TestGateWidths(t *testing.T) {
	for _, c := range []struct{ limit, max, width int }{{0, DefaultHandshakes, openingWidth}, {7, 7, 7}, {-1, 0, 0}} {
		if got := NewGate(GateConfig{Max: c.limit}).Stats(); got.Width != c.width || got.Max != c.max {
			t.Errorf("Max %d: width %d of %d, want %d of %d", c.limit, got.Width, got.Max, c.width, c.max)
		}
	}
}

func TestGateWaitEndsWithContext(t *testing.T) {
	g := NewGate(GateConfig{Max: 1})
	p, err := g.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var q *QueueError
	if _, err := g.Acquire(ctx); !errors.As(err, &q) || !errors.Is(err, context.Canceled) || q.Held != 1 {
		t.Errorf("Acquire = %v", err)
	}
	p.Done(Abandoned)
	(*Pass)(nil).Done(Reset)
	if got := g.Stats(); got.Held != 0 || got.Abandoned != 1 {
		t.Errorf("Stats = %+v", got)
	}
}

// stepper narrows or widens as it is told, to show that the gate obeys.
type stepper struct{ widths []int }

func (*stepper) started(time.Time, int) ticket { return ticket{} }

func (s *stepper) done(time.Time, ticket, Outcome, time.Duration, int) int {
	w := s.widths[0]
	s.widths = s.widths[1:]
	return w
}

func TestGateObeysItsController(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(GateConfig{Max: 1})
		g.control = &stepper{widths: []int{4, 2}}
		p, _ := g.Acquire(t.Context())
		passes := make(chan *Pass, 8)
		for range 8 {
			go func() {
				if p, err := g.Acquire(t.Context()); err == nil {
					passes <- p
				}
			}()
		}
		synctest.Wait()
		p.Done(Completed)
		synctest.Wait()
		if len(passes) != 4 {
			t.Fatalf("%d admitted, want 4", len(passes))
		}
		g.control = &stepper{widths: []int{2, 2, 2, 2, 2, 2, 2, 2}}
		for range 3 {
			(<-passes).Done(Reset)
		}
		synctest.Wait()
		if st := g.Stats(); st.Held != 2 || st.Width != 2 || st.Reset != 3 {
			t.Errorf("after narrowing: %+v", st)
		}
		for range 5 {
			(<-passes).Done(Completed)
		}
	})
}

func TestOutcomeNames(t *testing.T) {
	for o, want := range map[Outcome]string{Completed: "completed", Reset: "reset", Timeout: "timeout", Abandoned: "abandoned", 9: "unknown"} {
		if o.String() != want {
			t.Errorf("Outcome %d is %q", o, o)
		}
	}
}
