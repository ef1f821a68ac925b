package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mien-http/mien/retry"
)

// nameServer answers after a while, counts, and notes what was given up.
type nameServer struct {
	mu     sync.Mutex
	takes  time.Duration // guarded by mu
	err    error         // guarded by mu
	asked  []string      // guarded by mu
	ended  int           // guarded by mu; lookups whose context ended
	forked bool          // the context's value was seen
}

type traced struct{}

func (s *nameServer) LookupNetIP(ctx context.Context, _, host string) ([]netip.Addr, error) {
	s.mu.Lock()
	s.asked = append(s.asked, host)
	err, takes := s.err, s.takes
	s.forked = ctx.Value(traced{}) != nil
	s.mu.Unlock()
	timer := time.NewTimer(takes)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		s.mu.Lock()
		s.ended++
		s.mu.Unlock()
		return nil, ctx.Err()
	case <-timer.C:
	}
	if err != nil {
		return nil, err
	}
	return []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")}, nil
}

func (s *nameServer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

// connects is an internet whose two addresses answer as err says.
func connects(t *testing.T, err error) *internet {
	return &internet{t: t, start: time.Now(), answer: map[string]answerOf{"192.0.2.1": {0, err}, "192.0.2.2": {0, err}}}
}

func dialName(t *testing.T, d *Dialer, host string) error {
	t.Helper()
	c, err := d.Dial(t.Context(), Route{}, host, "443")
	if err == nil {
		_ = c.Close()
	}
	return err
}

func TestAnswersAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &nameServer{}
		d := connects(t, nil).dialer(Config{Resolver: s, Answers: MaxAnswerAge})
		ask := func(what, host string, want int) {
			t.Helper()
			if err := dialName(t, d, host); err != nil || s.count() != want {
				t.Fatalf("%s: asked %d times, want %d; %v", what, s.count(), want, err)
			}
		}
		ask("first", "origin.test", 1)
		ask("again", "Origin.TEST", 1)
		ask("the root's dot keeps the search list out", "origin.test.", 2)
		time.Sleep(MaxAnswerAge - 1)
		ask("almost a minute later", "origin.test", 2)
		time.Sleep(time.Nanosecond)
		ask("a minute later", "origin.test", 3)
		d.ForgetNames()
		ask("forgotten", "origin.test", 4)
		other := d.Apart()
		if err := dialName(t, other, "origin.test"); err != nil || s.count() != 5 {
			t.Errorf("an answer is shared: asked %d times, %v", s.count(), err)
		}
		ask("each keeps its own", "origin.test", 5)
	})
}

func TestAnswersAreNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &nameServer{}
		d := connects(t, nil).dialer(Config{Resolver: s})
		for i := range 3 {
			if err := dialName(t, d, "origin.test"); err != nil || s.count() != i+1 {
				t.Errorf("asked %d times, %v", s.count(), err)
			}
		}
	})
}

// Neither a name that is not there nor addresses of no use are remembered.
func TestFailuresAreNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &nameServer{err: &net.DNSError{Err: "no such host", IsNotFound: true}}
		d := connects(t, nil).dialer(Config{Resolver: s, Answers: time.Minute})
		for i := range 2 {
			err := dialName(t, d, "origin.test")
			if f := failureOf(t, err); retry.Classify(f) != retry.NameNotFound || f.Phase != retry.PhaseDNS || s.count() != i+1 {
				t.Errorf("asked %d times, %v", s.count(), err)
			}
		}
		s = &nameServer{}
		n := connects(t, refused())
		d = n.dialer(Config{Resolver: s, Answers: time.Minute})
		for i := range 2 {
			if err := dialName(t, d, "origin.test"); err == nil || s.count() != i+1 {
				t.Errorf("asked %d times, %v", s.count(), err)
			}
		}
		// One that answers is enough to keep all.
		n.answer["192.0.2.2"] = answerOf{}
		for range 2 {
			if err := dialName(t, d, "origin.test"); err != nil || s.count() != 3 {
				t.Errorf("asked %d times, %v", s.count(), err)
			}
		}
	})
}

// A dial that the caller gave up says nothing about the addresses; one that took
// all the time there was does.
func TestAnswerAfterTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &nameServer{}
		n := &internet{t: t, start: time.Now()} // never answers
		d := n.dialer(Config{Resolver: s, Answers: time.Minute, Timeout: 10 * time.Second})
		for range 2 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := d.Dial(ctx, Route{}, "origin.test", "443")
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) || s.count() != 1 {
				t.Errorf("asked %d times, %v", s.count(), err)
			}
		}
		for i := range 2 {
			if err := dialName(t, d, "origin.test"); err == nil || s.count() != i+1 {
				t.Errorf("asked %d times, %v", s.count(), err)
			}
		}
	})
}

