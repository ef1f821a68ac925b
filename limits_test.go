package mien_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
)

// A negative HeaderBytes is no limit, on both protocols.
func TestNoHeaderLimit(t *testing.T) {
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			long := strings.Repeat("x", 300<<10)
			origin := newOrigin(t, mientest.Config{Protocols: p.alpn, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Long", long)
			})})
			if _, err := newSession(t, mien.Config{}).Get(t.Context(), origin.URL); err == nil {
				t.Error("the default limit lets 300 KiB pass")
			}
			resp, _ := get(t, newSession(t, mien.Config{Limits: mien.Limits{HeaderBytes: -1}}), origin.URL)
			if resp.Header.Get("X-Long") != long {
				t.Error("the field did not come whole")
			}
		})
	}
}
