package mien

import (
	"crypto/tls"
	"net/http"
	"runtime"
	"testing"

	"github.com/mien-http/mien/mientest"
)

// A session remembers the chains it verified, unless it is told not to.
func TestChainCacheIsAChoice(t *testing.T) {
	origin, err := mientest.New(mientest.Config{Handler: http.NotFoundHandler()})
	if err != nil {
		t.Fatal(err)
	}
	defer origin.Close()
	for _, off := range []bool{false, true} {
		s, err := New(Config{NoChainCache: off, TLS: &tls.Config{RootCAs: origin.CertPool()}})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			resp, err := s.Get(t.Context(), origin.URL)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if len(resp.TLS.VerifiedChains) != 1 {
				t.Errorf("%d verified chains", len(resp.TLS.VerifiedChains))
			}
			s.CloseIdleConnections()
		}
		want := 1
		if off || runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
			want = 0
		}
		if n := s.t.chains.Len(); n != want {
			t.Errorf("NoChainCache %v: %d chains held", off, n)
		}
		_ = s.Close()
	}
}
