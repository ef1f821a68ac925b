package h2

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strconv"
	"strings"

	"golang.org/x/net/http2/hpack"
)

// maxInterim is how many interim responses a request may get.
const maxInterim = 100

var (
	errNoStatus     = errors.New("response without a valid :status")
	errPseudo       = errors.New("pseudo-header field out of place")
	errInterimEnd   = errors.New("interim response ends the stream")
	errSwitching    = errors.New("status 101, which HTTP/2 has not")
	errInterimFlood = errors.New("too many interim responses")
	errTrailerOpen  = errors.New("trailer section that does not end the stream")
	errLength       = errors.New("content-length is not a number, or not one number")
)

// An interim is a 1xx response on its way to a trace.
type interim struct {
	status int
	header http.Header
}

// report tells trace about it and returns the trace's veto.
func (i interim) report(trace *httptrace.ClientTrace) error {
	if trace == nil {
		return nil
	}
	if i.status == http.StatusContinue && trace.Got100Continue != nil {
		trace.Got100Continue()
	}
	if trace.Got1xxResponse != nil {
		return trace.Got1xxResponse(i.status, textproto.MIMEHeader(i.header))
	}
	return nil
}

// splitStatus takes the control data off a response's field section.
func splitStatus(fields []hpack.HeaderField) (int, []hpack.HeaderField, error) {
	if len(fields) == 0 || fields[0].Name != ":status" || len(fields[0].Value) != 3 {
		return 0, nil, errNoStatus
	}
	status, err := strconv.Atoi(fields[0].Value)
	if err != nil || status < 100 {
		return 0, nil, errNoStatus
	}
	return status, fields[1:], nil
}

// takeInterim gives a 1xx response to s. mu is held.
func (c *Conn) takeInterim(s *stream, status int, fields []hpack.HeaderField, b *section) error {
	switch {
	case b.ends:
		return errInterimEnd
	case status == http.StatusSwitchingProtocols:
		return errSwitching
	}
	s.infoCount++
	s.infoBytes = int32(min(int64(s.infoBytes)+int64(b.size), math.MaxInt32))
	if s.infoCount > maxInterim || int(s.infoBytes) > b.limit {
		return errInterimFlood
	}
	if status == http.StatusContinue && s.upload != nil {
		s.upload.waits = false
		s.upload.signal()
	}
	if !s.wantInfo {
		return c.reader.check(fields)
	}
	header, _, err := c.reader.header(fields)
	if err != nil {
		return err
	}
	s.infos = append(s.infos, interim{status, header})
	s.signal()
	return nil
}

// takeResponse gives the final response to s. mu is held.
func (c *Conn) takeResponse(s *stream, status int, fields []hpack.HeaderField, ends bool) error {
	header, known, err := c.reader.header(fields)
	if err != nil {
		return err
	}
	head := s.req.Method == http.MethodHead
	s.bodyless = head || status == http.StatusNoContent || status == http.StatusNotModified
	s.declared = known.length
	r := &s.response
	*r = http.Response{
		Status:        statusLine(status),
		StatusCode:    status,
		Proto:         "HTTP/2.0",
		ProtoMajor:    2,
		Header:        header,
		Trailer:       known.trailer,
		ContentLength: known.length,
		Request:       s.req,
	}
	if ends && known.length < 0 && !head {
		r.ContentLength = 0
	}
	s.answered = true
	if u := s.upload; u != nil && u.waits {
		// The answer came without asking for the content.
		c.stopUpload(s)
	}
	c.flood.progress()
	if ends {
		c.endRemote(s)
		return nil
	}
	s.signal()
	return nil
}

// contentLength parses one content-length value.
func contentLength(v string) (int64, error) {
	if v == "" || strings.IndexFunc(v, func(r rune) bool { return r < '0' || r > '9' }) >= 0 {
		return 0, errLength
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("content-length %s: %w", quote(v), strconv.ErrRange)
	}
	return n, nil
}

// statusLine is http.Response.Status: "200 OK".
func statusLine(status int) string {
	switch status {
	case http.StatusOK:
		return "200 OK"
	case http.StatusNotModified:
		return "304 Not Modified"
	case http.StatusNotFound:
		return "404 Not Found"
	}
	return strconv.Itoa(status) + " " + http.StatusText(status)
}
