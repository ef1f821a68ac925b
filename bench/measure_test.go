package main

import (
	"strings"
	"testing"
	"time"

	"github.com/mien-http/mien/bench/driver"
)

// took is a round in which 10 requests took so many microseconds of CPU each.
func took(µs int) round {
	return round{Result: driver.Result{Done: 10, CPU: 10 * time.Duration(µs) * time.Microsecond}}
}

// TestRatioToNetHTTP divides within the round, and only where both took part.
func TestRatioToNetHTTP(t *testing.T) {
	all := []map[string]round{
		{"mien": took(5), "nethttp": took(10)},
		{"mien": took(90), "nethttp": took(100)},
		{"mien": took(7)},
	}
	r := row{Client: "mien"}
	r.compare(workload{}, all, nil)
	if len(r.Ratios) != 2 || r.Ratios[0] != 0.5 || r.Ratios[1] != 0.9 || r.Base != "nethttp" {
		t.Errorf("%v to %s, want 0.5 and 0.9 to nethttp", r.Ratios, r.Base)
	}
}

// TestRatioToTheFastest leaves out mien itself and who failed.
func TestRatioToTheFastest(t *testing.T) {
	broken := took(1)
	broken.Failed = 1
	all := []map[string]round{{"mien": took(5), "surf": took(20), "req": took(10), "cycletls": broken}}
	programs := []program{{name: "mien"}, {name: "surf"}, {name: "req"}, {name: "cycletls"}}
	r := row{Client: "mien"}
	r.compare(workload{fastest: true}, all, programs)
	if r.Base != "req" || len(r.Ratios) != 1 || r.Ratios[0] != 0.5 {
		t.Errorf("%v to %s, want 0.5 to req", r.Ratios, r.Base)
	}
}

// TestVerdict holds the upper end of the interval against the bar.
func TestVerdict(t *testing.T) {
	for high, want := range map[float64]string{0: "not measured", 0.64: "met", 0.65: "not met", 0.7: "not met"} {
		r := result{Bar: 0.65, Rows: []row{{Client: "mien", Ratio: interval{Median: 0.5, Low: 0.4, High: high}}}}
		if got := r.verdict(); !strings.HasPrefix(got, want) {
			t.Errorf("%v: %s, want %s", high, got, want)
		}
	}
}

// TestSharesResumed counts the connections after the first of each round.
func TestSharesResumed(t *testing.T) {
	r := row{Client: "mien", Rounds: []round{took(1), took(1)}}
	for i := range r.Rounds {
		r.Rounds[i].Server = counts{Opened: 5, Handshook: 5, Resumed: 3}
	}
	if got := r.markdown(&workload{job: driver.Job{Resume: true}}); !strings.Contains(got, "5, 75.0 %") {
		t.Errorf("%s, want 75 %% of 8", got)
	}
}
