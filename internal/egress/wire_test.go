package egress

import (
	"bytes"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestConnectHead(t *testing.T) {
	for _, tt := range []struct {
		name, proxy, host string
		fields            []Field
		want              string
	}{
		{"Chromium", "http://p", "origin.test", ChromiumConnect("UA/1"),
			"CONNECT origin.test:443 HTTP/1.1|Host: origin.test:443|Proxy-Connection: keep-alive|User-Agent: UA/1||"},
		{"Chromium with credentials", "http://Aladdin:open%20sesame@p", "origin.test", ChromiumConnect("UA/1"),
			"CONNECT origin.test:443 HTTP/1.1|Host: origin.test:443|Proxy-Connection: keep-alive|User-Agent: UA/1|Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==||"},
		{"Firefox with credentials", "https://Aladdin:open%20sesame@p", "origin.test", FirefoxConnect("UA/1"),
			"CONNECT origin.test:443 HTTP/1.1|User-Agent: UA/1|Proxy-Connection: keep-alive|Connection: keep-alive|Host: origin.test:443|Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==||"},
		{"nothing chosen", "http://p", "origin.test", nil,
			"CONNECT origin.test:443 HTTP/1.1|Host: origin.test:443|Proxy-Connection: keep-alive||"},
		{"a list without the places", "http://Aladdin:open%20sesame@p", "origin.test", []Field{{"x-a", "1"}},
			"CONNECT origin.test:443 HTTP/1.1|Host: origin.test:443|x-a: 1|Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==||"},
		{"user alone", "http://Aladdin@p", "origin.test", []Field{{"host", ""}},
			"CONNECT origin.test:443 HTTP/1.1|host: origin.test:443|Proxy-Authorization: Basic QWxhZGRpbjo=||"},
		{"IPv6", "http://p", "2001:db8::1", nil,
			"CONNECT [2001:db8::1]:443 HTTP/1.1|Host: [2001:db8::1]:443|Proxy-Connection: keep-alive||"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			legs, err := plan(routeOf(t, tt.proxy), tt.host, "443")
			if err != nil {
				t.Fatal(err)
			}
			got, err := connectHead(legs[0], tt.fields)
			if want := strings.ReplaceAll(tt.want, "|", "\r\n"); string(got) != want || err != nil {
				t.Errorf("%q, %v\nwant %q", got, err, want)
			}
		})
	}
	if _, err := connectHead(leg{host: "h", port: "1"}, []Field{{"A", "b\r\nX: y"}}); err == nil {
		t.Error("a field with a line break was accepted")
	}
}

// talk is a conversation: what the client must say, and what it is told then.
type talk []struct{ hear, say string }

