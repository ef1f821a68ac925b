package tlsconn

import (
	"slices"
	"sync"
	"time"

	utls "github.com/refraction-networking/utls"
)

// ticketsPerKey is how many sessions are held for one key. Servers send one or
// two per connection; more than a burst of connections can use is of no use.
const ticketsPerKey = 8

// defaultTickets bounds a Tickets made with no bound given.
const defaultTickets = 1024

// refusedMax bounds the keys remembered as not to be offered a ticket.
const refusedMax = 1024

// Tickets holds the sessions that later connections of one egress may resume
// (RFC 8446 §4.6.1, RFC 5077), under keys of the caller's. A TLS 1.3 ticket is
// taken out when it is offered, so that no two connections show the same one; a
// TLS 1.2 session may be used again. A session is stored only by a connection
// whose certificates were verified, and is dropped when any certificate of the
// chains that were found then has expired.
//
// All methods may be called concurrently. Make one with [NewTickets].
type Tickets struct {
	max int

	mu      sync.Mutex
	held    []*ticket // oldest first; at most max
	refused []string  // oldest first; at most refusedMax
}

// A ticket is one session of one key. It is not written to once stored.
type ticket struct {
	key     string
	session *utls.ClientSessionState
	expires time.Time // of the certificates; zero: unknown
}

// NewTickets returns an empty store of at most max sessions; max <= 0 means 1024.
func NewTickets(max int) *Tickets {
	if max <= 0 {
		max = defaultTickets
	}
	return &Tickets{max: max}
}

// Len returns how many sessions are held.
func (t *Tickets) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.held)
}

// take returns the newest session for key, nil if there is none.
func (t *Tickets) take(key string, now time.Time) *ticket {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := len(t.held) - 1; i >= 0; i-- {
		k := t.held[i]
		if k.key != key {
			continue
		}
		expired := !k.expires.IsZero() && now.After(k.expires)
		if k.tls13() || expired {
			t.held = slices.Delete(t.held, i, i+1)
		}
		if !expired {
			return k
		}
	}
	return nil
}

// put stores k, which may push out the oldest of its key or of all.
func (t *Tickets) put(k *ticket) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if k.tls13() && slices.Contains(t.refused, k.key) {
		return
	}
	if !k.tls13() {
		// One is enough where it may be used again.
		t.deleteLocked(k.key)
	}
	same, oldest := 0, -1
	for i, o := range t.held {
		if o.key == k.key {
			if same == 0 {
				oldest = i
			}
			same++
		}
	}
	switch {
	case same >= ticketsPerKey:
		t.held = slices.Delete(t.held, oldest, oldest+1)
	case len(t.held) >= t.max:
		t.held = slices.Delete(t.held, 0, 1)
	}
	t.held = append(t.held, k)
}

// drop forgets all sessions of key.
func (t *Tickets) drop(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.deleteLocked(key)
}

// refuse drops all sessions of key and keeps TLS 1.3 tickets of it from being
// stored. The oldest key is forgotten when too many are remembered.
func (t *Tickets) refuse(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.deleteLocked(key)
	if slices.Contains(t.refused, key) {
		return
	}
	if len(t.refused) >= refusedMax {
		t.refused = slices.Delete(t.refused, 0, 1)
	}
	t.refused = append(t.refused, key)
}

func (t *Tickets) deleteLocked(key string) {
	t.held = slices.DeleteFunc(t.held, func(k *ticket) bool { return k.key == key })
}

// tls13 reports whether t is a TLS 1.3 ticket; a nil t is none.
func (t *ticket) tls13() bool { return t != nil && t.session.Vers() == utls.VersionTLS13 }

// extensionLen is the length of a pre_shared_key extension that offers t: its
// header, one identity with its age, one binder (RFC 8446 §4.2.11).
func (t *ticket) extensionLen() int {
	binder := 32
	if t.session.CipherSuite() == utls.TLS_AES_256_GCM_SHA384 {
		binder = 48
	}
	return 4 + 2 + 2 + len(t.session.SessionTicket()) + 4 + 2 + 1 + binder
}
