package retry

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"time"
)

// Defaults of Policy.
const (
	DefaultMaxAttempts        = 4
	DefaultMaxConnectAttempts = 24 // with 60 % of handshakes dying at random, all 24 die once in 200,000 runs
	DefaultBase               = 100 * time.Millisecond
	DefaultCap                = 10 * time.Second
	DefaultConnectBase        = 20 * time.Millisecond
	DefaultConnectCap         = 500 * time.Millisecond
	DefaultMaxRetryAfter      = time.Minute
	DefaultBudgetRatio        = 0.2
	DefaultBudgetFloor        = 10
	DefaultBudgetWindow       = 10 * time.Second
)

// Policy says how much to retry. The zero value is the safe default: what has
// not been sent is tried again, what may have been sent is tried again if HTTP
// calls that safe, and no status is. A Policy is a value: copy it, do not
// change it while it is in use.
type Policy struct {
	// MaxAttempts is how often a request that may have been sent, or that was
	// refused unprocessed, is tried in all. 0: 4. Negative: nothing is
	// retried, connections included.
	MaxAttempts int

	// MaxConnectAttempts is how many attempts to get a connection may fail in
	// a row before the origin counts as down. 0: 24. Negative: the first
	// failure is final.
	MaxConnectAttempts int

	// Base and Cap shape the pause before a request is tried again: a random
	// time up to Base, then up to twice that, and so on, never above Cap.
	// 0: 100 ms and 10 s.
	Base, Cap time.Duration

	// ConnectBase and ConnectCap are the same for getting a connection.
	// 0: 20 ms and 500 ms.
	ConnectBase, ConnectCap time.Duration

	// MaxRetryAfter is the longest Retry-After that is waited for; a response
	// that asks for more is handed to the caller. 0: 60 s. Negative: none is.
	MaxRetryAfter time.Duration

	// BudgetRatio is the share of an origin's requests that may be retries,
	// over the last BudgetWindow, where the request may have been sent or a
	// status asks for it. BudgetFloor is how many are allowed in any case.
	// 0: 0.2, 10 and 10 s. A negative ratio: no budget, retries are not
	// limited so. A negative floor: 0.
	BudgetRatio  float64
	BudgetFloor  int
	BudgetWindow time.Duration

	// Statuses lists the response statuses after which a request that may be
	// repeated is tried again, such as 429 and 503. None by default: the
	// caller's SDK does that by itself as a rule.
	Statuses []int

	// Predicate, if not nil, is asked before each retry and may refuse it. It
	// is called from the goroutine that sends the request.
	Predicate func(Event) bool

	// Unsafe lets Predicate allow what the policy would refuse because the
	// method must not be repeated or the class is not one to retry. The caps,
	// the context, a body that cannot be rewound and a certificate that did
	// not verify still refuse. A request may be delivered twice.
	Unsafe bool

	// Rand draws numbers in [0, 1) for the pauses. It must be safe for
	// concurrent use. nil: math/rand/v2.
	Rand func() float64
}

// Off reports whether the policy retries nothing at all.
func (p Policy) Off() bool { return p.MaxAttempts < 0 }

// WithDefaults returns the policy with every zero field set to its default.
// Negative fields stay as they are.
func (p Policy) WithDefaults() Policy {
	setDefault(&p.MaxAttempts, DefaultMaxAttempts)
	setDefault(&p.MaxConnectAttempts, DefaultMaxConnectAttempts)
	setDefault(&p.Base, DefaultBase)
	setDefault(&p.Cap, max(DefaultCap, p.Base))
	setDefault(&p.ConnectBase, DefaultConnectBase)
	setDefault(&p.ConnectCap, max(DefaultConnectCap, p.ConnectBase))
	setDefault(&p.MaxRetryAfter, DefaultMaxRetryAfter)
	setDefault(&p.BudgetRatio, DefaultBudgetRatio)
	setDefault(&p.BudgetFloor, DefaultBudgetFloor)
	setDefault(&p.BudgetWindow, DefaultBudgetWindow)
	if p.Rand == nil {
		p.Rand = rand.Float64
	}
	return p
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate reports the first field that makes no sense, or contradicts
// another, by name.
func (p Policy) Validate() error {
	for _, d := range []struct {
		field string
		value time.Duration
	}{
		{"Base", p.Base}, {"Cap", p.Cap}, {"ConnectBase", p.ConnectBase}, {"ConnectCap", p.ConnectCap},
		{"BudgetWindow", p.BudgetWindow},
	} {
		if d.value < 0 {
			return fmt.Errorf("retry: Policy.%s is negative: %s", d.field, d.value)
		}
	}
	d := p.WithDefaults()
	switch {
	case d.Cap < d.Base:
		return fmt.Errorf("retry: Policy.Cap (%s) is below Policy.Base (%s)", d.Cap, d.Base)
	case d.ConnectCap < d.ConnectBase:
		return fmt.Errorf("retry: Policy.ConnectCap (%s) is below Policy.ConnectBase (%s)", d.ConnectCap, d.ConnectBase)
	case math.IsNaN(p.BudgetRatio) || p.BudgetRatio > 1:
		return fmt.Errorf("retry: Policy.BudgetRatio is a share, at most 1: %v", p.BudgetRatio)
	case d.BudgetWindow < minBudgetWindow:
		return fmt.Errorf("retry: Policy.BudgetWindow (%s) is below %s", d.BudgetWindow, minBudgetWindow)
	case p.Unsafe && p.Predicate == nil:
		return fmt.Errorf("retry: Policy.Unsafe without Policy.Predicate: nothing says what to retry")
	}
	for i, s := range p.Statuses {
		if s < 400 || s > 599 {
			return fmt.Errorf("retry: Policy.Statuses[%d] is %d %s: only 400 to 599 can be retried", i, s, http.StatusText(s))
		}
	}
	return nil
}
