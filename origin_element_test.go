package mien_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/mientest"
)

// Fonts and modules use CORS: other origins are told who asks, and by Chromium
// their own is too.
func TestOriginOfElements(t *testing.T) {
	origin := newOrigin(t, mientest.Config{})
	for _, c := range []struct {
		profile     string
		destination fingerprint.Destination
		variant     fingerprint.Variant
		mode        string
		own, other  bool // to the page's own origin, and to another
	}{
		{"chromium-156-linux", fingerprint.Font, "", "", true, true},
		{"chromium-156-linux", fingerprint.Script, fingerprint.Module, "", true, true},
		{"chromium-156-linux", fingerprint.Script, "", "", false, false},
		{"chromium-156-linux", fingerprint.Script, "", "cors", true, true},
		{"chromium-156-linux", fingerprint.Image, "", "", false, false},
		{"chromium-156-linux", fingerprint.Empty, "", "", false, true},
		{"chromium-156-linux", fingerprint.Empty, "", "no-cors", false, false},
		{"firefox-153-linux", fingerprint.Font, "", "", false, true},
		{"firefox-153-linux", fingerprint.Script, fingerprint.Module, "", false, true},
		{"firefox-153-linux", fingerprint.Empty, "", "", false, true},
	} {
		p, err := fingerprint.Lookup(c.profile)
		if err != nil {
			t.Fatal(err)
		}
		s := newSession(t, mien.Config{Profile: p})
		for page, want := range map[string]bool{origin.URL: c.own, "https://www.example.org": c.other} {
			o := mien.Options{Destination: c.destination, Variant: c.variant, Mode: c.mode, Initiator: page + "/page"}
			req, err := http.NewRequestWithContext(mien.WithOptions(t.Context(), o), http.MethodGet, origin.URL+"/x", nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := s.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			seen := origin.Requests()
			got := ""
			for _, f := range seen[len(seen)-1].Fields {
				if strings.EqualFold(f.Name, "Origin") {
					got = f.Value
				}
			}
			if (got == page) != want || (got == "") == want {
				t.Errorf("%s, %s %s %s from %s: Origin %q", c.profile, c.destination, c.variant, c.mode, page, got)
			}
		}
	}
}
