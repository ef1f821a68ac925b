package mientest

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/mien-http/mien/fingerprint"
)

// Connection is what an [Origin] saw of one connection. The fields marked full
// are set for the first [Config.RecordFull] connections alone.
type Connection struct {
	ID     int    // from 1, in the order of accept
	Remote string // the client's address

	Hello       []byte // full: the TLS records of the ClientHello
	SecondHello []byte // full: of the one that answered a HelloRetryRequest
	JA3         string // full: the text
	JA3Hash     string // its MD5, hex
	JA4         string // of the first ClientHello
	JA4R        string // full
	ServerName  string // as sent; "" for an IP address

	Protocol    string // "h2" or "http/1.1"; "" while there is none
	TLSVersion  uint16 // negotiated
	CipherSuite uint16 // negotiated
	Resumed     bool   // by a session ticket
	HelloRetry  bool   // a HelloRetryRequest was sent

	Killed bool   // a fault ended the handshake
	Ending Ending // how a fault ended the connection
	Err    string // why the handshake failed, for other reasons than a fault

	Requests int                  // begun on it so far
	Akamai   string               // once the first HTTP/2 request came
	Preface  *fingerprint.Preface // full: of that moment; HPACK is nil and Len 0
	Frames   []Frame              // full: HTTP/2 frames of the client, at most 4,096
}

// Frame is one HTTP/2 frame that a client sent.
type Frame struct {
	Type, Flags uint8  // with Flags, as in the frame header
	Stream      uint32 // 0 for the connection
	Length      int    // of the payload, in bytes
	Payload     []byte // nil for DATA
}

// Request is what an [Origin] saw of one request head. The fields marked full
// are set for the first [Config.RecordFull] requests alone.
type Request struct {
	Number int    // from 1, in the order in which heads arrived
	Conn   int    // ID of its Connection
	Nth    int    // from 1, on that connection
	Proto  string // "h2", or the version in the request line: "HTTP/1.1"
	Method string // :method, or that of the request line
	Path   string // :path, or the request target
	Host   string // :authority, or Host

	Fields []fingerprint.HeaderField // full: in wire order and case, pseudo-header fields included
	HPACK  []fingerprint.HPACKField  // full: over HTTP/2, with the way each was written
	Raw    []byte                    // full: over HTTP/1.x, the head as sent
	Order  string                    // names of Fields, joined by commas
	Digest string                    // of Fields without pseudo-header fields and Host: 12 hex digits of SHA-256

	Stream    uint32               // over HTTP/2
	Priority  fingerprint.Priority // on the HEADERS frame; Depend: DependsOn is not 0
	DependsOn uint32               // the stream depended on
}

// Counters are totals since the Origin was made. Handshakes is the sum of
// HandshakesKilled, HandshakesFailed, Connections (without Plain) and those
// still in progress.
type Counters struct {
	Handshakes       int64 // TCP connections accepted for TLS
	HandshakesKilled int64 // by a fault
	HandshakesFailed int64 // otherwise: the client left, sent an alert, spoke no TLS
	Connections      int64 // handshakes completed; with Plain, connections accepted
	Resumed          int64 // completed by a session ticket
	HelloRetries     int64 // completed after a HelloRetryRequest
	Requests         int64 // whose head arrived
	Open             int64 // connections open now, handshakes included

	// PeakHandshakes is the largest number of handshakes in progress at once: a
	// handshake counts from the first byte of its ClientHello until just before
	// the write after which the client can be done with it, so that a client
	// that runs n at a time is never seen with more.
	PeakHandshakes int64
	// PeakRequests is the largest number of requests in flight at once: a
	// request counts from the end of its head until just before the last byte
	// of its response is written, or its stream or connection ends.
	PeakRequests int64

	// How many times each digest was seen, at most 1,000 of a kind.
	JA4     map[string]int64 // per ClientHello
	Akamai  map[string]int64 // per HTTP/2 connection
	Orders  map[string]int64 // per request: Request.Order
	Digests map[string]int64 // per request: Request.Digest
}

const (
	maxDigests = 1000
	maxFrames  = 4096
)

