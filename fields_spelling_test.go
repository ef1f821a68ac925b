package mien_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
)

// Keys of one map that differ in case alone are one field: every value goes out, in
// the byte order of the keys, each time. A request's field replaces Config.Header's
// whatever its spelling, and the caller's map stays as it was.
func TestHeaderKeysOfOneField(t *testing.T) {
	for _, p := range protocols {
		origin := newOrigin(t, mientest.Config{Protocols: p.alpn})
		for _, tt := range []struct {
			config, own http.Header
			want        []string
		}{
			{nil, http.Header{"x-a": {"3"}, "X-A": {"1"}, "X-a": {"2"}}, []string{"1", "2", "3"}},
			{nil, http.Header{"x-a": {"2", "3"}, "X-A": {"1"}}, []string{"1", "2", "3"}},
			{nil, http.Header{"x-a": {"1"}, "X-A": nil}, []string{"1"}},
			{nil, http.Header{"x-a": nil, "X-A": {"1"}}, []string{"1"}},
			{nil, http.Header{"x-a": nil, "X-A": nil}, nil},
			{nil, http.Header{"x-a": {"1"}}, []string{"1"}},
			{http.Header{"x-a": {"2"}, "X-A": {"1"}}, nil, []string{"1", "2"}},
			{http.Header{"x-a": {"2"}, "X-A": {"1"}}, http.Header{"x-A": {"own"}}, []string{"own"}},
		} {
			s := newSession(t, mien.Config{Header: tt.config})
			for range 8 { // a map's order is another each time
				req := request(t, http.MethodGet, origin.URL, nil)
				req.Header = tt.own.Clone()
				mustDo(t, s.Do, req)
				all := origin.Requests()
				var got []string
				for _, f := range all[len(all)-1].Fields {
					if strings.EqualFold(f.Name, "X-A") {
						got = append(got, f.Value)
					}
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("%s: %q and %q: %q, want %q", p.name, tt.config, tt.own, got, tt.want)
				}
				for name, values := range tt.own {
					if !slices.Equal(req.Header[name], values) {
						t.Errorf("%s became %q", name, req.Header[name])
					}
				}
			}
		}
	}
}
