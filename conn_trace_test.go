package mien_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/mientest"
)

// TestTracedFields compares what httptrace tells with what the origin saw: order,
// spelling and values, over each wire.
func TestTracedFields(t *testing.T) {
	for _, profile := range []*fingerprint.Profile{fingerprint.Chrome(), fingerprint.Firefox()} {
		for name, cfg := range map[string]mientest.Config{
			"h2":        {},
			"http/1.1":  {Protocols: []string{"http/1.1"}},
			"cleartext": {Plain: true},
		} {
			t.Run(profile.Name+" "+name, func(t *testing.T) { testTracedFields(t, profile, cfg) })
		}
	}
}

func testTracedFields(t *testing.T, profile *fingerprint.Profile, cfg mientest.Config) {
	var seen [][2]string
	cfg.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		rep, _ := mientest.ReportOf(r)
		seen = rep.Headers
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
	})
	o, err := mientest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	s, err := mien.New(mien.Config{Profile: profile, TLS: o.ClientTLS()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for _, method := range []string{"GET", "POST", "GET"} { // the last two with cookies
		var told [][2]string
		wrote := 0
		ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
			WroteHeaderField: func(name string, values []string) {
				for _, v := range values {
					told = append(told, [2]string{name, v})
				}
			},
			WroteHeaders: func() { wrote = len(told) },
		})
		var body io.Reader
		if method == "POST" {
			body = strings.NewReader("x=y")
		}
		req, err := http.NewRequestWithContext(ctx, method, o.URL+"/p?q", body)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := s.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if !slices.Equal(told, seen) {
			t.Errorf("%s: told\n%q\nthe origin saw\n%q", method, told, seen)
		}
		if wrote != len(told) || wrote == 0 {
			t.Errorf("%s: WroteHeaders after %d of %d fields", method, wrote, len(told))
		}
	}
}
