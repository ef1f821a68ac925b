package fingerprint

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
)

type prefaceCase struct {
	File        string      `json:"file"`
	Akamai      string      `json:"akamai"`
	FirstStream uint32      `json:"first_stream"`
	Priority    string      `json:"priority"`
	Headers     [][2]string `json:"headers"`
}

func prefaceCases(t testing.TB) []prefaceCase {
	var cases []prefaceCase
	helloReadJSON(t, "testdata/prefaces/expected.json", &cases)
	if len(cases) < 3 {
		t.Fatalf("only %d prefaces", len(cases))
	}
	return cases
}

func prefaceFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/prefaces/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return hpackHex(t, string(b))
}

func TestCapturedPrefaces(t *testing.T) {
	for _, c := range prefaceCases(t) {
		b := prefaceFile(t, c.File)
		p, err := ParsePreface(append(slices.Clone(b), "what follows"...))
		if err != nil {
			t.Fatalf("%s: %v", c.File, err)
		}
		if p.Akamai() != c.Akamai {
			t.Errorf("%s: Akamai %s, want %s", c.File, p.Akamai(), c.Akamai)
		}
		if p.Len != len(b) || p.FirstStreamID != c.FirstStream || p.HeadersPriority.StreamID != c.FirstStream {
			t.Errorf("%s: %d bytes, stream %d; want %d, %d", c.File, p.Len, p.FirstStreamID, len(b), c.FirstStream)
		}
		prio := p.HeadersPriority
		if got := fmt.Sprintf("excl=%t dep=%d weight=%d", prio.Exclusive, prio.DependsOn, prio.Weight); got != c.Priority {
			t.Errorf("%s: priority %s, want %s", c.File, got, c.Priority)
		}
		var got [][2]string
		for _, f := range p.Fields {
			got = append(got, [2]string{f.Name, f.Value})
		}
		if !slices.Equal(got, c.Headers) {
			t.Errorf("%s: fields %q, want %q", c.File, got, c.Headers)
		}
		for n := range b {
			if _, err := ParsePreface(b[:n]); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("%s: %d of %d bytes: %v", c.File, n, len(b), err)
			}
		}
	}
}

// The decoder of the preface goes on with the connection's next block.
func TestPrefaceDecoderGoesOn(t *testing.T) {
	p, err := ParsePreface(prefaceFile(t, "chromium-156.hex"))
	if err != nil {
		t.Fatal(err)
	}
	second := hpackBlocks(t, "chromium-156")[1]
	fields, err := p.HPACK.Decode(hpackHex(t, second.Block))
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range fields {
		if got := [2]string{f.Name, f.Value}; got != second.Headers[i] {
			t.Errorf("field %d is %q, want %q", i, got, second.Headers[i])
		}
	}
}

// prefaceMade is a frame to be made.
type prefaceMade struct {
	typ, flags byte
	stream     uint32
	payload    string
}

// prefaceBytes is a connection of the frames given.
func prefaceBytes(frames ...prefaceMade) []byte {
	b := []byte(prefaceMagic)
	for _, f := range frames {
		n := len(f.payload)
		b = append(b, byte(n>>16), byte(n>>8), byte(n), f.typ, f.flags,
			byte(f.stream>>24), byte(f.stream>>16), byte(f.stream>>8), byte(f.stream))
		b = append(b, f.payload...)
	}
	return b
}

func TestAkamaiOfMadeConnections(t *testing.T) {
	const request = "\x82\x84\x87\x41\x01a" // :method, :path, :scheme, :authority
	settings := prefaceMade{prefaceSettings, 0, 0, "\x00\x04\x00\x02\x00\x00\x00\x01\x00\x01\x00\x00"}
	for _, c := range []struct {
		name   string
		frames []prefaceMade
		want   string
	}{
		{"no window update", []prefaceMade{settings, {prefaceHeaders, 4, 1, request}}, "4:131072;1:65536|00|0|m,p,s,a"},
		{"empty settings", []prefaceMade{{prefaceSettings, 0, 0, ""}, {prefaceHeaders, 4, 1, request}}, "|00|0|m,p,s,a"},
		{"priority frames", []prefaceMade{settings,
			{prefaceWindowUpdate, 0, 0, "\x00\xbf\x00\x01"},
			{prefacePriority, 0, 3, "\x00\x00\x00\x00\xc8"},
			{prefacePriority, 0, 5, "\x80\x00\x00\x03\x00"},
			{prefaceHeaders, 4, 13, request}}, "4:131072;1:65536|12517377|3:0:0:201,5:1:3:1|m,p,s,a"},
		{"only the first of each", []prefaceMade{settings,
			{prefaceWindowUpdate, 0, 7, "\x00\x00\x00\x09"},
			{prefaceWindowUpdate, 0, 0, "\x80\x00\x00\x01"},
			{prefaceWindowUpdate, 0, 0, "\x00\x00\x00\x02"},
			{prefaceSettings, 0, 0, "\x00\x03\x00\x00\x00\x01"},
			{prefaceSettings, prefaceFlagAck, 0, ""},
			{6, 0, 0, "pingpong"},
			{prefaceHeaders, 4, 1, request}}, "4:131072;1:65536|1|0|m,p,s,a"},
		{"padding, priority and CONTINUATION", []prefaceMade{settings,
			{prefaceHeaders, prefaceFlagPadded | prefaceFlagPriority, 1, "\x02\x00\x00\x00\x00\x0f\x82\x84\x00\x00"},
			{prefaceContinuation, 0, 1, ""},
			{prefaceContinuation, 0, 1, "\x87\x41"},
			{prefaceContinuation, 4, 1, "\x01a"}}, "4:131072;1:65536|00|0|m,p,s,a"},
		{"no pseudo-header fields", []prefaceMade{settings, {prefaceHeaders, 4, 1, "\x90"}}, "4:131072;1:65536|00|0|"},
		{"extended CONNECT", []prefaceMade{settings, {prefaceHeaders, 4, 1, "\x82\x00\x09:protocol\x00\x84"}}, "4:131072;1:65536|00|0|m,p"},
	} {
		b := prefaceBytes(c.frames...)
		p, err := ParsePreface(b)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if p.Akamai() != c.want || p.Len != len(b) {
			t.Errorf("%s: %s, %d bytes; want %s, %d", c.name, p.Akamai(), p.Len, c.want, len(b))
		}
		for n := range b {
			if _, err := ParsePreface(b[:n]); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s: %d of %d bytes: %v", c.name, n, len(b), err)
			}
		}
	}
}

