package tlsconn

import (
	"fmt"
	"slices"

	utls "github.com/refraction-networking/utls"

	"github.com/mien-http/mien/fingerprint"
)

// A preset is a ClientHello that uTLS brings along.
type preset struct {
	name string
	id   utls.ClientHelloID
}

// presets lists those that complete a handshake of TLS 1.2 or later, oldest
// browser first.
var presets = []preset{
	{"HelloChrome_58", utls.HelloChrome_58},
	{"HelloChrome_62", utls.HelloChrome_62},
	{"HelloChrome_70", utls.HelloChrome_70},
	{"HelloChrome_72", utls.HelloChrome_72},
	{"HelloChrome_83", utls.HelloChrome_83},
	{"HelloChrome_87", utls.HelloChrome_87},
	{"HelloChrome_96", utls.HelloChrome_96},
	{"HelloChrome_100", utls.HelloChrome_100},
	{"HelloChrome_100_PSK", utls.HelloChrome_100_PSK},
	{"HelloChrome_102", utls.HelloChrome_102},
	{"HelloChrome_106_Shuffle", utls.HelloChrome_106_Shuffle},
	{"HelloChrome_112_PSK_Shuf", utls.HelloChrome_112_PSK_Shuf},
	{"HelloChrome_114_Padding_PSK_Shuf", utls.HelloChrome_114_Padding_PSK_Shuf},
	{"HelloChrome_115_PQ", utls.HelloChrome_115_PQ},
	{"HelloChrome_115_PQ_PSK", utls.HelloChrome_115_PQ_PSK},
	{"HelloChrome_120", utls.HelloChrome_120},
	{"HelloChrome_120_PQ", utls.HelloChrome_120_PQ},
	{"HelloChrome_131", utls.HelloChrome_131},
	{"HelloChrome_133", utls.HelloChrome_133},
	{"HelloFirefox_55", utls.HelloFirefox_55},
	{"HelloFirefox_56", utls.HelloFirefox_56},
	{"HelloFirefox_63", utls.HelloFirefox_63},
	{"HelloFirefox_65", utls.HelloFirefox_65},
	{"HelloFirefox_99", utls.HelloFirefox_99},
	{"HelloFirefox_102", utls.HelloFirefox_102},
	{"HelloFirefox_105", utls.HelloFirefox_105},
	{"HelloFirefox_120", utls.HelloFirefox_120},
	{"HelloSafari_16_0", utls.HelloSafari_16_0},
	{"HelloIOS_11_1", utls.HelloIOS_11_1},
	{"HelloIOS_12_1", utls.HelloIOS_12_1},
	{"HelloIOS_13", utls.HelloIOS_13},
	{"HelloIOS_14", utls.HelloIOS_14},
	{"HelloEdge_85", utls.HelloEdge_85},
	{"HelloEdge_106", utls.HelloEdge_106},
	{"HelloAndroid_11_OkHttp", utls.HelloAndroid_11_OkHttp},
	{"Hello360_7_5", utls.Hello360_7_5},
	{"Hello360_11_0", utls.Hello360_11_0},
	{"HelloQQ_11_1", utls.HelloQQ_11_1},
}

// Presets returns the names that [fingerprint.TLS] may give as Preset.
func Presets() []string {
	names := make([]string, len(presets))
	for i, p := range presets {
		names[i] = p.name
	}
	return names
}

// preset takes a fresh specification of the template's preset and gives it what
// a connection of its own needs.
func (b *builder) preset() (*utls.ClientHelloSpec, error) {
	i := slices.IndexFunc(presets, func(p preset) bool { return p.name == b.template.Preset })
	if i < 0 {
		return nil, fmt.Errorf("tlsconn: unknown uTLS preset %q", b.template.Preset)
	}
	spec, err := utls.UTLSIdToSpec(presets[i].id)
	if err != nil {
		return nil, fmt.Errorf("tlsconn: uTLS preset %s: %w", presets[i].name, err)
	}
	exts := spec.Extensions[:0:0]
	modes := false // the browser can resume TLS 1.3 sessions
	for _, e := range spec.Extensions {
		switch e := e.(type) {
		case *utls.SNIExtension:
			if unnamed(b.options.serverName) {
				continue
			}
			e.ServerName = b.options.serverName
		case *utls.ALPNExtension:
			if b.options.alpn != nil {
				if len(b.options.alpn) == 0 {
					continue
				}
				e.AlpnProtocols = slices.Clone(b.options.alpn)
			}
		case *utls.ApplicationSettingsExtension:
			if !b.offersAny(e.SupportedProtocols) {
				continue
			}
		case *utls.ApplicationSettingsExtensionNew:
			if !b.offersAny(e.SupportedProtocols) {
				continue
			}
		case *utls.GREASEEncryptedClientHelloExtension:
			// uTLS would set up a whole HPKE context for the sake of its key.
			e.EncapsulatedKey = newX25519().public
		case *utls.RenegotiationInfoExtension:
			e.Renegotiation = utls.RenegotiateNever
		case *utls.PSKKeyExchangeModesExtension:
			modes = true
		case *utls.KeyShareExtension:
			if err := b.presetShares(e); err != nil {
				return nil, fmt.Errorf("tlsconn: uTLS preset %s: %w", presets[i].name, err)
			}
		case utls.PreSharedKeyExtension:
			continue
		}
		exts = append(exts, e)
	}
	if modes && b.options.ticket.tls13() {
		exts = append(exts, &utls.UtlsPreSharedKeyExtension{})
	}
	spec.Extensions = exts
	return &spec, nil
}

// presetShares puts keys of ours into e, so that each share has one.
func (b *builder) presetShares(e *utls.KeyShareExtension) error {
	template := make([]fingerprint.KeyShare, len(e.KeyShares))
	for i, s := range e.KeyShares {
		template[i] = fingerprint.KeyShare{Group: fingerprint.Code(s.Group), Data: s.Data}
	}
	made, err := b.keyShares(template)
	if err != nil {
		return err
	}
	e.KeyShares = made.(*utls.KeyShareExtension).KeyShares
	return nil
}
