package fingerprint

// ja3Body knows what a JA3 says about the content of extensions.
type ja3Body struct {
	groups  []Code
	formats []byte // with their length before them
	h2      bool   // HTTP/2 is offered
	padded  bool   // the hello has padding, which none beyond 512 bytes has
}

// ja3Signatures are those that most clients offer first (RFC 8446 §4.2.3), in
// the order of Chromium.
var ja3Signatures = []Code{0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601}

// extension makes the extension id with the content that most clients give it.
func (b *ja3Body) extension(id Code) (Extension, *FieldError) {
	x := Extension{ID: id}
	switch id {
	case helloServerName, 18, 21, 22, 23, extSessionTicket, 49, 13172, 30032:
		// signed_certificate_timestamp, padding, encrypt_then_mac,
		// extended_master_secret, post_handshake_auth, next_protocol_negotiation
		// and channel_id have no content of their own.
	case 5: // status_request: OCSP, no responders, no extensions (RFC 6066 §8)
		x.Data = HexBytes{1, 0, 0, 0, 0}
	case helloGroups:
		x.Codes = b.groups
	case helloPointFormats:
		x.Data = b.formats
	case helloSignatureAlgorithms:
		x.Codes = append(x.Codes, ja3Signatures...)
	case helloALPN:
		x.Protocols = []string{"http/1.1"}
		if b.h2 {
			x.Protocols = []string{"h2", "http/1.1"}
		}
	case 17: // status_request_v2: ocsp_multi, as in status_request (RFC 6961 §2.2)
		x.Data = HexBytes{0, 7, 2, 0, 4, 0, 0, 0, 0}
	case helloCompressCertificate:
		x.Codes = []Code{2} // brotli
	case 28: // record_size_limit: the most that TLS 1.3 allows (RFC 8449 §4)
		x.Data = HexBytes{0x40, 0x01}
	case helloDelegatedCredential:
		x.Codes = []Code{0x0403, 0x0503, 0x0603, 0x0203}
	case helloVersions:
		x.Codes = []Code{0x0304, 0x0303}
	case helloPSKModes: // psk_dhe_ke
		x.Data = HexBytes{1, 1}
	case 50: // signature_algorithms_cert
		x.Data = helloAppend16(nil, 2*len(ja3Signatures))
		for _, s := range ja3Signatures {
			x.Data = helloAppend16(x.Data, int(s))
		}
	case helloKeyShare:
		if x.KeyShares = b.shares(); x.KeyShares == nil {
			return x, fault("", "key_share is there, but no group that a key can be made for")
		}
	case helloALPSOld, helloALPS:
		x.Protocols = []string{"h2"}
	case helloECH:
		x.ECH = &ECHGrease{KDF: 1, AEADs: []Code{1}, EncLen: 32, Payload: []int{144, 176, 208, 240}}
	case 65281: // renegotiation_info of a first handshake (RFC 5746 §3.4)
		x.Data = HexBytes{0}
	case helloPreSharedKey, helloEarlyData:
		return x, fault("", "extension %d is that of a connection that resumes another; take the JA3 of a first one", id)
	case 44:
		return x, fault("", "cookie answers a HelloRetryRequest; take the JA3 of a first hello")
	case helloQUICParameters:
		return x, fault("", "quic_transport_parameters belongs to QUIC, not to TLS over TCP")
	default:
		return x, fault("", "extension %d: a JA3 does not hold its content, and no common one is known", id)
	}
	return x, nil
}

// Groups that a key can be made for, beside those named in validatetls.go.
const (
	groupP256                  Code = 0x0017
	groupP384                  Code = 0x0018
	groupP521                  Code = 0x0019
	groupX25519Kyber768Draft00 Code = 0x6399
)

// shares offers a hybrid key, unless that would leave no room for padding, and
// the first of the classic ones, as Chromium and Safari do.
func (b *ja3Body) shares() []KeyShare {
	var out, hybrids []KeyShare
	for _, g := range b.groups {
		switch g {
		case groupX25519MLKEM768, groupX25519Kyber768Draft00:
			if len(hybrids) == 0 {
				hybrids = []KeyShare{{Group: g}}
			}
		case groupX25519, groupP256, groupP384, groupP521:
			if len(out) == 0 {
				out = []KeyShare{{Group: g}}
			}
		}
	}
	if b.padded && len(out) > 0 {
		return out
	}
	return append(hybrids, out...)
}
