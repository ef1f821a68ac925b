package fetch

import (
	"maps"
	"time"

	"github.com/mien-http/mien"
)

// Tally counts results. The zero value is ready.
type Tally struct {
	Done   int64 // results
	Failed int64 // of these, with an error
	Bytes  int64 // of bodies
	// Status counts the answers by the first digit of their status, those with
	// an error behind it left out.
	Status [6]int64
	// Failures counts by phase and class.
	Failures map[FailureKind]int64
}

// FailureKind is what failures are counted by.
type FailureKind struct {
	Phase string // "" if before anything was tried
	Class string // as in Failure
}

func (t *Tally) add(r *Result) {
	t.Done++
	t.Bytes += r.Bytes
	if r.Error == nil {
		t.Status[min(max(r.Status/100, 0), 5)]++
		return
	}
	t.Failed++
	if t.Failures == nil {
		t.Failures = make(map[FailureKind]int64)
	}
	t.Failures[FailureKind{r.Error.Phase, r.Error.Class}]++
}

// clone is a copy that no longer changes.
func (t *Tally) clone() Tally {
	c := *t
	c.Failures = maps.Clone(t.Failures)
	return c
}

// Progress is how far a run is.
type Progress struct {
	Total   int64         // lines with a URL, in the whole input; -1: not known
	Before  int64         // results of earlier runs
	Done    int64         // results, those of earlier runs too
	Failed  int64         // of these
	Elapsed time.Duration // of this run
}

// Summary is what a run did.
type Summary struct {
	Tally                 // of the whole output, earlier runs too
	Before  int64         // results of earlier runs
	Total   int64         // lines with a URL, in the whole input; -1: not known
	Elapsed time.Duration // of this run
	Stats   mien.Stats    // of this run
}
