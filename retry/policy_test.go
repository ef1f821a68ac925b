package retry

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestZeroPolicyIsTheDefault(t *testing.T) {
	p := Policy{}.WithDefaults()
	if err := (Policy{}).Validate(); err != nil {
		t.Fatal(err)
	}
	if p.MaxAttempts != 4 || p.MaxConnectAttempts != 24 || p.Base != 100*time.Millisecond || p.Cap != 10*time.Second ||
		p.ConnectBase != 20*time.Millisecond || p.ConnectCap != 500*time.Millisecond || p.MaxRetryAfter != time.Minute ||
		p.BudgetRatio != 0.2 || p.BudgetFloor != 10 || p.BudgetWindow != 10*time.Second || p.Statuses != nil || p.Off() {
		t.Errorf("defaults: %+v", p)
	}
	if x := p.Rand(); x < 0 || x >= 1 {
		t.Errorf("Rand() = %v", x)
	}
	if p := (Policy{MaxAttempts: -1, MaxConnectAttempts: -1, BudgetFloor: -1}).WithDefaults(); p.MaxAttempts != -1 || p.MaxConnectAttempts != -1 || p.BudgetFloor != -1 || !p.Off() {
		t.Errorf("negative values are changed: %+v", p)
	}
	if err := (Policy{Base: time.Minute}).Validate(); err != nil {
		t.Errorf("a Base above the default Cap: %v", err)
	}
}

func TestValidateNamesTheField(t *testing.T) {
	always := func(Event) bool { return true }
	for field, p := range map[string]Policy{
		"Base":         {Base: -1},
		"Cap":          {Cap: -1},
		"ConnectBase":  {ConnectBase: -1},
		"ConnectCap":   {ConnectCap: time.Millisecond},
		"BudgetWindow": {BudgetWindow: time.Millisecond},
		"BudgetRatio":  {BudgetRatio: 1.5},
		"Statuses[1]":  {Statuses: []int{503, 200}},
		"Unsafe":       {Unsafe: true},
	} {
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), "Policy."+field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	if err := (Policy{BudgetRatio: math.NaN()}).Validate(); err == nil {
		t.Error("a BudgetRatio that is no number is accepted")
	}
	if err := (Policy{Unsafe: true, Predicate: always, Statuses: []int{429}, BudgetRatio: -1}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestBackoffFullJitter(t *testing.T) {
	draw := 1.0
	b := NewBackoff(100*time.Millisecond, 10*time.Second, func() float64 { return draw })
	for _, want := range []int{100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000, 10000} {
		if got := b.Next(); got != time.Duration(want)*time.Millisecond {
			t.Fatalf("ceiling %v, want %d ms", got, want)
		}
	}
	b.Reset()
	draw = 0
	if got := b.Next(); got != 0 {
		t.Errorf("floor %v, want 0", got)
	}
	draw = 0.5
	if got := b.Next(); got != 100*time.Millisecond {
		t.Errorf("half of the second ceiling: %v", got)
	}
}

func TestBackoffBaseAboveHalfTheCap(t *testing.T) {
	b := NewBackoff(time.Second, time.Second, func() float64 { return 1 })
	for range 3 {
		if got := b.Next(); got != time.Second {
			t.Errorf("%v, want 1s", got)
		}
	}
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestParseRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"0": 0, "120": 2 * time.Minute, " 5\t": 5 * time.Second, "007": 7 * time.Second,
		"99999999999999999999999":        math.MaxInt64,
		noon.Format(http.TimeFormat):     0,
		"Sun, 01 Mar 2026 12:01:30 GMT":  90 * time.Second,
		"Sunday, 01-Mar-26 12:01:30 GMT": 90 * time.Second,
		"Sun Mar  1 12:01:30 2026":       90 * time.Second,
		"Sun, 01 Mar 2026 11:00:00 GMT":  0,
		"Thu, 01 Jan 1970 00:00:00 GMT":  0,
	} {
		if got, ok := ParseRetryAfter(value, noon); !ok || got != want {
			t.Errorf("%q: %v, %v; want %v", value, got, ok, want)
		}
	}
	for _, value := range []string{"", " ", "-1", "+5", "1.5", "5s", "soon", "1e3", "5, 6", "Sun, 31 Feb 2026 12:00:00 GMT"} {
		if got, ok := ParseRetryAfter(value, noon); ok {
			t.Errorf("%q: accepted as %v", value, got)
		}
	}
}

func FuzzParseRetryAfter(f *testing.F) {
	for _, s := range []string{"", "0", "120", "Sun, 01 Mar 2026 12:01:30 GMT", "99999999999999999999", "-1", "Fri, 31 Dec 1999 23:59:59 GMT"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		d, ok := ParseRetryAfter(value, noon)
		if d < 0 || !ok && d != 0 {
			t.Errorf("%q: %v, %v", value, d, ok)
		}
		if again, _ := ParseRetryAfter(" "+value+"\t", noon); again != d {
			t.Errorf("%q: white space changes %v to %v", value, d, again)
		}
	})
}

