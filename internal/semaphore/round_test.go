package semaphore

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// sample is what n handshakes of a second give of which failed fail, each
// charged as much.
func sample(n, failed int) *sums {
	var s sums
	for i := range n {
		s.add(i >= failed, 1)
	}
	return &s
}

func TestKnee(t *testing.T) {
	for _, c := range []struct {
		what         string
		narrow       int
		n            *sums
		wide         int
		w            *sums
		to           int
		sure, unsure bool
	}{
		{"no failures at either", 32, sample(64, 0), 64, sample(64, 0), 64, true, false},
		{"a fifth at both", 128, sample(200, 40), 256, sample(400, 80), 256, true, false},
		{"room for 40", 32, sample(640, 0), 64, sample(640, 240), 40, true, false},
		{"room for 40 and a fifth lost", 32, sample(640, 128), 64, sample(640, 320), 40, true, false},
		{"no room beyond", 40, sample(400, 0), 48, sample(480, 80), 40, true, false},
		{"nothing at the wider", 40, sample(40, 0), 48, sample(8, 8), 40, true, false},
		{"too few to tell", 8, sample(8, 3), 10, sample(10, 4), 10, false, true},
	} {
		to, sure := knee(c.narrow, c.n, c.wide, c.w)
		if to != c.to || sure && c.unsure || !sure && c.sure {
			t.Errorf("%s: width %d, sure %v, want %d", c.what, to, sure, c.to)
		}
	}
}

// The variance that yield gives is that of yields found by trying.
func TestYieldVariance(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	const rounds, n = 4000, 64
	var logs, told float64
	var all []float64
	for range rounds {
		var s sums
		for range n {
			s.add(rng.Float64() >= 0.3, 0.5+rng.Float64())
		}
		y, v := s.yield()
		all = append(all, math.Log(y))
		logs += math.Log(y)
		told += v
	}
	var measured float64
	for _, l := range all {
		measured += (l - logs/rounds) * (l - logs/rounds)
	}
	measured, told = measured/rounds, told/rounds
	if ratio := told / measured; ratio < 0.9 || ratio > 1.2 {
		t.Errorf("variance told %.5f, measured %.5f", told, measured)
	}
	if y, v := sample(3, 3).yield(); y != 0 || !math.IsInf(v, 1) {
		t.Errorf("of failures alone: %v, %v", y, v)
	}
}

func TestWorse(t *testing.T) {
	for _, c := range []struct {
		normal *sums
		k, n   float64
		worse  bool
	}{
		{sample(100, 0), 3, 3, false}, // too few
		{sample(100, 0), 4, 4, true},
		{sample(100, 0), 6, 200, false},
		{sample(100, 0), 12, 40, true},
		{sample(200, 40), 60, 256, false},
		{sample(200, 40), 128, 256, true},
		{sample(4, 0), 8, 8, false}, // nothing to compare with
	} {
		if got := (&climber{normal: *c.normal}).worse(c.k, c.n); got != c.worse {
			t.Errorf("%v of %v after %v of %v: %v", c.k, c.n, c.normal.n-c.normal.ok, c.normal.n, got)
		}
	}
}

// Handshakes given up as late leave room for others until they end, and are not
// counted when they do.
func TestLateOnesLeaveRoom(t *testing.T) {
	c := newClimber(8)
	now := time.Now()
	tickets := make([]ticket, 8)
	for i := range tickets {
		tickets[i] = c.started(now, i+1)
	}
	first := c.cur
	for _, tk := range tickets[:5] {
		c.done(now.Add(100*ms), tk, Completed, 100*ms, 7)
	}
	late := c.started(now.Add(time.Second), 4)
	if c.done(now.Add(2*time.Second), late, Abandoned, time.Second, 3); c.lost != 3 || c.cur == first || first.n != 8 || first.ok != 5 {
		t.Fatalf("%d lost, round of %v with %v completed", c.lost, first.n, first.ok)
	}
	if c.told() > 8 {
		t.Errorf("width %d of at most 8", c.told())
	}
	for i, tk := range tickets[5:] {
		c.done(now.Add(3*time.Second), tk, []Outcome{Completed, Timeout, Abandoned}[i], 3*time.Second, 2-i)
	}
	if c.lost != 0 || first.n != 8 || first.ok != 5 {
		t.Errorf("at the end %d lost, round of %v with %v completed", c.lost, first.n, first.ok)
	}
}

func BenchmarkGate(b *testing.B) {
	g := adaptive()
	b.ReportAllocs()
	for b.Loop() {
		p, err := g.Acquire(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		p.Done(Completed)
	}
}
