package mien_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

func TestPerHostRate(t *testing.T) { synctest.Test(t, testPerHostRate) }

// Ten requests at four per second take nine quarters of a second, whoever else
// is served meanwhile; a deadline that cannot be met fails at once.
func testPerHostRate(t *testing.T) {
	var network mientest.Network
	listener, err := network.Listen(":80")
	if err != nil {
		t.Fatal(err)
	}
	newOrigin(t, mientest.Config{Plain: true, Listener: listener, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})})
	s := newSession(t, mien.Config{DialContext: network.DialContext, Limits: mien.Limits{PerHostRate: 4}})
	start := time.Now()
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { get(t, s, "http://one.test/") })
	}
	get(t, s, "http://two.test/")
	if d := time.Since(start); d != 0 {
		t.Errorf("another host waited %v", d)
	}
	wg.Wait()
	if d := time.Since(start); d != 9*time.Second/4 {
		t.Errorf("ten requests took %v", d)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start = time.Now()
	req := request(t, http.MethodGet, "http://one.test/", nil).WithContext(ctx)
	_, err = s.Do(req)
	var e *mien.Error
	if !errors.As(err, &e) || e.Phase != retry.PhaseQueue || e.Class != retry.Queue || !errors.Is(err, context.DeadlineExceeded) || !e.Timeout() {
		t.Errorf("%v", err)
	}
	if d := time.Since(start); d != 0 {
		t.Errorf("it took %v to see that the deadline cannot be met", d)
	}
}
