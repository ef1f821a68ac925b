package fetch

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"
)

// output writes results, and keeps the mark of the state.
type output struct {
	w      io.Writer
	f      *os.File // the same, if it is a regular file; nil otherwise
	state  *state   // nil: none
	bodies *bodies  // nil: none
	in     chan written
	fail   func(error) // ends the run

	mu     sync.Mutex
	offset int64 // guarded by mu; behind the last whole line
	tally  Tally // guarded by mu

	marked int64 // owned by who makes marks: keep, then Run; the offset of the last
}

// written is one result on its way to the output.
type written struct {
	line []byte
	r    *Result
}

const (
	writeBytes = 64 << 10        // after which lines are written, even if more are there
	markEvery  = 5 * time.Second // while there are results
)

// add hands over a result. Its body has its name already.
func (o *output) add(r *Result) {
	line, err := r.encode()
	if err != nil {
		o.fail(err)
		return
	}
	o.in <- written{line, r}
}

// write writes what is handed over until in is closed. Lines that are there are
// written at once, whole.
func (o *output) write() {
	var buf []byte
	var batch []*Result
	failed := false
	for first := range o.in {
		buf, batch = append(buf[:0], first.line...), append(batch[:0], first.r)
	more:
		for len(buf) < writeBytes {
			select {
			case next, ok := <-o.in:
				if !ok {
					break more
				}
				buf, batch = append(buf, next.line...), append(batch, next.r)
			default:
				break more
			}
		}
		if failed {
			continue // who hands over must not wait for ever
		}
		if _, err := o.w.Write(buf); err != nil {
			failed = true
			if o.f != nil {
				_ = o.f.Truncate(o.at()) // a resumed run would do it too
			}
			o.fail(err)
			continue
		}
		o.count(int64(len(buf)), batch)
	}
}

func (o *output) at() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.offset
}

func (o *output) count(n int64, batch []*Result) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.offset += n
	for _, r := range batch {
		o.tally.add(r)
	}
}

func (o *output) counts() Tally {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.tally.clone()
}

// keep makes marks until stop is closed.
func (o *output) keep(stop <-chan struct{}) {
	tick := time.NewTicker(markEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := o.mark(); err != nil {
				o.fail(err)
				return
			}
		case <-stop:
			return
		}
	}
}

// mark makes all that was written last: first bodies, then the lines that name
// them, then the state that says so. One goroutine at a time calls it.
func (o *output) mark() error {
	if o.state == nil {
		return nil
	}
	at := o.at()
	if at == o.marked {
		return nil
	}
	if o.bodies != nil {
		if err := syncBodies(o.bodies.dir); err != nil {
			return err
		}
	}
	if err := o.f.Sync(); err != nil {
		return err
	}
	if err := o.state.reached(at); err != nil {
		return err
	}
	o.marked = at
	return nil
}

func (o *output) close() error {
	var errs []error
	if c, ok := o.w.(io.Closer); ok {
		errs = append(errs, c.Close())
	}
	if o.state != nil {
		errs = append(errs, o.state.close())
	}
	if o.bodies != nil {
		o.bodies.close()
	}
	return errors.Join(errs...)
}
