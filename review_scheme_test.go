package mien_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
)

// A scheme has no case (RFC 9110 §4.2.3), but goes on the wire in lower case.
func TestSchemeInUpperCase(t *testing.T) {
	for _, p := range protocols {
		origin := newOrigin(t, mientest.Config{Protocols: p.alpn})
		s := newSession(t, mien.Config{})
		req := request(t, http.MethodGet, origin.URL, nil)
		req.URL.Scheme = strings.ToUpper(req.URL.Scheme)
		resp, err := s.Do(req)
		if err != nil {
			t.Fatalf("%s: %v", p.name, err)
		}
		readAll(t, resp)
		for _, f := range origin.Requests()[0].Fields {
			if f.Name == ":scheme" && f.Value != "https" {
				t.Errorf("%s: %s", p.name, f.Value)
			}
		}
	}
}
