package mien_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/mientest"
)

// Digests as their sources report them: "" where every hello has another one.
const (
	akamaiBlink  = "1:65536;2:0;4:6291456;6:262144|15663105|0|m,a,s,p"
	akamaiGecko  = "1:65536;2:0;4:131072;5:16384|12517377|0|m,p,a,s"
	akamaiWebKit = "2:0;3:100;4:2097152;9:1|10420225|0|m,s,a,p"

	ja3Firefox144, ja4Firefox144 = "6f7889b9fb1a62a9577e685c1fcfa919", "t13d1717h2_5b57614c22b0_3cbfd9057e0d"
	ja3Safari18, ja4Safari18     = "773906b0efdefa24a7f2b8eb6985bf37", "t13d2014h2_a09f3c656075_e42f34c56612"
	ja3Safari26, ja4Safari26     = "ecdf4f49dd59effc439639da29186671", "t13d2013h2_a09f3c656075_7f0f34a4126d"
	ja4Chrome150                 = "t13d1516h2_8daaf6152771_806a8c22fdea"
	ja4Edge133                   = "t13d1516h2_8daaf6152771_02713d6af862"

	orderBlink = ":method,:authority,:scheme,:path,sec-ch-ua,sec-ch-ua-mobile,sec-ch-ua-platform,upgrade-insecure-requests," +
		"user-agent,accept,sec-fetch-site,sec-fetch-mode,sec-fetch-user,sec-fetch-dest,accept-encoding,accept-language,priority"
	orderGecko = ":method,:path,:authority,:scheme,user-agent,accept,accept-language,accept-encoding,upgrade-insecure-requests," +
		"sec-fetch-dest,sec-fetch-mode,sec-fetch-site,sec-fetch-user,priority,te"
	orderWebKit = ":method,:scheme,:authority,:path,sec-fetch-dest,user-agent,accept,sec-fetch-site,sec-fetch-mode," +
		"accept-language,priority,accept-encoding"
)

var publishedProfiles = []struct{ name, ja3, ja4, akamai, order, platform, agent string }{
	{"chrome-150-windows", "", ja4Chrome150, akamaiBlink, orderBlink, "Windows", "(Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"},
	{"chrome-150-macos", "", ja4Chrome150, akamaiBlink, orderBlink, "macOS", "(Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"},
	{"chrome-150-linux", "", ja4Chrome150, akamaiBlink, orderBlink, "Linux", "(X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"},
	{"chrome-150-android", "", ja4Chrome150, akamaiBlink, orderBlink, "Android", "(Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Mobile Safari/537.36"},
	{"edge-133-windows", "", ja4Edge133, akamaiBlink, orderBlink, "Windows", "(Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/133.0.0.0 Safari/537.36 Edg/133.0.0.0"},
	{"firefox-144-macos", ja3Firefox144, ja4Firefox144, akamaiGecko, orderGecko, "macOS", "(Macintosh; Intel Mac OS X 10.15; rv:144.0) Gecko/20100101 Firefox/144.0"},
	{"firefox-144-windows", ja3Firefox144, ja4Firefox144, akamaiGecko, orderGecko, "Windows", "(Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0"},
	{"firefox-144-linux", ja3Firefox144, ja4Firefox144, akamaiGecko, orderGecko, "Linux", "(X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"},
	{"safari-18.4-macos", ja3Safari18, ja4Safari18, akamaiWebKit, orderWebKit, "macOS", "(Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Safari/605.1.15"},
	{"safari-18.4-ios", ja3Safari18, ja4Safari18, akamaiWebKit, orderWebKit, "iOS", "(iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Mobile/15E148 Safari/604.1"},
	{"safari-26.4-macos", ja3Safari26, ja4Safari26, akamaiWebKit, orderWebKit, "macOS", "(Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.4 Safari/605.1.15"},
	{"safari-26.4-ios", ja3Safari26, ja4Safari26, akamaiWebKit, orderWebKit, "iOS", "(iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.4 Mobile/15E148 Safari/604.1"},
}

