package h2

import (
	"net/http"
	"strings"

	"github.com/mien-http/mien/fingerprint"
)

// chromium is what Chromium 156 does, and firefox what Firefox 153 does, as
// captured.
func chromium() *fingerprint.HTTP2 {
	return &fingerprint.HTTP2{
		Settings:      []fingerprint.Setting{{ID: 1, Value: 65536}, {ID: 2, Value: 0}, {ID: 4, Value: 6291456}, {ID: 6, Value: 262144}},
		WindowUpdate:  15663105,
		FirstStreamID: 1,
		PseudoHeaders: []string{":method", ":authority", ":scheme", ":path"},
		StreamCredit:  3145728,
		ConnCredit:    7864320,
	}
}

func firefox() *fingerprint.HTTP2 {
	return &fingerprint.HTTP2{
		Settings:           []fingerprint.Setting{{ID: 1, Value: 65536}, {ID: 2, Value: 0}, {ID: 4, Value: 131072}, {ID: 5, Value: 16384}},
		WindowUpdate:       12517377,
		StreamWindowUpdate: 12451840,
		FirstStreamID:      3,
		PseudoHeaders:      []string{":method", ":path", ":authority", ":scheme"},
		HPACK: fingerprint.HPACK{
			HuffmanAlways: true, PathLiteral: true,
			NeverIndexed: []string{"authorization"}, NeverIndexedCookieBelow: 20,
		},
		StreamCredit:  4194304,
		ConnCredit:    4194304,
		GoAwayOnClose: true,
	}
}

// headOf makes a head of a request's own fields.
func headOf(req *http.Request) *fingerprint.Head {
	head := &fingerprint.Head{Priority: fingerprint.Priority{Weight: 256, Exclusive: true, Depend: true}}
	for name, values := range req.Header {
		for _, v := range values {
			head.Fields = append(head.Fields, fingerprint.HeaderField{Name: strings.ToLower(name), Value: v})
		}
	}
	return head
}
