package mien

import (
	"math"
	"time"
)

// latency keeps the distribution of a duration over the last minute, in
// buckets that each are √2 wide: a quantile is right within a fifth. The zero
// value is empty. Its owner guards it.
type latency struct {
	// Each made when it is first needed: most origins are talked to for a moment.
	slots [4]*latencyCounts
}

// latencyCounts is one part of the minute.
type latencyCounts struct {
	epoch  int64 // of latencySlot since the Unix epoch
	counts [latencyBuckets]uint32
}

const (
	latencySlot    = 15 * time.Second
	latencyBuckets = 42
	latencyFirst   = 100 * time.Microsecond // upper edge of the first bucket
)

func latencyBucket(d time.Duration) int {
	if d <= latencyFirst {
		return 0
	}
	i := int(math.Ceil(2 * math.Log2(float64(d)/float64(latencyFirst))))
	return min(i, latencyBuckets-1)
}

// edge is the upper edge of a bucket.
func latencyEdge(bucket int) time.Duration {
	return time.Duration(float64(latencyFirst) * math.Pow(2, float64(bucket)/2))
}

func (l *latency) add(now time.Time, d time.Duration) {
	epoch := now.UnixNano() / int64(latencySlot)
	p := &l.slots[uint64(epoch)%uint64(len(l.slots))]
	if *p == nil {
		*p = new(latencyCounts)
	}
	s := *p
	if s.epoch != epoch {
		*s = latencyCounts{epoch: epoch}
	}
	s.counts[latencyBucket(d)]++
}

// quantiles sums the last minute.
func (l *latency) quantiles(now time.Time) Quantiles {
	var sum [latencyBuckets]uint64
	var total uint64
	oldest := now.UnixNano()/int64(latencySlot) - int64(len(l.slots))
	for i := range l.slots {
		if s := l.slots[i]; s != nil && s.epoch > oldest {
			for b, n := range s.counts {
				sum[b] += uint64(n)
				total += uint64(n)
			}
		}
	}
	at := func(q float64) time.Duration {
		want, seen := uint64(math.Ceil(q*float64(total))), uint64(0)
		for b, n := range sum {
			if seen += n; seen >= want && n > 0 {
				return latencyEdge(b)
			}
		}
		return 0
	}
	if total == 0 {
		return Quantiles{}
	}
	return Quantiles{Count: int64(total), P50: at(0.5), P99: at(0.99)}
}
