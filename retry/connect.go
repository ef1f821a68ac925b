package retry

import (
	"slices"
	"time"
)

// sameRefusals is how many refusals in a row, all of them the same and certain
// to be repeated, say that an origin is down.
const sameRefusals = 4

// perRound is how many failures of attempts that ran side by side count. Four
// run side by side towards an origin that has not answered yet; when hundreds
// die in one instant, that is one outage and not hundreds.
const perRound = 4

// ConnectTracker counts the attempts to get a connection to one origin by one
// way out, whoever waits for it, and says when the origin is down. It reads no
// clock and has no mutex: its owner passes the time and guards it. The zero
// value is not ready: use NewConnectTracker.
type ConnectTracker struct {
	max     int           // failures in a row that mean down
	backoff Backoff       // grows with each failure in a row
	patient time.Duration // the longest Retry-After that is waited for
	grace   time.Duration // how long a completed handshake vouches for the origin

	failed    int           // failures in a row that count
	refused   int           // how many of them were certain refusals
	local     int           // failures in a row for want of something on this machine
	round     time.Time     // when the first failure of this round was seen
	inRound   int           // failures of this round that count
	ceiling   time.Duration // of the next pause
	asked     time.Duration // the next pause, as the latest failure asked for it; 0: it did not
	succeeded time.Time     // when a handshake last completed
	once      []Class       // failed so in this row, of those that allow one more attempt
	onceAt    time.Time     // when the latest of once was added
	downAt    time.Time     // when the origin was last declared down; zero if it has answered since
}

// NewConnectTracker returns a tracker under p, with nothing counted.
func NewConnectTracker(p Policy) ConnectTracker {
	p = p.WithDefaults()
	t := ConnectTracker{max: p.MaxConnectAttempts, backoff: NewBackoff(p.ConnectBase, p.ConnectCap, p.Rand), patient: p.MaxRetryAfter}
	if p.Off() || t.max < 0 {
		t.max = 1
	}
	t.grace = time.Duration(t.max) * p.ConnectCap
	return t
}

// Fail counts a failed attempt and reports whether the origin is down for all
// who wait: MaxConnectAttempts failures in a row, or four if all of them were
// refused by every address. live says that a connection to the origin stands,
// and since is when the first of those waiting began to: an origin with a live
// connection, or one that completed a handshake since, is not down. The latter
// holds for as long as MaxConnectAttempts pauses may take: thousands who began
// to wait before an origin's last handshake would wait for it forever.
//
// started is when the attempt began. Attempts that had begun before the first
// failure of a round was seen belong to that round, of which at most four count,
// or one if they are refusals by every address: an instant in which everything
// under way dies does not take an origin down.
//
// An attempt that was cancelled is not a failure. One that failed because this
// machine is out of something (LocalLimit) is counted apart, and says that the
// origin cannot be reached only after as many in a row. A wait that began
// after the origin was declared down starts a new count.
//
// A failure after which any request may be tried once more means down when it
// comes again in the same row. A proxy that asks to be left alone for longer than MaxRetryAfter ends the
// waiting too, unless a connection stands.
func (t *ConnectTracker) Fail(now, started time.Time, f Failure, live bool, since time.Time) (down bool) {
	class := Classify(f)
	if class == Canceled {
		return false
	}
	if !t.downAt.IsZero() && since.After(t.downAt) {
		t.restart()
	}
	refused := class == Refused && refusedEverywhere(f.Err)
	if t.inRound == 0 || !started.Before(t.round) {
		t.round, t.inRound = now, 0
		t.ceiling = t.backoff.nextCeiling()
	}
	if t.inRound++; t.inRound > perRound || (refused && t.inRound > 1) {
		return false
	}
	switch {
	case class == LocalLimit:
		t.local++
	case refused:
		t.failed++
		t.refused++
	default:
		t.failed++
	}
	asked, _ := retryAfterOf(f.Err, nil, now)
	if t.asked = 0; asked <= t.patient {
		t.asked = asked
	} else if !live {
		t.downAt = now
		return true
	}
	again := Decide(class, f).Once() && t.again(class, now, started)
	if live || t.succeeded.After(since) && now.Sub(t.succeeded) < t.grace {
		return false
	}
	if again {
		t.downAt = now
		return true
	}
	certain := t.refused == t.failed && t.failed >= sameRefusals
	if !certain && t.failed < t.max && t.local < t.max {
		return false
	}
	t.downAt = now
	return true
}

// again reports whether a class that allows one more attempt was met before,
// by an attempt that had ended when this one began.
func (t *ConnectTracker) again(class Class, now, started time.Time) bool {
	if slices.Contains(t.once, class) {
		return !started.Before(t.onceAt)
	}
	t.once, t.onceAt = append(t.once, class), now
	return false
}

// Succeeded records a completed handshake: nothing is in a row any more.
func (t *ConnectTracker) Succeeded(now time.Time) {
	t.restart()
	t.succeeded = now
}

func (t *ConnectTracker) restart() {
	t.failed, t.refused, t.local, t.inRound, t.ceiling, t.asked = 0, 0, 0, 0, 0, 0
	t.once, t.downAt = nil, time.Time{}
	t.backoff.Reset()
}

// Failed is how many attempts have failed in a row, those for want of
// something on this machine included.
func (t *ConnectTracker) Failed() int { return t.failed + t.local }

// Wait draws the pause before the next attempt: full jitter under a ceiling
// that grows with every failure in a row, or what a proxy asked for by
// Retry-After as the latest failed. It is 0 when none has failed.
func (t *ConnectTracker) Wait() time.Duration {
	if t.asked > 0 {
		return t.asked
	}
	return jitter(t.ceiling, t.backoff.rand)
}

// refusedEverywhere reports whether every error joined in err is a refusal of
// the port.
func refusedEverywhere(err error) bool {
	for e := err; e != nil; {
		switch u := e.(type) {
		case interface{ Unwrap() error }:
			e = u.Unwrap()
		case interface{ Unwrap() []error }:
			all := u.Unwrap()
			for _, each := range all {
				if !refusedEverywhere(each) {
					return false
				}
			}
			return len(all) > 0
		default:
			return errnoOf(e) == errnoRefused
		}
	}
	return false
}
