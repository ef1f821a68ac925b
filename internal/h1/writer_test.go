package h1

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/mien-http/mien/fingerprint"
)

// Where framing fields go, and what of net/http's head is believed.
func TestHead(t *testing.T) {
	const line = "POST /p HTTP/1.1\r\n"
	tests := []struct {
		name  string
		head  *fingerprint.Head
		wrote string // by net/http, behind the request line
		want  string // behind the request line
	}{
		{"places", fields("Content-Length", "", "A", "1", "HOST", "", "B", "2"),
			"Host: h\r\nUser-Agent: go\r\nContent-Length: 0\r\n", "Content-Length: 0\r\nA: 1\r\nHOST: h\r\nB: 2\r\n"},
		{"no places", fields("A", "1"),
			"Host: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\nExpect: 100-continue\r\n",
			"Host: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\nExpect: 100-continue\r\nA: 1\r\n"},
		{"no places but Connection", fields("A", "1", "Connection", "keep-alive", "B", "2"),
			"Host: h\r\nContent-Length: 0\r\nExpect: 100-continue\r\n",
			"Host: h\r\nA: 1\r\nConnection: keep-alive\r\nContent-Length: 0\r\nExpect: 100-continue\r\nB: 2\r\n"},
		{"no places but Host", fields("A", "1", "Host", "", "B", "2"),
			"Host: h\r\nContent-Length: 0\r\n", "A: 1\r\nHost: h\r\nContent-Length: 0\r\nB: 2\r\n"},
		{"empty places", fields("Host", "", "Content-Length", "", "Transfer-Encoding", "", "Trailer", "", "Expect", "", "Connection", "", "A", ""),
			"Host: h\r\n", "Host: h\r\nA:\r\n"},
		{"values in framing places are net/http's", fields("Host", "evil", "Content-Length", "9", "Expect", "100-continue"),
			"Host: h\r\nContent-Length: 0\r\n", "Host: h\r\nContent-Length: 0\r\n"},
		{"a place counts once", fields("Host", "", "host", "", "Content-Length", "", "content-length", ""),
			"Host: h\r\nContent-Length: 0\r\n", "Host: h\r\nContent-Length: 0\r\n"},
		{"close over keep-alive", fields("Host", "", "Connection", "Keep-Alive"),
			"Host: h\r\nConnection: close\r\n", "Host: h\r\nConnection: close\r\n"},
		{"close with upgrade", fields("Host", "", "Connection", "Upgrade"),
			"Host: h\r\nConnection: close\r\nConnection: Upgrade\r\n", "Host: h\r\nConnection: Upgrade, close\r\n"},
		{"close already there", fields("Host", "", "Connection", "TE, close"),
			"Host: h\r\nConnection: close\r\n", "Host: h\r\nConnection: TE, close\r\n"},
		{"two connection fields", fields("Host", "", "Connection", "TE", "Connection", "Upgrade", "Connection", ""),
			"Host: h\r\nConnection: keep-alive\r\n", "Host: h\r\nConnection: TE\r\nConnection: Upgrade\r\n"},
		{"empty Host", fields("A", "1"), "Host: \r\n", "Host: \r\nA: 1\r\n"},
		{"other spellings are not framing", fields("Host", "", "Content-Length", ""),
			"Host: h\r\ncontent-length: 7\r\nCONTENT-LENGTH: 8\r\nExpecT: 100-continue\r\n", "Host: h\r\n"},
		{"case and bytes of values", fields("Host", "", "sec-CH", "a:b  c ", "X", "\xff\t"),
			"Host: h\r\n", "Host: h\r\nsec-CH: a:b  c \r\nX: \xff\t\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, err := runWriter(tt.head, []byte(line+tt.wrote+"\r\n"))
			if err != nil {
				t.Fatal(err)
			}
			if want := line + tt.want + "\r\n"; string(out) != want {
				t.Errorf("got  %q\nwant %q", out, want)
			}
		})
	}
}