func TestAkamaiOfHTTP2(t *testing.T) {
	h := HTTP2{
		Settings:      []Setting{{1, 65536}, {2, 0}, {4, 6291456}, {6, 262144}},
		WindowUpdate:  15663105,
		PseudoHeaders: []string{":method", ":authority", ":scheme", ":path"},
	}
	if got, want := h.Akamai(), prefaceCases(t)[0].Akamai; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestPrefaceErrors(t *testing.T) {
	const first = len(prefaceMagic) // where the first frame starts
	settings := prefaceMade{prefaceSettings, 0, 0, ""}
	const second = first + 9
	headers := func(flags byte, payload string) []byte {
		return prefaceBytes(settings, prefaceMade{prefaceHeaders, flags, 1, payload})
	}
	for _, c := range []struct {
		name    string
		b       []byte
		offset  int
		problem string
	}{
		{"http/1.1", []byte("GET / HTTP/1.1\r\n\r\n"), 0, "not the connection preface"},
		{"nearly", []byte("PRI * HTTP/2.1"), 13, "not the connection preface"},
		{"no settings", prefaceBytes(prefaceMade{6, 0, 0, "pingpong"}), first + 3, "type 6 where SETTINGS is due"},
		{"ack first", prefaceBytes(prefaceMade{prefaceSettings, 1, 0, ""}), first + 3, "SETTINGS is due"},
		{"settings of 5", prefaceBytes(prefaceMade{prefaceSettings, 0, 0, "12345"}), first + 9, "SETTINGS of 5 bytes"},
		{"window update of 3", prefaceBytes(settings, prefaceMade{prefaceWindowUpdate, 0, 0, "123"}), second + 9, "WINDOW_UPDATE of 3 bytes"},
		{"priority of 4", prefaceBytes(settings, prefaceMade{prefacePriority, 0, 1, "1234"}), second + 9, "PRIORITY of 4 bytes"},
		{"priority on stream 0", prefaceBytes(settings, prefaceMade{prefacePriority, 0, 0, "12345"}), second + 5, "PRIORITY on stream 0"},
		{"headers on stream 0", prefaceBytes(settings, prefaceMade{prefaceHeaders, 4, 0, "\x82"}), second + 5, "HEADERS on stream 0"},
		{"stray continuation", prefaceBytes(settings, prefaceMade{prefaceContinuation, 4, 1, "\x82"}), second + 9, "CONTINUATION without HEADERS"},
		{"no padding length", headers(12, ""), second + 9, "more padding"},
		{"too much padding", headers(12, "\x02\x82"), second + 9, "more padding"},
		{"no room for priority", headers(0x24, "1234"), second + 9, "too short for its priority"},
		{"interrupted", append(headers(0, "\x82"), prefaceBytes(settings)[first:]...), second + 10 + 3, "type 4 on stream 0 where CONTINUATION is due"},
		{"CONTINUATION of another stream", append(headers(0, "\x82"), prefaceBytes(prefaceMade{prefaceContinuation, 4, 3, "\x84"})[first:]...), second + 10 + 3, "type 9 on stream 3"},
		{"HPACK", headers(0x2c, "\x00\x00\x00\x00\x00\x00\x82\xbe"), second + 9 + 7, "index 62"},
		{"HPACK in CONTINUATION", append(headers(0, "\x82"), prefaceBytes(prefaceMade{prefaceContinuation, 4, 1, "\x84\xbe"})[first:]...), second + 10 + 10, "index 62"},
	} {
		_, err := ParsePreface(c.b)
		var e *WireError
		if !errors.As(err, &e) {
			t.Errorf("%s: error is %v", c.name, err)
			continue
		}
		if e.Offset != c.offset || !strings.Contains(e.Problem, c.problem) || e.Err != nil {
			t.Errorf("%s: error is %v (%v), want byte %d: …%s…", c.name, err, e.Err, c.offset, c.problem)
		}
	}
}
