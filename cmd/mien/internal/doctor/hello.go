package doctor

import (
	"slices"

	"github.com/mien-http/mien/fingerprint"
)

// Hello names a ClientHello to try. Each differs from the profile's in one thing.
type Hello string

// The hellos.
const (
	ProfileHello Hello = "profile" // as the browser sends it
	SmallHello   Hello = "small"   // without post-quantum key shares
	PaddedHello  Hello = "padded"  // the small one, as long as the profile's
	NamelessOne  Hello = "no-sni"  // without the server name; the certificate is not verified
)

// segment is what one TCP segment carries over Ethernet: 1,500 bytes less the
// headers of IPv4 and TCP.
const segment = 1460

// Extensions and groups of TLS (IANA, TLS parameters). Kyber's is that of the
// draft that Chrome 115 to 130 sent.
const (
	extGroups   fingerprint.Code = 10
	extKeyShare fingerprint.Code = 51
	x25519MLKEM fingerprint.Code = 0x11ec
	x25519Kyber fingerprint.Code = 0x6399
)

// smallPreset stands in for the small hello of a profile that only names a
// preset of uTLS.
const smallPreset = "utls:HelloChrome_120"

// padding makes any small hello longer than a segment.
const padding = 1300

// variant returns the profile whose ClientHello is h, nil if there is none.
func variant(p *fingerprint.Profile, h Hello) *fingerprint.Profile {
	switch {
	case h == ProfileHello || h == NamelessOne:
		return p.Clone()
	case p.TLS.Preset != "" && h == SmallHello:
		small, err := fingerprint.Lookup(smallPreset)
		if err != nil {
			return nil
		}
		return small
	case p.TLS.Preset != "":
		return nil
	}
	c := p.Clone()
	c.Digests = fingerprint.Digests{}
	c.TLS.SharedX25519 = false
	hybrid := func(g fingerprint.Code) bool { return g == x25519MLKEM || g == x25519Kyber }
	for i := range c.TLS.Extensions {
		switch e := &c.TLS.Extensions[i]; e.ID {
		case extGroups:
			e.Codes = slices.DeleteFunc(e.Codes, hybrid)
		case extKeyShare:
			e.KeyShares = slices.DeleteFunc(e.KeyShares, func(s fingerprint.KeyShare) bool { return hybrid(s.Group) })
		}
	}
	if h == PaddedHello {
		c.TLS.Extensions = append(c.TLS.Extensions, fingerprint.Extension{
			ID: fingerprint.GREASE, Data: make(fingerprint.HexBytes, padding),
		})
	}
	return c
}
