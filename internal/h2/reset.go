package h2

import (
	"slices"
	"time"

	"golang.org/x/net/http2"
)

const (
	// resetBurst resets may be sent at once, and one more every resetEvery.
	// Servers take more for an attack (CVE-2023-44487): Netty's default is 200
	// in 30 s.
	resetBurst = 100
	resetEvery = 300 * time.Millisecond
	// rememberedResets is how many streams that were reset are remembered, to
	// tell frames still under way from a peer's mistake.
	rememberedResets = 256
)

// resets paces RST_STREAM: a stream whose reset has to wait keeps its slot and
// what comes for it is thrown away; if the peer ends it meanwhile no reset is
// needed. Its owner is the connection's mutex.
type resets struct {
	spent   int       // of resetBurst
	since   time.Time // when spent was last brought up to date
	waiting []*stream // FIFO
	timer   *time.Timer

	recent    []ending // ring of streams that did not end with END_STREAM
	next      int
	forgotten uint32 // highest id that fell out of recent
}

// ending is a stream that one side gave up.
type ending struct {
	id     uint32
	theirs bool // the peer did, which therefore sends nothing more on it
}

// reset sends RST_STREAM for s, or queues it. mu is held.
func (c *Conn) reset(s *stream, code http2.ErrCode) {
	if s.gone || s.toReset {
		return
	}
	s.toReset, s.resetCode = true, code
	c.resets.waiting = append(c.resets.waiting, s)
	c.sendResets()
}

// resetLater resets s unless it ends by itself within resetEvery. mu is held.
func (c *Conn) resetLater(s *stream, code http2.ErrCode) {
	if s.gone || s.toReset {
		return
	}
	s.toReset, s.resetCode = true, code
	c.resets.waiting = append(c.resets.waiting, s)
	c.startResetTimer()
}

// sendResets sends the resets that are due. Where streams wait for theirs and
// no other is left, the connection is given up instead. mu is held.
func (c *Conn) sendResets() {
	r := &c.resets
	for len(r.waiting) > 0 && r.allow(time.Now()) {
		s := r.waiting[0]
		r.remember(ending{id: s.id})
		c.out.queue = appendReset(c.out.queue, s.id, s.resetCode)
		c.detach(s) // takes it out of waiting
		c.queued()
	}
	switch {
	case len(r.waiting) == 0:
		r.stop()
	case len(r.waiting) == len(c.streams) && c.err == nil:
		c.fail(&Error{Err: errGoingAway})
	default:
		c.startResetTimer()
	}
}

// startResetTimer has sendResets called after resetEvery. mu is held.
func (c *Conn) startResetTimer() {
	if c.resets.timer != nil || c.err != nil {
		return
	}
	c.resets.timer = time.AfterFunc(resetEvery, func() {
		c.mu.Lock()
		c.resets.timer = nil
		c.sendResets()
		c.unlock()
	})
}

// allow takes one reset from the budget, if it holds one.
func (r *resets) allow(now time.Time) bool {
	if back := int(now.Sub(r.since) / resetEvery); back >= r.spent {
		r.spent, r.since = 0, now
	} else if back > 0 {
		r.spent -= back
		r.since = r.since.Add(time.Duration(back) * resetEvery)
	}
	if r.spent >= resetBurst {
		return false
	}
	r.spent++
	return true
}

// remove takes s, which has ended, from those that wait.
func (r *resets) remove(s *stream) {
	if s.toReset {
		if i := slices.Index(r.waiting, s); i >= 0 {
			r.waiting = slices.Delete(r.waiting, i, i+1)
		}
	}
}

func (r *resets) stop() {
	if r.timer != nil {
		r.timer.Stop()
		r.timer = nil
	}
}

func (r *resets) remember(e ending) {
	if len(r.recent) < rememberedResets {
		r.recent = append(r.recent, e)
		return
	}
	r.forgotten = max(r.forgotten, r.recent[r.next].id)
	r.recent[r.next] = e
	r.next = (r.next + 1) % rememberedResets
}

// known returns how a stream that has ended was given up, or nil if both sides
// came to its end. What is forgotten may have been this side's doing.
func (r *resets) known(id uint32) *ending {
	for i := range r.recent {
		if r.recent[i].id == id {
			return &r.recent[i]
		}
	}
	if id <= r.forgotten {
		return &ending{id: id}
	}
	return nil
}