// What an origin sees of a published profile has the published digests, header
// order and identity.
func TestLooksAsPublished(t *testing.T) {
	for _, want := range publishedProfiles {
		t.Run(want.name, func(t *testing.T) {
			profile := profileNamed(t, want.name)
			origin := newOrigin(t, mientest.Config{})
			get(t, newSession(t, mien.Config{Profile: profile}), named(origin))
			c, r := origin.Connections()[0], origin.Requests()[0]
			if c.JA4 != want.ja4 || want.ja3 != "" && c.JA3Hash != want.ja3 {
				t.Errorf("JA4 %s, JA3 %s; published %s, %s", c.JA4, c.JA3Hash, want.ja4, want.ja3)
			}
			if c.Akamai != want.akamai {
				t.Errorf("Akamai %s; published %s", c.Akamai, want.akamai)
			}
			if r.Order != want.order {
				t.Errorf("fields %s\nwant   %s", r.Order, want.order)
			}
			sent := map[string]string{}
			for _, f := range r.Fields {
				sent[f.Name] = f.Value
			}
			if got := sent["user-agent"]; got != "Mozilla/5.0 "+want.agent {
				t.Errorf("User-Agent %s", got)
			}
			if profile.Browser.Platform != want.platform {
				t.Errorf("platform %s", profile.Browser.Platform)
			}
			hints := map[string]string{}
			if profile.Browser.Engine == "blink" {
				major, err := strconv.Atoi(profile.Browser.Major())
				if err != nil {
					t.Fatal(err)
				}
				hints["sec-ch-ua"] = fingerprint.Brands(profile.Browser.Brand, major)
				hints["sec-ch-ua-platform"] = strconv.Quote(want.platform)
				hints["sec-ch-ua-mobile"] = map[bool]string{true: "?1", false: "?0"}[want.platform == "Android"]
			}
			for _, name := range []string{"sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform"} {
				if sent[name] != hints[name] {
					t.Errorf("%s: %q, want %q", name, sent[name], hints[name])
				}
			}
		})
	}
}

// What nobody recorded of Safari is refused before anything of it is sent.
func TestUnpublishedKinds(t *testing.T) {
	for _, c := range []struct {
		protocol, method string
		want             string
	}{
		{"http/1.1", http.MethodGet, "document over http/1.1"},
		{"h2", http.MethodPut, "empty over h2"},
	} {
		origin := newOrigin(t, mientest.Config{Protocols: []string{c.protocol}})
		s := newSession(t, mien.Config{Profile: fingerprint.Safari()})
		req, err := http.NewRequestWithContext(context.Background(), c.method, named(origin), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := s.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		var kind *fingerprint.KindError
		if !errors.As(err, &kind) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s over %s: %v", c.method, c.protocol, err)
		}
		if n := len(origin.Requests()); n != 0 {
			t.Errorf("%s over %s: %d requests sent", c.method, c.protocol, n)
		}
	}
}

// A profile of fingerprint strings sends what they say and the caller's fields.
func TestFromJA3Request(t *testing.T) {
	const ja3 = "771,4865-4866-4867-49196-49195-52393-49200-49199-52392-49162-49161-49172-49171-157-156-53-47-49160-49170-10," +
		"0-23-65281-10-11-16-5-13-18-51-45-43-27,4588-29-23-24-25,0"
	profile, err := fingerprint.FromJA3(ja3, akamaiWebKit)
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		origin := newOrigin(t, mientest.Config{})
		s := newSession(t, mien.Config{Profile: profile})
		req, err := http.NewRequestWithContext(context.Background(), method, named(origin), strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = http.Header{"User-Agent": {"own"}, "Content-Type": {"application/json"}}
		resp, err := s.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		readAll(t, resp)
		c, r := origin.Connections()[0], origin.Requests()[0]
		if c.JA3 != ja3 || c.Akamai != akamaiWebKit {
			t.Errorf("JA3 %s, Akamai %s", c.JA3, c.Akamai)
		}
		for _, f := range r.Fields {
			if f.Name == "user-agent" && f.Value != "own" || strings.HasPrefix(f.Name, "accept") || strings.HasPrefix(f.Name, "sec-") {
				t.Errorf("%s sends %s: %s", method, f.Name, f.Value)
			}
		}
	}
}
