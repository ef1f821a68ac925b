package h1

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/mien-http/mien/fingerprint"
)

// request is what is kept of a head that net/http wrote. The slices are its
// memory.
type request struct {
	method, target []byte
	values         [framings][]byte // nil: no such line
	close          bool             // "Connection: close"
	chunked        bool
	length         int64
}

// framing names the fields whose values net/http decides.
type framing int

const (
	host framing = iota
	connection
	contentLength
	transferEncoding
	trailer
	expect
	framings
	ordinary framing = -1
)

// names are net/http's spellings, and the order of those fields that the head
// has no place for.
var names = [framings]string{"Host", "Connection", "Content-Length", "Transfer-Encoding", "Trailer", "Expect"}

// framingOf says which framing field a field is, without regard to case.
func framingOf(name string) framing {
	var f framing
	switch len(name) {
	case 4:
		f = host
	case 10:
		f = connection
	case 14:
		f = contentLength
	case 17:
		f = transferEncoding
	case 7:
		f = trailer
	case 6:
		f = expect
	default:
		return ordinary
	}
	if !strings.EqualFold(name, names[f]) {
		return ordinary
	}
	return f
}

// parse reads a head, which ends with the last line's CRLF. Only lines spelled
// as net/http spells its own are its framing: a caller's "content-length" key
// passes through net/http unexamined, and is not to be believed.
func parse(raw []byte) (request, error) {
	var r request
	line, raw, _ := bytes.Cut(raw, []byte("\r\n"))
	if err := r.parseLine(line); err != nil {
		return r, err
	}
	for len(raw) > 0 {
		line, raw, _ = bytes.Cut(raw, []byte("\r\n"))
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			return r, &HeadError{"framing", "", "a line without a colon: " + strconv.Quote(clip(line))}
		}
		for f, n := range names {
			if string(name) != n {
				continue
			}
			if err := r.set(framing(f), bytes.TrimPrefix(value, []byte(" "))); err != nil {
				return r, err
			}
		}
	}
	if r.chunked && r.values[contentLength] != nil {
		return r, &HeadError{"framing", "", "both Content-Length and Transfer-Encoding"}
	}
	return r, nil
}

func (r *request) parseLine(line []byte) error {
	method, rest, _ := bytes.Cut(line, []byte(" "))
	target, version, ok := bytes.Cut(rest, []byte(" "))
	switch {
	case !ok || len(target) == 0:
		return &HeadError{"request line", "", "not a method, a target and a version: " + strconv.Quote(clip(line))}
	case !isToken(string(method)):
		return &HeadError{"method", "", "not a token: " + strconv.Quote(clip(method))}
	case string(method) == "CONNECT":
		return &HeadError{"method", "", "CONNECT makes a tunnel, not a request"}
	case string(version) != "HTTP/1.1":
		return &HeadError{"target", "", "contains a space: " + strconv.Quote(clip(rest))}
	}
	if i := notTarget(string(target)); i >= 0 {
		return &HeadError{"target", "", "contains " + strconv.QuoteRune(rune(target[i]))}
	}
	r.method, r.target = method, target
	return nil
}

func (r *request) set(f framing, value []byte) error {
	if f == connection {
		r.close = r.close || hasToken(string(value), "close")
		return nil
	}
	if r.values[f] != nil {
		if f == expect {
			return nil // net/http acts on the first
		}
		return &HeadError{"framing", names[f], "written twice"}
	}
	r.values[f] = value
	switch f {
	case contentLength:
		n, err := strconv.ParseUint(string(value), 10, 63)
		if err != nil {
			return &HeadError{"framing", names[f], "not a length: " + strconv.Quote(clip(value))}
		}
		r.length = int64(n)
	case transferEncoding:
		if string(value) != "chunked" {
			return &HeadError{"framing", names[f], "not chunked: " + strconv.Quote(clip(value))}
		}
		r.chunked = true
	}
	return nil
}

// appendHead appends the head that goes out. A framing field stands where head
// has a place for it; without one Host comes first, and the others come right
// behind Connection, or Host where there is none.
func appendHead(b []byte, r *request, head *fingerprint.Head) []byte {
	b = append(b, r.method...)
	b = append(b, ' ')
	b = append(b, r.target...)
	b = append(b, " HTTP/1.1\r\n"...)

	var placed [framings]bool
	for _, f := range head.Fields {
		if k := framingOf(f.Name); k != ordinary {
			placed[k] = true
		}
	}
	anchor := connection
	if !placed[connection] {
		anchor = host
	}
	if !placed[host] {
		b = r.appendFraming(b, host, names[host], "")
		if anchor == host {
			b = r.appendUnplaced(b, &placed)
		}
	}
	var seen [framings]bool
	for _, f := range head.Fields {
		k := framingOf(f.Name)
		switch {
		case k == ordinary, k == connection && seen[k] && f.Value != "":
			b = appendField(b, f.Name, f.Value)
		case !seen[k]:
			seen[k] = true
			b = r.appendFraming(b, k, f.Name, f.Value)
			if k == anchor {
				b = r.appendUnplaced(b, &placed)
			}
		}
	}
	return append(b, "\r\n"...)
}

// appendUnplaced appends the framing fields behind Host that have no place.
func (r *request) appendUnplaced(b []byte, placed *[framings]bool) []byte {
	for k := host + 1; k < framings; k++ {
		if !placed[k] {
			b = r.appendFraming(b, k, names[k], "")
		}
	}
	return b
}

// appendFraming appends the framing field k under the name that head gives it,
// if net/http wrote one. A value in head counts for Connection alone.
func (r *request) appendFraming(b []byte, k framing, name, value string) []byte {
	if k != connection {
		if r.values[k] == nil {
			return b
		}
		b = append(append(b, name...), ": "...)
		b = append(b, r.values[k]...)
		return append(b, "\r\n"...)
	}
	switch {
	case !r.close || hasToken(value, "close"):
	case value == "" || strings.EqualFold(value, "keep-alive"):
		value = "close"
	default:
		value += ", close"
	}
	if value == "" {
		return b
	}
	return appendField(b, name, value)
}

func appendField(b []byte, name, value string) []byte {
	b = append(append(b, name...), ':')
	if value != "" {
		b = append(append(b, ' '), value...)
	}
	return append(b, "\r\n"...)
}
