package mientest

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/mien-http/mien/fingerprint"
)

// maxHead bounds a request head, in bytes; net/http refuses longer ones with 431.
const maxHead = 1<<20 + 8192

// h1State is what an h1Parser is within.
type h1State uint8

const (
	h1Head    h1State = iota
	h1Body            // left bytes of it to come
	h1Size            // a chunk-size line
	h1Chunk           // left bytes of chunk data and its line end
	h1Trailer         // trailer section
	h1Off             // no longer HTTP/1.1, or not understood
)

// h1Parser follows the request side of an HTTP/1.1 connection (RFC 9112) and
// reports each head as it was sent. It holds at most the head or line it is
// within. The zero value starts at a request. It is owned by the goroutine
// that reads the connection.
type h1Parser struct {
	onHead func(*h1Request)

	state h1State
	line  int    // where in buf the current line starts
	buf   []byte // the head, chunk-size line or trailer line so far
	left  int64
}

// h1Request is a request head in its own order and case.
type h1Request struct {
	raw                  []byte
	method, target, prot string
	fields               []fingerprint.HeaderField
}

func (p *h1Parser) feed(b []byte) {
	for len(b) > 0 && p.state != h1Off {
		switch p.state {
		case h1Body, h1Chunk:
			n := min(p.left, int64(len(b)))
			p.left -= n
			b = b[n:]
			if p.left == 0 {
				if p.state == h1Chunk {
					p.state = h1Size
				} else {
					p.state = h1Head
				}
			}
		default:
			i := bytes.IndexByte(b, '\n')
			if i < 0 {
				p.buf = append(p.buf, b...)
				b = nil
			} else {
				p.buf = append(p.buf, b[:i+1]...)
				b = b[i+1:]
				p.endLine()
			}
			if len(p.buf) > maxHead {
				p.stop()
			}
		}
	}
}

func (p *h1Parser) stop() { p.state, p.buf = h1Off, nil }

// endLine acts on the line that has just ended in buf.
func (p *h1Parser) endLine() {
	line := strings.TrimRight(string(p.buf[p.line:]), "\r\n")
	switch p.state {
	case h1Head:
		if line != "" {
			p.line = len(p.buf)
			return
		}
		req := parseHead(p.buf)
		p.buf, p.line = nil, 0
		p.framing(req)
		if req != nil {
			p.onHead(req)
		}
	case h1Size:
		digits, _, _ := strings.Cut(line, ";")
		size, err := strconv.ParseInt(strings.TrimSpace(digits), 16, 62)
		p.buf = p.buf[:0]
		switch {
		case err != nil || size < 0:
			p.stop()
		case size == 0:
			p.state = h1Trailer
		default:
			p.state, p.left = h1Chunk, size+int64(len("\r\n"))
		}
	case h1Trailer:
		p.buf = p.buf[:0]
		if line == "" {
			p.state, p.buf = h1Head, nil
		}
	}
}

// framing decides what follows the head (RFC 9112 §6.3).
func (p *h1Parser) framing(req *h1Request) {
	if req == nil || req.method == "CONNECT" {
		p.stop()
		return
	}
	for _, f := range req.fields {
		switch {
		case strings.EqualFold(f.Name, "Transfer-Encoding"):
			p.state = h1Size // the only coding that net/http takes is chunked
			return
		case strings.EqualFold(f.Name, "Content-Length"):
			n, err := strconv.ParseInt(f.Value, 10, 62)
			if err != nil || n < 0 {
				p.stop()
				return
			}
			if p.left = n; n > 0 {
				p.state = h1Body
			} else {
				p.state = h1Head
			}
		}
	}
}

// parseHead splits a head into its parts, nil if it is none.
func parseHead(raw []byte) *h1Request {
	lines := strings.Split(string(raw), "\n")
	parts := strings.SplitN(strings.TrimRight(lines[0], "\r"), " ", 3)
	if len(parts) != 3 || parts[0] == "" {
		return nil
	}
	req := &h1Request{raw: raw, method: parts[0], target: parts[1], prot: parts[2]}
	for _, line := range lines[1:] {
		if line = strings.TrimRight(line, "\r"); line == "" {
			break
		}
		name, value, _ := strings.Cut(line, ":")
		req.fields = append(req.fields, fingerprint.HeaderField{Name: name, Value: strings.Trim(value, " \t")})
	}
	return req
}
