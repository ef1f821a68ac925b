package retry

import (
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Backoff gives growing pauses with full jitter: each is drawn evenly between
// nothing and a ceiling that starts at the base and doubles up to the cap.
// (Marc Brooker, "Exponential Backoff And Jitter": of the common ways this one
// ends a stampede with the least work.) It is not safe for concurrent use. The
// zero value is not ready: use NewBackoff.
type Backoff struct {
	ceiling backoff.ExponentialBackOff
	rand    func() float64
}

// NewBackoff returns a Backoff. rand draws numbers in [0, 1).
func NewBackoff(base, limit time.Duration, rand func() float64) Backoff {
	b := Backoff{rand: rand}
	b.ceiling.InitialInterval = base
	b.ceiling.MaxInterval = limit
	b.ceiling.Multiplier = 2
	// Without randomization the library's interval is the bare ceiling; its
	// own jitter never goes down to nothing.
	b.ceiling.RandomizationFactor = 0
	b.ceiling.Reset()
	return b
}

// Next draws the next pause.
func (b *Backoff) Next() time.Duration {
	return jitter(b.nextCeiling(), b.rand)
}

// Reset starts over at the base.
func (b *Backoff) Reset() { b.ceiling.Reset() }

func (b *Backoff) nextCeiling() time.Duration {
	return min(b.ceiling.NextBackOff(), b.ceiling.MaxInterval)
}

// jitter draws a pause of at most ceiling.
func jitter(ceiling time.Duration, rand func() float64) time.Duration {
	return time.Duration(rand() * float64(ceiling))
}
