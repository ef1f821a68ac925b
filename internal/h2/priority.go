package h2

// dependencies is the order that Chromium gives its open streams: one list per
// weight, each in order of creation. A new stream depends on the youngest of
// its own weight or else of the next higher weight that has any. Its owner is
// the connection's mutex.
type dependencies struct {
	levels []level // by ascending weight
}

type level struct {
	weight   uint16
	youngest *stream
}

// parent returns the id that a new stream of this weight depends on; 0: none.
func (d *dependencies) parent(weight uint16) uint32 {
	for i := range d.levels {
		if l := &d.levels[i]; l.weight >= weight && l.youngest != nil {
			return l.youngest.id
		}
	}
	return 0
}

// add files s, which was just opened.
func (d *dependencies) add(s *stream) {
	if s.weight == 0 {
		return
	}
	i := 0
	for i < len(d.levels) && d.levels[i].weight < s.weight {
		i++
	}
	if i == len(d.levels) || d.levels[i].weight != s.weight {
		d.levels = append(d.levels, level{})
		copy(d.levels[i+1:], d.levels[i:])
		d.levels[i] = level{weight: s.weight}
	}
	l := &d.levels[i]
	s.older, l.youngest = l.youngest, s
	if s.older != nil {
		s.older.younger = s
	}
}

// remove takes s out, which has ended.
func (d *dependencies) remove(s *stream) {
	if s.weight == 0 {
		return
	}
	if s.older != nil {
		s.older.younger = s.younger
	}
	if s.younger != nil {
		s.younger.older = s.older
	} else {
		for i := range d.levels {
			if d.levels[i].youngest == s {
				d.levels[i].youngest = s.older
			}
		}
	}
	s.older, s.younger = nil, nil
}
