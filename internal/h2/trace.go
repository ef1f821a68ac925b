package h2

import (
	"net/http"
	"net/http/httptrace"
	"strings"

	"github.com/mien-http/mien/fingerprint"
)

// wroteFields tells a trace each field of a header section that was queued, the
// pseudo-header fields included, in the order in which [Conn.queueRequest] wrote
// them.
func (c *Conn) wroteFields(trace *httptrace.ClientTrace, req *http.Request, head *fingerprint.Head) {
	if trace == nil || trace.WroteHeaderField == nil {
		return
	}
	t, err := requestTarget(req)
	if err != nil {
		return // and nothing was queued
	}
	tell := func(name, value string) { trace.WroteHeaderField(name, []string{value}) }
	pseudo := map[string]string{":method": t.method, ":authority": t.authority, ":scheme": t.scheme, ":path": t.path}
	for _, name := range c.cfg.Profile.PseudoHeaders {
		if value, ok := pseudo[name]; ok {
			tell(name, value)
		}
	}
	if t.protocol != "" {
		tell(":protocol", t.protocol)
	}
	announced := len(req.Trailer) == 0
	for _, f := range head.Fields {
		if !forbidden(f.Name, f.Value) {
			tell(f.Name, f.Value)
			announced = announced || f.Name == "trailer"
		}
	}
	if !announced {
		tell("trailer", strings.ToLower(strings.Join(trailerNames(req), ", ")))
	}
}
