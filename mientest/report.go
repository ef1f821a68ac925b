package mientest

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
)

// Report is how a request and its connection looked, in the form in which the
// default handler tells it.
type Report struct {
	JA3         string `json:"ja3,omitempty"`          // the text
	JA3Hash     string `json:"ja3_hash,omitempty"`     // its MD5, hex
	JA4         string `json:"ja4,omitempty"`          // of the first ClientHello
	JA4R        string `json:"ja4_r,omitempty"`        // the same, not hashed
	Akamai      string `json:"akamai,omitempty"`       // over HTTP/2
	Protocol    string `json:"protocol"`               // "h2" or "http/1.1"
	TLSVersion  string `json:"tls_version,omitempty"`  // "TLS 1.3"
	CipherSuite string `json:"cipher_suite,omitempty"` // by its IANA name
	ServerName  string `json:"server_name,omitempty"`  // as sent; "" for an IP address
	Resumed     bool   `json:"resumed"`                // by a session ticket
	HelloRetry  bool   `json:"hello_retry"`            // after a HelloRetryRequest
	Remote      string `json:"remote"`                 // address of the client

	Connection int `json:"connection"` // its number at this origin, from 1
	Request    int `json:"request"`    // the number of this request on it, from 1

	Method string `json:"method"` // of this request
	Path   string `json:"path"`   // with the query
	Host   string `json:"host"`   // :authority, or Host
	// Headers are name and value of each field, in wire order and case,
	// pseudo-header fields included.
	Headers [][2]string `json:"headers"`
	// Representations are how HPACK wrote each of Headers; over HTTP/2.
	Representations []string `json:"representations,omitempty"`
	// Stream and Priority are those of the HEADERS frame; over HTTP/2.
	Stream   uint32          `json:"stream,omitempty"`
	Priority *ReportPriority `json:"priority,omitempty"`
	// ContentLength is the content in bytes, as far as the default handler
	// read it; others leave it at 0.
	ContentLength int64 `json:"content_length"`
}

// ReportPriority is the priority part of a HEADERS frame.
type ReportPriority struct {
	Weight    uint16 `json:"weight"`     // 1–256
	Exclusive bool   `json:"exclusive"`  // the exclusive bit
	DependsOn uint32 `json:"depends_on"` // the stream depended on
}

// ReportOf returns how the request that a [Config.Handler] was called with
// looked. It reports false if r is not a request of an [Origin].
func ReportOf(r *http.Request) (Report, bool) {
	ex, ok := r.Context().Value(exchangeKey{}).(*exchange)
	if !ok {
		return Report{}, false
	}
	c, req := ex.conn, ex.req
	c.mu.Lock()
	akamai := c.akamai
	c.mu.Unlock()
	d := c.digest
	rep := Report{
		JA3: d.JA3, JA3Hash: d.JA3Hash, JA4: d.JA4, JA4R: d.JA4R, Akamai: akamai,
		Protocol: c.proto, ServerName: d.ServerName, Resumed: c.resume, HelloRetry: c.retry,
		Remote: r.RemoteAddr, Connection: c.id, Request: req.Nth,
		Method: req.Method, Path: req.Path, Host: req.Host, Stream: req.Stream,
		Headers: make([][2]string, len(req.Fields)),
	}
	for i, f := range req.Fields {
		rep.Headers[i] = [2]string{f.Name, f.Value}
	}
	for _, f := range req.HPACK {
		rep.Representations = append(rep.Representations, string(f.Representation))
	}
	if r.TLS != nil {
		rep.TLSVersion, rep.CipherSuite = tls.VersionName(r.TLS.Version), tls.CipherSuiteName(r.TLS.CipherSuite)
	}
	if p := req.Priority; p.Weight != 0 {
		rep.Priority = &ReportPriority{Weight: p.Weight, Exclusive: p.Exclusive, DependsOn: req.DependsOn}
	}
	return rep, true
}

// serveReport is the default handler.
func serveReport(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		http.Error(w, "reading the content: "+err.Error(), http.StatusBadRequest)
		return
	}
	rep, ok := ReportOf(r)
	if !ok {
		http.Error(w, "nothing was recorded of this request", http.StatusInternalServerError)
		return
	}
	rep.ContentLength = n
	body, err := json.MarshalIndent(rep, "", "  ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Write(append(body, '\n'))
}
