package mien_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/mientest"
)

// Options.Variant decides what the origin sees, and X-Requested-With says what it
// says in every page.
func TestVariants(t *testing.T) {
	origin := newOrigin(t, mientest.Config{})
	s := newSession(t, mien.Config{Profile: profileNamed(t, "firefox-153-linux")})
	for i, c := range []struct {
		options mien.Options
		ajax    bool
		want    string // after the client's coding
	}{
		{mien.Options{Destination: fingerprint.Empty}, false, "accept-encoding,referer,sec-fetch-dest,sec-fetch-mode,sec-fetch-site,priority,te"},
		{mien.Options{Destination: fingerprint.Empty, Variant: fingerprint.XHR}, false, "accept-encoding,referer,sec-fetch-dest,sec-fetch-mode,sec-fetch-site,te"},
		{mien.Options{Destination: fingerprint.Empty}, true, "accept-encoding,x-requested-with,referer,sec-fetch-dest,sec-fetch-mode,sec-fetch-site,te"},
		{mien.Options{Destination: fingerprint.Script, Variant: fingerprint.Async}, false, "accept-encoding,referer,sec-fetch-dest,sec-fetch-mode,sec-fetch-site,te"},
		{mien.Options{Destination: fingerprint.Script}, false, "accept-encoding,referer,sec-fetch-dest,sec-fetch-mode,sec-fetch-site,priority,te"},
	} {
		req, err := http.NewRequestWithContext(mien.WithOptions(t.Context(), c.options), http.MethodGet, named(origin), http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if c.ajax {
			req.Header.Set("X-Requested-With", "XMLHttpRequest")
		}
		resp, err := s.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		readAll(t, resp)
		if got := origin.Requests()[i].Order; !strings.HasSuffix(got, c.want) {
			t.Errorf("%+v:\n got %s\nwant …%s", c.options, got, c.want)
		}
	}
	ctx := mien.WithOptions(t.Context(), mien.Options{Variant: "a b"})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, named(origin), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Do(req); err == nil || !strings.Contains(err.Error(), "Options.Variant") {
		t.Error(err)
	}
}
