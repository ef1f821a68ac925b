package egress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/mien-http/mien/retry"
)

func TestParseProxy(t *testing.T) {
	long := strings.Repeat("x", 256)
	for _, tt := range []struct{ url, want, fault string }{
		{"http://proxy.test", "http://proxy.test:80", ""},
		{"HTTPS://proxy.test/", "https://proxy.test:443", ""},
		{"socks5://u:p@proxy.test", "socks5://proxy.test:1080", ""},
		{"socks5h://[2001:db8::1]:9", "socks5h://[2001:db8::1]:9", ""},
		{"socks4://u@10.0.0.1:9", "socks4://10.0.0.1:9", ""},
		{"socks4a://proxy_1.test:9", "socks4a://proxy_1.test:9", ""},
		{"http://b%C3%BCcher.test:8080", "http://xn--bcher-kva.test:8080", ""},
		{"http://[fe80::1%25eth0]:8080", "http://[fe80::1%eth0]:8080", ""},
		{"http://u%00:p@proxy.test", "", "control character"},
		{"http://u:p%0d%0a@proxy.test", "", "control character"},
		{"http://u%3au:p@proxy.test", "", "colon"},
		{"ftp://proxy.test", "", `scheme "ftp"`},
		{"socks://proxy.test", "", `scheme "socks"`},
		{"//proxy.test", "", "scheme://host:port"},
		{"secret:word@proxy.test", "", "scheme://host:port"},
		{"http://", "", "no host"},
		{"http://:8080", "", "no host"},
		{"http://u:p@", "", "no host"},
		{"http://proxy.test:0", "", "port"},
		{"http://proxy.test:65536", "", "port"},
		{"http://proxy.test/path", "", "path"},
		{"http://proxy.test?x", "", "query"},
		{"http://proxy.test?", "", "query"},
		{"http://proxy.test#x", "", "fragment"},
		{"http://%ff.test", "", "international"},
		{"socks4://u:p@proxy.test", "", "no password"},
		{"socks4://u%00@proxy.test", "", "zero byte"},
		{"socks5://:p@proxy.test", "", "1 to 255"},
		{"socks5://" + long + ":p@proxy.test", "", "1 to 255"},
		{"socks5://u:" + long + "@proxy.test", "", "1 to 255"},
	} {
		u, err := url.Parse(tt.url)
		if err != nil {
			t.Fatal(err)
		}
		p, err := ParseProxy(u)
		if tt.fault != "" {
			if err == nil || !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("%q: %v, want an error about %q", tt.url, err, tt.fault)
			}
			continue
		}
		if err != nil || p.String() != tt.want {
			t.Errorf("%q: %v, %v, want %q", tt.url, p, err, tt.want)
		}
	}
	for _, u := range []*url.URL{nil, {}, {Scheme: "http", Host: "u:p@h"}, {Scheme: "http", Host: "h\r\nX: y"}, {Scheme: "http", Host: "h:x"}, {Scheme: "http", Host: "a b"}, {Scheme: "http", Host: "[::1"}} {
		if _, err := ParseProxy(u); err == nil {
			t.Errorf("%#v was accepted", u)
		}
	}
}

// Wherever a badly built URL puts the password, no text shows it.
func TestProxyTextsHaveNoCredentials(t *testing.T) {
	for _, s := range []string{
		"http://u:secret@h", "secret:secret@h:80", "http://u:1/secret@h", "http://u:secret@h/path", "http://h?secret", "ftp://u:secret@h",
		"socks4://u:secret@h", "http://h#secret", "http://u:secret%01@h", "socks5://:secret@h",
	} {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		p, err := ParseProxy(u)
		text := fmt.Sprintf("%v %+v %#v %s %v", p, p, p, p, err)
		if strings.Contains(text, "secret") {
			t.Errorf("%q: %s", s, text)
		}
	}
	u := &url.URL{Scheme: "http", Host: "u:secret@h"}
	if _, err := ParseProxy(u); err == nil || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}

