package capture

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/mientest"
)

// helloFolder holds ClientHellos that belong to no run.
const helloFolder = "clienthello"

// WriteRaw writes what arrived so far to dir, in the layout that
// fingerprint/capture.Read reads: ClientHellos in clienthello, and a folder for each
// part with requests. Requests may still be under way.
func (s *Site) WriteRaw(dir string) error {
	for _, o := range s.origins {
		var err error
		if o.wire == "" {
			err = o.writeHellos(filepath.Join(dir, helloFolder))
		} else {
			err = o.writeRun(filepath.Join(dir, o.name))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// writeHellos writes the ClientHellos of an origin of which nothing else counts,
// by what they are.
func (o *origin) writeHellos(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	counts := map[string]int{}
	write := func(kind string, records []byte) error {
		counts[kind]++
		return writeHello(filepath.Join(dir, fmt.Sprintf("%s-%s-%02d", kind, o.name, counts[kind])), records)
	}
	for _, c := range o.Connections() {
		h, err := fingerprint.ParseClientHelloRecords(c.Hello)
		if err != nil || c.Protocol == "" {
			continue // a connection that was given up
		}
		kind := "fresh"
		if h.HasPSK() {
			kind = "resumed"
		}
		if err := write(kind, c.Hello); err != nil {
			return err
		}
		if len(c.SecondHello) > 0 {
			if err := write("after-hrr", c.SecondHello); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeHello writes the records, and beside them what they say in short.
func writeHello(base string, records []byte) error {
	if err := os.WriteFile(base+".bin", records, 0o644); err != nil {
		return err
	}
	h, err := fingerprint.ParseClientHelloRecords(records)
	if err != nil {
		return fmt.Errorf("%s.bin: %w", base, err)
	}
	order := []string{}
	for _, e := range h.Extensions {
		order = append(order, e.ID.String())
	}
	return writeJSON(base+".json", struct {
		JA3   string   `json:"ja3"`
		Hash  string   `json:"ja3_md5"`
		JA4   string   `json:"ja4"`
		JA4R  string   `json:"ja4_r"`
		SNI   string   `json:"sni"`
		ALPN  []string `json:"alpn"`
		Order []string `json:"extension_order"`
	}{h.JA3(), h.JA3Hash(), h.JA4(), h.JA4R(), h.ServerName(), h.ALPN(), order})
}

func writeJSON(file string, v any) error {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}

// rawRequest is a request as recordings have it.
type rawRequest struct {
	Seq       int         `json:"seq"`
	Conn      string      `json:"conn"`
	Proto     string      `json:"proto"`
	Cleartext bool        `json:"cleartext,omitempty"`
	Stream    uint32      `json:"stream"` // over HTTP/1.1: which request of the connection
	Method    string      `json:"method"`
	Host      string      `json:"host"`
	Path      string      `json:"path"`
	Headers   [][2]string `json:"headers"`
	HPACK     []string    `json:"hpack,omitempty"`
	Priority  string      `json:"priority,omitempty"`
	Block     string      `json:"raw_block_hex,omitempty"`
	Head      string      `json:"raw_head,omitempty"`
}

// rawFrame is a line of events.jsonl.
type rawFrame struct {
	Conn   string `json:"conn"`
	Event  string `json:"ev"`
	Dir    string `json:"dir"`
	Type   string `json:"type"`
	Flags  string `json:"flags"`
	Stream uint32 `json:"stream"`
	Len    int    `json:"len"`
	Hex    string `json:"hex,omitempty"`
}

// writeRun writes the hellos, frames and requests of an origin.
func (o *origin) writeRun(dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "kinds"), 0o755); err != nil {
		return err
	}
	conns := o.Connections()
	var events strings.Builder
	lines := json.NewEncoder(&events)
	for _, c := range conns {
		for i, records := range [][]byte{c.Hello, c.SecondHello} {
			if len(records) > 0 && c.Protocol != "" {
				if err := writeHello(filepath.Join(dir, fmt.Sprintf("%s-hello%d", connName(c.ID), i+1)), records); err != nil {
					return err
				}
			}
		}
		for _, f := range c.Frames {
			if err := lines.Encode(rawOf(c.ID, f)); err != nil {
				return err
			}
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "events.jsonl"), []byte(events.String()), 0o644); err != nil {
		return err
	}
	var all strings.Builder
	lines = json.NewEncoder(&all)
	lines.SetEscapeHTML(false)
	seen := map[string]int{}
	for _, r := range o.Requests() {
		raw := o.rawRequest(&r, &conns[r.Conn-1])
		if err := lines.Encode(raw); err != nil {
			return err
		}
		name := strings.ToLower(r.Method) + "-" + kindFile(r.Path)
		if seen[name]++; seen[name] > 1 {
			name = fmt.Sprintf("%s-%d", name, seen[name])
		}
		if err := writeJSON(filepath.Join(dir, "kinds", name+".json"), raw); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "requests.jsonl"), []byte(all.String()), 0o644)
}

func connName(id int) string { return fmt.Sprintf("c%03d", id) }

// kindFile is the kind of a request as part of a file's name.
func kindFile(path string) string {
	name := kindName(path)
	if name == "" {
		return "navigate-initial"
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', strings.ContainsRune("-_.", r):
			return r
		}
		return '_' // whoever reaches the origin can send any path
	}, name[:min(len(name), 60)])
}

func (o *origin) rawRequest(r *mientest.Request, c *mientest.Connection) rawRequest {
	raw := rawRequest{
		Seq: r.Number, Conn: connName(r.Conn), Proto: "h1", Cleartext: o.wire == overCleartext, Stream: uint32(r.Nth),
		Method: r.Method, Host: r.Host, Path: r.Path, Headers: [][2]string{},
	}
	for _, f := range r.Fields {
		raw.Headers = append(raw.Headers, [2]string{f.Name, f.Value})
	}
	if r.Proto != "h2" {
		raw.Head = string(r.Raw)
		return raw
	}
	raw.Proto, raw.Stream = "h2", r.Stream
	for _, f := range r.HPACK {
		raw.HPACK = append(raw.HPACK, string(f.Representation))
	}
	if p := r.Priority; p.Weight > 0 {
		raw.Priority = fmt.Sprintf("excl=%t dep=%d weight=%d", p.Exclusive, r.DependsOn, p.Weight)
	}
	raw.Block = hex.EncodeToString(block(c.Frames, r.Stream))
	return raw
}
