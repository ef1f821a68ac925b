package fingerprint

import "slices"

// Bounds of a ClientHello's vectors (RFC 8446 §4.1.2).
const (
	maxCipherSuites  = 1 << 15
	maxExtensionData = 1<<16 - 1
)

func (t TLS) fault() *FieldError { return t.check().under("tls") }

func (t TLS) check() *FieldError {
	if t.Preset != "" {
		if !isPreset(t.Preset) {
			return fault("preset", "%q is not a preset of uTLS", t.Preset)
		}
		if len(t.CipherSuites) > 0 || len(t.Extensions) > 0 || t.Permute || t.SharedX25519 {
			return fault("preset", "set, but the hello is described as well")
		}
		return nil
	}
	if len(t.CipherSuites) == 0 {
		return fault("cipher_suites", "missing")
	}
	if len(t.CipherSuites) >= maxCipherSuites {
		return fault("cipher_suites", "%d are too many", len(t.CipherSuites))
	}
	if e := codesFault("cipher_suites", t.CipherSuites, true, false); e != nil {
		return e
	}
	if len(t.Extensions) == 0 {
		return fault("extensions", "missing")
	}
	for i, e := range t.Extensions {
		path := index("extensions", i)
		if f := e.check(); f != nil {
			return f.under(path)
		}
		for j := range i {
			if t.Extensions[j].ID == e.ID && e.ID != GREASE {
				return fault(path+".id", "%s is tls.%s already", e.ID, index("extensions", j))
			}
		}
	}
	return t.sharesFault()
}

// sharesFault checks what the extensions say of each other.
func (t TLS) sharesFault() *FieldError {
	groups, shares := t.extension(helloGroups), t.extension(helloKeyShare)
	if shares < 0 {
		return nil
	}
	path := index("extensions", shares) + ".key_shares"
	if groups < 0 {
		return fault(path, "set without supported_groups")
	}
	var hybrid, x25519 bool
	for i, s := range t.Extensions[shares].KeyShares {
		if !slices.Contains(t.Extensions[groups].Codes, s.Group) {
			return fault(index(path, i)+".group", "%s is not in supported_groups", s.Group)
		}
		hybrid = hybrid || s.Group == groupX25519MLKEM768
		x25519 = x25519 || s.Group == groupX25519
	}
	if t.SharedX25519 && !(hybrid && x25519) {
		return fault("shared_x25519", "set, but key_share has not both X25519MLKEM768 and X25519")
	}
	return nil
}

// Named groups (IANA, TLS Supported Groups).
const (
	groupX25519         Code = 0x001d
	groupX25519MLKEM768 Code = 0x11ec
)

// extension returns the place of the extension id, or -1.
func (t TLS) extension(id Code) int {
	return slices.IndexFunc(t.Extensions, func(e Extension) bool { return e.ID == id })
}

func (e Extension) check() *FieldError {
	if f := e.nameFault(); f != nil {
		return f
	}
	if e.ID.IsGREASE() && e.ID != GREASE {
		return fault("id", "%s is a reserved value; write \"GREASE\"", e.ID)
	}
	want := e.bodyKind()
	for _, part := range []struct {
		name string
		set  bool
	}{
		{"codes", len(e.Codes) > 0},
		{"protocols", len(e.Protocols) > 0},
		{"key_shares", len(e.KeyShares) > 0},
		{"ech", e.ECH != nil},
		{"data", len(e.Data) > 0},
	} {
		switch {
		case part.set && want == "":
			return fault(part.name, "extension %d is filled in by the connection", e.ID)
		case part.set && part.name != want:
			return fault(part.name, "extension %d holds %s", e.ID, want)
		case !part.set && part.name == want && want != "data":
			return fault(part.name, "missing in extension %d", e.ID)
		}
	}
	if len(e.Data) > maxExtensionData {
		return fault("data", "%d bytes, more than %d", len(e.Data), maxExtensionData)
	}
	if e.ID == helloPreSharedKey {
		return fault("id", "pre_shared_key is added by the connection, last")
	}
	return e.contentFault()
}

// bodyKind returns the JSON name of the part that describes the extension's
// body, or "" where the connection makes it.
func (e Extension) bodyKind() string {
	switch e.ID {
	case helloGroups, helloSignatureAlgorithms, helloCompressCertificate, helloDelegatedCredential, helloVersions:
		return "codes"
	case helloALPN, helloALPSOld, helloALPS:
		return "protocols"
	case helloKeyShare:
		return "key_shares"
	case helloECH:
		return "ech"
	case helloServerName, helloPreSharedKey, extSessionTicket:
		return ""
	}
	return "data"
}

func (e Extension) contentFault() *FieldError {
	// Safari lists rsa_pss_rsae_sha384 twice.
	if f := codesFault("codes", e.Codes, e.ID != helloCompressCertificate, e.ID == helloSignatureAlgorithms); f != nil {
		return f
	}
	for i, p := range e.Protocols {
		if len(p) == 0 || len(p) > 255 {
			return fault(index("protocols", i), "%d bytes; a protocol has 1 to 255", len(p))
		}
	}
	for i, s := range e.KeyShares {
		path := index("key_shares", i)
		switch {
		case s.Group == GREASE && len(s.Data) == 0:
			return fault(path+".data", "missing for GREASE")
		case s.Group != GREASE && len(s.Data) > 0:
			return fault(path+".data", "set, but the connection makes the key of %s", s.Group)
		}
		if slices.ContainsFunc(e.KeyShares[:i], func(o KeyShare) bool { return o.Group == s.Group }) {
			return fault(path+".group", "%s given twice", s.Group)
		}
	}
	if e.ECH == nil {
		return nil
	}
	return e.ECH.check().under("ech")
}

func (g *ECHGrease) check() *FieldError {
	if len(g.AEADs) == 0 {
		return fault("aeads", "missing")
	}
	if g.EncLen <= 0 || g.EncLen > 1<<12 {
		return fault("enc_len", "%d is not the length of an encapsulated key", g.EncLen)
	}
	if len(g.Payload) == 0 {
		return fault("payloads", "missing")
	}
	for i, n := range g.Payload {
		if n <= 16 || n > 1<<14 {
			return fault(index("payloads", i), "%d is not the length of a sealed hello", n)
		}
	}
	return nil
}

// codesFault reports a code point given twice where repeats are not allowed, and
// reserved values other than the placeholder. GREASE may stand in a list once.
func codesFault(path string, codes []Code, grease, repeats bool) *FieldError {
	for i, c := range codes {
		switch {
		case c == GREASE && !grease:
			return fault(index(path, i), "GREASE has no place here")
		case c != GREASE && c.IsGREASE() && grease:
			return fault(index(path, i), "%s is a reserved value; write \"GREASE\"", c)
		case (!repeats || c == GREASE) && slices.Contains(codes[:i], c):
			return fault(index(path, i), "%s given twice", c)
		}
	}
	return nil
}
