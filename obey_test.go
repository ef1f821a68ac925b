package mien_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mien-http/mien"
)

// stubborn ignores its context until it is let go.
type stubborn struct {
	let   chan struct{}
	begun chan struct{}
}

func (s *stubborn) wait() {
	s.begun <- struct{}{}
	<-s.let
}

func (s *stubborn) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	s.wait()
	return []netip.Addr{netip.MustParseAddr("192.0.2.1")}, nil
}

// A Resolver or a DialContext that ignores its context holds up neither Close nor
// a request for good, and a connection that comes too late is closed.
func TestStubbornFunctions(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fresh bool // the request dials by itself
		dials bool
		cache time.Duration
	}{
		{"Resolver", false, false, 0},
		{"Resolver, nothing kept", false, false, -1},
		{"Resolver, nothing kept, a connection of its own", true, false, -1},
		{"DialContext", false, true, 0},
		{"DialContext, a connection of its own", true, true, 0},
	} {
		for _, how := range []string{"Close", "the context"} {
			t.Run(tt.name+"/"+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := &stubborn{let: make(chan struct{}), begun: make(chan struct{}, 1)}
					ours, theirs := net.Pipe()
					cfg := mien.Config{DNSCache: tt.cache, Resolver: f}
					if tt.dials {
						cfg.Resolver, cfg.DNSCache = nil, 0
						cfg.DialContext = func(context.Context, string, string) (net.Conn, error) {
							f.wait()
							return ours, nil
						}
					}
					s, err := mien.New(cfg)
					if err != nil {
						t.Fatal(err)
					}
					ctx, cancel := context.WithCancel(mien.WithOptions(t.Context(), mien.Options{FreshConnection: tt.fresh}))
					defer cancel()
					failed := make(chan error, 1)
					go func() {
						_, err := s.Do(request(t, http.MethodGet, "http://example.test/", nil).WithContext(ctx))
						failed <- err
					}()
					<-f.begun
					start := time.Now()
					want := net.ErrClosed
					if how == "Close" {
						_ = s.Close()
					} else {
						want = context.Canceled
						cancel()
					}
					if err := <-failed; !errors.Is(err, want) {
						t.Error(err)
					}
					_ = s.Close()
					if took := time.Since(start); took > time.Second {
						t.Errorf("it took %v", took)
					}
					close(f.let)
					if tt.dials {
						if _, err := theirs.Read(make([]byte, 1)); err == nil {
							t.Error("a connection that came too late was used")
						}
					}
				})
			})
		}
	}
}
