package fingerprint

// TLS describes a ClientHello (RFC 8446 §4.1.2) and what of it varies between
// connections. Either Preset is set and the rest is empty, or the rest is set.
type TLS struct {
	// Preset names a ClientHelloID of uTLS, "HelloChrome_133". The connection
	// then takes its whole hello from there.
	Preset string `json:"preset,omitempty"`
	// CipherSuites in wire order. GREASE stands for a value drawn per connection.
	CipherSuites []Code `json:"cipher_suites,omitempty"`
	// Extensions in wire order; of a permuting browser in the order of one capture.
	Extensions []Extension `json:"extensions,omitempty"`
	// Permute: every connection shuffles the extensions, except that GREASE
	// keeps its place and pre_shared_key stays last (Chromium since 110).
	Permute bool `json:"permute,omitempty"`
	// SharedX25519: the X25519 half of the X25519MLKEM768 share is the same key
	// as the X25519 share (Firefox). Chromium draws two.
	SharedX25519 bool `json:"shared_x25519,omitempty"`
}

// Code is a 16-bit TLS code point: a cipher suite, extension, group, signature
// scheme or version. In JSON it is "0x1301", or "GREASE".
type Code uint16

// GREASE is the placeholder for a reserved value of RFC 8701, drawn per
// connection (one draw per place in the hello, as the browser does).
const GREASE Code = 0x0a0a

// IsGREASE reports whether c is one of the sixteen values reserved by RFC 8701.
func (c Code) IsGREASE() bool { return c&0x0f0f == 0x0a0a && byte(c>>8) == byte(c) }

// Extension is one extension of a ClientHello template. At most one of Codes,
// Protocols, KeyShares, ECH and Data is set, as the ID demands; an extension
// with none of them has an empty body, or one that the connection fills in
// (server_name, session_ticket, pre_shared_key).
type Extension struct {
	ID Code `json:"id"`
	// Name is the IANA name, for the reader. Parse checks it against ID.
	Name string `json:"name,omitempty"`
	// Codes is the list of supported_groups (10), signature_algorithms (13),
	// compress_certificate (27), delegated_credential (34), supported_versions (43).
	Codes []Code `json:"codes,omitempty"`
	// Protocols is the list of application_layer_protocol_negotiation (16) and
	// application_settings (17513, 17613).
	Protocols []string `json:"protocols,omitempty"`
	// KeyShares is the list of key_share (51).
	KeyShares []KeyShare `json:"key_shares,omitempty"`
	// ECH is the shape of a GREASE encrypted_client_hello (65037).
	ECH *ECHGrease `json:"ech,omitempty"`
	// Data is the body, byte for byte, of every other extension.
	Data HexBytes `json:"data,omitempty"`
	// FreshOnly: left out of a hello that offers a TLS 1.3 ticket
	// (Firefox drops session_ticket then).
	FreshOnly bool `json:"fresh_only,omitempty"`
}

// KeyShare is one entry of key_share. The connection makes the key; Data is
// set for GREASE alone.
type KeyShare struct {
	Group Code     `json:"group"` // of the key
	Data  HexBytes `json:"data,omitempty"`
}

// ECHGrease is the shape of a GREASE encrypted_client_hello extension
// (RFC 9849 §6.2): what the browser draws from.
type ECHGrease struct {
	KDF     Code   `json:"kdf"`      // of the HPKE suite
	AEADs   []Code `json:"aeads"`    // one drawn per connection, uniformly
	EncLen  int    `json:"enc_len"`  // bytes
	Payload []int  `json:"payloads"` // bytes, tag included; one drawn per connection, uniformly
	// GrowWithPSK: with a ticket the payload grows by what the hello grew,
	// rounded up to 32 bytes (Firefox).
	GrowWithPSK bool `json:"grow_with_psk,omitempty"`
}

// HexBytes is a byte string that JSON writes in hex.
type HexBytes []byte
