package tlsconn

import (
	"bytes"
	"testing"

	"github.com/mien-http/mien/fingerprint"
)

// alpsProfile is a profile that offers application settings at id, or not at all
// if that is 0.
func alpsProfile(t *testing.T, id fingerprint.Code) *fingerprint.Profile {
	t.Helper()
	if id == 0 {
		return profile(t, "firefox-153-linux")
	}
	p := *profile(t, "chromium-156-linux")
	p.TLS.Extensions = append([]fingerprint.Extension(nil), p.TLS.Extensions...)
	for i := range p.TLS.Extensions {
		if e := &p.TLS.Extensions[i]; e.ID == extALPS {
			e.ID = id
		}
	}
	return &p
}

// A client that offered application settings answers a server's with an
// EncryptedExtensions message that has its own, which are empty, and its Finished
// covers that (draft-vvv-tls-alps §4).
func TestApplicationSettings(t *testing.T) {
	for _, tt := range []struct {
		name    string
		offered fingerprint.Code
		sent    uint16
		alpn    string
		alert   uint8 // 0: the handshake succeeds
	}{
		{"new code point", extALPS, 17613, "h2", 0},
		{"old code point", extALPSOld, 17513, "h2", 0},
		{"server without", extALPS, 0, "h2", 0},
		{"other code point", extALPS, 17513, "h2", 110},
		{"other code point, turned around", extALPSOld, 17613, "h2", 110},
		{"not offered", 0, 17613, "h2", 110},
		{"not offered, old", 0, 17513, "h2", 110},
		{"other protocol", extALPS, 17613, "http/1.1", 47},
		{"no protocol", extALPS, 17613, "", 47},
	} {
		for _, split := range []int{0, 3} {
			s := &script{alpn: tt.alpn, alps: tt.sent, split: split}
			_, err, serr := runScriptAs(t, s, alpsProfile(t, tt.offered))
			if tt.alert != 0 {
				if !isAlert(err, tt.alert, false) {
					t.Errorf("%s: error %v, want alert %d", tt.name, err, tt.alert)
				}
				if s.answer != nil {
					t.Errorf("%s: answered with %x", tt.name, s.answer)
				}
				continue
			}
			if err != nil || serr != nil {
				t.Errorf("%s: client %v, server %v", tt.name, err, serr)
			}
			var want []byte
			if tt.sent != 0 {
				want = handshakeMessage(messageExtensions, vec16([]byte{byte(tt.sent >> 8), byte(tt.sent), 0, 0}))
			}
			if !bytes.Equal(s.answer, want) {
				t.Errorf("%s: the client's EncryptedExtensions are %x, want %x", tt.name, s.answer, want)
			}
		}
	}
}

func FuzzCheckALPS(f *testing.F) {
	f.Add([]byte{0, 0}, true)
	f.Add(vec16([]byte{0, 16, 0, 5, 0, 3, 2, 'h', '2', 0x44, 0xcd, 0, 0}), true)
	f.Add(vec16([]byte{0x44, 0x69, 0, 1, 9}), false)
	f.Fuzz(func(t *testing.T, body []byte, offered bool) {
		var offers []alpsOffer
		if offered {
			offers = []alpsOffer{{extALPS, []string{"h2"}}}
		}
		err := checkALPS(body, offers)
		if err == nil && !offered && bytes.HasPrefix(body, []byte{0, 4, 0x44, 0xcd, 0, 0}) {
			t.Error("settings that nobody asked for were let pass")
		}
	})
}
