package fingerprint

import (
	"errors"
	"strings"
	"testing"
)

// put sets a field of the identity, whether there is one or not.
func (p *Profile) put(name, value string) {
	if p.identity(name) == "" {
		p.Identity = append(p.Identity, HeaderField{Name: name, Value: value})
	}
	p.setIdentity(name, value)
}

// A server that compares two parts of what it sees finds no contradiction.
func TestContradictions(t *testing.T) {
	chrome, android, firefox, safari := "chrome-150-windows", "chrome-150-android", "firefox-144-windows", "safari-26.4-macos"
	for _, c := range []struct {
		profile string
		change  func(*Profile)
		path    string
		problem string
	}{
		{chrome, func(p *Profile) { p.Browser.Version = "151.0" }, "identity[0].value", "150"},
		{chrome, func(p *Profile) { p.Browser.Platform = "macOS" }, "identity[0].value", "Windows"},
		{chrome, func(p *Profile) { p.put("user-agent", lookup(t, firefox).identity("user-agent")) }, "identity[0].value", "blink"},
		{chrome, func(p *Profile) { p.put("user-agent", "Chrome/") }, "identity[0].value", "version"},
		{chrome, func(p *Profile) { p.put("sec-ch-ua", Brands("Google Chrome", 149)) }, "identity[1].value", "150"},
		{chrome, func(p *Profile) {
			p.put("sec-ch-ua", `"Chromium";v="150", "Google Chrome";v="150", "Not;A=Brand";v="8"`)
		}, "identity[1].value", "sends"},
		{chrome, func(p *Profile) { p.put("sec-ch-ua-mobile", "?1") }, "identity[2].value", "Windows"},
		{chrome, func(p *Profile) { p.put("sec-ch-ua-platform", `"Linux"`) }, "identity[3].value", `"Windows"`},
		{android, func(p *Profile) { p.put("sec-ch-ua-mobile", "?0") }, "identity[2].value", "Android"},
		{"edge-133-windows", func(p *Profile) { p.put("sec-ch-ua", Brands("Google Chrome", 133)) }, "identity[1].value", "Microsoft Edge"},
		{"edge-133-windows", func(p *Profile) { p.put("sec-ch-ua", `"Microsoft Edge";v="133"`) }, "identity[1].value", "Chromium"},
		{firefox, func(p *Profile) { p.put("sec-ch-ua", Brands("", 144)) }, "identity[2]", "client hints"},
		{safari, func(p *Profile) { p.put("sec-ch-ua-mobile", "?0") }, "identity[2]", "client hints"},
		{safari, func(p *Profile) { p.HTTP2 = lookup(t, chrome).HTTP2; p.Digests.Akamai = "" }, "http2.pseudo_headers", "webkit"},
		{firefox, func(p *Profile) { p.TLS = lookup(t, safari).TLS }, "tls.cipher_suites", "gecko"},
		{safari, func(p *Profile) { p.TLS = lookup(t, firefox).TLS }, "tls.cipher_suites", "webkit"},
		{safari, func(p *Profile) { p.Headers[0].Fields[0].Value = "iframe" }, "headers[0].fields[0].value", "document"},
		{safari, func(p *Profile) { p.Headers[0].Fields[1].Value = "curl/8" }, "headers[0].fields[1].value", "identity says"},
		{safari, func(p *Profile) { p.Notes = []string{"a", ""} }, "notes[1]", "empty"},
	} {
		p := lookup(t, c.profile)
		c.change(p)
		err := p.Validate()
		var field *FieldError
		if !errors.As(err, &field) || !strings.HasPrefix(field.Path, c.path) || !strings.Contains(field.Problem, c.problem) {
			t.Errorf("%s: %v\nwant %s: … %s …", c.profile, err, c.path, c.problem)
		}
	}
}

// An identity without a User-Agent, and one that is known to be incomplete, is
// the caller's business.
func TestNoContradiction(t *testing.T) {
	p := lookup(t, "safari-26.4-macos")
	p.Identity = nil
	if err := p.Validate(); err != nil {
		t.Error(err)
	}
	p.put("user-agent", "own")
	if p.Validate() == nil {
		t.Error("a Safari that calls itself something else")
	}
	p.Provenance.Identity.Kind = Incomplete
	if err := p.Validate(); err != nil {
		t.Error(err)
	}
}
