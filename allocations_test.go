//go:build !race

package mien_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"net"
	"runtime"
	"runtime/debug"
	"testing"

	"golang.org/x/net/http2"

	"github.com/mien-http/mien"
)

// What a GET of 1 KiB may allocate, http.NewRequest and the reading of the body
// included; net/http needs 41 to 51 allocations and 3.7 to 4.2 KB. The figures
// are exact as long as the garbage collector does not empty the pools in between.
const (
	mostAllocations = 16
	mostBytes       = 2 << 10
)

// TestAllocations counts against a server that allocates next to nothing itself.
func TestAllocations(t *testing.T) {
	url, client := steadyServer(t)
	s := newSession(t, mien.Config{TLS: client})
	get := func() {
		resp, err := s.Get(context.Background(), url)
		if err != nil {
			t.Error(err)
			return
		}
		if n, err := io.Copy(io.Discard, resp.Body); n != 1024 || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
		_ = resp.Body.Close()
	}
	const rounds = 2000
	for range rounds { // until the pools of every processor are filled
		get()
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range rounds {
		get()
	}
	runtime.ReadMemStats(&after)
	allocations, bytes := (after.Mallocs-before.Mallocs)/rounds, (after.TotalAlloc-before.TotalAlloc)/rounds
	t.Logf("%d allocations, %d bytes", allocations, bytes)
	if allocations > mostAllocations {
		t.Errorf("%d allocations, want at most %d", allocations, mostAllocations)
	}
	if bytes > mostBytes {
		t.Errorf("%d bytes, want at most %d", bytes, mostBytes)
	}
}

// steadyServer answers every HEADERS frame with the same 1 KiB, from buffers
// that it makes once.
func steadyServer(t *testing.T) (url string, client *tls.Config) {
	t.Helper()
	server, client := peerTLS(t, []string{"h2"}, &x509.Certificate{})
	listener, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	go func() {
		defer close(done)
		for {
			nc, err := listener.Accept()
			if err != nil {
				return
			}
			steady(nc)
		}
	}()
	return "https://" + listener.Addr().String(), client
}

// steady speaks just enough HTTP/2 to answer on one connection.
func steady(nc net.Conn) {
	defer func() { _ = nc.Close() }()
	in := make([]byte, 16<<10)
	if _, err := io.ReadFull(nc, in[:len(http2.ClientPreface)]); err != nil {
		return
	}
	frame := func(b []byte, kind http2.FrameType, flags http2.Flags, payload []byte) []byte {
		b = append(b, byte(len(payload)>>16), byte(len(payload)>>8), byte(len(payload)), byte(kind), byte(flags), 0, 0, 0, 0)
		return append(b, payload...)
	}
	if _, err := nc.Write(frame(frame(nil, http2.FrameSettings, 0, nil), http2.FrameSettings, http2.FlagSettingsAck, nil)); err != nil {
		return
	}
	answer := frame(nil, http2.FrameHeaders, http2.FlagHeadersEndHeaders, []byte("\x88\x0f\x10\x18application/octet-stream\x0f\x0d\x041024"))
	second := len(answer)
	answer = frame(answer, http2.FrameData, http2.FlagDataEndStream, make([]byte, 1024))
	for {
		if _, err := io.ReadFull(nc, in[:9]); err != nil {
			return
		}
		length := int(binary.BigEndian.Uint32(in[:4]) >> 8)
		kind, stream := http2.FrameType(in[3]), binary.BigEndian.Uint32(in[5:9])
		if _, err := io.ReadFull(nc, in[:length]); err != nil {
			return
		}
		if kind != http2.FrameHeaders {
			continue
		}
		binary.BigEndian.PutUint32(answer[5:], stream)
		binary.BigEndian.PutUint32(answer[second+5:], stream)
		if _, err := nc.Write(answer); err != nil {
			return
		}
	}
}
