package mien_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// endedConn is a connection that its peer has closed already.
type endedConn struct{ net.Conn }

func (endedConn) Read([]byte) (int, error) { return 0, io.EOF }

// TestFreshConnectionClosedUnused: a connection made for one request that ends
// before it is used is no more than a failed dial. Whether its end is noticed
// before the request or with it is up to the scheduler, hence the many.
func TestFreshConnectionClosedUnused(t *testing.T) {
	origin := newOrigin(t, mientest.Config{Plain: true})
	var dials atomic.Int64
	// Half of the connections die: that is more than the budget of retries is for.
	s := newSession(t, mien.Config{Retry: retry.Policy{BudgetRatio: -1, Base: time.Millisecond, Cap: time.Millisecond}, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		if err == nil && dials.Add(1)%2 == 1 {
			return endedConn{c}, nil
		}
		return c, err
	}})
	for range 200 {
		req := request(t, http.MethodGet, origin.URL, nil)
		resp, err := s.Do(req.WithContext(options(t, mien.Options{FreshConnection: true})))
		if err != nil {
			t.Fatal(err)
		}
		readAll(t, resp)
	}
}