func TestBudget(t *testing.T) {
	now := noon
	b := NewBudget(Policy{BudgetFloor: 3})
	for i := range 3 {
		if !b.Spend(now) {
			t.Fatalf("retry %d of the floor refused", i+1)
		}
	}
	if b.Spend(now) {
		t.Fatal("a fourth retry without a request")
	}
	for range 100 {
		b.Request(now)
	}
	allowed := 3
	for b.Spend(now) {
		allowed++
	}
	if allowed != 20 {
		t.Errorf("%d retries for 100 requests, want 20", allowed)
	}
	now = now.Add(9 * time.Second)
	if b.Spend(now) {
		t.Error("the budget came back within the window")
	}
	now = now.Add(2 * time.Second)
	if requests, retries := b.Counts(now); requests != 0 || retries != 0 {
		t.Errorf("after the window: %d requests, %d retries", requests, retries)
	}
	if !b.Spend(now) {
		t.Error("the floor does not come back")
	}
}

func TestBudgetSlides(t *testing.T) {
	now := noon
	b := NewBudget(Policy{BudgetFloor: -1})
	if b.Spend(now) {
		t.Fatal("a retry without floor or requests")
	}
	for range 20 { // five requests a second
		for range 5 {
			b.Request(now)
		}
		now = now.Add(time.Second)
	}
	if requests, _ := b.Counts(now); requests != 50 {
		t.Errorf("%d requests in the last 10 s, want 50", requests)
	}
	now = now.Add(-time.Hour) // a clock set back must not hand out a new budget
	if requests, _ := b.Counts(now); requests != 50 {
		t.Errorf("%d requests after the clock went back", requests)
	}
	unlimited := NewBudget(Policy{BudgetRatio: -1, BudgetFloor: -1})
	for range 1000 {
		if !unlimited.Spend(now) {
			t.Fatal("a negative ratio still limits")
		}
	}
}

func TestBudgetsAreBounded(t *testing.T) {
	b := newBudgets(Policy{})
	b.request(noon, "kept")
	for i := range 3 * maxBudgets {
		b.request(noon, strings.Repeat("x", i))
		b.request(noon, "kept")
	}
	if len(b.byName) != maxBudgets || b.recent.Len() != maxBudgets {
		t.Errorf("%d budgets, %d in order; want %d", len(b.byName), b.recent.Len(), maxBudgets)
	}
	if requests, _ := b.get("kept").Counts(noon); requests != 3*maxBudgets+1 {
		t.Errorf("the budget in use was forgotten: %d requests", requests)
	}
}

// unprocessedAlert is what an HTTP/2 connection says when the server's verdict
// on a client certificate came before the request was queued.
type unprocessedAlert struct{}

func (unprocessedAlert) Error() string     { return "certificate required" }
func (unprocessedAlert) Unprocessed() bool { return true }
func (unprocessedAlert) TLSAlert() uint8   { return 116 }

func TestAlertBeforeTheRequestIsAnAlert(t *testing.T) {
	f := Failure{Phase: PhaseWrite, Err: unprocessedAlert{}}
	if c := Classify(f); c != Alert || Decide(c, f) != Never {
		t.Errorf("%v, %v", c, Decide(c, f))
	}
}
