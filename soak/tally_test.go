package soak_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// tally counts by name. The zero value is ready; it may be used concurrently.
type tally struct {
	mu sync.Mutex
	n  map[string]int // guarded by mu
}

func (c *tally) add(name string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = make(map[string]int)
	}
	c.n[name] += n
}

func (c *tally) get(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[name]
}

// String lists them by name.
func (c *tally) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(c.n)) {
		fmt.Fprintf(&b, "\n  %8d  %s", c.n[name], name)
	}
	return b.String()
}

// durations gives quantiles within 5 %, of any number of them. The zero value
// is ready; it is owned by one goroutine.
type durations struct {
	n       int
	longest time.Duration
	buckets [400]int // of 5 % each, from 1 µs
}

func (d *durations) add(t time.Duration) {
	d.n++
	d.longest = max(d.longest, t)
	i := int(math.Log(max(float64(t)/float64(time.Microsecond), 1)) / math.Log(1.05))
	d.buckets[min(i, len(d.buckets)-1)]++
}

func (d *durations) quantile(q float64) time.Duration {
	left := int(q * float64(d.n))
	for i, n := range d.buckets {
		if left -= n; left < 0 {
			return time.Duration(math.Pow(1.05, float64(i+1)) * float64(time.Microsecond)).Round(time.Microsecond)
		}
	}
	return d.longest
}

func (d *durations) String() string {
	return fmt.Sprintf("p50 %v, p99 %v, longest %v", d.quantile(0.5), d.quantile(0.99), d.longest.Round(time.Microsecond))
}
