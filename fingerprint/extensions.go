package fingerprint

// Extension code points (IANA, TLS ExtensionType Values).
const (
	helloServerName          Code = 0
	helloGroups              Code = 10
	helloPointFormats        Code = 11
	helloSignatureAlgorithms Code = 13
	helloALPN                Code = 16
	helloCompressCertificate Code = 27
	helloDelegatedCredential Code = 34
	helloPreSharedKey        Code = 41
	helloEarlyData           Code = 42
	helloVersions            Code = 43
	helloPSKModes            Code = 45
	helloKeyShare            Code = 51
	helloQUICParameters      Code = 57
	helloALPSOld             Code = 17513
	helloALPS                Code = 17613
	helloECH                 Code = 65037
)

// A PSKIdentity is one ticket that a ClientHello offers (RFC 8446 §4.2.11).
type PSKIdentity struct {
	Identity      []byte // the ticket
	ObfuscatedAge uint32 // milliseconds, with the ticket's secret added
	Binder        []byte // the MAC over the hello up to here
}

// ECHOuter is the body of an encrypted_client_hello extension in an outer
// ClientHello (RFC 9849 §5), GREASE or not: they look alike.
type ECHOuter struct {
	KDF, AEAD Code   // of the HPKE suite, with AEAD
	ConfigID  byte   // random in GREASE
	Enc       []byte // the encapsulated key
	Payload   []byte // the encrypted inner hello, or random bytes in GREASE
}

// Extension returns the body of the extension id, and whether there is one.
func (h *ClientHello) Extension(id Code) (data []byte, ok bool) {
	for _, e := range h.Extensions {
		if e.ID == id {
			return e.Data, true
		}
	}
	return nil, false
}

// ServerName returns the host name of server_name, "" without one.
func (h *ClientHello) ServerName() string { return h.body(helloServerName).name }

// ALPN returns the protocols of application_layer_protocol_negotiation.
func (h *ClientHello) ALPN() []string { return h.body(helloALPN).protocols }

// ALPS returns the protocols of application_settings, under its number since
// Chrome 133 (17613) or the one before (17513).
func (h *ClientHello) ALPS() []string {
	if p := h.body(helloALPS).protocols; p != nil {
		return p
	}
	return h.body(helloALPSOld).protocols
}

// Groups returns supported_groups, GREASE included.
func (h *ClientHello) Groups() []Code { return h.body(helloGroups).codes }

// PointFormats returns ec_point_formats.
func (h *ClientHello) PointFormats() []byte { return h.body(helloPointFormats).bytes }

// SignatureAlgorithms returns signature_algorithms, GREASE included.
func (h *ClientHello) SignatureAlgorithms() []Code { return h.body(helloSignatureAlgorithms).codes }

// Versions returns supported_versions, GREASE included.
func (h *ClientHello) Versions() []Code { return h.body(helloVersions).codes }

// CertificateCompression returns the algorithms of compress_certificate.
func (h *ClientHello) CertificateCompression() []Code {
	return h.body(helloCompressCertificate).codes
}

// DelegatedCredentials returns the schemes of delegated_credential.
func (h *ClientHello) DelegatedCredentials() []Code { return h.body(helloDelegatedCredential).codes }

// PSKModes returns psk_key_exchange_modes.
func (h *ClientHello) PSKModes() []byte { return h.body(helloPSKModes).bytes }

// KeyShares returns the entries of key_share with the public keys as Data.
func (h *ClientHello) KeyShares() []KeyShare { return h.body(helloKeyShare).shares }

// PSKs returns the tickets that pre_shared_key offers.
func (h *ClientHello) PSKs() []PSKIdentity { return h.body(helloPreSharedKey).psks }

// HasPSK reports whether there is a pre_shared_key extension.
func (h *ClientHello) HasPSK() bool { return h.has(helloPreSharedKey) }

// HasEarlyData reports whether there is an early_data extension (0-RTT).
func (h *ClientHello) HasEarlyData() bool { return h.has(helloEarlyData) }

// ECH returns the encrypted_client_hello extension, and whether there is one
// of the outer kind.
func (h *ClientHello) ECH() (ech ECHOuter, ok bool) {
	if b := h.body(helloECH); b.ech != nil {
		return *b.ech, true
	}
	return ECHOuter{}, false
}

func (h *ClientHello) has(id Code) bool {
	_, ok := h.Extension(id)
	return ok
}

// body returns what the extension id holds: nothing if it is absent or broken.
func (h *ClientHello) body(id Code) helloBody {
	if data, ok := h.Extension(id); ok {
		if b, err := helloParseBody(id, data, 0); err == nil {
			return b
		}
	}
	return helloBody{}
}

