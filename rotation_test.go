package mien_test

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// A proxy that ends the stream is no reason to lose a request while the caller
// has another: Config.Proxy is asked for each attempt.
func TestNextProxy(t *testing.T) {
	for _, scheme := range []string{"http", "socks5"} {
		t.Run(scheme, func(t *testing.T) {
			origin := newOrigin(t, mientest.Config{})
			p := place{protocol: protocols[0]}
			var good mien.Config
			throughProxy(t, p, scheme, &good, nil)
			var broken atomic.Int32
			bad := scripted(t, p, func(_ int, nc net.Conn) { broken.Add(1) }) // returns: closed at once
			var asked atomic.Int32
			s := newSession(t, mien.Config{Proxy: func(r *http.Request) (*url.URL, error) {
				if asked.Add(1) <= 3 {
					return &url.URL{Scheme: scheme, Host: bad}, nil
				}
				return good.Proxy(r)
			}})
			req := request(t, http.MethodPost, origin.URL, nil)
			resp, err := s.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			readAll(t, resp)
			if a, b := asked.Load(), broken.Load(); a != 4 || b != 3 {
				t.Errorf("asked for a proxy %d times, %d of them broken", a, b)
			}
			if n := origin.Counters().Requests; n != 1 {
				t.Errorf("delivered %d times", n)
			}
		})
	}
}

// With nothing but broken proxies the request ends after the attempts that the
// policy allows, and says why.
func TestNoProxyLeft(t *testing.T) {
	p := place{protocol: protocols[0]}
	bad := scripted(t, p, func(_ int, nc net.Conn) {})
	s := newSession(t, mien.Config{
		Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: bad, User: url.UserPassword("user", "secret")}),
		Retry: retry.Policy{MaxConnectAttempts: 3},
	})
	_, err := s.Get(t.Context(), "https://origin.test/")
	var e *mien.Error
	if !errors.As(err, &e) || e.Class != retry.ProxyReset || e.Phase != retry.PhaseProxy || e.Proxy != bad || e.Sent || e.Attempt != 3 || e.Reason != retry.OriginDown {
		t.Errorf("%+v", err)
	}
}