// Who began a lookup and went away takes nothing from those who joined it.
func TestLookupIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &nameServer{takes: 2 * time.Second}
		d := connects(t, nil).dialer(Config{Resolver: s, Answers: time.Minute})
		cause := errors.New("gone")
		leader, cancel := context.WithCancelCause(context.WithValue(t.Context(), traced{}, 1))
		errs := make([]error, 4)
		var wg sync.WaitGroup
		for i := range errs {
			ctx := t.Context()
			if i == 0 {
				ctx = leader
			}
			wg.Go(func() {
				var c net.Conn
				if c, errs[i] = d.Dial(ctx, Route{}, "origin.test", "443"); c != nil {
					_ = c.Close()
				}
			})
			synctest.Wait()
		}
		time.Sleep(time.Second)
		cancel(cause)
		wg.Wait()
		if !errors.Is(errs[0], cause) || errs[1] != nil || errs[2] != nil || errs[3] != nil {
			t.Error(errs)
		}
		if s.count() != 1 || s.ended != 0 || !s.forked {
			t.Errorf("asked %d times, %d ended, traced %v", s.count(), s.ended, s.forked)
		}
	})
}

// The last who waits takes the lookup with it, and who comes then begins anew.
func TestLookupEndsWithItsLastWaiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &nameServer{takes: 3 * time.Second}
		d := connects(t, nil).dialer(Config{Resolver: s, Answers: time.Minute})
		for range 2 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := d.Dial(ctx, Route{}, "origin.test", "443")
			cancel()
			if f := failureOf(t, err); f.Phase != retry.PhaseDNS || !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		}
		if err := dialName(t, d, "origin.test"); err != nil {
			t.Error(err)
		}
		if s.count() != 3 || s.ended != 2 {
			t.Errorf("asked %d times, %d ended", s.count(), s.ended)
		}
	})
}

// A lookup that is stuck does not hold up those who come later, and what it
// brings at last takes nothing's place.
func TestStuckLookup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &nameServer{takes: time.Hour}
		d := connects(t, nil).dialer(Config{Resolver: s, Answers: time.Minute})
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := dialName(t, d, "origin.test"); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(joinable)
		s.mu.Lock()
		s.takes = 0
		s.mu.Unlock()
		if err := dialName(t, d, "origin.test"); err != nil || s.count() != 2 {
			t.Errorf("asked %d times, %v", s.count(), err)
		}
		wg.Wait()
		if took := time.Since(d.answers.names["origin.test"].expires); took < time.Hour-2*time.Minute {
			t.Errorf("the late answer was kept, %v", took)
		}
	})
}

func TestAnswersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &nameServer{}
		d := connects(t, nil).dialer(Config{Resolver: s, Answers: time.Minute})
		for i := range 3 * maxAnswers {
			time.Sleep(time.Millisecond)
			if err := dialName(t, d, fmt.Sprintf("n%d.test", i)); err != nil {
				t.Fatal(err)
			}
			if n := len(d.answers.names); n > maxAnswers {
				t.Fatalf("%d answers kept", n)
			}
		}
		latest := fmt.Sprintf("n%d.test", 3*maxAnswers-1)
		for i := range maxAnswers {
			if err := dialName(t, d, fmt.Sprintf("n%d.test", 2*maxAnswers+i)); err != nil || s.count() != 3*maxAnswers {
				t.Fatalf("the oldest did not go first: number %d of the last was asked for again, %v", i, err)
			}
		}
		time.Sleep(time.Minute)
		if err := dialName(t, d, latest); err != nil || len(d.answers.names) != 1 {
			t.Errorf("%d kept long after their time", len(d.answers.names))
		}
	})
}

// Close ends lookups, refuses new ones and leaves no goroutine.
func TestRegistryEndsLookups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &nameServer{takes: time.Hour}
		d := connects(t, nil).dialer(Config{Resolver: s, Answers: time.Minute})
		start := time.Now()
		time.AfterFunc(time.Second, d.cfg.Registry.Close)
		for range 2 {
			err := dialName(t, d, "origin.test")
			if f := failureOf(t, err); retry.Classify(f) != retry.Canceled || !errors.Is(err, net.ErrClosed) || time.Since(start) != time.Second {
				t.Errorf("after %v: %v", time.Since(start), err)
			}
		}
		if s.count() != 1 || s.ended != 1 || len(d.cfg.Registry.running) != 0 {
			t.Errorf("asked %d times, %d ended, %d run", s.count(), s.ended, len(d.cfg.Registry.running))
		}
	})
}

// slow is a Resolver that takes a second to give up.
type slow struct{ gaveUp chan struct{} }

func (s slow) LookupNetIP(ctx context.Context, _, _ string) ([]netip.Addr, error) {
	<-ctx.Done()
	time.Sleep(time.Second)
	close(s.gaveUp)
	return nil, ctx.Err()
}

// Who waits for a name goes when its context ends, Close when the Resolver has
// let go.
func TestResolverThatLingers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := slow{make(chan struct{})}
		d := connects(t, nil).dialer(Config{Resolver: s, Answers: time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if _, err := d.Dial(ctx, Route{}, "origin.test", "443"); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		d.cfg.Registry.Close()
		select {
		case <-s.gaveUp:
		default:
			t.Errorf("Close did not wait for the lookup")
		}
	})
}