func TestValidate(t *testing.T) {
	for _, tt := range []struct {
		proxies []string
		index   int
		fault   string
	}{
		{nil, 0, ""},
		{[]string{"http://a", "socks5://b", "https://c"}, 0, ""},
		{[]string{"http://a", "gopher://b"}, 1, "proxy 2 of the route: scheme"},
		{[]string{"socks4://a", "http://[2001:db8::1]"}, 1, "proxy 2 of the route: SOCKS4 cannot carry an IPv6 address"},
		{[]string{"http://a", "http://[fe80::1%25eth0]"}, 1, "zone"},
		{[]string{"socks5://a", "http://" + strings.Repeat("n", 256)}, 1, "255 bytes"},
	} {
		err := routeOf(t, tt.proxies...).Validate()
		if tt.fault == "" {
			if err != nil {
				t.Errorf("%q: %v", tt.proxies, err)
			}
			continue
		}
		var e *RouteError
		if !errors.As(err, &e) || e.Index != tt.index || !strings.Contains(err.Error(), tt.fault) {
			t.Errorf("%q: %v, want %q", tt.proxies, err, tt.fault)
		}
	}
}

func TestKey(t *testing.T) {
	seen := map[string][]string{}
	for _, proxies := range [][]string{
		nil, {"http://a"}, {"http://u:p@a"}, {"http://u:q@a"}, {"socks5://a"}, {"http://a", "http://b"}, {"http://b", "http://a"}, {"http://a:8080"},
		{"https://a"}, {"http://u@a"}, {"http://U:p@a"}, {"http://u:p%20@a"}, {"http://up@a"}, {"socks5://u:a@b"}, {"socks5://u%3Aa@b"}, {"http://u:p@a", "http://b"}, {"http://a", "http://u:p@b"},
	} {
		key := routeOf(t, proxies...).Key()
		if other, ok := seen[key]; ok {
			t.Errorf("%q and %q have one key", proxies, other)
		}
		seen[key] = proxies
	}
}

func TestKeyOfAnotherSpelling(t *testing.T) {
	for _, same := range [][]string{
		{"http://user:p%40ss@proxy.test", "HTTP://user:p%40ss@proxy.test:80", "http://us%65r:%70%40ss@PROXY.test/"},
		{"socks5://u@proxy.test", "socks5://u:@proxy.test:1080"},
		{"https://xn--bcher-kva.test", "https://b%C3%BCcher.test:443", "https://:@bücher.test"},
	} {
		for _, other := range same[1:] {
			if a, b := routeOf(t, "http://first", same[0]).Key(), routeOf(t, "http://first", other).Key(); a != b {
				t.Errorf("%q and %q have the keys %q and %q", same[0], other, a, b)
			}
		}
	}
}

// What cannot be carried is an error before anything is dialled: neither the
// origin nor the first proxy.
func TestFailClosed(t *testing.T) {
	d := New(Config{Registry: &Registry{}, Resolver: noResolver{t}, DialContext: func(_ context.Context, _, addr string) (net.Conn, error) {
		t.Errorf("%s was dialled", addr)
		return nil, io.EOF
	}})
	for _, tt := range []struct {
		proxies    []string
		host, port string
	}{
		{[]string{"ftp://proxy.test"}, "origin.test", "443"},
		{[]string{"http://proxy.test", "quic://proxy.test"}, "origin.test", "443"},
		{[]string{"http://proxy.test/x"}, "origin.test", "443"},
		{[]string{"http://proxy.test"}, "", "443"},
		{[]string{"http://proxy.test"}, "origin.test", ""},
		{[]string{"http://proxy.test"}, "origin.test", "https"},
		{[]string{"http://proxy.test"}, "origin.test\r\nX: y", "443"},
		{[]string{"http://proxy.test"}, "origin.test:1", "443"},
		{[]string{"socks5://proxy.test"}, strings.Repeat("n", 256), "443"},
		{[]string{"socks5://proxy.test"}, "fe80::1%eth0", "443"},
		{[]string{"socks4a://proxy.test"}, "2001:db8::1", "443"},
		{[]string{"socks4a://proxy.test"}, "a\x00b", "443"},
	} {
		_, err := d.Dial(t.Context(), routeOf(t, tt.proxies...), tt.host, tt.port)
		if err == nil {
			t.Errorf("%q to %q:%q: no error", tt.proxies, tt.host, tt.port)
			continue
		}
		f := failureOf(t, err)
		if class := retry.Classify(f); class != retry.Invalid || f.Phase != retry.PhaseProxy || retry.Decide(class, f) != retry.Never {
			t.Errorf("%q to %q:%q: %q in phase %q: %v", tt.proxies, tt.host, tt.port, class, f.Phase, err)
		}
	}
	route := Route{Proxies: []*url.URL{nil}}
	if _, err := d.Dial(t.Context(), route, "origin.test", "443"); err == nil {
		t.Error("a nil proxy was dialled around")
	}
}
