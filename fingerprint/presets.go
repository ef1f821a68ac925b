package fingerprint

import "slices"

const presetPrefix = "utls:"

// A PresetMatch says which browser a preset of uTLS v1.8.2 looks like.
type PresetMatch struct {
	// Preset is the name of the ClientHelloID; Lookup takes it after "utls:".
	Preset string
	// Browser is who really sends such a ClientHello.
	Browser string
	// Compared: Browser was found by comparing the hello with recorded ones.
	// Otherwise it is what the preset's name claims.
	Compared bool
}

// PresetMatches lists the presets of uTLS that Lookup takes after "utls:", and
// which browser each really matches. None of them is current: a browser of today
// is one of [Names]. The slice is the caller's own.
func PresetMatches() []PresetMatch {
	out := make([]PresetMatch, len(presets))
	for i, p := range presets {
		out[i] = p.match
	}
	return out
}

// preset is a row of the table of presets.
type preset struct {
	match PresetMatch
	from  string // the profile that HTTP/2 and headers are taken from
	major int    // version for the User-Agent and the brands; 0: from's own
	ja4   string // of recorded hellos that it was found to equal
}

// presets holds the presets of uTLS v1.8.2 that stand for one client, newest
// first within each family. Compared ones: with captures of Chromium 131, 138,
// 143, 149, 153 and 156 and of Firefox 153, and with published records of Safari.
var presets = []preset{
	{PresetMatch{"HelloChrome_133", "Chrome 133 to 149; later ones add ML-DSA (150) and trust_anchors (152)", true}, blink, 149, "t13d1516h2_8daaf6152771_d8a2da3f94cd"},
	{PresetMatch{"HelloChrome_131", "Chrome 131", true}, blink, 131, "t13d1516h2_8daaf6152771_02713d6af862"},
	{PresetMatch{"HelloChrome_120_PQ", "Chrome 124 and its neighbours with the draft of Kyber", true}, blink, 124, ""},
	{PresetMatch{"HelloChrome_120", "Chrome 120", true}, blink, 120, ""},
	{PresetMatch{"HelloChrome_115_PQ_PSK", "Chrome 115 with a ticket", false}, blink, 115, ""},
	{PresetMatch{"HelloChrome_115_PQ", "Chrome 115", false}, blink, 115, ""},
	{PresetMatch{"HelloChrome_114_Padding_PSK_Shuf", "Chrome 114 with a ticket", false}, blink, 114, ""},
	{PresetMatch{"HelloChrome_112_PSK_Shuf", "Chrome 112 with a ticket", false}, blink, 112, ""},
	{PresetMatch{"HelloChrome_106_Shuffle", "Chrome 106", false}, blink, 106, ""},
	{PresetMatch{"HelloChrome_102", "Chrome 102", false}, blink, 102, ""},
	{PresetMatch{"HelloChrome_100_PSK", "Chrome 100 with a ticket", false}, blink, 100, ""},
	{PresetMatch{"HelloChrome_100", "Chrome 100", false}, blink, 100, ""},
	{PresetMatch{"HelloChrome_96", "Chrome 96", false}, blink, 96, ""},
	{PresetMatch{"HelloChrome_87", "Chrome 87", false}, blink, 87, ""},
	{PresetMatch{"HelloChrome_83", "Chrome 83", false}, blink, 83, ""},
	{PresetMatch{"HelloChrome_72", "Chrome 72", false}, blink, 72, ""},
	{PresetMatch{"HelloChrome_70", "Chrome 70", false}, blink, 70, ""},
	{PresetMatch{"HelloChrome_62", "Chrome 62", false}, blink, 62, ""},
	{PresetMatch{"HelloChrome_58", "Chrome 58", false}, blink, 58, ""},
	{PresetMatch{"HelloEdge_106", "nothing current; Edge 106 by its name", true}, edge, 106, ""},
	{PresetMatch{"HelloEdge_85", "nothing current; Edge 85 by its name", true}, edge, 85, ""},
	{PresetMatch{"HelloFirefox_120", "nothing current; Firefox 120 by its name (no X25519MLKEM768, no certificate compression)", true}, gecko, 120, ""},
	{PresetMatch{"HelloFirefox_105", "Firefox 105", false}, gecko, 105, ""},
	{PresetMatch{"HelloFirefox_102", "Firefox 102", false}, gecko, 102, ""},
	{PresetMatch{"HelloFirefox_99", "Firefox 99", false}, gecko, 99, ""},
	{PresetMatch{"HelloFirefox_65", "Firefox 65", false}, gecko, 65, ""},
	{PresetMatch{"HelloFirefox_63", "Firefox 63", false}, gecko, 63, ""},
	{PresetMatch{"HelloFirefox_56", "Firefox 56", false}, gecko, 56, ""},
	{PresetMatch{"HelloFirefox_55", "Firefox 55", false}, gecko, 55, ""},
	{PresetMatch{"HelloSafari_16_0", "Safari 15.5 to 17; later ones have other signature algorithms", true}, webkit, 0, ""},
	{PresetMatch{"HelloIOS_14", "nothing current; Safari on iOS 14 by its name", true}, ios, 14, ""},
	{PresetMatch{"HelloIOS_13", "Safari on iOS 13", false}, ios, 13, ""},
	{PresetMatch{"HelloIOS_12_1", "Safari on iOS 12.1", false}, ios, 12, ""},
	{PresetMatch{"HelloIOS_11_1", "Safari on iOS 11.1", false}, ios, 11, ""},
	{PresetMatch{"HelloAndroid_11_OkHttp", "nothing current; OkHttp on Android 11 by its name (no ALPN: HTTP/1.1 alone)", true}, okhttp, 0, ""},
	{PresetMatch{"Hello360_11_0", "360 Secure Browser 11.0", false}, blink, 0, ""},
	{PresetMatch{"Hello360_7_5", "360 Secure Browser 7.5", false}, blink, 0, ""},
	{PresetMatch{"HelloQQ_11_1", "QQ Browser 11.1", false}, blink, 0, ""},
}

// isPreset reports whether name is in the table.
func isPreset(name string) bool { return presetNamed(name) != nil }

func presetNamed(name string) *preset {
	i := slices.IndexFunc(presets, func(p preset) bool { return p.match.Preset == name })
	if i < 0 {
		return nil
	}
	return &presets[i]
}
