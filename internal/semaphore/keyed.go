package semaphore

import (
	"context"
	"sync"
)

// Keyed is a family of semaphores of one width, one per key (a host, an
// origin). A key's semaphore exists while somebody holds or awaits a slot of
// it, so a session that visits a million hosts keeps none of them. The zero
// value is not ready: use NewKeyed. All methods are safe for concurrent use.
type Keyed struct {
	width int // immutable

	mu      sync.Mutex
	entries map[string]*entry // guarded by mu
}

// entry is one key's semaphore.
type entry struct {
	sem   Semaphore
	keyed *Keyed // immutable
	key   string // immutable
	refs  int    // guarded by keyed.mu; slots held and callers waiting
}

// NewKeyed returns an empty family. A width of zero or less does not bound
// anything.
func NewKeyed(width int) *Keyed {
	return &Keyed{width: max(width, 0), entries: make(map[string]*entry)}
}

// Acquire waits for a slot of key until ctx ends, as Semaphore.Acquire does.
func (k *Keyed) Acquire(ctx context.Context, key string) (*Slot, error) {
	e := k.ref(key)
	slot, err := e.sem.acquire(ctx, e)
	if err != nil {
		e.unref()
	}
	return slot, err
}

// TryAcquire takes a slot of key if one is free and nobody waits for it.
func (k *Keyed) TryAcquire(key string) (*Slot, bool) {
	e := k.ref(key)
	slot, ok := e.sem.tryAcquire(e)
	if !ok {
		e.unref()
	}
	return slot, ok
}

// Stats tells how key stands. A key that nobody uses has only its width.
func (k *Keyed) Stats(key string) Stats {
	k.mu.Lock()
	e := k.entries[key]
	k.mu.Unlock()
	if e == nil {
		return Stats{Width: k.width}
	}
	return e.sem.Stats()
}

// Len is the number of keys in use.
func (k *Keyed) Len() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.entries)
}

// ref finds or makes key's entry and keeps it from vanishing until unref.
func (k *Keyed) ref(key string) *entry {
	k.mu.Lock()
	defer k.mu.Unlock()
	e := k.entries[key]
	if e == nil {
		e = &entry{keyed: k, key: key}
		e.sem.width = k.width
		k.entries[key] = e
	}
	e.refs++
	return e
}

func (e *entry) unref() {
	e.keyed.mu.Lock()
	defer e.keyed.mu.Unlock()
	e.refs--
	if e.refs == 0 {
		delete(e.keyed.entries, e.key)
	}
}
