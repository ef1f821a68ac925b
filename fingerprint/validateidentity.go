package fingerprint

import (
	"slices"
	"strings"
)

// coherenceFault reports an identity that contradicts itself: a server that
// compares its parts would see that it is made up. A library (OkHttp) is no
// browser, and what is known to be incomplete is the caller's business.
func (p *Profile) coherenceFault() *FieldError {
	if v := p.Provenance; p.Browser.Engine == "okhttp" || v.TLS.Kind == Incomplete || v.Identity.Kind == Incomplete {
		return nil
	}
	for _, check := range []func() *FieldError{p.agentFault, p.brandsFault, p.platformFault, p.engineFault, p.destinationFault} {
		if e := check(); e != nil {
			return e
		}
	}
	return nil
}

// identityPath is the JSON path of an identity field's value.
func (p *Profile) identityPath(name string) string {
	i := slices.IndexFunc(p.Identity, func(f HeaderField) bool { return f.Name == name })
	return index("identity", i) + ".value"
}

// agentFault compares the User-Agent with browser.
func (p *Profile) agentFault() *FieldError {
	agent := p.identity("user-agent")
	if agent == "" {
		return nil
	}
	path := p.identityPath("user-agent")
	b := p.Browser
	product := map[string]string{"blink": "Chrome/", "gecko": "Firefox/"}[b.Engine]
	switch {
	case strings.Contains(agent, "Headless"):
		return fault(path, "%q says that there is no window", agent)
	case !strings.Contains(agent, product):
		return fault(path, "%q has no %q, but browser.engine is %q", agent, product, b.Engine)
	case b.Engine != "blink" && strings.Contains(agent, "Chrome/"),
		b.Engine != "gecko" && strings.Contains(agent, "Firefox/"):
		return fault(path, "%q is not of browser.engine, %q", agent, b.Engine)
	case b.Brand == "Microsoft Edge" && !strings.Contains(agent, "Edg"):
		return fault(path, "%q does not name %s", agent, b.Brand)
	}
	if product != "" {
		if got := majorBehind(agent, product); got != b.Major() {
			return fault(path, "is of version %q, but browser.version is %q", got, b.Version)
		}
	}
	return nil
}

// majorBehind returns the digits that follow product in a User-Agent.
func majorBehind(agent, product string) string {
	_, after, _ := strings.Cut(agent, product)
	end := strings.IndexFunc(after, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		return after
	}
	return after[:end]
}

// brandsFault compares the client hints with browser.
func (p *Profile) brandsFault() *FieldError {
	for i, f := range p.Identity {
		if p.Browser.Engine != "blink" && strings.HasPrefix(f.Name, "sec-ch-") {
			return fault(index("identity", i)+".name", "%q, but only blink sends client hints", f.Name)
		}
	}
	brands := p.identity("sec-ch-ua")
	if brands == "" {
		return nil
	}
	path := p.identityPath("sec-ch-ua")
	if strings.Contains(brands, "Headless") {
		return fault(path, "%q says that there is no window", brands)
	}
	for _, brand := range []string{"Chromium", p.Browser.Brand} {
		switch _, after, found := strings.Cut(brands, `"`+brand+`";v="`); {
		case !found:
			return fault(path, "%q holds no %q, which %s sends", brands, brand, p.Browser.Brand)
		case brand != "Microsoft Edge" && majorBehind(after, "") != p.Browser.Major():
			return fault(path, "%q; a %s of version %s sends its own", brands, p.Browser.Brand, p.Browser.Major())
		}
	}
	return nil
}

// agentPlatforms are the words of a User-Agent for each platform.
var agentPlatforms = map[string][]string{
	"Linux": {"Linux"}, "Windows": {"Windows NT"}, "macOS": {"Mac OS X"}, "Android": {"Android"}, "iOS": {"iPhone", "iPad"},
}