func TestSOCKSWire(t *testing.T) {
	long := strings.Repeat("n", 255)
	const granted5 = "\x05\x00\x00\x01\x7f\x00\x00\x01\x12\x34"
	const granted4 = "\x00\x5a\x00\x00\x00\x00\x00\x00"
	for _, tt := range []struct {
		name, proxy, host string
		talk              talk
	}{
		{"name", "socks5://p:1", "origin.test", talk{
			{"\x05\x01\x00", "\x05\x00"}, {"\x05\x01\x00\x03\x0borigin.test\x01\xbb", granted5}}},
		{"longest name", "socks5h://p:1", long, talk{
			{"\x05\x01\x00", "\x05\x00"}, {"\x05\x01\x00\x03\xff" + long + "\x01\xbb", granted5}}},
		{"localhost stays a name", "socks5://p:1", "localhost", talk{
			{"\x05\x01\x00", "\x05\x00"}, {"\x05\x01\x00\x03\x09localhost\x01\xbb", granted5}}},
		{"IPv4", "socks5h://p:1", "192.0.2.1", talk{
			{"\x05\x01\x00", "\x05\x00"}, {"\x05\x01\x00\x01\xc0\x00\x02\x01\x01\xbb", granted5}}},
		{"IPv6", "socks5://p:1", "2001:db8::1", talk{
			{"\x05\x01\x00", "\x05\x00"}, {"\x05\x01\x00\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x01\xbb", granted5}}},
		{"password", "socks5://us%00er:p%40ss%3a@p:1", "a", talk{
			{"\x05\x02\x00\x02", "\x05\x02"}, {"\x01\x05us\x00er\x05p@ss:", "\x01\x00"}, {"\x05\x01\x00\x03\x01a\x01\xbb", granted5}}},
		{"user alone", "socks5://user@p:1", "a", talk{
			{"\x05\x02\x00\x02", "\x05\x02"}, {"\x01\x04user\x00", "\x01\x00"}, {"\x05\x01\x00\x03\x01a\x01\xbb", granted5}}},
		{"password not asked for", "socks5://u:p@p:1", "a", talk{
			{"\x05\x02\x00\x02", "\x05\x00"}, {"\x05\x01\x00\x03\x01a\x01\xbb", granted5}}},
		{"reply with IPv6", "socks5://p:1", "a", talk{
			{"\x05\x01\x00", "\x05\x00"}, {"\x05\x01\x00\x03\x01a\x01\xbb", "\x05\x00\x00\x04" + strings.Repeat("\x00", 18)}}},
		{"reply with a name", "socks5://p:1", "a", talk{
			{"\x05\x01\x00", "\x05\x00"}, {"\x05\x01\x00\x03\x01a\x01\xbb", "\x05\x00\x00\x03\x03abc\x00\x01"}}},
		{"reply with an empty name", "socks5://p:1", "a", talk{
			{"\x05\x01\x00", "\x05\x00"}, {"\x05\x01\x00\x03\x01a\x01\xbb", "\x05\x00\x00\x03\x00\x00\x01"}}},
		{"SOCKS4 IPv4", "socks4://user@p:1", "192.0.2.1", talk{{"\x04\x01\x01\xbb\xc0\x00\x02\x01user\x00", granted4}}},
		{"SOCKS4 mapped IPv4", "socks4://p:1", "::ffff:192.0.2.1", talk{{"\x04\x01\x01\xbb\xc0\x00\x02\x01\x00", granted4}}},
		{"SOCKS4 name goes as 4A", "socks4://p:1", "origin.test", talk{{"\x04\x01\x01\xbb\x00\x00\x00\x01\x00origin.test\x00", granted4}}},
		{"SOCKS4A", "socks4a://user@p:1", "origin.test", talk{{"\x04\x01\x01\xbb\x00\x00\x00\x01user\x00origin.test\x00", granted4}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, Config{})
				defer w.close()
				w.serve("p:1", func(c net.Conn) {
					for i, step := range tt.talk {
						if got := read(c, len(step.hear)); string(got) != step.hear {
							t.Errorf("step %d: the client said %q, want %q", i, got, step.hear)
						}
						if i == len(tt.talk)-1 {
							step.say += "early" // bytes of the tunnel on the heels of the reply
						}
						io.WriteString(c, step.say)
					}
					echo(c)
				})
				c, err := w.dialer.Dial(t.Context(), routeOf(t, tt.proxy), tt.host, "443")
				if err != nil {
					t.Fatal(err)
				}
				if got := read(c, 5); string(got) != "early" {
					t.Errorf("the tunnel begins with %q", got)
				}
				checkEcho(t, c)
			})
		})
	}
}

// However an answer is cut into segments, the tunnel begins behind it.
func TestTunnelBytesAreKept(t *testing.T) {
	const early = "220 ready\r\n\r\nHTTP/1.1 500 not an answer\r\n\r\n"
	for _, head := range []string{
		"HTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.0 200 Connection established\r\nProxy-Agent: x\r\n\r\n",
		"HTTP/1.1 204 No\r\n\r\n",
		"HTTP/1.1 200\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\nVia: x\n\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 60<<10) + "\r\n\r\n",
	} {
		for _, size := range []int{1, 7, 1 << 20} {
			if size == 1 && len(head) > 1<<10 {
				continue
			}
			c := &sliced{said: []byte(head + early), size: size}
			legs, err := plan(routeOf(t, "http://p"), "h", "1")
			if err != nil {
				t.Fatal(err)
			}
			got, err := connect(c, legs[0], nil)
			if err != nil {
				t.Errorf("%.60q in pieces of %d: %v", head, size, err)
				continue
			}
			if b, err := io.ReadAll(got); string(b) != early || err != nil {
				t.Errorf("%.60q in pieces of %d: the tunnel is %q, %v", head, size, b, err)
			}
		}
	}
}

