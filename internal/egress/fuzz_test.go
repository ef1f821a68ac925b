package egress

import (
	"bytes"
	"errors"
	"io"
	"net/url"
	"testing"

	"github.com/mien-http/mien/retry"
)

// checkFailure holds an error of a parser to be one that can be told from
// others: the connection's end, a refusal, or an answer in no protocol.
func checkFailure(t *testing.T, err error) {
	t.Helper()
	switch class := retry.Classify(retry.Failure{Phase: retry.PhaseProxy, Err: err}); class {
	case retry.ProxyReset, retry.ProxyRefused, retry.Protocol:
	default:
		t.Errorf("class %q: %v", class, err)
	}
}

func FuzzConnectAnswer(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 Connection established\r\n\r\n\x16\x03\x03",
		"HTTP/1.0 200 OK\r\nProxy-agent: tinyproxy/1.11.1\r\n\r\n",
		"HTTP/1.1 407 Proxy Authentication Required\r\nServer: squid/5.7\r\nContent-Length: 4\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\nbody",
		"HTTP/1.1 502 Bad Gateway\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 \r\nRetry-After: 1\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 -12 \r\n\r\n", "SSH-2.0", "\x15\x03\x01\x00\x02", "", "H",
	} {
		f.Add([]byte(s), 1)
		f.Add([]byte(s), 4096)
	}
	u, _ := url.Parse("http://u5er:pa55word@p")
	legs, err := plan(Route{Proxies: []*url.URL{u}}, "h", "1")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, said []byte, size int) {
		if len(said) > 4<<10 && size < 64 {
			return
		}
		c := &sliced{said: bytes.Clone(said), size: max(size, 1)}
		tunnel, err := connect(c, legs[0], nil)
		if err != nil {
			checkFailure(t, err)
			checkSecret(t, "pa55word", err)
			var e *ProxyError
			if errors.As(err, &e) && (e.Status < 100 || e.Status > 999 || e.Status/100 == 2 || len(e.BodyPrefix) > maxBodyPrefix || bytes.Contains(e.BodyPrefix, []byte("pa55word"))) {
				t.Errorf("%+v", e)
			}
			return
		}
		rest, err := io.ReadAll(tunnel)
		if err != nil || !bytes.HasSuffix(said, rest) {
			t.Errorf("the tunnel is %q, %v", rest, err)
		}
		head := said[:len(said)-len(rest)]
		if !bytes.HasPrefix(head, []byte("HTTP/")) || !bytes.HasSuffix(head, []byte("\n")) || len(head) > maxConnectHead {
			t.Errorf("a tunnel behind the head %q", head)
		}
	})
}

// FuzzSOCKS runs each SOCKS exchange on what the proxy says.
func FuzzSOCKS(f *testing.F) {
	for _, s := range []string{
		"\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00early", "\x05\x02\x01\x00\x05\x00\x00\x03\x01a\x00\x00", "\x05\x02\x01\x01", "\x05\xff",
		"\x05\x00\x05\x00\x00\x04" + "0123456789abcdef\x00\x00", "\x05\x00\x05\x05", "\x05\x01", "\x00\x5a\x00\x00\x00\x00\x00\x00early", "\x00\x5b", "HTTP/1.1",
	} {
		for i := range 3 {
			f.Add([]byte(s), i)
		}
	}
	proxies := []string{"socks5://p", "socks5://u5er:pa55word@p", "socks4://u5er@p"}
	f.Fuzz(func(t *testing.T, said []byte, kind int) {
		legs, err := plan(routeOf(t, proxies[uint(kind)%3]), "h", "1")
		if err != nil {
			t.Fatal(err)
		}
		c := &sliced{said: bytes.Clone(said), size: 1 << 20}
		exchange := socks5
		if legs[0].proxy.socks4() {
			exchange = socks4
		}
		if err := exchange(c, legs[0]); err != nil {
			checkFailure(t, err)
			checkSecret(t, "pa55word", err)
			return
		}
		reply := len(said) - len(c.said)
		var want int // the shortest and longest replies that open a tunnel
		switch uint(kind) % 3 {
		case 2:
			want = 8
		default:
			want = 2 + 4 + 1 + 2
		}
		if reply < want || reply > 2+2+4+1+255+2 {
			t.Errorf("a tunnel after %d bytes: %q", reply, said[:reply])
		}
	})
}

func FuzzParseProxy(f *testing.F) {
	for _, s := range []string{"http://u:p@h:80", "socks5h://[::1]:1", "https://h/", "socks4a://u@h", "u:p@h", "http://%00", "socks5://h:99999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := url.Parse(s)
		if err != nil {
			return
		}
		p, err := ParseProxy(u)
		if err != nil {
			if e := (*RouteError)(nil); !errors.As(err, &e) || e.Reason == "" {
				t.Errorf("%q: %T %v", s, err, err)
			}
			return
		}
		if reason := badTarget(p.Host, p.Port); reason != "" || p.cannotReach("h", "1") != "" {
			t.Errorf("%q: %v was accepted: %s", s, p, reason)
		}
		if _, err := connectHead(leg{p, p.Host, p.Port}, nil); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	})
}
