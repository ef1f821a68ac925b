package fingerprint

// mix writes the fields of Blink's table, once: the caller's were inserted
// first, in the order of their names.
func (w *headWriter) mix() {
	if w.mixed {
		return
	}
	w.mixed = true
	var m mixer
	own, fields := w.own(), w.list.Fields
	for i := range own {
		if f := &own[i]; !f.placed && len(f.values) > 0 && w.mixes(f.name) {
			m.add(f.name, i)
		}
	}
	for i := range fields {
		if f := &fields[i]; f.Mix == MixAlways && f.Name != "*" && w.find(f.Name) == nil && w.applies(i) && w.value(f) != "" {
			m.add(f.Name, -1-i)
		}
	}
	for _, b := range m.table.inOrder() {
		if b != 0 {
			w.writeMixed(m.members[b-1])
		}
	}
	for _, member := range m.behind {
		w.writeMixed(member)
	}
}

// mixer is what mix works with. A member is the number of one of the caller's
// fields, or -1 minus the number of a place.
type mixer struct {
	table   mixTable
	members [maxMixed]int
	behind  []int // those for which the table had no room
}

func (m *mixer) add(name string, member int) {
	if m.table.insert(name) {
		m.members[m.table.n-1] = member
		return
	}
	m.behind = append(m.behind, member)
}

func (w *headWriter) writeMixed(member int) {
	if member < 0 {
		f := &w.list.Fields[-1-member]
		w.out = append(w.out, HeaderField{f.Name, w.value(f)})
		return
	}
	f := &w.own()[member]
	f.placed = true
	w.lines(w.spelled(f.name), f.values)
}

// mixes reports whether a field that the caller set goes into Blink's table.
func (w *headWriter) mixes(name string) bool {
	star := false
	for i := range w.list.Fields {
		f := &w.list.Fields[i]
		if name != "*" && same(f.Name, name) {
			return f.Mix != ""
		}
		star = star || f.Name == "*" && f.Mix == MixAlways
	}
	return star
}
