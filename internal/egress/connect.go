package egress

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	maxConnectHead = 64 << 10               // the whole answer to CONNECT up to its empty line, interim ones included
	maxBodyPrefix  = 512                    // of a refusal's body
	bodyWait       = 500 * time.Millisecond // for that
	maxGarbage     = 16                     // shown of an answer in another protocol
)

// A Field is one field of a CONNECT request.
type Field struct {
	Name  string // in the case that goes on the wire
	Value string // "": the place of a value that we fill in, for Host and Proxy-Authorization
}

// ChromiumConnect lists the fields of Chromium's CONNECT requests, as captured
// from version 156 (the root package's testdata/proxied), whatever goes through
// the tunnel. An empty userAgent leaves that field out.
func ChromiumConnect(userAgent string) []Field {
	return []Field{{"Host", ""}, {"Proxy-Connection", "keep-alive"}, {"User-Agent", userAgent}, {"Proxy-Authorization", ""}}
}

// FirefoxConnect lists the fields of Firefox's CONNECT requests, as captured from
// version 153 beside those of Chromium. An empty userAgent leaves that field out.
func FirefoxConnect(userAgent string) []Field {
	return []Field{{"User-Agent", userAgent}, {"Proxy-Connection", "keep-alive"}, {"Connection", "keep-alive"}, {"Host", ""}, {"Proxy-Authorization", ""}}
}

// connect asks an HTTP proxy for a tunnel (RFC 9110 §9.3.6) and gives a
// connection whose first byte is the tunnel's.
func connect(c net.Conn, l leg, fields []Field) (net.Conn, error) {
	head, err := connectHead(l, fields)
	if err != nil {
		return nil, err
	}
	if _, err := c.Write(head); err != nil {
		return nil, err
	}
	source := &headReader{r: c, left: maxConnectHead}
	br := bufio.NewReader(source)
	resp, err := readConnectAnswer(br, source, l.proxy.Addr())
	if err != nil {
		return nil, l.proxy.unquoted(err)
	}
	if resp.StatusCode/100 != 2 {
		return nil, refusal(c, source, resp, l.proxy)
	}
	// A length on this answer means nothing: what follows is the tunnel.
	if n := br.Buffered(); n > 0 {
		early, _ := br.Peek(n)
		return &prefixed{Conn: c, early: bytes.Clone(early)}, nil
	}
	return c, nil
}

// connectHead writes the request. A Host that fields do not list goes first and
// credentials go last.
func connectHead(l leg, fields []Field) ([]byte, error) {
	if len(fields) == 0 {
		fields = ChromiumConnect("")
	}
	target := net.JoinHostPort(l.host, l.port)
	fill := []Field{{"Host", target}, {"Proxy-Authorization", l.proxy.basic()}}
	b := []byte("CONNECT " + target + " HTTP/1.1\r\n")
	add := func(name, value string) {
		if value != "" {
			b = append(b, name+": "+value+"\r\n"...)
		}
	}
	if !lists(fields, "Host") {
		add("Host", target)
	}
	for _, f := range fields {
		if strings.ContainsAny(f.Name+f.Value, "\r\n\x00") {
			return nil, &RouteError{Index: -1, Reason: "a field of the CONNECT request holds a line break or zero byte"}
		}
		for _, own := range fill {
			if strings.EqualFold(f.Name, own.Name) {
				f.Value = own.Value
			}
		}
		add(f.Name, f.Value)
	}
	if !lists(fields, "Proxy-Authorization") {
		add("Proxy-Authorization", l.proxy.basic())
	}
	return append(b, "\r\n"...), nil
}

func lists(fields []Field, name string) bool {
	for _, f := range fields {
		if strings.EqualFold(f.Name, name) {
			return true
		}
	}
	return false
}

// headReader bounds what is read while a head is awaited, and keeps the error
// of the connection apart from those of the parser.
type headReader struct {
	r    io.Reader
	left int
	err  error // the connection's, or errHeadLimit
}

var errHeadLimit = errors.New("head too long")

func (h *headReader) Read(p []byte) (int, error) {
	if h.left <= 0 {
		h.err = errHeadLimit
		return 0, h.err
	}
	n, err := h.r.Read(p[:min(len(p), h.left)])
	h.left -= n
	h.err = err
	return n, err
}

// readConnectAnswer reads the final answer's head, passing over interim ones.
// br reads from source. Errors of the connection come as they are; the text of
// a parser's error may quote the proxy, which may quote our credentials, so
// none is passed on.
func readConnectAnswer(br *bufio.Reader, source *headReader, proxy string) (*http.Response, error) {
	for {
		if err := expectHTTP(br, proxy); err != nil {
			return nil, answerError(source, proxy, err)
		}
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			return nil, answerError(source, proxy, err)
		}
		if resp.StatusCode < 100 {
			return nil, &AnswerError{Proxy: proxy, Reason: "has a status code below 100"}
		}
		if resp.StatusCode/100 != 1 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, nil
		}
	}
}

// expectHTTP looks at the first bytes as they come, so that a server of another
// protocol which waits for more is found out at once.
func expectHTTP(br *bufio.Reader, proxy string) error {
	const start = "HTTP/"
	for n := 1; n <= len(start); n++ {
		b, err := br.Peek(n)
		if err != nil {
			return err
		}
		if string(b) != start[:n] {
			b, _ = br.Peek(min(br.Buffered(), maxGarbage))
			return &AnswerError{Proxy: proxy, Reason: "is not HTTP", Prefix: bytes.Clone(b)}
		}
	}
	return nil
}

// answerError tells what ended the reading of a head: the connection, our limit
// or the answer itself.
func answerError(source *headReader, proxy string, err error) error {
	if e := (*AnswerError)(nil); errors.As(err, &e) {
		return err
	}
	switch {
	case errors.Is(source.err, errHeadLimit):
		return &AnswerError{Proxy: proxy, Reason: "has a head of more than 64 KiB", limit: true}
	case errors.Is(source.err, io.EOF) && source.left < maxConnectHead:
		return io.ErrUnexpectedEOF
	case source.err != nil:
		return source.err
	}
	return &AnswerError{Proxy: proxy, Reason: "has a malformed head"}
}

// refusal makes the error of an answer that opens no tunnel.
func refusal(c net.Conn, source *headReader, resp *http.Response, p Proxy) error {
	source.left = maxConnectHead // for the framing around the body
	_ = c.SetReadDeadline(time.Now().Add(bodyWait))
	secrets := p.secrets()
	length := maxBodyPrefix
	for _, s := range secrets {
		length = max(length, maxBodyPrefix+len(s)) // one that begins within the prefix is seen whole
	}
	body := make([]byte, length)
	n, _ := io.ReadFull(resp.Body, body)
	body = body[:n]
	for _, s := range secrets {
		body = bytes.ReplaceAll(body, []byte(s), []byte("***"))
	}
	return &ProxyError{Proxy: p.Addr(), Status: resp.StatusCode, Header: resp.Header, BodyPrefix: body[:min(len(body), maxBodyPrefix)]}
}
