package main

import "testing"

func TestMedianInterval(t *testing.T) {
	if i := medianInterval(nil); i != (interval{}) {
		t.Errorf("of nothing: %v", i)
	}
	if i := medianInterval([]float64{2, 2, 2}); i != (interval{2, 2, 2}) {
		t.Errorf("of a constant: %v", i)
	}
	i := medianInterval([]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
	if i.Median != 5.5 || i.Low >= i.Median || i.High <= i.Median || i.Low < 1 || i.High > 10 {
		t.Errorf("of 1 to 10: %v", i)
	}
	if again := medianInterval([]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}); again != i {
		t.Errorf("%v, then %v", i, again)
	}
}

func TestMedian(t *testing.T) {
	v := []float64{3, 1, 2}
	if m := median(v); m != 2 || v[0] != 3 {
		t.Errorf("%v of %v", m, v)
	}
}
