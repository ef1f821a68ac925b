package cookie

import (
	"container/list"
	"slices"
	"strings"
	"time"
)

const (
	maxPerSite = 180  // Chromium's kDomainMaxCookies, which counts per registrable domain too
	maxCookies = 3000 // what Chromium purges to when there are too many
)

// entry is one cookie.
type entry struct {
	name, value  string
	partition    string
	domain, path string
	hostOnly     bool
	secure       bool
	httpOnly     bool
	sameSite     SameSite
	created      time.Time
	used         time.Time // when last set or sent
	expires      time.Time // zero: with the session
	serial       uint64    // order of creation, for cookies of one instant
	turn         uint64    // order of use
	element      *list.Element
}

func (e *entry) expired(now time.Time) bool { return !e.expires.IsZero() && !e.expires.After(now) }

// same reports whether a and b are one cookie, of which the later replaces the
// earlier (RFC 6265bis §5.7). Their partition and site are the same.
func same(a, b *entry) bool {
	return a.name == b.name && a.domain == b.domain && a.path == b.path && a.hostOnly == b.hostOnly
}

// prefixHolds reports whether e keeps what its name promises (RFC 6265bis
// §5.4). A cookie without a name must not look like one that promises.
func (e *entry) prefixHolds() bool {
	said := e.name
	if said == "" {
		said = e.value
	}
	switch {
	case hasPrefixFold(said, "__Secure-"):
		return e.name != "" && e.secure
	case hasPrefixFold(said, "__Host-"):
		return e.name != "" && e.secure && e.hostOnly && e.path == "/"
	}
	return true
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// key is what hosts have in common that may see one another's cookies.
type key struct{ partition, site string }

// store holds cookies by site, and in the order of their last use.
type store struct {
	sites  map[key][]*entry
	order  *list.List // of *entry, the last used in front
	serial uint64
	turn   uint64
}

func newStore() store {
	return store{sites: map[key][]*entry{}, order: list.New()}
}

func keyOf(e *entry) key { return key{e.partition, siteOf(e.domain)} }

// ofSite gives the cookies of a site that are alive, and forgets the others.
func (s *store) ofSite(partition, site string, now time.Time) []*entry {
	k := key{partition, site}
	all, found := s.sites[k]
	if !found {
		return nil
	}
	alive := slices.DeleteFunc(all, func(e *entry) bool {
		if e.expired(now) {
			s.order.Remove(e.element)
			return true
		}
		return false
	})
	s.keep(k, alive)
	return alive
}

func (s *store) keep(k key, entries []*entry) {
	if len(entries) == 0 {
		delete(s.sites, k)
		return
	}
	s.sites[k] = entries
}

// put takes e in, in place of the same cookie, whose creation it inherits. An
// expired one only removes it.
func (s *store) put(e *entry, now time.Time) {
	k := keyOf(e)
	entries := s.ofSite(k.partition, k.site, now)
	at := slices.IndexFunc(entries, func(old *entry) bool { return same(old, e) })
	switch {
	case at >= 0 && e.expired(now):
		s.order.Remove(entries[at].element)
		s.keep(k, slices.Delete(entries, at, at+1))
		return
	case e.expired(now):
		return
	case at >= 0:
		old := entries[at]
		e.created, e.serial, e.element = old.created, old.serial, old.element
		e.element.Value = e
		entries[at] = e
		s.touch(e, e.used)
		return
	}
	if e.serial == 0 {
		e.serial = s.next()
	}
	e.element = s.order.PushFront(e)
	s.touch(e, e.used)
	entries = append(entries, e)
	if len(entries) > maxPerSite {
		entries = s.drop(entries, leastWanted(entries))
	}
	s.keep(k, entries)
	if s.order.Len() > maxCookies {
		oldest := s.order.Back().Value.(*entry)
		k := keyOf(oldest)
		s.keep(k, s.drop(s.sites[k], oldest))
	}
}

func (s *store) drop(entries []*entry, e *entry) []*entry {
	s.order.Remove(e.element)
	return slices.DeleteFunc(entries, func(x *entry) bool { return x == e })
}

// leastWanted is the cookie that goes when a site has too many: one that is not
// Secure before one that is, then the one unused the longest (RFC 6265bis §5.7).
func leastWanted(entries []*entry) *entry {
	return slices.MinFunc(entries, func(a, b *entry) int {
		switch {
		case a.secure != b.secure && b.secure, a.secure == b.secure && a.turn < b.turn:
			return -1
		}
		return 1
	})
}

func (s *store) next() uint64 {
	s.serial++
	return s.serial
}

func (s *store) touch(e *entry, now time.Time) {
	s.turn++
	e.used, e.turn = now, s.turn
	s.order.MoveToFront(e.element)
}

// shadowsSecure reports whether e, received in the clear, would stand in for or
// in front of a Secure cookie (RFC 6265bis §5.7).
func (s *store) shadowsSecure(e *entry, now time.Time) bool {
	k := keyOf(e)
	return slices.ContainsFunc(s.ofSite(k.partition, k.site, now), func(old *entry) bool {
		return old.secure && old.name == e.name && pathMatch(e.path, old.path) &&
			(domainMatch(old.domain, e.domain) || domainMatch(e.domain, old.domain))
	})
}