// platformFault compares the operating systems that are named.
func (p *Profile) platformFault() *FieldError {
	platform := p.Browser.Platform
	if agent := p.identity("user-agent"); agent != "" {
		words := agentPlatforms[platform]
		if !slices.ContainsFunc(words, func(w string) bool { return strings.Contains(agent, w) }) ||
			platform == "Linux" && strings.Contains(agent, "Android") {
			return fault(p.identityPath("user-agent"), "%q is not of %s, browser.platform", agent, platform)
		}
	}
	if hint := p.identity("sec-ch-ua-platform"); hint != "" && hint != `"`+platform+`"` {
		return fault(p.identityPath("sec-ch-ua-platform"), "%s, but browser.platform is %q", hint, platform)
	}
	if hint := p.identity("sec-ch-ua-mobile"); hint == "?1" && platform != "Android" || hint == "?0" && platform == "Android" {
		want := map[bool]string{true: "?1", false: "?0"}[platform == "Android"]
		return fault(p.identityPath("sec-ch-ua-mobile"), "%s, but a browser on %s sends %s", hint, platform, want)
	}
	return nil
}

// engineFault compares hello and HTTP/2 with the engine.
func (p *Profile) engineFault() *FieldError {
	gecko := p.Browser.Engine == "gecko"
	if p.TLS.Preset == "" {
		grease := slices.Contains(p.TLS.CipherSuites, GREASE)
		switch alpn := p.TLS.extension(helloALPN); {
		case gecko && grease:
			return fault("tls.cipher_suites", "GREASE, which gecko does not send")
		case !gecko && !grease:
			return fault("tls.cipher_suites", "no GREASE, which %s sends", p.Browser.Engine)
		case gecko && p.TLS.Permute:
			return fault("tls.permute", "set, but gecko keeps its order over TCP")
		case alpn >= 0 && !slices.Contains(p.TLS.Extensions[alpn].Protocols, "h2"):
			return fault(index("tls.extensions", alpn)+".protocols", "no h2, but http2 is described")
		}
	}
	first := strings.Join(p.HTTP2.PseudoHeaders, " ")
	if want := map[string]string{"blink": ":method :authority :scheme :path", "gecko": ":method :path :authority :scheme", "webkit": ":method :scheme"}[p.Browser.Engine]; !strings.HasPrefix(first, want) {
		return fault("http2.pseudo_headers", "%q; %s sends %q", first, p.Browser.Engine, want)
	}
	if (p.HTTP2.HPACK.Encoder == HPACKGecko) != gecko {
		return fault("http2.hpack.encoder", "%q with the engine %q", p.HTTP2.HPACK.Encoder, p.Browser.Engine)
	}
	return nil
}

// destinationFault compares what a list says of its destination with what it is
// for, and the fields of its engine.
func (p *Profile) destinationFault() *FieldError {
	if p.Provenance.Headers.Kind == Incomplete {
		return nil
	}
	for i, l := range p.Headers {
		for j, f := range l.Fields {
			path := index(index("headers", i)+".fields", j)
			switch {
			case same(f.Name, "sec-fetch-dest") && f.Value != "" && f.Value != string(l.Destination) && l.Destination != WebSocket:
				return fault(path+".value", "%q in a list for %q", f.Value, l.Destination)
			case f.Value != "" && p.identity(f.Name) != "" && f.Value != p.identity(f.Name):
				return fault(path+".value", "%q, but identity says %q", f.Value, p.identity(f.Name))
			case len(f.Name) > 7 && same(f.Name[:7], "sec-ch-") && p.Browser.Engine != "blink":
				return fault(path+".name", "%q, but %s sends no client hints", f.Name, p.Browser.Engine)
			case l.Wire == OverCleartext && len(f.Name) > 7 && same(f.Name[:7], "sec-ch-"):
				return fault(path+".name", "%q, which needs https", f.Name)
			case same(f.Name, "te") && p.Browser.Engine == "blink":
				return fault(path+".name", "%q, which blink does not send", f.Name)
			case f.Mix != "" && p.Browser.Engine != "blink":
				return fault(path+".mix", "set, but only blink has this table")
			}
		}
	}
	return nil
}
