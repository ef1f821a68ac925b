package retry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"
)

var (
	reset   = Failure{Phase: PhaseTLS, Err: io.EOF}
	refused = Failure{Phase: PhaseDial, Err: opError("dial", osECONNREFUSED)}
)

// fails counts how many failures in a row it takes until the origin is down.
func fails(t *testing.T, tr *ConnectTracker, f Failure, since time.Time) int {
	t.Helper()
	for n := 1; n <= 1000; n++ {
		if tr.Fail(noon, noon, f, false, since) {
			return n
		}
	}
	return 0
}

func TestConnectTrackerCaps(t *testing.T) {
	twice := func(a, b error) Failure {
		return Failure{Phase: PhaseDial, Err: errors.Join(a, fmt.Errorf("second address: %w", b))}
	}
	for _, c := range []struct {
		name   string
		policy Policy
		f      Failure
		want   int
	}{
		{"reset", Policy{}, reset, 24},
		{"refused", Policy{}, refused, 4},
		{"refused by both addresses", Policy{}, twice(refused.Err, refused.Err), 4},
		{"refused by one, silent the other", Policy{}, twice(refused.Err, context.DeadlineExceeded), 24},
		{"unreachable", Policy{}, Failure{Phase: PhaseDial, Err: opError("dial", osEHOSTUNREACH)}, 24},
		{"out of descriptors", Policy{}, Failure{Phase: PhaseDial, Err: opError("dial", osEMFILE)}, 24},
		{"set", Policy{MaxConnectAttempts: 3}, reset, 3},
		{"set below the refusals", Policy{MaxConnectAttempts: 2}, refused, 2},
		{"connections off", Policy{MaxConnectAttempts: -1}, reset, 1},
		{"retrying off", Policy{MaxAttempts: -1}, reset, 1},
		{"cancelled", Policy{}, Failure{Phase: PhaseTLS, Err: context.Canceled}, 0},
	} {
		tr := NewConnectTracker(c.policy)
		if got := fails(t, &tr, c.f, noon); got != c.want {
			t.Errorf("%s: down after %d, want %d", c.name, got, c.want)
		}
	}
}

func TestConnectTrackerMixedRefusals(t *testing.T) {
	tr := NewConnectTracker(Policy{})
	tr.Fail(noon, noon, reset, false, noon)
	if got := fails(t, &tr, refused, noon); got != 23 {
		t.Errorf("one reset, then refusals: down after %d more, want 23", got)
	}
}

func TestConnectTrackerHandshakeStartsOver(t *testing.T) {
	tr := NewConnectTracker(Policy{})
	for range 23 {
		tr.Fail(noon, noon, reset, false, noon)
	}
	if tr.Failed() != 23 {
		t.Errorf("Failed() = %d", tr.Failed())
	}
	tr.Succeeded(noon)
	if tr.Failed() != 0 || tr.Wait() != 0 {
		t.Errorf("after a handshake: %d failed, wait %v", tr.Failed(), tr.Wait())
	}
	if got := fails(t, &tr, reset, noon.Add(1)); got != 24 {
		t.Errorf("down after %d, want 24", got)
	}
}

func TestConnectTrackerNotDownWhileItAnswers(t *testing.T) {
	tr := NewConnectTracker(Policy{})
	for range 100 {
		if tr.Fail(noon, noon, reset, true, noon) {
			t.Fatal("down with a live connection")
		}
	}
	tr.Succeeded(noon.Add(time.Second))
	for range 100 {
		if tr.Fail(noon.Add(2*time.Second), noon.Add(2*time.Second), reset, false, noon) {
			t.Fatal("down although a handshake completed while the first waited")
		}
	}
	if !tr.Fail(noon.Add(3*time.Second), noon.Add(3*time.Second), reset, false, noon.Add(2*time.Second)) {
		t.Error("not down for those who came after that handshake")
	}
}

// Who waits since before the last handshake is told some time: an origin that
// went away for good keeps thousands of such.
func TestConnectTrackerHandshakeVouchesForAWhile(t *testing.T) {
	for _, f := range []Failure{reset, refused} {
		tr := NewConnectTracker(Policy{})
		last := noon.Add(time.Second)
		tr.Succeeded(last)
		for n := range 1000 {
			now := last.Add(time.Duration(n) * 100 * time.Millisecond)
			if !tr.Fail(now, now, f, false, noon) {
				continue
			}
			if took := now.Sub(last); took != DefaultMaxConnectAttempts*DefaultConnectCap {
				t.Errorf("%v: down %v after the last handshake", f.Err, took)
			}
			break
		}
		if tr.Failed() > 200 {
			t.Errorf("%v: never down", f.Err)
		}
	}
}

