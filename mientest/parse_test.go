package mientest

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// heads feeds b to an h1Parser in parts of n bytes.
func heads(b []byte, n int) (raw []string) {
	p := &h1Parser{onHead: func(r *h1Request) { raw = append(raw, string(r.raw)) }}
	for len(b) > 0 {
		m := min(n, len(b))
		p.feed(b[:m])
		b = b[m:]
	}
	return raw
}

func FuzzH1Parser(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /c HTTP/1.0\n\n"))
	f.Add([]byte("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\nGET / HTTP/1.1\r\n\r\n"))
	f.Add([]byte("GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"))
	f.Add([]byte("\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		whole := heads(b, len(b))
		for _, n := range []int{1, 7} {
			parts := heads(b, n)
			if len(parts) != len(whole) {
				t.Fatalf("%d heads whole, %d in parts of %d", len(whole), len(parts), n)
			}
			for i := range whole {
				if whole[i] != parts[i] {
					t.Fatalf("head %d: %q whole, %q in parts of %d", i, whole[i], parts[i], n)
				}
			}
		}
		for _, h := range whole {
			if !bytes.Contains(b, []byte(h)) {
				t.Fatalf("head %q was not sent", h)
			}
		}
	})
}

// passed reads b through an h2Reader and returns what comes out and the
// requests seen.
func passed(t testing.TB, src io.Reader) (out []byte, requests []h2Request) {
	r := &h2Reader{src: src, onFrame: func(h2Frame) {}, onRequest: func(q h2Request) { requests = append(requests, q) }}
	out, err := io.ReadAll(r)
	if err != nil && err != io.ErrUnexpectedEOF {
		t.Fatal(err)
	}
	return out, requests
}

// FuzzH2Reader holds that what goes in comes out, but for the field of our own
// in a CONTINUATION frame, and that it does not matter how the bytes arrive.
func FuzzH2Reader(f *testing.F) {
	for _, name := range []string{"chromium-156.h2", "firefox-153.h2"} {
		seed, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
	}
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n and more that is not HTTP/2"))
	f.Add(append([]byte(clientPreface), 0, 0, 2, 1, 0x0c, 0, 0, 0, 1, 9, 0x82))
	f.Fuzz(func(t *testing.T, b []byte) {
		whole, requests := passed(t, bytes.NewReader(b))
		slow, again := passed(t, iotest.OneByteReader(bytes.NewReader(b)))
		if !bytes.Equal(whole, slow) || len(requests) != len(again) {
			t.Fatalf("bytes one by one make a difference:\n% x\n% x", whole, slow)
		}
		if got := unmarked(whole, b, requests); !bytes.Equal(got, b) {
			t.Fatalf("changed on the way:\n% x\n% x", b, got)
		}
	})
}

// unmarked takes the frames that h2Reader added out again. The END_HEADERS of a
// frame cut short, which nobody will read, is taken from sent.
func unmarked(b, sent []byte, requests []h2Request) []byte {
	if !bytes.HasPrefix(b, []byte(clientPreface)) {
		return b
	}
	out := bytes.Clone(b[:len(clientPreface)])
	b = b[len(clientPreface):]
	last := -1 // where in out the frame header stands that END_HEADERS was taken from
	for len(b) >= frameHeaderLen {
		h := parseFrameHeader(b)
		end := frameHeaderLen + h.length
		if end > len(b) {
			if at := len(out) + 4; at < len(sent) {
				b[4] = b[4]&^flagEndHeaders | sent[at]&flagEndHeaders
			}
			break
		}
		added := bytes.HasPrefix(b[frameHeaderLen:end], append([]byte{0, byte(len(streamField))}, "mientest-stream"...))
		if h.typ == frameContinuation && last >= 0 && h.flags == flagEndHeaders && (added && len(requests) > 0 || h.length == 0) {
			out[last+4] |= flagEndHeaders
			last = -1
		} else {
			if last = -1; (h.typ == frameHeaders || h.typ == frameContinuation) && h.flags&flagEndHeaders == 0 {
				last = len(out)
			}
			out = append(out, b[:end]...)
		}
		b = b[end:]
	}
	out = append(out, b...)
	return out
}

// TestCapturedConnections holds that what browsers sent is read as it is in
// their captures, and that http2.Server still understands it.
func TestCapturedConnections(t *testing.T) {
	for name, want := range map[string]struct {
		akamai   string
		stream   uint32
		weight   uint16
		requests int
	}{
		"chromium-156.h2": {"1:65536;2:0;4:6291456;6:262144|15663105|0|m,a,s,p", 1, 256, 2},
		"firefox-153.h2":  {"1:65536;2:0;4:131072;5:16384|12517377|0|m,p,a,s", 3, 42, 2},
	} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		o := newOrigin(t, Config{})
		client, server := memPair(t)
		rec, id, full := o.rec.connection("test")
		c := &conn{Conn: server, raw: server, origin: o, rec: rec, id: id, full: full}
		c.follow(protoH2)
		go func() { client.Write(b); closeWrite(client) }()
		out, err := io.ReadAll(c)
		if err != nil {
			t.Fatal(err)
		}
		conns, reqs := o.Connections(), o.Requests()
		if conns[0].Akamai != want.akamai {
			t.Errorf("%s: Akamai %s, want %s", name, conns[0].Akamai, want.akamai)
		}
		if len(reqs) < want.requests || reqs[0].Stream != want.stream || reqs[0].Priority.Weight != want.weight {
			t.Fatalf("%s: %d requests, stream %d, priority %+v", name, len(reqs), reqs[0].Stream, reqs[0].Priority)
		}
		fr := http2.NewFramer(nil, bytes.NewReader(out[len(clientPreface):]))
		fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
		n := 0
		for {
			f, err := fr.ReadFrame()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if h, ok := f.(*http2.MetaHeadersFrame); ok {
				if got := len(h.Fields); got != len(reqs[n].Fields)+1 || h.Fields[got-1].Name != "mientest-stream" {
					t.Errorf("%s: request %d: %d fields of %d sent", name, n, got, len(reqs[n].Fields))
				}
				n++
			}
		}
		if n != len(reqs) {
			t.Errorf("%s: %d requests recorded, %d handed on", name, len(reqs), n)
		}
		c.Close()
	}
}

func FuzzReadHello(f *testing.F) {
	hello, err := os.ReadFile(filepath.Join("testdata", "chromium-156-hello.bin"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(hello)
	f.Add(append(bytes.Clone(hello), "more"...))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add([]byte{22, 3, 1, 0, 1, 1, 22, 3, 1, 0, 4, 0, 0, 1, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		src := bytes.NewReader(b)
		raw, whole, err := readHello(src, func() {})
		if !bytes.HasPrefix(b, raw) || len(b)-src.Len() != len(raw) {
			t.Fatalf("%d bytes returned, %d read of %d", len(raw), len(b)-src.Len(), len(b))
		}
		if whole && err != nil {
			t.Fatalf("a whole hello and %v", err)
		}
	})
}
