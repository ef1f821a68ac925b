package capture

import (
	"bytes"
	"fmt"
	"slices"

	fp "github.com/mien-http/mien/fingerprint"
)

// learnExtension describes one extension by what it was in all fresh hellos.
// grease counts the GREASE extensions before it.
func learnExtension(raw fp.RawExtension, grease int, fresh []Hello) (*fp.Extension, error) {
	e := &fp.Extension{ID: raw.ID, Name: raw.ID.ExtensionName()}
	if raw.ID.IsGREASE() {
		e.ID, e.Name = fp.GREASE, ""
	}
	switch raw.ID {
	case extServerName, extTicket, extPSK:
		return e, nil
	case extECH:
		var err error
		e.ECH, err = learnECH(fresh)
		return e, err
	case extKeyShare:
		var err error
		e.KeyShares, err = learnShares(fresh)
		return e, err
	}
	first := fresh[0]
	for _, h := range fresh {
		got := body(h.Hello, raw.ID, grease)
		switch raw.ID {
		case extGroups, extSignatures, extCompress, extDelegated, extVersions:
			codes := codesOf(h.Hello, raw.ID)
			if h.File == first.File {
				e.Codes = codes
			}
			if !slices.Equal(codes, e.Codes) {
				return nil, varies(e, first, h)
			}
		case extALPN, extALPS, extALPSOld:
			protocols := h.Hello.ALPN()
			if raw.ID != extALPN {
				protocols = h.Hello.ALPS()
			}
			if h.File == first.File {
				e.Protocols = protocols
			}
			if !slices.Equal(protocols, e.Protocols) {
				return nil, varies(e, first, h)
			}
		default:
			if !bytes.Equal(got, raw.Data) {
				return nil, varies(e, first, h)
			}
			if len(raw.Data) > 0 {
				e.Data = raw.Data
			}
		}
	}
	return e, nil
}

func varies(e *fp.Extension, a, b Hello) error {
	return fmt.Errorf("%s and %s differ in extension %s (%s), which no browser is known to draw", a.File, b.File, e.ID, e.Name)
}

// codesOf reads the list of an extension, GREASE as the placeholder.
func codesOf(h *fp.ClientHello, id fp.Code) []fp.Code {
	switch id {
	case extGroups:
		return placeholders(h.Groups())
	case extSignatures:
		return placeholders(h.SignatureAlgorithms())
	case extCompress:
		return h.CertificateCompression()
	case extDelegated:
		return h.DelegatedCredentials()
	}
	return placeholders(h.Versions())
}

// learnECH collects what a GREASE encrypted_client_hello is drawn from.
func learnECH(fresh []Hello) (*fp.ECHGrease, error) {
	var g *fp.ECHGrease
	for _, h := range fresh {
		ech, ok := h.Hello.ECH()
		if !ok {
			return nil, fmt.Errorf("%s: encrypted_client_hello cannot be read", h.File)
		}
		if g == nil {
			g = &fp.ECHGrease{KDF: ech.KDF, EncLen: len(ech.Enc)}
		}
		if ech.KDF != g.KDF || len(ech.Enc) != g.EncLen {
			return nil, fmt.Errorf("%s: encrypted_client_hello has KDF %s and a key of %d bytes, others %s and %d", h.File, ech.KDF, len(ech.Enc), g.KDF, g.EncLen)
		}
		if !slices.Contains(g.AEADs, ech.AEAD) {
			g.AEADs = append(g.AEADs, ech.AEAD)
		}
		if !slices.Contains(g.Payload, len(ech.Payload)) {
			g.Payload = append(g.Payload, len(ech.Payload))
		}
	}
	slices.Sort(g.AEADs)
	slices.Sort(g.Payload)
	boring := func(n int) bool { return slices.Contains(boringPayloads, n) }
	if len(g.Payload) > 1 && boring(g.Payload[0]) && boring(g.Payload[len(g.Payload)-1]) {
		g.Payload = slices.Clone(boringPayloads)
	}
	return g, nil
}

// boringPayloads are the lengths that BoringSSL draws from (ssl/encrypted_client_hello.cc):
// a few samples do not show them all.
var boringPayloads = []int{144, 176, 208, 240}

// learnShares reads the groups of key_share, and what stands in the GREASE one.
func learnShares(fresh []Hello) ([]fp.KeyShare, error) {
	var out []fp.KeyShare
	for i, h := range fresh {
		shares := h.Hello.KeyShares()
		if i > 0 && len(shares) != len(out) {
			return nil, fmt.Errorf("%s has %d key shares, %s %d", h.File, len(shares), fresh[0].File, len(out))
		}
		for j, s := range shares {
			share := fp.KeyShare{Group: s.Group}
			if s.Group.IsGREASE() {
				share = fp.KeyShare{Group: fp.GREASE, Data: s.Data}
			}
			if i == 0 {
				out = append(out, share)
			} else if out[j].Group != share.Group || !bytes.Equal(out[j].Data, share.Data) {
				return nil, fmt.Errorf("%s and %s differ in key share %d", fresh[0].File, h.File, j)
			}
		}
	}
	return out, nil
}
