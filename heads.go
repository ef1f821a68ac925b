package mien

import (
	"sync"

	"github.com/mien-http/mien/fingerprint"
)

// headKey is all that the head of a request without content and without fields
// of its own depends on.
type headKey struct {
	wire        fingerprint.Wire
	destination fingerprint.Destination
	variant     fingerprint.Variant
	method      string
	site, mode  string
	activated   bool
	redirected  bool
	submitted   bool
}

// heads keeps the heads that a session sends again and again. Safe for
// concurrent use; nobody changes a head that it gave out.
type heads struct {
	mu   sync.RWMutex
	made map[headKey]*fingerprint.Head // guarded by mu
}

// maxHeads bounds what is kept: methods and modes are the caller's words.
const maxHeads = 128

// get returns the head for key, made by write if there is none.
func (h *heads) get(key headKey, write func() fingerprint.Head) *fingerprint.Head {
	h.mu.RLock()
	head := h.made[key]
	h.mu.RUnlock()
	if head != nil {
		return head
	}
	made := write()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.made == nil || len(h.made) >= maxHeads {
		h.made = make(map[headKey]*fingerprint.Head)
	}
	h.made[key] = &made
	return &made
}
