package mientest

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mien-http/mien/fingerprint"
)

// lingerTime is how long the origin waits, after its FIN, for the client to
// close as well.
const lingerTime = 5 * time.Second

// conn is one connection of an origin. It is the net.Conn that the HTTP servers
// read and write, and follows both directions.
type conn struct {
	net.Conn // what carries HTTP: the *tls.Conn, or raw
	origin   *Origin
	raw      net.Conn
	rec      *Connection // guarded by the recorder; nil if not recorded
	id       int
	full     bool
	tls      *tls.Conn // nil with Plain; set before HTTP starts
	digest   digest    // set before HTTP starts
	resume   bool      // as digest
	retry    bool      // as digest
	proto    string    // as digest

	h1 *h1Parser // owned by the reading goroutine; nil over HTTP/2
	rd *h2Reader // owned by the reading goroutine; nil over HTTP/1.1
	wr *h2Writer // nil over HTTP/1.1

	preface *fingerprint.Preface // owned by the reading goroutine, nil once akamai is known

	killing sync.Once // carries ending out

	mu       sync.Mutex
	akamai   string               // guarded by mu
	open     map[uint32]struct{}  // guarded by mu: requests in flight, by stream or, on HTTP/1.1, number
	waiting  map[uint32]*exchange // guarded by mu: those that no handler has taken yet
	requests uint32               // guarded by mu: heads read
	taken    uint32               // guarded by mu: heads that a handler of HTTP/1.1 took
	ending   Ending               // guarded by mu: nothing that arrives counts any more
	goAway   *GoAway              // guarded by mu: sent
	raws     bool                 // guarded by mu: hijacked, no longer HTTP
	closed   bool                 // guarded by mu
}

// exchange is one request on a connection. It is constant once made.
type exchange struct {
	conn *conn
	req  Request
}

// tlsConn is a conn with TLS: net/http and http2 ask for ConnectionState.
type tlsConn struct{ *conn }

func (c tlsConn) ConnectionState() tls.ConnectionState { return c.tls.ConnectionState() }

func (c *conn) inner() *conn { return c }

// follow gets c ready to carry proto.
func (c *conn) follow(proto string) {
	c.proto = proto
	c.open, c.waiting = map[uint32]struct{}{}, map[uint32]*exchange{}
	if proto == protoH2 {
		c.preface = &fingerprint.Preface{}
		c.rd = &h2Reader{src: c.Conn, onFrame: c.onFrame, onRequest: c.onH2}
		c.wr = &h2Writer{dst: c.Conn, onEnd: c.end}
		if c.origin.cfg.ExtendedConnect {
			c.wr.offer = connectProtocol
		}
		return
	}
	c.h1 = &h1Parser{onHead: c.onH1}
}

func (c *conn) Read(p []byte) (n int, err error) {
	if c.rd != nil {
		n, err = c.rd.Read(p)
	} else {
		n, err = c.Conn.Read(p)
	}
	c.mu.Lock()
	ended, raws := c.ending != "", c.raws
	c.mu.Unlock()
	if ended { // what came after our FIN was not read
		return 0, io.EOF
	}
	if c.h1 != nil && !raws {
		c.h1.feed(p[:n])
	}
	return n, err
}

func (c *conn) Write(p []byte) (int, error) {
	if c.wr == nil {
		return c.Conn.Write(p)
	}
	n, err := c.wr.Write(p)
	c.idle()
	return n, err
}

// idle ends the connection if it is idle and a fault wants that.
func (c *conn) idle() {
	c.mu.Lock()
	gone, e := c.goAway, c.ending
	busy := len(c.open) > 0
	c.mu.Unlock()
	switch {
	case gone != nil && (gone.Close || !busy):
		c.Close()
	case e != "" && !busy:
		c.kill(e)
	}
}

// kill ends the connection by FIN or RST without a close_notify. After a FIN
// the connection is read, to no effect, until the client closes.
func (c *conn) kill(e Ending) {
	c.mu.Lock()
	if c.ending == "" {
		c.ending = e
	}
	e = c.ending
	closed := c.closed
	c.mu.Unlock()
	if closed {
		return
	}
	// Whoever else wants it dead waits until it is: what a handler writes after
	// that must not arrive.
	c.killing.Do(func() {
		c.origin.rec.update(c.rec, func(rec *Connection) { rec.Ending = e })
		if e == RST {
			reset(c.raw)
			return
		}
		c.raw.SetReadDeadline(time.Now().Add(lingerTime))
		closeWrite(c.raw)
	})
}

