package h1

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
)

// BenchmarkRoundTrip is a whole exchange over loopback through net/http: with
// this package's connection, and with none for comparison.
func BenchmarkRoundTrip(b *testing.B) {
	addr := serve(b, func(nc *net.TCPConn, br *bufio.Reader) {
		for {
			if _, err := readHead(br); err != nil {
				return
			}
			_, _ = io.WriteString(nc, okResponse)
		}
	})
	c := captures(b)["chromium-156-get-fetch-get"]
	head := c.head()
	b.Run("ours", func(b *testing.B) {
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		conn := NewConn(nc)
		req := c.request(b)
		exchange(b, conn, req, func() { conn.Begin(head, "") })
	})
	b.Run("bare", func(b *testing.B) {
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		req := c.request(b)
		for _, f := range head.Fields {
			req.Header.Set(f.Name, f.Value)
		}
		exchange(b, nc, req, func() {})
	})
}

func exchange(b *testing.B, nc net.Conn, req *http.Request, begin func()) {
	tr := &http.Transport{DisableCompression: true, DialContext: dialed(nc)}
	cc, err := tr.NewClientConn(b.Context(), "http", "origin.test:80")
	if err != nil {
		b.Fatal(err)
	}
	defer cc.Close()
	b.ReportAllocs()
	for b.Loop() {
		if err := cc.Reserve(); err != nil {
			b.Fatal(err)
		}
		begin()
		resp, err := cc.RoundTrip(req)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
}
