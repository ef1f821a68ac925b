package fingerprint

import (
	"fmt"
	"slices"
	"strings"
)

// Validate reports the first thing in p that is missing or contradicts another
// part, as a [*FieldError]. Every Profile from Lookup and Parse is valid.
func (p *Profile) Validate() error {
	if e := p.fault(); e != nil {
		return e
	}
	return nil
}

// fault is Validate with a type that cannot hide a nil in an interface.
func (p *Profile) fault() *FieldError {
	if p == nil {
		return &FieldError{Problem: "nil"}
	}
	if p.Name == "" {
		return &FieldError{Path: "name", Problem: "missing"}
	}
	if i := strings.IndexFunc(p.Name, func(r rune) bool { return r <= ' ' || r > '~' }); i >= 0 {
		return fault("name", "%q has a space or a character outside ASCII", p.Name)
	}
	for _, check := range []func() *FieldError{
		p.Browser.fault, p.TLS.fault, p.HTTP2.fault, p.identityFault, p.headersFault, p.absentFault, p.digestsFault, p.Provenance.fault, p.coherenceFault, p.ruleFault, p.notesFault,
	} {
		if e := check(); e != nil {
			return e
		}
	}
	return nil
}

func fault(path, format string, args ...any) *FieldError {
	return &FieldError{Path: path, Problem: fmt.Sprintf(format, args...)}
}

// under puts the path of a part in front of its fault.
func (e *FieldError) under(path string) *FieldError {
	switch {
	case e == nil:
	case e.Path == "":
		e.Path = path
	default:
		e.Path = join(path, e.Path)
	}
	return e
}

// oneOf reports a value that is not one of those allowed.
func oneOf[S ~string](path string, got S, allowed ...S) *FieldError {
	if slices.Contains(allowed, got) {
		return nil
	}
	quoted := make([]string, len(allowed))
	for i, a := range allowed {
		quoted[i] = fmt.Sprintf("%q", a)
	}
	return fault(path, "%q is not one of %s", got, strings.Join(quoted, ", "))
}

func (b Browser) fault() *FieldError {
	switch {
	case b.Brand == "":
		return fault("browser.brand", "missing")
	case b.Version == "":
		return fault("browser.version", "missing")
	case b.Major() == "" || strings.Trim(b.Major(), "0123456789") != "":
		return fault("browser.version", "%q does not begin with a number", b.Version)
	}
	if e := oneOf("browser.engine", b.Engine, "blink", "gecko", "webkit", "okhttp"); e != nil {
		return e
	}
	return oneOf("browser.platform", b.Platform, "Linux", "Windows", "macOS", "Android", "iOS")
}

func (p Provenance) fault() *FieldError {
	for _, part := range []struct {
		path string
		Source
	}{{"tls", p.TLS}, {"http2", p.HTTP2}, {"headers", p.Headers}, {"identity", p.Identity}} {
		if e := oneOf(part.path+".kind", part.Kind, Captured, Derived, Published, Incomplete); e != nil {
			return e.under("provenance")
		}
		if part.From == "" {
			return fault("provenance."+part.path+".from", "missing")
		}
	}
	return nil
}

// digestsFault compares what the source reported with what can be told from p
// without a connection.
func (p *Profile) digestsFault() *FieldError {
	d := p.Digests
	if d.Akamai != "" {
		if got := p.HTTP2.Akamai(); got != d.Akamai {
			return fault("digests.akamai", "%q, but http2 says %q", d.Akamai, got)
		}
	}
	if p.TLS.Permute && d.JA3 != "" {
		return fault("digests.ja3", "set, but tls.permute gives every hello another one")
	}
	if d.JA3 != "" && (len(d.JA3) != 32 || strings.Trim(d.JA3, "0123456789abcdef") != "") {
		return fault("digests.ja3", "%q is not an MD5 in hex", d.JA3)
	}
	for _, j := range []struct{ path, ja4 string }{{"digests.ja4", d.JA4}, {"digests.ja4_resumed", d.JA4Resumed}} {
		if j.ja4 != "" && !isJA4(j.ja4) {
			return fault(j.path, "%q is not a JA4", j.ja4)
		}
	}
	return nil
}

// isJA4 checks the shape of a JA4: ten characters and two times twelve hex digits.
func isJA4(s string) bool {
	if len(s) != 36 || s[10] != '_' || s[23] != '_' {
		return false
	}
	return strings.Trim(s[11:23]+s[24:], "0123456789abcdef") == ""
}
