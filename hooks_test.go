package mien_test

import (
	"slices"
	"testing"

	"github.com/mien-http/mien"
)

// TestChain: all are called in order; what nobody sets stays nil, so that it
// costs the session nothing.
func TestChain(t *testing.T) {
	var called []string
	hooks := func(name string) mien.Hooks {
		return mien.Hooks{
			Handshake: func(mien.HandshakeInfo) { called = append(called, name+" handshake") },
			Done:      func(i mien.RequestInfo) { called = append(called, name+" "+i.Origin) },
		}
	}
	h := mien.ChainHooks(hooks("a"), mien.Hooks{}, hooks("b"), mien.Hooks{Retry: func(mien.RetryInfo) { called = append(called, "retry") }})
	if h.Phase != nil {
		t.Error("Phase is set")
	}
	h.Handshake(mien.HandshakeInfo{})
	h.Retry(mien.RetryInfo{})
	h.Done(mien.RequestInfo{Origin: "x"})
	if want := []string{"a handshake", "b handshake", "retry", "a x", "b x"}; !slices.Equal(called, want) {
		t.Errorf("called %q, want %q", called, want)
	}
	if h := mien.ChainHooks(); h.Done != nil {
		t.Error("hooks of nothing")
	}
}