// helloBody is the content of an extension; its ID says which field is used.
type helloBody struct {
	name      string
	codes     []Code
	bytes     []byte
	protocols []string
	shares    []KeyShare
	psks      []PSKIdentity
	ech       *ECHOuter
}

// helloStrict reports whether a broken body of this extension makes the whole
// ClientHello unreadable.
func helloStrict(id Code) bool {
	switch id {
	case helloServerName, helloGroups, helloPointFormats, helloSignatureAlgorithms,
		helloALPN, helloPreSharedKey, helloVersions, helloKeyShare:
		return true
	}
	return false
}

// helloParseBody reads an extension body that starts at offset base.
func helloParseBody(id Code, data []byte, base int) (helloBody, *WireError) {
	r := &helloReader{b: data, base: base}
	var out helloBody
	list := func(prefix int, what string) *helloReader { // the vector that is the whole body
		v := r.vector(prefix, what)
		r.end(what)
		return v
	}
	var v *helloReader
	switch id {
	case helloServerName:
		v = list(2, "server_name")
		for v.more() {
			typ := v.uint(1, "server_name type")
			name := v.vector(2, "server_name")
			if v.join(name); typ == 0 && out.name == "" {
				out.name = string(name.b)
			}
		}
	case helloGroups:
		v = list(2, "supported_groups")
		out.codes = v.codes("supported_groups")
	case helloSignatureAlgorithms:
		v = list(2, "signature_algorithms")
		out.codes = v.codes("signature_algorithms")
	case helloDelegatedCredential:
		v = list(2, "delegated_credential")
		out.codes = v.codes("delegated_credential")
	case helloVersions:
		v = list(1, "supported_versions")
		out.codes = v.codes("supported_versions")
	case helloCompressCertificate:
		v = list(1, "compress_certificate")
		out.codes = v.codes("compress_certificate")
	case helloPointFormats:
		v = list(1, "ec_point_formats")
		out.bytes = v.b
	case helloPSKModes:
		v = list(1, "psk_key_exchange_modes")
		out.bytes = v.b
	case helloALPN, helloALPS, helloALPSOld:
		v = list(2, "protocol list")
		for v.more() {
			p := v.vector(1, "protocol")
			if p.err == nil && len(p.b) == 0 {
				p.fail(p.base-1, "protocol: an empty name")
			}
			v.join(p)
			out.protocols = append(out.protocols, string(p.b))
		}
	case helloKeyShare:
		v = list(2, "key_share")
		for v.more() {
			group := Code(v.uint(2, "key_share group"))
			key := v.vector(2, "key_share key")
			v.join(key)
			out.shares = append(out.shares, KeyShare{Group: group, Data: HexBytes(key.b)})
		}
	case helloPreSharedKey:
		v = helloPSKs(r, &out)
	case helloECH:
		v = helloOuterECH(r, &out)
	default:
		return out, nil
	}
	if v.join(r); v.err != nil {
		return helloBody{}, v.err
	}
	return out, nil
}

// helloPSKs reads the identities and, matched to them, the binders.
func helloPSKs(r *helloReader, out *helloBody) *helloReader {
	ids := r.vector(2, "pre_shared_key identities")
	for ids.more() {
		id := ids.vector(2, "pre_shared_key identity")
		ids.join(id)
		age := ids.uint(4, "pre_shared_key age")
		out.psks = append(out.psks, PSKIdentity{Identity: id.b, ObfuscatedAge: uint32(age)})
	}
	r.join(ids)
	binders := r.vector(2, "pre_shared_key binders")
	n := 0
	for ; binders.more(); n++ {
		binder := binders.vector(1, "pre_shared_key binder")
		if binders.join(binder); n < len(out.psks) {
			out.psks[n].Binder = binder.b
		}
	}
	r.join(binders)
	if r.err == nil && n != len(out.psks) {
		r.fail(binders.base, "pre_shared_key: %d binders for %d identities", n, len(out.psks))
	}
	r.end("pre_shared_key")
	return r
}

// helloOuterECH reads the outer form; the inner form has no content.
func helloOuterECH(r *helloReader, out *helloBody) *helloReader {
	if r.uint(1, "encrypted_client_hello type") != 0 {
		return r
	}
	ech := &ECHOuter{}
	ech.KDF = Code(r.uint(2, "encrypted_client_hello KDF"))
	ech.AEAD = Code(r.uint(2, "encrypted_client_hello AEAD"))
	ech.ConfigID = byte(r.uint(1, "encrypted_client_hello config id"))
	enc := r.vector(2, "encrypted_client_hello enc")
	r.join(enc)
	payload := r.vector(2, "encrypted_client_hello payload")
	r.join(payload)
	r.end("encrypted_client_hello")
	ech.Enc, ech.Payload = enc.b, payload.b
	out.ech = ech
	return r
}
