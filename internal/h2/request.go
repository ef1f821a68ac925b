package h2

import (
	"encoding/binary"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http2"

	"github.com/mien-http/mien/fingerprint"
)

// target is a request's control data (RFC 9113 §8.3.1).
type target struct {
	method, authority, scheme, path string

	protocol string // of an extended CONNECT (RFC 8441 §4), else ""
}

// requestTarget takes the control data from req.
func requestTarget(req *http.Request) (target, error) {
	u := req.URL
	if u == nil {
		return target{}, errNoHost
	}
	t := target{method: req.Method, authority: req.Host, scheme: strings.ToLower(u.Scheme), path: u.RequestURI()}
	if t.method == "" {
		t.method = http.MethodGet
	}
	if t.method == http.MethodConnect {
		if p := req.Header[":protocol"]; len(p) == 1 {
			t.protocol = p[0]
		} else { // its control data is another (RFC 9113 §8.5)
			return target{}, errConnect
		}
	}
	if t.scheme == "" {
		t.scheme = "https"
	}
	if t.authority == "" {
		t.authority = u.Host
	}
	// A URL's authority has no port where that is the scheme's own.
	t.authority = strings.TrimSuffix(t.authority, ":")
	switch t.scheme {
	case "https":
		t.authority = strings.TrimSuffix(t.authority, ":443")
	case "http":
		t.authority = strings.TrimSuffix(t.authority, ":80")
	}
	if t.authority == "" {
		return target{}, errNoHost
	}
	if !strings.HasPrefix(t.path, "/") && t.path != "*" {
		path := strings.TrimPrefix(t.path, u.Scheme+"://"+u.Host)
		if !strings.HasPrefix(path, "/") {
			return target{}, fmt.Errorf("request path %q does not start with a slash", t.path)
		}
		t.path = path
	}
	return t, nil
}

// eachField gives the fields of a request's header section, in the order in which
// they are sent.
func (c *Conn) eachField(req *http.Request, head *fingerprint.Head, t target, give func(name, value string)) {
	for _, name := range c.cfg.Profile.PseudoHeaders {
		switch name {
		case ":method":
			give(name, t.method)
		case ":authority":
			give(name, t.authority)
		case ":scheme":
			give(name, t.scheme)
		case ":path":
			give(name, t.path)
		}
	}
	if t.protocol != "" { // last with Chromium and with Firefox
		give(":protocol", t.protocol)
	}
	announced := len(req.Trailer) == 0
	for _, f := range head.Fields {
		if !forbidden(f.Name, f.Value) {
			give(f.Name, f.Value)
			announced = announced || f.Name == "trailer"
		}
	}
	if !announced {
		give("trailer", strings.ToLower(strings.Join(trailerNames(req), ", ")))
	}
}

// queueRequest encodes and queues the header section of s, and whatever the
// browser sends right behind it. mu is held.
func (c *Conn) queueRequest(s *stream, head *fingerprint.Head, t target) {
	block := c.enc.begin(c.block[:0])
	c.eachField(s.req, head, t, func(name, value string) { block = c.enc.field(block, name, value) })
	c.block = block

	var prio []byte
	if head.Priority.Weight > 0 {
		prio = c.priority(head.Priority)
	}
	c.order.add(s)
	s.headAt = c.out.at()
	ends := s.upload == nil && !c.endsWithData(t.method)
	c.out.queue = appendHeaders(c.out.queue, s.id, ends, prio, block, c.peer.frameSize)
	if n := c.cfg.Profile.StreamWindowUpdate; n > 0 {
		c.out.queue = appendWindowUpdate(c.out.queue, s.id, n)
	}
	if s.upload == nil {
		if !ends {
			c.out.queue = appendFrame(c.out.queue, 0, http2.FrameData, http2.FlagDataEndStream, s.id)
		}
		s.localDone = true
	}
	c.out.held = false
}

// endsWithData reports whether a request without content ends with an empty
// DATA frame.
func (c *Conn) endsWithData(method string) bool {
	return slices.Contains(c.cfg.Profile.EndWithData, method)
}

// priority returns the priority fields of a HEADERS frame (RFC 7540 §6.2) of a
// stream that is not in order yet. mu is held.
func (c *Conn) priority(p fingerprint.Priority) []byte {
	var parent uint32
	if p.Depend {
		parent = c.order.parent(p.Weight)
	}
	if p.Exclusive {
		parent |= 1 << 31
	}
	binary.BigEndian.PutUint32(c.prio[:], parent)
	c.prio[4] = byte(min(p.Weight, 256) - 1)
	return c.prio[:]
}

// queueTrailer encodes and queues the trailer section of s, which ends it. mu
// is held.
func (c *Conn) queueTrailer(s *stream) {
	block := c.enc.begin(c.block[:0])
	for _, name := range trailerNames(s.req) {
		lower := strings.ToLower(name)
		for _, value := range s.req.Trailer[name] {
			if !forbidden(lower, value) {
				block = c.enc.field(block, lower, value)
			}
		}
	}
	c.block = block
	c.out.queue = appendHeaders(c.out.queue, s.id, true, nil, block, c.peer.frameSize)
}

// trailerNames returns the names of req's trailers in a fixed order.
func trailerNames(req *http.Request) []string {
	return slices.Sorted(maps.Keys(req.Trailer))
}

// forbidden reports whether a field does not belong in HTTP/2 (RFC 9113 §8.2.2),
// or is said by :authority.
func forbidden(name, value string) bool {
	switch name {
	case "", "host", "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade":
		return true
	case "te":
		return value != "trailers"
	}
	return name[0] == ':'
}