// Close ends the connection in the way that it was to end, and everything that
// is in flight on it. It may wait for the client, at most lingerTime.
func (c *conn) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	e := c.ending
	gone := e == "" && c.goAway != nil && !c.goAway.Close
	c.mu.Unlock()
	if e != "" {
		c.kill(e)
	}
	c.mu.Lock()
	c.closed = true
	left := len(c.open)
	clear(c.open)
	clear(c.waiting)
	c.mu.Unlock()
	c.origin.rec.requestsDone(int64(left))
	defer c.origin.forget(c)
	if gone { // the last answer must arrive, whatever the client is still sending
		if c.tls != nil {
			c.tls.CloseWrite()
		}
		closeWrite(c.raw)
	}
	if e == FIN || gone {
		linger(c.raw)
		return nil
	}
	return c.Conn.Close()
}

// end takes a request out of those in flight. If it was the last one that the
// faults leave this connection, no other is let in from here on: the client may
// send its next request before the FIN is out.
func (c *conn) end(key uint32) {
	faults := c.origin.cfg.Faults.Request
	c.mu.Lock()
	_, ok := c.open[key]
	delete(c.open, key)
	worn := faults.CloseAfter > 0 && int(c.requests) >= faults.CloseAfter && len(c.open) == 0
	if worn && c.ending == "" {
		if c.ending = FIN; faults.CloseHow == RST {
			c.ending = RST
		}
	}
	c.mu.Unlock()
	if ok {
		c.origin.rec.requestsDone(1)
	}
}

// start records a request and puts it in flight.
func (c *conn) start(key uint32, req Request) {
	c.mu.Lock()
	if c.ending != "" {
		c.mu.Unlock()
		return
	}
	c.requests++
	req.Conn, req.Nth = c.id, int(c.requests)
	if c.h1 != nil {
		key = c.requests
	}
	live := !c.closed
	if live {
		c.open[key] = struct{}{}
	}
	c.mu.Unlock()
	c.origin.rec.request(&req, c.rec, live)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) > 1<<14 { // streams that were reset before a handler took them
		clear(c.waiting)
	}
	c.waiting[key] = &exchange{conn: c, req: req}
}

// take returns the exchange that a handler was called for, and its key. It is
// called once for each request.
func (c *conn) take(r *http.Request) (*exchange, uint32) {
	var key uint32
	if c.rd != nil {
		marks := r.Header[streamField]
		if len(marks) > 0 {
			n, _ := strconv.ParseUint(marks[len(marks)-1], 10, 31)
			key = uint32(n)
		}
		delete(r.Header, streamField)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.h1 != nil {
		c.taken++
		key = c.taken
	}
	ex := c.waiting[key]
	delete(c.waiting, key)
	return ex, key
}

func (c *conn) onH1(h *h1Request) {
	req := Request{Proto: h.prot, Method: h.method, Path: h.target, Fields: h.fields, Raw: h.raw}
	for _, f := range h.fields {
		if strings.EqualFold(f.Name, "Host") {
			req.Host = f.Value
			break
		}
	}
	c.start(0, req)
}

func (c *conn) onH2(h h2Request) {
	req := Request{
		Proto: protoH2, Stream: h.stream, HPACK: h.fields, DependsOn: h.priority.DependsOn,
		Priority: fingerprint.Priority{
			Weight: h.priority.Weight, Exclusive: h.priority.Exclusive, Depend: h.priority.DependsOn != 0,
		},
	}
	var pseudo []string
	for _, f := range h.fields {
		req.Fields = append(req.Fields, fingerprint.HeaderField{Name: f.Name, Value: f.Value})
		switch f.Name {
		case ":method":
			req.Method = f.Value
		case ":path":
			req.Path = f.Value
		case ":authority":
			req.Host = f.Value
		}
		if strings.HasPrefix(f.Name, ":") {
			pseudo = append(pseudo, f.Name)
		}
	}
	if c.preface != nil {
		c.preface.PseudoHeaders, c.preface.FirstStreamID = pseudo, h.stream
		c.preface.HeadersPriority, c.preface.Fields = h.priority, h.fields
		c.opened()
	}
	c.start(h.stream, req)
}
