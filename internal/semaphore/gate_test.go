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
					time.Sleep(100 * time.Millisecond)
					p.Done(Outcome(i % 3))
					p.Done(Completed) // only the first counts
				})
			}
			wg.Wait()
			want := GateStats{
				Stats:     Stats{Width: width, Peak: width},
				Completed: int64(width), Reset: int64(width), Timeout: int64(width),
			}
			if got := g.Stats(); got != want {
				t.Errorf("width %d:\n got %+v\nwant %+v", width, got, want)
			}
		})
	}
}

func TestGateWidths(t *testing.T) {
	for _, c := range []struct{ max, width int }{{0, DefaultHandshakes}, {7, 7}, {-1, 0}} {
		if got := NewGate(GateConfig{Max: c.max}).Stats().Width; got != c.width {
			t.Errorf("Max %d: width %d, want %d", c.max, got, c.width)
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

func (s *stepper) done(_ time.Time, _ Outcome, took time.Duration, _ int) int {
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
