package tlsconn

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	utls "github.com/refraction-networking/utls"

	"github.com/mien-http/mien/fingerprint"
)

// Extension types, from the IANA registry of TLS ExtensionType values, but for
// application_settings (draft-vvv-tls-alps, at two code points).
const (
	extServerName        fingerprint.Code = 0
	extStatusRequest     fingerprint.Code = 5
	extSupportedGroups   fingerprint.Code = 10
	extPointFormats      fingerprint.Code = 11
	extSignatureAlgs     fingerprint.Code = 13
	extALPN              fingerprint.Code = 16
	extSCT               fingerprint.Code = 18
	extPadding           fingerprint.Code = 21
	extExtendedMaster    fingerprint.Code = 23
	extCompressCert      fingerprint.Code = 27
	extRecordSizeLimit   fingerprint.Code = 28
	extDelegatedCred     fingerprint.Code = 34
	extSessionTicket     fingerprint.Code = 35
	extPreSharedKey      fingerprint.Code = 41
	extEarlyData         fingerprint.Code = 42
	extSupportedVersions fingerprint.Code = 43
	extCookie            fingerprint.Code = 44
	extPSKModes          fingerprint.Code = 45
	extKeyShare          fingerprint.Code = 51
	extALPSOld           fingerprint.Code = 17513
	extALPS              fingerprint.Code = 17613
	extECH               fingerprint.Code = 65037
	extRenegotiation     fingerprint.Code = 65281
)

// statusRequestOCSP is the one body of status_request that uTLS acts on: OCSP,
// no responders, no extensions (RFC 6066 §8).
var statusRequestOCSP = []byte{1, 0, 0, 0, 0}

// extension makes the uTLS extension for one of the template. uTLS must know
// those it has to act on; the rest is bytes.
func (b *builder) extension(e *fingerprint.Extension) (utls.TLSExtension, error) {
	if e.ID.IsGREASE() {
		// Not uTLS's own type, which knows no other bodies than Chromium's.
		return &utls.GenericExtension{Id: uint16(b.greaseID()), Data: slices.Clone([]byte(e.Data))}, nil
	}
	switch e.ID {
	case extServerName:
		return &utls.SNIExtension{ServerName: b.options.serverName}, nil
	case extSupportedGroups:
		return &utls.SupportedCurvesExtension{Curves: convertSlice[utls.CurveID](e.Codes)}, nil
	case extSignatureAlgs:
		return &utls.SignatureAlgorithmsExtension{SupportedSignatureAlgorithms: schemes(e.Codes)}, nil
	case extDelegatedCred:
		return &utls.FakeDelegatedCredentialsExtension{SupportedSignatureAlgorithms: schemes(e.Codes)}, nil
	case extCompressCert:
		return &utls.UtlsCompressCertExtension{Algorithms: convertSlice[utls.CertCompressionAlgo](e.Codes)}, nil
	case extSupportedVersions:
		return &utls.SupportedVersionsExtension{Versions: convertSlice[uint16](e.Codes)}, nil
	case extALPN:
		protocols := b.options.alpn
		if protocols == nil {
			protocols = e.Protocols
		}
		return &utls.ALPNExtension{AlpnProtocols: slices.Clone(protocols)}, nil
	case extALPS:
		return &utls.ApplicationSettingsExtensionNew{SupportedProtocols: b.kept(e.Protocols)}, nil
	case extALPSOld:
		return &utls.ApplicationSettingsExtension{SupportedProtocols: b.kept(e.Protocols)}, nil
	case extKeyShare:
		return b.keyShares(e.KeyShares)
	case extECH:
		if e.ECH == nil {
			return nil, errors.New("no ech shape")
		}
		return b.echGrease(e.ECH)
	case extSCT:
		return &utls.SCTExtension{}, nil
	case extExtendedMaster:
		return &utls.ExtendedMasterSecretExtension{}, nil
	case extSessionTicket:
		return &utls.SessionTicketExtension{}, nil
	case extRenegotiation:
		// Announced as browsers do, and refused when asked for: the standard
		// library's default.
		return &utls.RenegotiationInfoExtension{Renegotiation: utls.RenegotiateNever}, nil
	case extPadding:
		return &utls.UtlsPaddingExtension{GetPaddingLen: utls.BoringPaddingStyle}, nil
	case extEarlyData, extCookie:
		return nil, errors.New("cannot be part of a profile")
	}
	return bodied(e)
}

// bodied makes the extensions that a template gives as bytes.
func bodied(e *fingerprint.Extension) (utls.TLSExtension, error) {
	data := slices.Clone([]byte(e.Data))
	switch e.ID {
	case extStatusRequest:
		if bytes.Equal(data, statusRequestOCSP) {
			return &utls.StatusRequestExtension{}, nil
		}
	case extPointFormats:
		list, err := listed8(data)
		return &utls.SupportedPointsExtension{SupportedPoints: list}, err
	case extPSKModes:
		list, err := listed8(data)
		return &utls.PSKKeyExchangeModesExtension{Modes: list}, err
	case extRecordSizeLimit:
		if len(data) != 2 {
			return nil, fmt.Errorf("body of %d bytes, not 2", len(data))
		}
		return &utls.FakeRecordSizeLimitExtension{Limit: uint16(data[0])<<8 | uint16(data[1])}, nil
	}
	return &utls.GenericExtension{Id: uint16(e.ID), Data: data}, nil
}

// listed8 returns what follows a length of one byte.
func listed8(data []byte) ([]byte, error) {
	if len(data) == 0 || int(data[0]) != len(data)-1 {
		return nil, fmt.Errorf("body %x is not a list with its length before it", data)
	}
	return data[1:], nil
}

// greaseID draws an extension type not used in this hello yet.
func (b *builder) greaseID() fingerprint.Code {
	for {
		id := grease()
		if !slices.Contains(b.used, id) || len(b.used) >= 16 {
			b.used = append(b.used, id)
			return id
		}
	}
}

// schemes converts signature schemes. uTLS leaves GREASE among them alone, so
// that it is drawn here.
func schemes(codes []fingerprint.Code) []utls.SignatureScheme {
	out := make([]utls.SignatureScheme, len(codes))
	for i, c := range codes {
		if c.IsGREASE() {
			c = grease()
		}
		out[i] = utls.SignatureScheme(c)
	}
	return out
}

// kept returns those of protocols that this hello offers.
func (b *builder) kept(protocols []string) []string {
	return slices.DeleteFunc(slices.Clone(protocols), func(p string) bool {
		return !b.offersAny([]string{p})
	})
}