func TestBadStreams(t *testing.T) {
	tests := map[string]struct {
		in   string
		want error // nil: a *HeadError
		out  int   // bytes that may leave behind the head
	}{
		"no version":           {in: "GET /\r\n\r\n"},
		"space in target":      {in: "GET /a b HTTP/1.1\r\n\r\n"},
		"empty target":         {in: "GET  HTTP/1.1\r\n\r\n"},
		"tab in target":        {in: "GET /\t HTTP/1.1\r\n\r\n"},
		"no method":            {in: " / HTTP/1.1\r\n\r\n"},
		"method":               {in: "G:T / HTTP/1.1\r\n\r\n"},
		"connect":              {in: "CONNECT a:1 HTTP/1.1\r\n\r\n"},
		"old version":          {in: "GET / HTTP/1.0\r\n\r\n"},
		"no colon":             {in: "GET / HTTP/1.1\r\nHost\r\n\r\n"},
		"two lengths":          {in: "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n"},
		"two hosts":            {in: "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
		"length and chunked":   {in: "GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"},
		"signed length":        {in: "GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n"},
		"huge length":          {in: "GET / HTTP/1.1\r\nContent-Length: 9223372036854775808\r\n\r\n"},
		"unknown coding":       {in: "GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n"},
		"bytes behind no body": {in: "GET / HTTP/1.1\r\nHost: a\r\n\r\nx", want: ErrNoRequest},
		"bytes behind a body":  {in: "GET / HTTP/1.1\r\nContent-Length: 2\r\n\r\nabc", want: ErrNoRequest, out: 2},
		"a second request":     {in: "GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n", want: ErrNoRequest},
	}
	for _, chunked := range []string{"x\r\n", "\r\n", "1;a\r\n", "1\n", "1\r\nab", "1\r\na\rb", "1\rX", "fffffffffffffffff\r\n", "0\r\n\n", "0\r\n\rx", "0\r\nA: b\n", "0\r\nA: b\rx"} {
		tests["chunks "+chunked] = struct {
			in   string
			want error
			out  int
		}{in: "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked, want: errChunk, out: len(chunked) - 1}
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			out, err := runWriter(fields("Host", ""), []byte(tt.in))
			var he *HeadError
			if tt.want != nil && !errors.Is(err, tt.want) || tt.want == nil && !errors.As(err, &he) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
			_, body, _ := bytes.Cut(out, []byte("\r\n\r\n"))
			if len(body) > tt.out || tt.want == nil && len(out) > 0 {
				t.Errorf("%q left", out)
			}
		})
	}
}

// sink keeps what a Conn writes below.
type sink struct {
	net.Conn // nil: nothing else is called
	all      []byte
	n        int
}

func (s *sink) Write(p []byte) (int, error) {
	s.n++
	s.all = append(s.all, p...)
	return len(p), nil
}

// runWriter writes parts to a Conn on which a request has begun.
func runWriter(head *fingerprint.Head, parts ...[]byte) ([]byte, error) {
	s := &sink{}
	c := NewConn(s)
	c.Begin(head, "")
	for _, p := range parts {
		n, err := c.Write(p)
		if err != nil {
			return s.all, err
		}
		if n != len(p) {
			return s.all, errors.New("short write without an error")
		}
	}
	return s.all, nil
}

// However net/http's stream is split into Writes, the same bytes leave, in no
// more Writes than came.
func FuzzSplits(f *testing.F) {
	const post = "POST /p HTTP/1.1\r\nHost: h\r\n"
	for _, c := range captures(f) {
		f.Add([]byte(c.RawHead+c.Body), []byte{7, 0, 200})
	}
	f.Add([]byte(post+"Content-Length: 11\r\n\r\nhello world"), []byte{1})
	f.Add([]byte(post+"Transfer-Encoding: chunked\r\nTrailer: A\r\n\r\n5\r\nhello\r\nA\r\n0123456789\r\n0\r\nA: b\r\n\r\n"), []byte{3, 1, 1})
	f.Add([]byte(post+"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\ntoo much"), []byte{40})
	f.Add([]byte(post+"Transfer-Encoding: chunked\r\n\r\nZ\r\n"), []byte{2})
	f.Fuzz(func(t *testing.T, stream, cuts []byte) {
		head := plain()
		want, wantErr := runWriter(head, stream)
		var parts [][]byte
		rest := stream
		for i := 0; len(rest) > 0 && len(cuts) > 0; i++ {
			n := min(int(cuts[i%len(cuts)])+1, len(rest))
			parts = append(parts, rest[:n])
			rest = rest[n:]
		}
		s := &sink{}
		c := NewConn(s)
		c.Begin(head, "")
		var err error
		for _, p := range append(parts, rest) {
			var n int
			if n, err = c.Write(p); err != nil {
				break
			}
			if n != len(p) {
				t.Fatal("short write without an error")
			}
		}
		if !bytes.Equal(s.all, want) {
			t.Errorf("split:  %q\nwhole: %q", s.all, want)
		}
		if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Errorf("split: %v, whole: %v", err, wantErr)
		}
		if s.n > len(parts)+1 {
			t.Errorf("%d writes below for %d above", s.n, len(parts)+1)
		}
		if i := bytes.Index(s.all, []byte("\r\n\r\n")); len(s.all) > 0 && (i < 0 || !bytes.Contains(s.all[:i], []byte("sec-ch-ua: \"x\""))) {
			t.Errorf("not our head: %q", s.all)
		}
	})
}

