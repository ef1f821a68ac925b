package h2

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/mien-http/mien/fingerprint"
)

// chromeHead is a navigation's field section.
func chromeHead(tb testing.TB) *fingerprint.Head {
	head := &fingerprint.Head{Priority: fingerprint.Priority{Weight: 256, Exclusive: true, Depend: true}}
	for _, f := range readCapture(tb, "chromium-156-c002")[0].Fields {
		if f[0][0] != ':' {
			head.Fields = append(head.Fields, fingerprint.HeaderField{Name: f[0], Value: f[1]})
		}
	}
	return head
}

// allocations is what a GET of 1 KiB may allocate, the memory under the
// connection included.
const allocations = 10

var kilobyte = make([]byte, 1024)

// dialServer connects to a real server over loopback TLS.
func dialServer(tb testing.TB, handler http.HandlerFunc) (*httptest.Server, func() net.Conn) {
	server := httptest.NewUnstartedServer(handler)
	server.EnableHTTP2 = true
	server.StartTLS()
	tb.Cleanup(server.Close)
	return server, func() net.Conn {
		cfg := server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
		cfg.NextProtos = []string{"h2"}
		nc, err := tls.Dial("tcp", server.Listener.Addr().String(), cfg)
		if err != nil {
			tb.Fatal(err)
		}
		return nc
	}
}

func serveKilobyte(w http.ResponseWriter, r *http.Request) { w.Write(kilobyte) }

func discard(b *testing.B, resp *http.Response, err error) {
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkGet is one GET of 1 KiB over loopback TLS, server included.
func BenchmarkGet(b *testing.B) {
	server, dial := dialServer(b, serveKilobyte)
	c := New(dial(), Config{Profile: chromium()})
	defer c.Close()
	head := chromeHead(b)
	req := newRequest(b, "GET", server.URL+"/1k", nil)
	b.ReportAllocs()
	for b.Loop() {
		resp, err := c.RoundTrip(req, head)
		discard(b, resp, err)
	}
}

// BenchmarkGetParallel keeps 128 requests in flight.
func BenchmarkGetParallel(b *testing.B) {
	server, dial := dialServer(b, serveKilobyte)
	c := New(dial(), Config{Profile: chromium()})
	defer c.Close()
	head := chromeHead(b)
	req := newRequest(b, "GET", server.URL+"/1k", nil)
	b.ReportAllocs()
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			resp, err := c.RoundTrip(req, head)
			discard(b, resp, err)
		}
	})
}

// BenchmarkNetHTTP is BenchmarkGetParallel through net/http.
func BenchmarkNetHTTP(b *testing.B) {
	server, _ := dialServer(b, serveKilobyte)
	transport := server.Client().Transport
	req := newRequest(b, "GET", server.URL+"/1k", nil)
	for _, f := range chromeHead(b).Fields {
		req.Header.Set(f.Name, f.Value)
	}
	b.ReportAllocs()
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			resp, err := transport.RoundTrip(req)
			discard(b, resp, err)
		}
	})
}

// canned answers every request with the same 1 KiB response and does next to
// nothing else, so that what is measured is the client.
func canned(nc net.Conn) {
	var out bytes.Buffer
	enc := hpack.NewEncoder(&out)
	block := func() []byte {
		out.Reset()
		for _, f := range [][2]string{{":status", "200"}, {"content-type", "text/html"}, {"content-length", "1024"},
			{"server", "canned"}, {"date", "Mon, 23 Nov 2026 10:00:00 GMT"}, {"vary", "accept-encoding"}} {
			enc.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
		}
		return out.Bytes()
	}
	r := bufio.NewReaderSize(nc, 64<<10)
	r.Discard(len(http2.ClientPreface))
	var answer []byte
	answer = appendSettings(answer, nil)
	for {
		header, err := r.Peek(frameHeaderLen)
		if err != nil {
			return
		}
		length := int(header[0])<<16 | int(header[1])<<8 | int(header[2])
		kind, id := http2.FrameType(header[3]), binary.BigEndian.Uint32(header[5:])
		r.Discard(frameHeaderLen + length)
		if kind == http2.FrameHeaders {
			answer = appendHeaders(answer, id, false, nil, block(), initialFrameSize)
			answer = append(appendFrame(answer, len(kilobyte), http2.FrameData, http2.FlagDataEndStream, id), kilobyte...)
		}
		if r.Buffered() == 0 {
			nc.Write(answer)
			answer = answer[:0]
		}
	}
}

// BenchmarkClient is the client alone.
func BenchmarkClient(b *testing.B) {
	for _, inFlight := range []int{1, 32} {
		b.Run(strconv.Itoa(inFlight), func(b *testing.B) {
			client, server := memPipe(0)
			go canned(server)
			c := New(client, Config{Profile: chromium()})
			defer c.Close()
			head := chromeHead(b)
			req := newRequest(b, "GET", "https://example.com/1k", nil)
			b.ReportAllocs()
			b.SetParallelism(inFlight)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					resp, err := c.RoundTrip(req, head)
					discard(b, resp, err)
				}
			})
		})
	}
}

// TestAllocations holds how much one small GET allocates.
func TestAllocations(t *testing.T) {
	client, server := memPipe(0)
	go canned(server)
	c := New(client, Config{Profile: chromium()})
	head := chromeHead(t)
	req := newRequest(t, "GET", "https://example.com/1k", nil)
	n := testing.AllocsPerRun(200, func() {
		resp, err := c.RoundTrip(req, head)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	})
	if n > allocations {
		t.Errorf("%v allocations per request, want at most %d", n, allocations)
	}
	c.Close()
	<-c.Done()
}

// BenchmarkDownload reads 10 MiB bodies.
func BenchmarkDownload(b *testing.B) {
	const size = 10 << 20
	server, dial := dialServer(b, func(w http.ResponseWriter, r *http.Request) {
		for range size / len(kilobyte) / 16 {
			var p [16 << 10]byte
			w.Write(p[:])
		}
	})
	c := New(dial(), Config{Profile: chromium()})
	defer c.Close()
	head := chromeHead(b)
	req := newRequest(b, "GET", server.URL+"/10m", nil)
	b.SetBytes(size)
	for b.Loop() {
		resp, err := c.RoundTrip(req, head)
		discard(b, resp, err)
	}
}

// BenchmarkEncode encodes a header section whose fields are all in the table
// but for the path.
func BenchmarkEncode(b *testing.B) {
	e := newEncoder(chromium())
	head := chromeHead(b)
	var block []byte
	b.ReportAllocs()
	for b.Loop() {
		block = e.field(e.begin(block[:0]), ":path", "/some/path?of=some&length=1")
		for _, f := range head.Fields {
			block = e.field(block, f.Name, f.Value)
		}
	}
}
