package tlsconn

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"

	utls "github.com/refraction-networking/utls"

	"github.com/mien-http/mien/fingerprint"
)

// Application-layer protocol settings (draft-vvv-tls-alps): a server that speaks
// them puts its own into EncryptedExtensions, and the client answers with an
// EncryptedExtensions message of its own, in front of its Certificate. uTLS
// sends that, with nothing in it, as Chromium does for h2. It also does so where
// nobody offered any, which browsers refuse: that is seen to here.

// alpsOffer is an application_settings extension of a hello.
type alpsOffer struct {
	id        fingerprint.Code
	protocols []string
}

// alpsOffers lists those of spec. Some presets of uTLS have one too.
func alpsOffers(spec *utls.ClientHelloSpec) []alpsOffer {
	var offers []alpsOffer
	for _, e := range spec.Extensions {
		switch e := e.(type) {
		case *utls.ApplicationSettingsExtensionNew:
			offers = append(offers, alpsOffer{extALPS, slices.Clone(e.SupportedProtocols)})
		case *utls.ApplicationSettingsExtension:
			offers = append(offers, alpsOffer{extALPSOld, slices.Clone(e.SupportedProtocols)})
		}
	}
	return offers
}

// Alerts for settings that cannot be (RFC 8446 §6.2).
const (
	alertIllegalParameter     tls.AlertError = 47
	alertUnsupportedExtension tls.AlertError = 110
)

// checkALPS looks for application settings in the body of the server's
// EncryptedExtensions that the hello did not ask for: at another code point, or
// for another protocol than the one negotiated. What is malformed otherwise is
// uTLS's to refuse.
func checkALPS(body []byte, offers []alpsOffer) error {
	m := wire(body)
	exts := wire(m.take(int(m.u16())))
	var protocol string
	var settings []fingerprint.Code
	for len(exts) >= 4 {
		id := fingerprint.Code(exts.u16())
		data := wire(exts.take(int(exts.u16())))
		switch id {
		case extALPN:
			data.u16() // of a list of one
			protocol = string(data.take(int(data.u8())))
		case extALPS, extALPSOld:
			settings = append(settings, id)
		}
	}
	for _, id := range settings {
		i := slices.IndexFunc(offers, func(o alpsOffer) bool { return o.id == id })
		switch {
		case i < 0:
			return &AlertError{Alert: alertUnsupportedExtension, Reason: fmt.Errorf("application settings at %d, which were not offered", id)}
		case !slices.Contains(offers[i].protocols, protocol):
			return &AlertError{Alert: alertIllegalParameter, Reason: fmt.Errorf("application settings for protocol %q", protocol)}
		}
	}
	if len(settings) > 1 {
		return &AlertError{Alert: alertIllegalParameter, Reason: errors.New("application settings twice")}
	}
	return nil
}