// recorder holds everything that was seen.
type recorder struct {
	full, max int // constant

	mu         sync.Mutex
	counters   Counters      // guarded by mu
	accepted   int           // guarded by mu
	conns      []*Connection // guarded by mu, with what they point to
	requests   []Request     // guarded by mu
	handshakes int64         // guarded by mu: in progress
	inFlight   int64         // guarded by mu: requests
}

func newRecorder(full, limit int) *recorder {
	return &recorder{full: full, max: limit, counters: Counters{
		JA4: map[string]int64{}, Akamai: map[string]int64{}, Orders: map[string]int64{}, Digests: map[string]int64{},
	}}
}

// count runs f on the counters.
func (r *recorder) count(f func(*Counters)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(&r.counters)
}

func (r *recorder) handshake(delta int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handshakes += delta
	r.counters.PeakHandshakes = max(r.counters.PeakHandshakes, r.handshakes)
}

func (r *recorder) requestsDone(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inFlight -= n
}

// connection adds a connection; nil if it is one too many to be recorded.
func (r *recorder) connection(remote string) (rec *Connection, id int, full bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counters.Open++
	r.accepted++
	id = r.accepted
	if id > r.max {
		return nil, id, false
	}
	rec = &Connection{ID: id, Remote: remote}
	r.conns = append(r.conns, rec)
	return rec, id, id <= r.full
}

// update changes a connection's record, which may be nil.
func (r *recorder) update(rec *Connection, f func(*Connection)) {
	if rec == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	f(rec)
}

func (r *recorder) frame(rec *Connection, f Frame) {
	r.update(rec, func(c *Connection) {
		if len(c.Frames) < maxFrames {
			c.Frames = append(c.Frames, f)
		}
	})
}

// request adds a request and gives it its number.
func (r *recorder) request(req *Request, rec *Connection, inFlight bool) {
	req.Order, req.Digest = headDigests(req.Fields)
	r.mu.Lock()
	defer r.mu.Unlock()
	if rec != nil {
		rec.Requests++
	}
	if inFlight {
		r.inFlight++
	}
	r.counters.PeakRequests = max(r.counters.PeakRequests, r.inFlight)
	r.counters.Requests++
	tally(r.counters.Orders, req.Order)
	tally(r.counters.Digests, req.Digest)
	req.Number = int(r.counters.Requests)
	if req.Number > r.max {
		return
	}
	kept := *req
	if req.Number > r.full {
		kept.Fields, kept.HPACK, kept.Raw = nil, nil, nil
	}
	r.requests = append(r.requests, kept)
}

func tally(m map[string]int64, key string) {
	if _, ok := m[key]; ok || len(m) < maxDigests {
		m[key]++
	}
}

func headDigests(fields []fingerprint.HeaderField) (order, digest string) {
	names := make([]string, len(fields))
	h := sha256.New()
	for i, f := range fields {
		names[i] = f.Name
		if !strings.HasPrefix(f.Name, ":") && !strings.EqualFold(f.Name, "Host") {
			h.Write([]byte(f.Name + ": " + f.Value + "\n"))
		}
	}
	return strings.Join(names, ","), hex.EncodeToString(h.Sum(nil)[:6])
}

// Connections returns what was seen of each connection so far, in the order of
// accept. The slices within are shared and must not be written to.
func (o *Origin) Connections() []Connection {
	r := o.rec
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Connection, len(r.conns))
	for i, c := range r.conns {
		out[i] = *c
		out[i].Frames = slices.Clip(c.Frames)
	}
	return out
}

// Requests returns what was seen of each request so far, in the order in which
// their heads arrived. The slices within are shared and must not be written to.
func (o *Origin) Requests() []Request {
	o.rec.mu.Lock()
	defer o.rec.mu.Unlock()
	return slices.Clone(o.rec.requests)
}

// Counters returns the totals so far.
func (o *Origin) Counters() Counters {
	o.rec.mu.Lock()
	defer o.rec.mu.Unlock()
	c := o.rec.counters
	c.JA4, c.Akamai = maps.Clone(c.JA4), maps.Clone(c.Akamai)
	c.Orders, c.Digests = maps.Clone(c.Orders), maps.Clone(c.Digests)
	return c
}
