package capture

import (
	"fmt"
	"slices"

	fp "github.com/mien-http/mien/fingerprint"
)

// A RandomField is a part of a ClientHello that a browser draws anew for each
// connection, or that belongs to the connection and not to the browser. Only
// these may differ between two hellos of one browser.
type RandomField struct {
	Name string // in words
	Why  string // what makes it vary
	// applies says whether a browser with this template draws the field.
	applies func(t *fp.TLS) bool
	// value is what stands there, in a form that can be compared.
	value func(h *fp.ClientHello) string
}

// Value returns what stands in the field, in a form that can be compared.
func (f RandomField) Value(h *fp.ClientHello) string { return f.value(h) }

// AppliesTo reports whether a browser of this look draws the field.
func (f RandomField) AppliesTo(t *fp.TLS) bool { return f.applies(t) }

// RandomFields lists what may differ between two hellos of one browser. The slice
// is the caller's own.
func RandomFields() []RandomField {
	always := func(*fp.TLS) bool { return true }
	greased := func(t *fp.TLS) bool { return slices.Contains(t.CipherSuites, fp.GREASE) }
	ech := func(ok func(*fp.ECHGrease) bool) func(*fp.TLS) bool {
		return func(t *fp.TLS) bool {
			e := templateOf(t, extECH)
			return e != nil && e.ECH != nil && ok(e.ECH)
		}
	}
	any := func(*fp.ECHGrease) bool { return true }
	return []RandomField{
		{"random", "drawn", always, func(h *fp.ClientHello) string { return fmt.Sprintf("%x", h.Random) }},
		{"session id", "drawn", always, func(h *fp.ClientHello) string { return fmt.Sprintf("%x", h.SessionID) }},
		{"order of the extensions", "permuted, GREASE at both ends", func(t *fp.TLS) bool { return t.Permute }, func(h *fp.ClientHello) string { return fmt.Sprint(ids(h)) }},
		{"GREASE cipher suite", "drawn", greased, func(h *fp.ClientHello) string { return firstGREASE(h.CipherSuites) }},
		{"GREASE group", "drawn, the same as in key_share", greased, func(h *fp.ClientHello) string { return firstGREASE(h.Groups()) }},
		{"GREASE version", "drawn", greased, func(h *fp.ClientHello) string { return firstGREASE(h.Versions()) }},
		{"GREASE signature algorithm", "drawn independently", func(t *fp.TLS) bool {
			e := templateOf(t, extSignatures)
			return e != nil && slices.Contains(e.Codes, fp.GREASE)
		}, func(h *fp.ClientHello) string { return firstGREASE(h.SignatureAlgorithms()) }},
		{"GREASE extensions", "drawn, two different ones", greased, func(h *fp.ClientHello) string {
			var all []fp.Code
			for _, e := range h.Extensions {
				if e.ID.IsGREASE() {
					all = append(all, e.ID)
				}
			}
			return codesInHex(all)
		}},
		{"public keys", "of the connection", always, func(h *fp.ClientHello) string {
			s := ""
			for _, k := range h.KeyShares() {
				if !k.Group.IsGREASE() {
					s += fmt.Sprintf("%x ", k.Data)
				}
			}
			return s
		}},
		{"ECH AEAD", "drawn from two", ech(func(g *fp.ECHGrease) bool { return len(g.AEADs) > 1 }), func(h *fp.ClientHello) string { e, _ := h.ECH(); return e.AEAD.String() }},
		{"ECH config id", "drawn", ech(any), func(h *fp.ClientHello) string { e, _ := h.ECH(); return fmt.Sprint(e.ConfigID) }},
		{"ECH key", "drawn", ech(any), func(h *fp.ClientHello) string { e, _ := h.ECH(); return fmt.Sprintf("%x", e.Enc) }},
		{"ECH payload", "drawn", ech(any), func(h *fp.ClientHello) string { e, _ := h.ECH(); return fmt.Sprintf("%x", e.Payload) }},
		{"ECH payload length", "drawn from a few", ech(func(g *fp.ECHGrease) bool { return len(g.Payload) > 1 }), func(h *fp.ClientHello) string { e, _ := h.ECH(); return fmt.Sprint(len(e.Payload)) }},
	}
}

func codesInHex(codes []fp.Code) string {
	s := ""
	for _, c := range codes {
		s += fmt.Sprintf("%04x ", uint16(c))
	}
	return s
}

// firstGREASE is the reserved value in a list, in hex.
func firstGREASE(codes []fp.Code) string {
	for _, c := range codes {
		if c.IsGREASE() {
			return fmt.Sprintf("%04x", uint16(c))
		}
	}
	return ""
}

// templateOf returns the extension id of the template, or nil.
func templateOf(t *fp.TLS, id fp.Code) *fp.Extension {
	for i := range t.Extensions {
		if t.Extensions[i].ID == id {
			return &t.Extensions[i]
		}
	}
	return nil
}
