package capture

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/mien-http/mien/fingerprint"
)

// parseRequest reads one request. One over HTTP/3 gives nil: profiles do not
// describe it.
func parseRequest(run string, b []byte) (*Request, error) {
	var j struct {
		Conn     string      `json:"conn"`
		Proto    string      `json:"proto"`
		Stream   uint32      `json:"stream"`
		Method   string      `json:"method"`
		Host     string      `json:"host"`
		Path     string      `json:"path"`
		Headers  [][2]string `json:"headers"`
		Priority string      `json:"priority"`
		Block    string      `json:"raw_block_hex"`
		Clear    bool        `json:"cleartext"`
	}
	if err := unmarshal(b, &j, "a request"); err != nil {
		return nil, err
	}
	r := &Request{Run: run, Conn: j.Conn, Stream: j.Stream, Method: j.Method, Host: j.Host, Path: j.Path}
	switch {
	case j.Proto == "h3":
		return nil, nil
	case j.Proto == "h2":
		r.Wire = fingerprint.OverHTTP2
	case j.Clear || j.Proto == "http" || j.Proto == "cleartext":
		r.Wire = fingerprint.OverCleartext
	case j.Proto == "h1":
		r.Wire = fingerprint.OverHTTP1
	default:
		return nil, fmt.Errorf("proto %q is not h2, h1, h3 or cleartext", j.Proto)
	}
	if len(j.Headers) == 0 {
		return nil, fmt.Errorf("request %s %s has no headers", j.Method, j.Path)
	}
	for _, f := range j.Headers {
		r.Fields = append(r.Fields, fingerprint.HeaderField{Name: f[0], Value: f[1]})
	}
	if r.Wire != fingerprint.OverHTTP2 {
		return r, nil
	}
	var err error
	if r.Block, err = hex.DecodeString(j.Block); err != nil {
		return nil, fmt.Errorf("raw_block_hex: %w", err)
	}
	if j.Priority != "" {
		p := &r.Priority
		if _, err := fmt.Sscanf(j.Priority, "excl=%t dep=%d weight=%d", &p.Exclusive, &p.DependsOn, &p.Weight); err != nil {
			return nil, fmt.Errorf("priority %q: %w", j.Priority, err)
		}
		p.StreamID = j.Stream
	}
	return r, nil
}

// frameTypes are the frames that learning needs, by the name that recordings use.
var frameTypes = map[string]byte{
	"DATA": frameData, "HEADERS": frameHeaders, "PRIORITY": framePriority, "RST_STREAM": frameRSTStream,
	"SETTINGS": frameSettings, "GOAWAY": frameGoAway, "WINDOW_UPDATE": frameWindowUpdate,
}

// readEvent keeps the browser's frames.
func (c *Capture) readEvent(run string, b []byte) error {
	var j struct {
		Event  string `json:"ev"`
		Dir    string `json:"dir"`
		Conn   string `json:"conn"`
		Type   string `json:"type"`
		Flags  string `json:"flags"`
		Stream uint32 `json:"stream"`
		Len    int    `json:"len"`
		Hex    string `json:"hex"`
	}
	if err := unmarshal(b, &j, "an event"); err != nil {
		return err
	}
	typ, known := frameTypes[j.Type]
	if j.Event != "frame" || j.Dir != "C>S" || !known {
		return nil
	}
	f := Frame{Run: run, Conn: j.Conn, Type: typ, Stream: j.Stream, Len: j.Len}
	flags, err := strconv.ParseUint(strings.TrimPrefix(j.Flags, "0x"), 16, 8)
	if err != nil {
		return fmt.Errorf("flags: %w", err)
	}
	f.Flags = byte(flags)
	if typ == frameData || typ == frameHeaders {
		c.Frames = append(c.Frames, f)
		return nil
	}
	const header = 9
	frame, err := hex.DecodeString(j.Hex)
	switch {
	case err != nil:
		return fmt.Errorf("hex: %w", err)
	case len(frame) != header+j.Len:
		return fmt.Errorf("hex: %d bytes of a frame with %d", len(frame), header+j.Len)
	}
	f.Payload = frame[header:]
	c.Frames = append(c.Frames, f)
	return nil
}

// get returns the value of the first field of that name, in lower case.
func (r *Request) get(name string) string {
	for _, f := range r.Fields {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

func (r *Request) has(name string) bool {
	for _, f := range r.Fields {
		if strings.EqualFold(f.Name, name) {
			return true
		}
	}
	return false
}
