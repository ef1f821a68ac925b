package fingerprint

import "fmt"

// A ClientHello is a TLS ClientHello (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2) as it
// was on the wire: every list in its order, GREASE values as they were drawn.
// Its slices share the memory of what was parsed. Methods only read, so several
// goroutines may use one as long as none writes to it.
type ClientHello struct {
	LegacyVersion      uint16   // 0x0303 in every current hello
	Random             [32]byte // 32 random bytes
	SessionID          []byte   // 0 to 32 bytes
	CipherSuites       []Code   // in order, GREASE included
	CompressionMethods []byte   // a single 0 in every current hello
	// Extensions in wire order. nil means that the message ends before the
	// extensions, as TLS 1.2 allows; an empty list is written with its length.
	Extensions []RawExtension
	// RecordVersion and RecordLengths describe the TLS records that the message
	// came in: their version, and the bytes of the message in each. Only
	// [ParseClientHelloRecords] sets them.
	RecordVersion uint16
	RecordLengths []int
}

// RawExtension is one extension with its body, byte for byte.
type RawExtension struct {
	ID   Code   // the extension type
	Data []byte // its body, without type and length
}

// helloType is the handshake message type of a ClientHello (RFC 8446 §4).
const helloType = 1

// ParseClientHello reads a handshake message: type, 24-bit length and body, as
// they stand behind the TLS record header, or in a QUIC CRYPTO stream. The
// structure must be sound, and so must the bodies of the extensions that
// digests read (server_name, supported_groups, ec_point_formats,
// signature_algorithms, ALPN, supported_versions, key_share, pre_shared_key);
// other bodies are kept as they are. An error is a [*WireError].
func ParseClientHello(b []byte) (*ClientHello, error) {
	r := &helloReader{b: b, open: true}
	if t := r.uint(1, "message type"); r.err == nil && t != helloType {
		r.fail(0, "message type %d is not ClientHello (1)", t)
	}
	body := r.vector(3, "message")
	if body.err == nil {
		r.end("message")
	}
	if r.err != nil {
		return nil, r.err
	}
	h := &ClientHello{}
	h.LegacyVersion = uint16(body.uint(2, "legacy_version"))
	copy(h.Random[:], body.take(32, "random"))
	id := body.vector(1, "session id")
	if h.SessionID = id.b; len(id.b) > 32 {
		id.fail(id.base-1, "session id: length %d is above 32", len(id.b))
	}
	body.join(id)
	suites := body.vector(2, "cipher suites")
	h.CipherSuites = suites.codes("cipher suites")
	body.join(suites)
	methods := body.vector(1, "compression methods")
	h.CompressionMethods = methods.b
	body.join(methods)
	if body.more() {
		h.Extensions = helloExtensions(body)
	}
	if body.err != nil {
		return nil, body.err
	}
	return h, nil
}

// helloExtensions reads the extension block, which is all that r has left.
func helloExtensions(r *helloReader) []RawExtension {
	list := r.vector(2, "extensions")
	r.end("extensions")
	out := []RawExtension{}
	seen := map[Code]bool{}
	for r.join(list); r.err == nil && list.more(); r.join(list) {
		at := list.offset()
		id := Code(list.uint(2, "extension"))
		if seen[id] {
			list.fail(at, "extension %d occurs twice", id)
		}
		seen[id] = true
		body := list.vector(2, fmt.Sprintf("extension %d", id))
		if list.err != nil {
			continue
		}
		if helloStrict(id) {
			_, err := helloParseBody(id, body.b, body.base)
			list.err = err
		}
		out = append(out, RawExtension{ID: id, Data: body.b})
	}
	return out
}

// Marshal returns the handshake message: for a parsed ClientHello the bytes it
// was parsed from. It returns nil if a part is too long for the length that
// precedes it, which no parsed ClientHello is.
func (h *ClientHello) Marshal() []byte {
	b := []byte{helloType, 0, 0, 0, byte(h.LegacyVersion >> 8), byte(h.LegacyVersion)}
	b = append(b, h.Random[:]...)
	if len(h.SessionID) > 32 || len(h.CompressionMethods) > 0xff || len(h.CipherSuites) > 0x7fff {
		return nil
	}
	b = append(b, byte(len(h.SessionID)))
	b = append(b, h.SessionID...)
	b = helloAppend16(b, 2*len(h.CipherSuites))
	for _, c := range h.CipherSuites {
		b = helloAppend16(b, int(c))
	}
	b = append(b, byte(len(h.CompressionMethods)))
	b = append(b, h.CompressionMethods...)
	if h.Extensions != nil {
		at := len(b)
		b = append(b, 0, 0)
		for _, e := range h.Extensions {
			if len(e.Data) > 0xffff {
				return nil
			}
			b = helloAppend16(b, int(e.ID))
			b = helloAppend16(b, len(e.Data))
			b = append(b, e.Data...)
		}
		n := len(b) - at - 2
		if n > 0xffff {
			return nil
		}
		b[at], b[at+1] = byte(n>>8), byte(n)
	}
	n := len(b) - 4
	b[1], b[2], b[3] = byte(n>>16), byte(n>>8), byte(n)
	return b
}

func helloAppend16(b []byte, v int) []byte { return append(b, byte(v>>8), byte(v)) }
