package mien_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// proxyFaults are the rows of the way through a proxy.
func proxyFaults() []fault {
	const (
		closes  = "proxy closes before its status"
		connect = "CONNECT 407, 403 / 429, 502, 503, 504"
		socks   = "SOCKS reply: 1,3,4,5,6 / 2,7,8, auth refused"
	)
	reset := outcome{phase: retry.PhaseProxy, class: retry.ProxyReset}
	all := []fault{
		{row: "407 on plain http through a proxy", run: plainProxyAuth},
		{row: connect, variant: "Retry-After", run: proxyRetryAfter},
		{row: closes, variant: "https", start: refusing("https", func(nc net.Conn, _ string) { fin(nc) }), want: reset, decision: retry.Any},
	}
	for _, scheme := range []string{"http", "socks5"} {
		all = append(all,
			fault{row: closes, variant: scheme + ", FIN", start: refusing(scheme, func(nc net.Conn, _ string) { fin(nc) }), want: reset, decision: retry.Any},
			fault{row: closes, variant: scheme + ", RST", start: refusing(scheme, func(nc net.Conn, _ string) { rst(nc) }), want: reset, decision: retry.Any})
	}
	for status, decision := range map[int]retry.Decision{407: retry.Never, 403: retry.Never, 429: retry.Any, 502: retry.Any, 503: retry.Any, 504: retry.Any} {
		for _, scheme := range []string{"http", "https"} {
			all = append(all, fault{row: connect, variant: scheme + " " + strconv.Itoa(status), decision: decision,
				want: outcome{phase: retry.PhaseProxy, class: retry.ProxyRefused, status: status},
				start: refusing(scheme, func(nc net.Conn, _ string) {
					fmt.Fprintf(nc, "HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n", status)
					fin(nc)
				})})
		}
	}
	refused := func(reply byte, decision retry.Decision, auth bool) fault {
		return fault{row: socks, variant: strconv.Itoa(int(reply)), decision: decision,
			want: outcome{phase: retry.PhaseProxy, class: retry.ProxyRefused, socks: reply},
			start: refusing("socks5", func(nc net.Conn, _ string) {
				if auth {
					_, _ = nc.Write([]byte{5, 255})
				} else {
					_, _ = nc.Write([]byte{5, reply, 0, 1, 0, 0, 0, 0, 0, 0})
				}
				fin(nc)
			})}
	}
	for reply, decision := range map[byte]retry.Decision{1: retry.Any, 3: retry.Any, 4: retry.Any, 5: retry.Any, 6: retry.Any, 2: retry.Never, 7: retry.Never, 8: retry.Never} {
		all = append(all, refused(reply, decision, false))
	}
	return append(all, refused(255, retry.Never, true))
}

// refusing is an origin behind a proxy that does with the first tunnels what
// refuse says.
func refusing(scheme string, refuse func(nc net.Conn, target string)) func(*testing.T, place, int) *broken {
	return func(t *testing.T, p place, times int) *broken {
		b := breaking(t, p, mientest.Config{}, 0, nil)
		var n atomic.Int32
		throughProxy(t, p, scheme, &b.cfg, func(nc net.Conn, target string) bool {
			if !breaks(int(n.Add(1)), times) {
				return false
			}
			refuse(nc, target)
			return true
		})
		return b
	}
}

// throughProxy has cfg's session go through a proxy of its own. refuse, if not
// nil, is asked for each tunnel, and reports whether it answered.
func throughProxy(t *testing.T, p place, scheme string, cfg *mien.Config, refuse func(nc net.Conn, target string) bool) {
	t.Helper()
	server, client := peerTLS(t, nil, &x509.Certificate{})
	addr := scripted(t, p, func(_ int, nc net.Conn) {
		if scheme == "https" {
			c := tls.Server(nc, server)
			if c.Handshake() != nil {
				return
			}
			nc = c
		}
		ask, accept := askedHTTP, "HTTP/1.1 200 Connection established\r\n\r\n"
		if scheme == "socks5" {
			ask, accept = askedSOCKS, "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"
		}
		target, err := ask(nc)
		if err != nil || refuse != nil && refuse(nc, target) {
			return
		}
		far, err := p.dial(context.Background(), "tcp", target)
		if err != nil {
			return
		}
		if _, err := io.WriteString(nc, accept); err != nil {
			_ = far.Close()
			return
		}
		splice(nc, far)
	})
	if scheme == "https" {
		cfg.ProxyTLS = client
	}
	cfg.Proxy = http.ProxyURL(&url.URL{Scheme: scheme, Host: addr})
}

