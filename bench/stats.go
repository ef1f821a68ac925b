package main

import (
	"math/rand/v2"
	"slices"
)

// interval is a median with the bounds that it has with 95 % confidence.
type interval struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
}

// resamples is how often the bootstrap draws.
const resamples = 4000

// medianInterval is the median of v and its percentile bootstrap interval. The
// draws are the same each time, so that the same figures give the same interval.
func medianInterval(v []float64) interval {
	if len(v) == 0 {
		return interval{}
	}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // draws for statistics
	medians := make([]float64, resamples)
	draw := make([]float64, len(v))
	for i := range medians {
		for j := range draw {
			draw[j] = v[random.IntN(len(v))]
		}
		medians[i] = median(draw)
	}
	slices.Sort(medians)
	return interval{median(v), medians[resamples*25/1000], medians[resamples*975/1000]}
}

// median of v, which keeps its order.
func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if n := len(s); n%2 == 1 {
		return s[n/2]
	}
	return (s[len(s)/2-1] + s[len(s)/2]) / 2
}
