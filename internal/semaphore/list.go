package semaphore

// list is a doubly linked list of slots through the slots' own links, so that
// putting one in or taking one out of the middle costs no allocation. A slot
// is in at most one list. The zero value is empty. The owner's mutex guards it.
type list struct {
	head, tail *Slot
	n          int
}

// pushBack puts s at the end.
func (l *list) pushBack(s *Slot) {
	s.prev, s.next = l.tail, nil
	if l.tail == nil {
		l.head = s
	} else {
		l.tail.next = s
	}
	l.tail = s
	l.n++
}

// remove takes s, which must be in l, out of it.
func (l *list) remove(s *Slot) {
	if s.prev == nil {
		l.head = s.next
	} else {
		s.prev.next = s.next
	}
	if s.next == nil {
		l.tail = s.prev
	} else {
		s.next.prev = s.prev
	}
	s.prev, s.next = nil, nil
	l.n--
}