func askedHTTP(nc net.Conn) (string, error) {
	r, err := http.ReadRequest(bufio.NewReader(nc))
	if err != nil {
		return "", err
	}
	return r.RequestURI, nil
}

func askedSOCKS(nc net.Conn) (string, error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(nc, head); err != nil {
		return "", err
	}
	if _, err := io.CopyN(io.Discard, nc, int64(head[1])); err != nil {
		return "", err
	}
	_, _ = nc.Write([]byte{5, 0})
	head = make([]byte, 4)
	if _, err := io.ReadFull(nc, head); err != nil {
		return "", err
	}
	size := map[byte]int{1: net.IPv4len, 4: net.IPv6len}[head[3]]
	if head[3] == 3 {
		n := make([]byte, 1)
		if _, err := io.ReadFull(nc, n); err != nil {
			return "", err
		}
		size = int(n[0])
	}
	rest := make([]byte, size+2)
	if _, err := io.ReadFull(nc, rest); err != nil {
		return "", err
	}
	host := string(rest[:size])
	if head[3] != 3 {
		host = net.IP(rest[:size]).String()
	}
	return net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(rest[size:])))), nil
}

// TestFaultsThroughProxies: what an origin does wrong is told through a proxy as
// it is without.
func TestFaultsThroughProxies(t *testing.T) {
	for _, f := range faults() {
		if f.start == nil || f.direct || f.want.phase == retry.PhaseProxy {
			continue
		}
		for _, scheme := range []string{"http", "https", "socks5"} {
			t.Run(strings.TrimSuffix(f.row+": "+f.variant, ": ")+"/"+scheme, func(t *testing.T) {
				for _, p := range protocols {
					if f.wire != "" && f.wire != p.name {
						continue
					}
					for _, m := range f.modes()[1:3] {
						t.Run(p.name+"/"+m.name, func(t *testing.T) {
							meet := func(t *testing.T, p place) {
								f.meet(t, p, m, func(cfg *mien.Config) { throughProxy(t, p, scheme, cfg, nil) })
							}
							if !f.bubble {
								meet(t, place{protocol: p})
								return
							}
							synctest.Test(t, func(t *testing.T) {
								meet(t, place{p, new(mientest.Network), new(atomic.Int32)})
							})
						})
					}
				}
			})
		}
	}
}

// plainProxyAuth: a proxy that wants to know who asks answers a plain request
// itself, and that answer is the caller's.
func plainProxyAuth(t *testing.T, p protocol) {
	var asked atomic.Int32
	addr := scripted(t, place{protocol: p}, func(_ int, nc net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(nc))
		if err != nil {
			return
		}
		if asked.Add(1); r.RequestURI != "http://origin.test/x" {
			t.Errorf("asked for %q", r.RequestURI)
		}
		_, _ = io.WriteString(nc, "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n")
		fin(nc)
	})
	s := newSession(t, mien.Config{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: addr})})
	resp, err := s.Get(t.Context(), "http://origin.test/x")
	if err != nil {
		t.Fatal(err)
	}
	if readAll(t, resp); resp.StatusCode != http.StatusProxyAuthRequired || asked.Load() != 1 {
		t.Errorf("%s, asked %d times", resp.Status, asked.Load())
	}
	settled(t, s)
}

// proxyRetryAfter: a proxy that says when to come again is asked again then.
func proxyRetryAfter(t *testing.T, p protocol) {
	synctest.Test(t, func(t *testing.T) {
		const wait = 7 * time.Second
		where := place{p, new(mientest.Network), new(atomic.Int32)}
		b := refusing("http", func(nc net.Conn, _ string) {
			_, _ = io.WriteString(nc, "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n")
			fin(nc)
		})(t, where, 1)
		heard := &retries{}
		b.cfg.DialContext, b.cfg.Hooks.Retry = where.network.DialContext, heard.add
		s := newSession(t, b.cfg)
		begun := time.Now()
		get(t, s, b.url)
		// Reading the answer's body may take the proxy half a second more.
		if took := time.Since(begun); took < wait || took > wait+time.Second || len(heard.list) != 1 || heard.list[0].Wait != wait {
			t.Errorf("after %v, want %v; retries %+v", took, wait, heard.list)
		}
		settled(t, s)
	})
}