func TestStatus(t *testing.T) {
	tests := map[string]int{
		"HTTP/1.1 200 OK\r\n\r\n":                                                          200,
		"HTTP/1.0 408 Request Time-out\r\n\r\n":                                            408,
		"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\nHTTP/1.1 20":                          101,
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\n":                                 204,
		"HTTP/1.1 103 Hints\r\nLink: a\r\nX: b\r\n\r\nHTTP/1.1 100 C\r\n\r\nHTTP/1.1 301 ": 301,
		"HTTP/1.1 100\n\nHTTP/1.1 404\n":                                                   404,
		"HTTP/1.1 20":                                                                      0,
		"HTTP/1.1 100 Continue\r\nA: b\r\n":                                                0,
		"HTTP/2.0 200 OK\r\n":                                                              -1,
		"HTTP/1.1 2x0 OK\r\n":                                                              -1,
		"SSH-2.0-OpenSSH_9.2\r\n":                                                          -1,
		"HTTP/1.1 000 Nothing at all\r\n\r\n":                                              -1,
	}
	for in, want := range tests {
		for step := 1; step <= len(in); step++ {
			var s status
			for rest := in; rest != ""; {
				n := min(step, len(rest))
				s.read([]byte(rest[:n]))
				rest = rest[n:]
			}
			if s.final() != want {
				t.Errorf("%q in steps of %d: %d, want %d", in, step, s.final(), want)
			}
		}
	}
}

// FuzzStatus: splits make no difference, and nothing panics.
func FuzzStatus(f *testing.F) {
	f.Add([]byte(okResponse), 3)
	f.Add([]byte("HTTP/1.1 103 Hints\r\nLink: a\r\n\r\nHTTP/1.1 101 S\r\n\r\n"), 1)
	f.Fuzz(func(t *testing.T, in []byte, cut int) {
		var whole, parts status
		whole.read(in)
		cut = min(max(cut, 0), len(in))
		parts.read(in[:cut])
		parts.read(in[cut:])
		if whole.final() != parts.final() {
			t.Errorf("whole %d, cut at %d: %d", whole.final(), cut, parts.final())
		}
	})
}

func BenchmarkHead(b *testing.B) {
	c := captures(b)["chromium-156-post-form-urlenc"]
	head := c.head()
	in := []byte("POST " + c.Path + " HTTP/1.1\r\nHost: " + c.Host + "\r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: 15\r\n\r\n" + c.Body)
	conn := NewConn(discard{})
	b.ReportAllocs()
	b.SetBytes(int64(len(c.RawHead)))
	for b.Loop() {
		conn.Begin(head, "")
		if _, err := conn.Write(in); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBody follows a chunked body as net/http writes one.
func BenchmarkBody(b *testing.B) {
	chunk := []byte("8000\r\n" + strings.Repeat("x", 32<<10) + "\r\n")
	conn := NewConn(discard{})
	conn.Begin(plain(), "")
	if _, err := conn.Write([]byte("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(chunk)))
	for b.Loop() {
		if _, err := conn.Write(chunk); err != nil {
			b.Fatal(err)
		}
	}
}

type discard struct{ net.Conn }

func (discard) Write(p []byte) (int, error) { return len(p), nil }
