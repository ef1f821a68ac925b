package retry

import (
	"container/list"
	"sync"
	"time"
)

// maxBudgets is how many origins' budgets are kept. A forgotten origin starts
// with a new one, so a program that visits more loses strictness and no memory.
const maxBudgets = 1024

// budgets keeps a Budget per origin, of those used last.
type budgets struct {
	policy Policy // immutable

	mu     sync.Mutex
	byName map[string]*list.Element // guarded by mu; of *namedBudget
	recent *list.List               // guarded by mu; the one used last in front
}

type namedBudget struct {
	name string
	Budget
}

func newBudgets(p Policy) *budgets {
	return &budgets{policy: p, byName: make(map[string]*list.Element), recent: list.New()}
}

func (b *budgets) request(now time.Time, origin string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.get(origin).Request(now)
}

func (b *budgets) spend(now time.Time, origin string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.get(origin).Spend(now)
}

// get finds or makes origin's budget. The caller holds mu.
func (b *budgets) get(origin string) *namedBudget {
	if e, ok := b.byName[origin]; ok {
		b.recent.MoveToFront(e)
		return e.Value.(*namedBudget)
	}
	for b.recent.Len() >= maxBudgets {
		oldest := b.recent.Back()
		delete(b.byName, oldest.Value.(*namedBudget).name)
		b.recent.Remove(oldest)
	}
	n := &namedBudget{name: origin, Budget: NewBudget(b.policy)}
	b.byName[origin] = b.recent.PushFront(n)
	return n
}
