package mien

import (
	"net/http"
	"testing"
)

// A session that holds no cookies adds nothing to a request, and takes no memory to
// find that out.
func TestEmptyJarIsFree(t *testing.T) {
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://www.example.com/path?q", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-A", "1")
	if n := testing.AllocsPerRun(100, func() {
		if s.withCookies(req) != req {
			t.Error("the request was copied")
		}
		s.keepCookies(req, nil)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	// The jar is asked again once it holds one, and is free again when it is empty.
	s.keepCookies(req, []string{"a=b"})
	if got := s.withCookies(req).Header.Get("Cookie"); got != "a=b" {
		t.Errorf("Cookie %q", got)
	}
	s.keepCookies(req, []string{"a=; Max-Age=0"})
	if s.cookies.Len() != 0 || s.withCookies(req) != req {
		t.Errorf("%d cookies", s.cookies.Len())
	}
}
