package h2

import (
	"net/http"
	"strings"

	"github.com/mien-http/mien/fingerprint"
)

// chromium is what Chromium 156 does, and firefox what Firefox 153 does, as
// captured.
func chromium() *fingerprint.HTTP2 { return lookup("chromium-156-linux") }
func firefox() *fingerprint.HTTP2  { return lookup("firefox-153-linux") }

func lookup(name string) *fingerprint.HTTP2 {
	p, err := fingerprint.Lookup(name)
	if err != nil {
		panic(err)
	}
	return &p.HTTP2
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
