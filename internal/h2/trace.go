package h2

import (
	"net/http"
	"net/http/httptrace"

	"github.com/mien-http/mien/fingerprint"
)

// wroteFields tells a trace each field of a header section that was queued, the
// pseudo-header fields included.
func (c *Conn) wroteFields(trace *httptrace.ClientTrace, req *http.Request, head *fingerprint.Head) {
	if trace == nil {
		return
	}
	if t, err := requestTarget(req); err == nil && trace.WroteHeaderField != nil {
		c.eachField(req, head, t, func(name, value string) { trace.WroteHeaderField(name, []string{value}) })
	}
	if trace.WroteHeaders != nil {
		trace.WroteHeaders()
	}
}
