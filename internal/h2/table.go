package h2

// pair is a field line as HPACK tables hold it.
type pair struct{ name, value string }

// size is the entry size of RFC 7541 §4.1.
func (p pair) size() uint64 { return uint64(len(p.name)) + uint64(len(p.value)) + 32 }

// table is the encoder's dynamic table (RFC 7541 §2.3.2). Its owner is the
// encoder.
type table struct {
	entries []pair          // oldest first
	gone    uint64          // entries evicted so far: entries[0] was inserted as number gone
	newest  map[pair]uint64 // number of the newest entry that equals the key
	size    uint64
	max     uint64
}

// index turns an entry's number into its index in the combined address space.
func (t *table) index(number uint64) uint32 {
	return uint32(uint64(len(staticTable)) + t.gone + uint64(len(t.entries)) - number)
}

// find returns the index of the newest entry that equals p, or 0.
func (t *table) find(p pair) uint32 {
	if n, ok := t.newest[p]; ok {
		return t.index(n)
	}
	return 0
}

// newestName returns the index of the newest entry called name, or 0.
func (t *table) newestName(name string) uint32 {
	for i := len(t.entries) - 1; i >= 0; i-- {
		if t.entries[i].name == name {
			return t.index(t.gone + uint64(i))
		}
	}
	return 0
}

// oldestName returns the index of the oldest entry called name, or 0.
func (t *table) oldestName(name string) uint32 {
	for i := range t.entries {
		if t.entries[i].name == name {
			return t.index(t.gone + uint64(i))
		}
	}
	return 0
}

// makeRoom evicts until n bytes fit or nothing is left.
func (t *table) makeRoom(n uint64) {
	evicted := 0
	for t.size+n > t.max && evicted < len(t.entries) {
		old := t.entries[evicted]
		if t.newest[old] == t.gone {
			delete(t.newest, old)
		}
		t.size -= old.size()
		t.gone++
		evicted++
	}
	if evicted > 0 {
		kept := copy(t.entries, t.entries[evicted:])
		clear(t.entries[kept:])
		t.entries = t.entries[:kept]
	}
}

// add inserts p, which is not kept if it is larger than the whole table
// (RFC 7541 §4.4).
func (t *table) add(p pair) {
	t.makeRoom(p.size())
	if t.size+p.size() > t.max {
		return
	}
	if t.newest == nil {
		t.newest = make(map[pair]uint64)
	}
	t.newest[p] = t.gone + uint64(len(t.entries))
	t.entries = append(t.entries, p)
	t.size += p.size()
}

// setMax changes the table's maximum size and evicts what no longer fits.
func (t *table) setMax(n uint64) {
	t.max = n
	t.makeRoom(0)
}
