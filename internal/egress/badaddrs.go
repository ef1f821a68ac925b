package egress

import (
	"net/netip"
	"sync"
	"time"
)

const (
	badFor  = 30 * time.Second // how long a failed address is tried last
	maxBads = 1024             // addresses remembered, about 64 KiB
)

// badAddrs remembers the addresses that could not be connected to of late, as
// RFC 8305 §4 lets a client take history into account. The zero value is ready.
type badAddrs struct {
	mu     sync.Mutex
	failed map[netip.AddrPort]time.Time // guarded by mu: until when it counts
}

// sort puts the addresses that failed of late behind the others and otherwise
// keeps the order. It leaves addrs as it is.
func (b *badAddrs) sort(addrs []netip.AddrPort, now time.Time) []netip.AddrPort {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.failed) == 0 || len(addrs) < 2 {
		return addrs
	}
	good := make([]netip.AddrPort, 0, len(addrs))
	var last []netip.AddrPort
	for _, a := range addrs {
		if now.Before(b.failed[a]) {
			last = append(last, a)
		} else {
			good = append(good, a)
		}
	}
	return append(good, last...)
}

// fail remembers addr. When the table is full, those whose time is over go, or
// else the one whose time is over first.
func (b *badAddrs) fail(addr netip.AddrPort, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failed == nil {
		b.failed = make(map[netip.AddrPort]time.Time)
	}
	if _, known := b.failed[addr]; !known && len(b.failed) >= maxBads {
		b.evict(now)
	}
	b.failed[addr] = now.Add(badFor)
}

func (b *badAddrs) evict(now time.Time) {
	var oldest netip.AddrPort
	var end time.Time
	for a, until := range b.failed {
		if !now.Before(until) {
			delete(b.failed, a)
		} else if end.IsZero() || until.Before(end) {
			oldest, end = a, until
		}
	}
	if len(b.failed) >= maxBads {
		delete(b.failed, oldest)
	}
}

// work forgets addr: it answered.
func (b *badAddrs) work(addr netip.AddrPort) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.failed, addr)
}
