package tlsconn

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	utls "github.com/refraction-networking/utls"

	"github.com/mien-http/mien/fingerprint"
)

// helloOptions is what a ClientHello needs besides the profile.
type helloOptions struct {
	serverName string
	alpn       []string // nil: the profile's
	ticket     *ticket  // nil: none is offered
}

// A hello is the specification of one ClientHello with the keys behind its
// shares. uTLS writes into it, so that it serves one connection.
type hello struct {
	spec *utls.ClientHelloSpec
	keys *keyring
	alps []alpsOffer
}

// newHello draws a hello from the template t.
func newHello(t *fingerprint.TLS, o helloOptions) (*hello, error) {
	b := &builder{template: t, options: o, keys: &keyring{shared: t.SharedX25519}}
	var spec *utls.ClientHelloSpec
	var err error
	if t.Preset != "" {
		spec, err = b.preset()
	} else {
		spec, err = b.spec()
	}
	if err != nil {
		return nil, err
	}
	return &hello{spec: spec, keys: b.keys, alps: alpsOffers(spec)}, nil
}

// A builder makes one hello.
type builder struct {
	template *fingerprint.TLS
	options  helloOptions
	keys     *keyring
	// used holds the GREASE extension IDs drawn so far: no extension may occur
	// twice (RFC 8446 §4.2).
	used []fingerprint.Code
}

func (b *builder) spec() (*utls.ClientHelloSpec, error) {
	list := make([]fingerprint.Extension, 0, len(b.template.Extensions)+1)
	for _, e := range b.template.Extensions {
		if b.sent(&e) {
			list = append(list, e)
		}
	}
	if b.template.Permute {
		shuffle(list, func(e fingerprint.Extension) bool { return !e.ID.IsGREASE() && e.ID != extPadding })
	}
	spec := &utls.ClientHelloSpec{
		CipherSuites:       convertSlice[uint16](b.template.CipherSuites),
		CompressionMethods: []byte{0},
		Extensions:         make([]utls.TLSExtension, 0, len(list)+1),
	}
	for i := range list {
		e, err := b.extension(&list[i])
		if err != nil {
			return nil, fmt.Errorf("tlsconn: extension %d (%s): %w", list[i].ID, list[i].Name, err)
		}
		spec.Extensions = append(spec.Extensions, e)
	}
	if b.options.ticket.tls13() {
		// Always last (RFC 8446 §4.2.11).
		spec.Extensions = append(spec.Extensions, &utls.UtlsPreSharedKeyExtension{})
	}
	return spec, nil
}

// sent says whether the template's extension is part of this hello.
func (b *builder) sent(e *fingerprint.Extension) bool {
	switch e.ID {
	case extPreSharedKey:
		return false // appended when a ticket is offered
	case extServerName:
		return !unnamed(b.options.serverName)
	case extALPN:
		return b.options.alpn == nil || len(b.options.alpn) > 0
	case extALPS, extALPSOld:
		return b.offersAny(e.Protocols)
	}
	return !e.FreshOnly || !b.options.ticket.tls13()
}

// offersAny reports whether any of protocols survives the caller's choice.
func (b *builder) offersAny(protocols []string) bool {
	return b.options.alpn == nil ||
		slices.ContainsFunc(protocols, func(p string) bool { return slices.Contains(b.options.alpn, p) })
}

// unnamed reports whether host cannot go into server_name (RFC 6066 §3): it is
// empty or an IP literal.
func unnamed(host string) bool {
	return host == "" || net.ParseIP(strings.Trim(host, "[]")) != nil
}

// echGrease draws a GREASE encrypted_client_hello (RFC 9849 §6.2).
func (b *builder) echGrease(g *fingerprint.ECHGrease) (utls.TLSExtension, error) {
	if len(g.AEADs) == 0 || len(g.Payload) == 0 {
		return nil, errors.New("ech: no AEAD or no payload size to draw from")
	}
	if g.EncLen < 0 || g.EncLen > 1<<12 {
		return nil, fmt.Errorf("ech: enc of %d bytes", g.EncLen)
	}
	// Browsers send a public key here, which random bytes are not: the top bit
	// of an X25519 coordinate is never set.
	enc := make([]byte, g.EncLen)
	if g.EncLen == x25519Len {
		enc = newX25519().public // nobody will ever need the private one
	} else {
		rand.Read(enc)
	}
	size := pick(g.Payload)
	if t := b.options.ticket; g.GrowWithPSK && t.tls13() {
		size += roundUp(t.extensionLen()-b.droppedLen(), 32)
	}
	if size <= aeadTagLen || size > 1<<15 {
		return nil, fmt.Errorf("ech: payload of %d bytes", size)
	}
	return &utls.GREASEEncryptedClientHelloExtension{
		CandidateCipherSuites: []utls.HPKESymmetricCipherSuite{{KdfId: uint16(g.KDF), AeadId: uint16(pick(g.AEADs))}},
		EncapsulatedKey:       enc,
		// uTLS counts the plaintext.
		CandidatePayloadLens: []uint16{uint16(size - aeadTagLen)},
	}, nil
}

// droppedLen is the length of the extensions that give way to a ticket.
func (b *builder) droppedLen() int {
	n := 0
	for _, e := range b.template.Extensions {
		if e.FreshOnly {
			n += 4 + len(e.Data)
		}
	}
	return n
}

// aeadTagLen is the length of the tag of every AEAD of HPKE (RFC 9180 §7.3).
const aeadTagLen = 16

func roundUp(n, to int) int { return (n + to - 1) / to * to }
