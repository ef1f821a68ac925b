package retry

import "time"

// budgetSlices is how finely a budget's window slides.
const budgetSlices = 10

// minBudgetWindow keeps a slice from being shorter than the clock can tell.
const minBudgetWindow = 10 * time.Millisecond

// Budget keeps the retries of one origin in proportion to its requests over a
// sliding window, so that an origin in trouble is not drowned in repetitions.
// It is not safe for concurrent use. The zero value is not ready: use
// NewBudget.
type Budget struct {
	ratio float64       // negative: no limit
	floor int           // retries allowed in any case
	slice time.Duration // length of a slice

	at     int64                       // number of the slice that slices[at%n] is for
	slices [budgetSlices + 1]budgetUse // the slice under way and the window before it
}

type budgetUse struct{ requests, retries int }

// NewBudget returns the budget of one origin under p.
func NewBudget(p Policy) Budget {
	p = p.WithDefaults()
	return Budget{ratio: p.BudgetRatio, floor: max(p.BudgetFloor, 0), slice: max(p.BudgetWindow, minBudgetWindow) / budgetSlices}
}

// Request counts a request, once, however often it is tried.
func (b *Budget) Request(now time.Time) {
	b.slide(now).requests++
}

// Spend takes one retry from the budget. It reports false, and takes nothing,
// if there is none left.
func (b *Budget) Spend(now time.Time) bool {
	use := b.slide(now)
	if b.ratio >= 0 {
		requests, retries := b.Counts(now)
		if retries >= b.floor && float64(retries+1) > b.ratio*float64(requests) {
			return false
		}
	}
	use.retries++
	return true
}

// Counts tells the requests and retries in the window.
func (b *Budget) Counts(now time.Time) (requests, retries int) {
	b.slide(now)
	for _, u := range b.slices {
		requests += u.requests
		retries += u.retries
	}
	return requests, retries
}

// slide forgets what has left the window and gives the slice for now. A clock
// that goes back counts into the newest slice.
func (b *Budget) slide(now time.Time) *budgetUse {
	at := now.UnixNano() / int64(b.slice)
	if at > b.at {
		for i := max(b.at+1, at-int64(len(b.slices))+1); i <= at; i++ {
			b.slices[index(i)] = budgetUse{}
		}
		b.at = at
	}
	return &b.slices[index(b.at)]
}

// index is where slice number i lives, also before 1970.
func index(i int64) int64 {
	const n = budgetSlices + 1
	return ((i % n) + n) % n
}