// sliced is a connection that gives at most size bytes with each Read.
type sliced struct {
	net.Conn
	said    []byte
	size    int
	written bytes.Buffer
}

func (c *sliced) SetReadDeadline(time.Time) error { return nil }

func (c *sliced) Write(p []byte) (int, error) { return c.written.Write(p) }
func (c *sliced) Read(p []byte) (int, error) {
	if len(c.said) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), c.size)], c.said)
	c.said = c.said[n:]
	return n, nil
}

func TestPrefixed(t *testing.T) {
	below := &sliced{said: []byte("late"), size: 9}
	c := &prefixed{Conn: below, early: []byte("early")}
	if got := read(c, 3); string(got) != "ear" {
		t.Errorf("%q", got)
	}
	if got := read(c, 6); string(got) != "lylate" {
		t.Errorf("%q", got)
	}
	if c.NetConn() != net.Conn(below) {
		t.Error("NetConn is not the connection below")
	}
}

func TestChains(t *testing.T) {
	for _, tt := range []struct {
		name    string
		proxies []string
		want    []asked
	}{
		{"http", []string{"http://a:b@p1.test:8080"}, []asked{{"origin.test:443", "Basic YTpi"}}},
		{"http, socks5, http", []string{"http://a:b@p1.test:8080", "socks5://c:d@p2.test", "http://e:f@p3.test:8080"},
			[]asked{{"p2.test:1080", "Basic YTpi"}, {"p3.test:8080", "c:d"}, {"origin.test:443", "Basic ZTpm"}}},
		{"socks5h, socks5", []string{"socks5h://p2.test", "socks5://x:y@p2.test:1080"},
			[]asked{{"p2.test:1080", ""}, {"origin.test:443", "x:y"}}},
		{"https, http, https", []string{"https://p4.test", "http://p1.test:8080", "https://e:f@p4.test"},
			[]asked{{"p1.test:8080", ""}, {"p4.test:443", ""}, {"origin.test:443", "Basic ZTpm"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, Config{})
				defer w.close()
				log := make(chan asked, 8)
				config, pool := certificates(t, "p4.test")
				w.serve("p1.test:8080", w.httpProxy(log))
				w.serve("p2.test:1080", w.socksProxy(log))
				w.serve("p3.test:8080", w.httpProxy(log))
				w.serve("p4.test:443", overTLS(config, w.httpProxy(log)))
				w.serve("origin.test:443", echo)
				route := routeOf(t, tt.proxies...)
				route.TLS = proxyRoots(pool)
				c, err := w.dialer.Dial(t.Context(), route, "origin.test", "443")
				if err != nil {
					t.Fatal(err)
				}
				checkEcho(t, c)
				if n := w.registry.Len(); n != 1 {
					t.Errorf("%d sockets in the registry, want 1", n)
				}
				_ = c.Close()
				close(log)
				var got []asked
				for a := range log {
					got = append(got, a)
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("asked %q, want %q", got, tt.want)
				}
				if n := w.registry.Len(); n != 0 {
					t.Errorf("%d sockets left after Close", n)
				}
			})
		})
	}
}

// In a chain the error names the proxy that failed.
func TestChainError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		defer w.close()
		log := make(chan asked, 8)
		w.serve("p1.test:80", w.httpProxy(log))
		w.serve("p2.test:80", answer("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"))
		_, err := w.dial("http://p1.test", "http://p2.test", "http://p3.test")
		var e *Error
		if !errors.As(err, &e) || e.Proxy != "p2.test:80" {
			t.Error(err)
		}
		if n := w.registry.Len(); n != 0 {
			t.Errorf("%d sockets left", n)
		}
	})
}
