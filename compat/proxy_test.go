package compat_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
)

// tunnel is a proxy on loopback that carries any connection, by HTTP CONNECT or
// by SOCKS5 with names.
type tunnel struct {
	listener net.Listener
	accept   func(client net.Conn) (target string, rest io.Reader, err error)
	carried  atomic.Int64
	wg       sync.WaitGroup

	mu    sync.Mutex
	open  map[net.Conn]bool // guarded by mu
	ended bool              // guarded by mu
}

func newTunnel(t testing.TB, scheme string) (*tunnel, *url.URL) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	p := &tunnel{listener: l, accept: acceptConnect, open: make(map[net.Conn]bool)}
	if scheme == "socks5" {
		p.accept = acceptSOCKS5
	}
	p.wg.Go(p.serve)
	t.Cleanup(p.close)
	return p, &url.URL{Scheme: scheme, Host: l.Addr().String()}
}

func (p *tunnel) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	p.ended = true
	for c := range p.open {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.wg.Wait()
}

// own has c closed with the proxy; false: that has been.
func (p *tunnel) own(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[c] = true
	return !p.ended
}

func (p *tunnel) serve() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.wg.Go(func() { p.carry(c) })
	}
}

func (p *tunnel) carry(client net.Conn) {
	defer client.Close()
	if !p.own(client) {
		return
	}
	target, rest, err := p.accept(client)
	if err != nil {
		return
	}
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	if !p.own(server) {
		return
	}
	p.carried.Add(1)
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(server, rest)
		_ = server.(*net.TCPConn).CloseWrite()
	})
	both.Go(func() {
		_, _ = io.Copy(client, server)
		_ = client.(*net.TCPConn).CloseWrite()
	})
	both.Wait()
}

// acceptConnect answers a CONNECT (RFC 9110 §9.3.6).
func acceptConnect(c net.Conn) (string, io.Reader, error) {
	br := bufio.NewReader(c)
	req, err := http.ReadRequest(br)
	if err != nil {
		return "", nil, err
	}
	if req.Method != http.MethodConnect {
		_, err = io.WriteString(c, "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		return "", nil, fmt.Errorf("%s, %v", req.Method, err)
	}
	_, err = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
	return req.Host, br, err
}

// acceptSOCKS5 answers a CONNECT without authentication (RFC 1928).
func acceptSOCKS5(c net.Conn) (string, io.Reader, error) {
	b := make([]byte, 256)
	if _, err := io.ReadFull(c, b[:2]); err != nil {
		return "", nil, err
	}
	if _, err := io.ReadFull(c, b[:b[1]]); err != nil {
		return "", nil, err
	}
	if _, err := c.Write([]byte{5, 0}); err != nil {
		return "", nil, err
	}
	if _, err := io.ReadFull(c, b[:5]); err != nil {
		return "", nil, err
	}
	kind, size := b[3], int(b[4])
	if kind == 1 { // IPv4: b[4] is its first byte
		size = 3
	}
	first := b[4]
	if _, err := io.ReadFull(c, b[:size+2]); err != nil {
		return "", nil, err
	}
	host := string(b[:size])
	if kind == 1 {
		host = net.IPv4(first, b[0], b[1], b[2]).String()
	}
	port := binary.BigEndian.Uint16(b[size:])
	_, err := c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	return net.JoinHostPort(host, fmt.Sprint(port)), c, err
}
