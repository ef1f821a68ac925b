package mien

import (
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/mien-http/mien/internal/semaphore"
	"github.com/mien-http/mien/retry"
)

const (
	// starvingAfter is how long no slot may come back before somebody is told.
	starvingAfter = 10 * time.Second
	// toldAges is how many of the oldest bodies the warning names.
	toldAges = 5
	// leastInFlight is what a shortage on this machine leaves of Limits.InFlight.
	leastInFlight = 16
)

// watch warns, once per episode, that a queue for slots does not move.
type watch struct {
	sem    *semaphore.Semaphore
	logger *slog.Logger

	mu    sync.Mutex
	timer *time.Timer // guarded by mu; nil while nobody waits
}

// waiting is called by whoever found no slot free.
func (w *watch) waiting() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer == nil {
		w.timer = time.AfterFunc(starvingAfter, w.look)
	}
}

func (w *watch) look() {
	now := time.Now()
	starving, again := w.sem.Starving(now, starvingAfter)
	st := w.sem.Stats()
	if starving {
		ages := make([]string, 0, toldAges)
		for _, age := range w.sem.Ages(toldAges) {
			ages = append(ages, age.Round(time.Millisecond).String())
		}
		w.logger.Warn("no request has ended for a while; are response bodies read and closed?",
			"open", st.Held, "waiting", st.Waiting, "oldest", strings.Join(ages, " "))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = nil
	if st.Waiting > 0 {
		w.timer = time.AfterFunc(max(again, time.Millisecond), w.look)
	}
}

// stop ends the watch.
func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.timer.Stop()
	}
}

// short answers a failure that says this machine has run out of descriptors or
// ports: idle connections go, fewer requests at once, and a word about it the
// first time.
func (t *transport) short(f retry.Failure) {
	if retry.Classify(f) != retry.LocalLimit {
		return
	}
	for _, o := range t.all() { // descriptors that nobody is using
		o.closeIdle()
	}
	if width, first := t.inFlight.Shrink(time.Now(), leastInFlight); first {
		t.cfg.Logger.Warn("this machine is out of file descriptors or ports; fewer requests at once from here on",
			"in_flight", width, "error", f.Err)
	}
}