func TestConnectTrackerNewWaitersStartNewCount(t *testing.T) {
	tr := NewConnectTracker(Policy{})
	if got := fails(t, &tr, reset, noon); got != 24 {
		t.Fatalf("down after %d", got)
	}
	if !tr.Fail(noon, noon, reset, false, noon) {
		t.Error("not down any more for who waited then")
	}
	if got := fails(t, &tr, reset, noon.Add(time.Second)); got != 24 {
		t.Errorf("for who came later: down after %d, want 24", got)
	}
}

func TestConnectTrackerWait(t *testing.T) {
	tr := NewConnectTracker(Policy{Rand: func() float64 { return 1 }})
	if tr.Wait() != 0 {
		t.Errorf("wait before any failure: %v", tr.Wait())
	}
	for _, want := range []int{20, 40, 80, 160, 320, 500, 500} {
		tr.Fail(noon, noon, reset, false, noon)
		if got := tr.Wait(); got != time.Duration(want)*time.Millisecond {
			t.Errorf("wait %v, want %d ms", got, want)
		}
		if a, b := tr.Wait(), tr.Wait(); a != b {
			t.Errorf("drawing again moves the ceiling: %v, %v", a, b)
		}
	}
}

// An instant in which everything under way dies is one outage: of attempts that
// ran side by side four count, of refusals one.
func TestConnectTrackerRounds(t *testing.T) {
	for _, c := range []struct {
		name   string
		f      Failure
		rounds int // until the origin is down
	}{
		{"resets", reset, 6},
		{"refusals", refused, 4},
	} {
		tr := NewConnectTracker(Policy{})
		started, rounds := noon, 0
		for down := false; !down; rounds++ {
			for i := range 256 { // all began before the first of them failed
				down = tr.Fail(started.Add(time.Second+time.Duration(i)), started, c.f, false, noon) || down
			}
			started = started.Add(2 * time.Second)
		}
		if rounds != c.rounds {
			t.Errorf("%s: down after %d rounds, want %d", c.name, rounds, c.rounds)
		}
	}
}

// A proxy that says when to come again is asked again then, or not at all.
func TestConnectTrackerRetryAfter(t *testing.T) {
	busy := func(after string) Failure { return Failure{Phase: PhaseProxy, Err: &proxyError{503, after}} }
	tr := NewConnectTracker(Policy{})
	if tr.Fail(noon, noon, busy("7"), false, noon) || tr.Wait() != 7*time.Second {
		t.Errorf("wait %v", tr.Wait())
	}
	if tr.Fail(noon, noon, busy(""), false, noon) || tr.Wait() > DefaultConnectCap {
		t.Errorf("then wait %v", tr.Wait())
	}
	if tr.Fail(noon, noon, busy("61"), true, noon) || tr.Wait() > DefaultConnectCap {
		t.Errorf("too long, and a connection stands: wait %v", tr.Wait())
	}
	if !tr.Fail(noon, noon, busy("61"), false, noon) {
		t.Error("too long: not down")
	}
	tr.Succeeded(noon)
	if tr.Wait() != 0 {
		t.Errorf("after a success wait %v", tr.Wait())
	}
}

// What may be tried once more may be so whatever failed before it, and not twice.
func TestConnectTrackerOnce(t *testing.T) {
	internal := Failure{Phase: PhaseTLS, Err: alertError(80)}
	tr := NewConnectTracker(Policy{})
	at := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Second) }
	tr.Fail(at(1), at(0), reset, false, noon)
	if tr.Fail(at(3), at(2), internal, false, noon) {
		t.Error("the first alert is the end")
	}
	if tr.Fail(at(4), at(2), internal, false, noon) {
		t.Error("that of an attempt side by side is the end")
	}
	if tr.Fail(at(5), at(4), internal, true, noon) {
		t.Error("the second is the end though a connection stands")
	}
	tr.Succeeded(at(6))
	if tr.Fail(at(8), at(7), internal, false, at(7)) {
		t.Error("after a success the first is the end")
	}
	tr.Fail(at(9), at(8), reset, false, at(7))
	if !tr.Fail(at(10), at(9), internal, false, at(7)) {
		t.Error("the second is not the end")
	}
}
