package fingerprint

import (
	"slices"
	"strconv"
	"strings"
)

// notesFault reports an empty note.
func (p *Profile) notesFault() *FieldError {
	if i := slices.Index(p.Notes, ""); i >= 0 {
		return fault(index("notes", i), "is empty")
	}
	return nil
}

// incomplete says that p was made of what does not hold an identity, so that no
// part of it can contradict another.
func (p *Profile) incomplete() bool { return p.Provenance.Identity.Kind == Incomplete }

// ruleFault compares an identity with rules that a recording is not needed for:
// which brands Chromium lists, and what is Safari's own.
func (p *Profile) ruleFault() *FieldError {
	if p.incomplete() {
		return nil
	}
	for i, f := range p.Identity {
		if strings.HasPrefix(f.Name, "sec-ch-") && p.Browser.Engine != "blink" {
			return fault(index("identity", i)+".name", "%q, but only blink sends client hints, and browser.engine is %q", f.Name, p.Browser.Engine)
		}
	}
	for i, l := range p.Headers {
		for j, f := range l.Fields {
			if own := p.identity(f.Name); own != "" && f.Value != "" && f.Value != own {
				return fault(index(index("headers", i)+".fields", j)+".value", "%q, but identity says %q", f.Value, own)
			}
		}
	}
	switch p.Browser.Engine {
	case "blink":
		return p.brandRuleFault()
	case "webkit":
		return p.webkitFault()
	}
	return nil
}

// brandRuleFault knows the lists of Chromium's own brands; other vendors may have
// a rule for what they add.
func (p *Profile) brandRuleFault() *FieldError {
	brands, own := p.identity("sec-ch-ua"), p.Browser.Brand == "Google Chrome" || p.Browser.Brand == "Chromium"
	major, err := strconv.Atoi(p.Browser.Major())
	if brands == "" || !own || err != nil || major < brandsSince {
		return nil
	}
	if want := Brands(p.Browser.Brand, major); brands != want {
		return fault(p.identityPath("sec-ch-ua"), "%s, but %s %d sends %s", brands, p.Browser.Brand, major, want)
	}
	return nil
}

// webkitFault compares what all Safaris have in common.
func (p *Profile) webkitFault() *FieldError {
	if agent := p.identity("user-agent"); agent != "" {
		if got := majorBehind(agent, "Version/"); got != p.Browser.Major() {
			return fault(p.identityPath("user-agent"), "%q names version %q, browser.version %s", agent, got, p.Browser.Major())
		}
	}
	switch order := strings.Join(p.HTTP2.PseudoHeaders, " "); order {
	case ":method :scheme :path :authority", ":method :scheme :authority :path":
	default:
		return fault("http2.pseudo_headers", "%q is not the order of webkit", order)
	}
	if p.TLS.Preset == "" && !slices.Contains(p.TLS.CipherSuites, GREASE) {
		return fault("tls.cipher_suites", "no GREASE, which webkit sends")
	}
	return nil
}
