package mien_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

const (
	proxyUser     = "u5er"
	proxyPassword = "pa55 word"
	proxyBasic    = "dTVlcjpwYTU1IHdvcmQ="
)

// meter counts what its peer took.
type meter struct {
	net.Conn
	taken int
}

func (m *meter) Write(p []byte) (int, error) {
	n, err := m.Conn.Write(p)
	m.taken += n
	return n, err
}

// flood says head and then repeats more until nobody takes it any longer.
func flood(head, more string) func(net.Conn) {
	return func(c net.Conn) {
		_, err := io.WriteString(c, head)
		for err == nil {
			_, err = io.WriteString(c, more)
		}
	}
}

// says answers a CONNECT, or whatever comes first, and then waits.
func replies(s string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = c.Read(make([]byte, 4096))
		_, _ = io.WriteString(c, s)
		waits(c)
	}
}

func waits(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// conversation answers each of the client's messages, of which the length is given
// first in hear, and then waits.
func conversation(hear []int, say ...string) func(net.Conn) {
	return func(c net.Conn) {
		for i, n := range hear {
			if _, err := io.CopyN(io.Discard, c, int64(n)); err != nil {
				return
			}
			_, _ = io.WriteString(c, say[i])
		}
		waits(c)
	}
}

// behindTLS is a proxy that speaks TLS.
func behindTLS(server *tls.Config, serve func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		if tc := tls.Server(c, server); tc.Handshake() == nil {
			serve(tc)
		}
	}
}

// badProxies are what a proxy can do wrong beyond the rows of TestFaults.
func badProxies(server *tls.Config) []badProxy {
	refused := func(status int) outcome {
		return outcome{phase: retry.PhaseProxy, class: retry.ProxyRefused, status: status}
	}
	protocol := outcome{phase: retry.PhaseProxy, class: retry.Protocol}
	limited := protocol
	limited.limit = true
	stalled := outcome{phase: retry.PhaseProxy, class: retry.HandshakeTimeout, timeout: true, deadline: true}
	const stall = 30 * time.Second // Timeouts.Proxy
	auth := 3 + len(proxyUser) + len(proxyPassword)
	own := proxyBasic + " " + proxyUser + ":" + proxyPassword
	return []badProxy{
		{name: "407 with a challenge", scheme: "http", want: refused(407),
			serve: replies("HTTP/1.1 407 " + own + "\r\nProxy-Authenticate: Basic realm=\"" + own + "\"\r\nContent-Length: 60\r\n\r\n" + own)},
		{name: "407 without one", scheme: "http", serve: replies("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"), want: refused(407)},
		{name: "407 with a challenge of another kind", scheme: "http", want: refused(407),
			serve: replies("HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: ,,\r\nContent-Length: 0\r\n\r\n")},
		{name: "an HTML page", scheme: "http", serve: replies("HTTP/1.1 403 No\r\nContent-Type: text/html\r\n\r\n<html>" + own + "</html>"), want: refused(403)},
		{name: "an HTML page in place of the tunnel", scheme: "http", want: outcome{phase: retry.PhaseTLS, class: retry.NotTLS},
			serve: replies("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 12\r\n\r\n<html></html>")},
		{name: "a redirect", scheme: "http", serve: replies("HTTP/1.1 302 Found\r\nLocation: https://portal.test/\r\nContent-Length: 0\r\n\r\n"), want: refused(302)},
		{name: "101", scheme: "http", serve: replies("HTTP/1.1 101 Switching Protocols\r\n\r\n"), want: refused(101)},
		{name: "endless body", scheme: "http", serve: flood("HTTP/1.1 502 Bad\r\n\r\n", own), want: refused(502)},
		{name: "endless chunks", scheme: "http", serve: flood("HTTP/1.1 502 Bad\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"), want: refused(502)},
		{name: "garbage", scheme: "http", serve: replies("\x00\x01\x02\r\n" + own), want: protocol},
		{name: "endless garbage", scheme: "http", serve: flood("", "\x00"), want: protocol},
		{name: "endless line", scheme: "http", serve: flood("HTTP/1.1 200 ", "x"), want: limited},
		{name: "endless field", scheme: "http", serve: flood("HTTP/1.1 200 OK\r\nA: ", own), want: limited},
		{name: "endless fields", scheme: "http", serve: flood("HTTP/1.1 200 OK\r\n", "A: b\r\n"), want: limited},
		{name: "endless interim answers", scheme: "http", serve: flood("", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"), want: limited},

		{name: "silence", scheme: "http", serve: waits, want: stalled, after: stall},
		{name: "half a head", scheme: "http", serve: replies("HTTP/1.1 200 OK\r\nVia:"), want: stalled, after: stall},
		{name: "silence after interim answers", scheme: "http", serve: replies("HTTP/1.1 100 Continue\r\n\r\n"), want: stalled, after: stall},
		{name: "silence in TLS", scheme: "https", serve: waits, want: stalled, after: stall},
		{name: "silence after TLS", scheme: "https", serve: behindTLS(server, waits), want: stalled, after: stall},
		{name: "silence in the tunnel", scheme: "http", serve: replies("HTTP/1.1 200 OK\r\n\r\n"), after: 15 * time.Second,
			want: outcome{phase: retry.PhaseTLS, class: retry.HandshakeTimeout, timeout: true, deadline: true}},
		{name: "silence", scheme: "socks5", serve: waits, want: stalled, after: stall},
		{name: "silence after the method", scheme: "socks5", serve: conversation([]int{4}, "\x05\x02"), want: stalled, after: stall},
		{name: "silence after the password", scheme: "socks5", serve: conversation([]int{4, auth}, "\x05\x02", "\x01\x00"), want: stalled, after: stall},
		{name: "half a reply", scheme: "socks5", serve: conversation([]int{4, auth, 10}, "\x05\x02", "\x01\x00", "\x05\x00\x00\x01"), want: stalled, after: stall},
		{name: "silence", scheme: "socks4", serve: waits, want: stalled, after: stall},
		{name: "half a reply", scheme: "socks4a", serve: replies("\x00\x5a\x00"), want: stalled, after: stall},

		{name: "TLS where http was said", scheme: "http", serve: replies("\x15\x03\x01\x00\x02\x02\x16"), want: protocol},
		{name: "http where TLS was said", scheme: "https", serve: replies("HTTP/1.1 400 Bad Request\r\n\r\n"), want: outcome{phase: retry.PhaseProxy, class: retry.NotTLS}},
		{name: "http where SOCKS was said", scheme: "socks5", serve: flood("", "HTTP/1.1 400 Bad Request\r\n\r\n"), want: protocol},
		{name: "SOCKS where http was said", scheme: "http", serve: replies("\x05\xff"), want: protocol},
		{name: "SOCKS4 where SOCKS5 was said", scheme: "socks5", serve: conversation([]int{1}, "\x00\x5b\x00\x00\x00\x00\x00\x00"), want: protocol},
		{name: "the password is refused", scheme: "socks5", serve: conversation([]int{4, auth}, "\x05\x02", "\x01\x01"), want: outcome{phase: retry.PhaseProxy, class: retry.ProxyRefused, socks: 255}},
		{name: "refused", scheme: "socks4", serve: replies("\x00\x5b\x00\x00\x00\x00\x00\x00"), want: outcome{phase: retry.PhaseProxy, class: retry.ProxyRefused, socks: 0x5b}},
	}
}

type badProxy struct {
	name, scheme string
	serve        func(net.Conn)
	want         outcome
	after        time.Duration
}

// What a proxy does wrong ends in the error that names it, in time, without its
// text and without our credentials, and no flood is taken in.
func TestBadProxies(t *testing.T) {
	server, client := peerTLS(t, []string{"http/1.1"}, &x509.Certificate{})
	for _, tt := range badProxies(server) {
		t.Run(tt.scheme+"/"+tt.name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { tt.meet(t, client) }) })
	}
}

func (tt *badProxy) meet(t *testing.T, client *tls.Config) {
	var network mientest.Network
	m := new(meter)
	l, err := network.Listen("proxy.test:1")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer l.Close()
	wg.Go(func() {
		if m.Conn, err = l.Accept(); err == nil {
			defer m.Conn.Close()
			tt.serve(m)
		}
	})
	told := new(showing)
	proxy := &url.URL{Scheme: tt.scheme, Host: "proxy.test:1", User: url.UserPassword(proxyUser, proxyPassword)}
	if strings.HasPrefix(tt.scheme, "socks4") {
		proxy.User = url.User(proxyUser)
	}
	s := newSession(t, told.watch(mien.Config{Proxy: http.ProxyURL(proxy), ProxyTLS: client, DialContext: network.DialContext, Retry: retry.Policy{MaxAttempts: -1}}))
	begun := time.Now()
	_, err = s.Get(t.Context(), example)
	if got := outcomeOf(err); got != tt.want {
		t.Errorf("%+v\nwant %+v\n%v", got, tt.want, err)
	}
	// The body of a refusal is waited for half a second.
	if took := time.Since(begun); took < tt.after || took > tt.after+time.Second {
		t.Errorf("after %v, want %v", took, tt.after)
	}
	var e *mien.Error
	if tt.want.phase == retry.PhaseProxy && (!errors.As(err, &e) || e.Proxy != "proxy.test:1" || e.Sent) {
		t.Errorf("%+v", e)
	}
	if strings.Contains(err.Error(), "html") {
		t.Errorf("the proxy's page is in the text: %v", err)
	}
	told.add(err, s.Stats())
	told.check(t)
	if n := s.Stats().Sockets; n != 0 {
		t.Errorf("%d sockets left", n)
	}
	_ = s.Close()
	_ = l.Close()
	wg.Wait()
	// What we took: our limit, and what lies in the connection's buffers.
	if limit := 64<<10 + 512<<10; m.taken > limit {
		t.Errorf("took %d bytes of it", m.taken)
	}
}

// An https proxy is verified by its own name and by ProxyTLS, whatever
// Config.TLS says of origins, and is offered http/1.1 alone.
func TestProxyCertificate(t *testing.T) {
	server, client := peerTLS(t, []string{"http/1.1"}, &x509.Certificate{})
	other, _ := peerTLS(t, []string{"mqtt"}, &x509.Certificate{})
	for _, tt := range []struct {
		name, host string
		server     *tls.Config
		cfg        mien.Config
		want       outcome
		is         func(error) bool
	}{
		{"of another name", "proxy.example:1", server, mien.Config{ProxyTLS: client}, outcome{phase: retry.PhaseProxy, class: retry.Certificate}, isA[x509.HostnameError]},
		{"of an unknown authority", "proxy.test:1", server, mien.Config{}, outcome{phase: retry.PhaseProxy, class: retry.Certificate}, isA[x509.UnknownAuthorityError]},
		{"that only Config.TLS would let pass", "proxy.test:1", server, mien.Config{TLS: &tls.Config{InsecureSkipVerify: true}}, //nolint:gosec // this is what must not reach the proxy
			outcome{phase: retry.PhaseProxy, class: retry.Certificate}, isA[x509.UnknownAuthorityError]},
		{"that Config.TLS names and trusts", "proxy.example:1", server, mien.Config{TLS: &tls.Config{RootCAs: client.RootCAs, ServerName: "proxy.test"}},
			outcome{phase: retry.PhaseProxy, class: retry.Certificate}, isA[x509.HostnameError]},
		{"and another protocol", "proxy.test:1", other, mien.Config{ProxyTLS: client}, outcome{phase: retry.PhaseProxy, class: retry.Alert, alert: 120}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var network mientest.Network
				l, err := network.Listen(tt.host)
				if err != nil {
					t.Fatal(err)
				}
				var wg sync.WaitGroup
				defer wg.Wait()
				defer l.Close()
				wg.Go(func() {
					c, err := l.Accept()
					if err != nil {
						return
					}
					defer c.Close()
					tc := tls.Server(c, tt.server)
					if n, _ := tc.Read(make([]byte, 1)); n > 0 {
						t.Error("the proxy was told something")
					}
				})
				tt.cfg.Proxy = http.ProxyURL(&url.URL{Scheme: "https", Host: tt.host, User: url.UserPassword(proxyUser, proxyPassword)})
				tt.cfg.DialContext = network.DialContext
				s := newSession(t, tt.cfg)
				_, err = s.Get(t.Context(), example)
				if got := outcomeOf(err); got != tt.want || tt.is != nil && !tt.is(err) {
					t.Errorf("%+v\nwant %+v\n%v", got, tt.want, err)
				}
				_ = s.Close()
			})
		})
	}
}

func isA[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

// A proxy's URL that cannot be used is an error before anything is dialled,
// which says what is wrong and no secret.
func TestBadProxyURLs(t *testing.T) {
	long := strings.Repeat("s", 256)
	at := func(scheme string, user *url.Userinfo) *url.URL {
		return &url.URL{Scheme: scheme, Host: "proxy.test:1", User: user}
	}
	for _, tt := range []struct {
		reason string
		proxy  *url.URL
	}{
		{`scheme "ftp" is not one of`, at("ftp", url.UserPassword(proxyUser, "s3cret"))},
		{`scheme "quic" is not one of`, at("quic", nil)},
		{"not of the form scheme://host:port", at("", nil)},
		{"not of the form scheme://host:port", &url.URL{Scheme: "http", Opaque: "u:s3cret@proxy.test"}},
		{"no host", &url.URL{Scheme: "http", User: url.UserPassword("u", "s3cret")}},
		{"the host holds a byte", &url.URL{Scheme: "http", Host: "u:s3cret@proxy.test:1"}},
		{"the host holds a byte", &url.URL{Scheme: "http", Host: "proxy.test\r\nX-s3cret: 1"}},
		{"the port is not a number", &url.URL{Scheme: "http", Host: "proxy.test:0"}},
		{"the port is not a number", &url.URL{Scheme: "socks5", Host: "proxy.test:65536"}},
		{"the URL has a path", &url.URL{Scheme: "http", Host: "proxy.test:1", Path: "/s3cret"}},
		{"the URL has a query", &url.URL{Scheme: "http", Host: "proxy.test:1", RawQuery: "s3cret"}},
		{"the user name holds a colon", at("http", url.UserPassword("u:s3cret", "p"))},
		{"holds a control character", at("https", url.UserPassword("u", "s3cret\n"))},
		{"holds a control character", at("http", url.UserPassword("u\x00", "s3cret"))},
		{"holds a control character", at("http", url.UserPassword("u", "s3cret\r\nX: y"))},
		{"1 to 255 bytes", at("socks5", url.UserPassword("u", "s3cret"+long))},
		{"1 to 255 bytes", at("socks5h", url.UserPassword(long, "s3cret"))},
		{"1 to 255 bytes", at("socks5", url.UserPassword("", "s3cret"))},
		{"SOCKS4 has a user name and no password", at("socks4", url.UserPassword("u", "s3cret"))},
		{"the user name holds a zero byte", at("socks4a", url.User("s3cret\x00"))},
	} {
		dialled := false
		told := new(showing)
		s := newSession(t, told.watch(mien.Config{Proxy: http.ProxyURL(tt.proxy), DialContext: func(context.Context, string, string) (net.Conn, error) {
			dialled = true
			return nil, io.EOF
		}}))
		for _, o := range []mien.Options{{}, {Proxy: tt.proxy}, {ProxyChain: []*url.URL{at("http", nil), tt.proxy}}} {
			_, err := s.Get(options(t, o), example)
			if got, want := outcomeOf(err), (outcome{phase: retry.PhaseProxy, class: retry.Invalid}); got != want || dialled {
				t.Errorf("%v: %+v, dialled %v", err, got, dialled)
			}
			if !strings.Contains(err.Error(), tt.reason) {
				t.Errorf("%v does not say %q", err, tt.reason)
			}
			told.add(err)
		}
		told.add(s.Stats())
		told.check(t, "s3cret", long)
	}
}

// Credentials arrive as the caller gave them, whatever bytes they have.
func TestOddProxyCredentials(t *testing.T) {
	for _, tt := range []struct{ url, want string }{
		{"http://u:p@proxy.test", "Basic dTpw"},
		{"http://u:a%3Ab%40c%2F%25@proxy.test", "Basic dTphOmJAYy8l"},
		{"http://j%C3%BCrgen:stra%C3%9Fe@proxy.test", "Basic asO8cmdlbjpzdHJhw59l"},
		{"http://u:%FF@proxy.test", "Basic dTr/"},
		{"http://u@proxy.test", "Basic dTo="},
		{"http://:p@proxy.test", "Basic OnA="},
		{"http://:@proxy.test", ""},
		{"socks5://u%00:p%0A@proxy.test", "\x01\x02u\x00\x02p\n"},
		{"socks5://j%C3%BCrgen@proxy.test", "\x01\x07jürgen\x00"},
		{"socks5://" + strings.Repeat("u", 255) + ":" + strings.Repeat("p", 255) + "@proxy.test", "\x01\xff" + strings.Repeat("u", 255) + "\xff" + strings.Repeat("p", 255)},
	} {
		synctest.Test(t, func(t *testing.T) {
			proxy, err := url.Parse(tt.url)
			if err != nil {
				t.Fatal(err)
			}
			came := make(chan string, 1)
			s := newSession(t, mien.Config{Proxy: http.ProxyURL(proxy), Retry: retry.Policy{MaxAttempts: -1}, DialContext: func(context.Context, string, string) (net.Conn, error) {
				ours, theirs := net.Pipe()
				go func() {
					defer theirs.Close()
					if proxy.Scheme == "http" {
						if r, err := http.ReadRequest(bufio.NewReader(theirs)); err == nil {
							came <- r.Header.Get("Proxy-Authorization")
						}
						return
					}
					_, _ = io.ReadFull(theirs, make([]byte, 4))
					_, _ = theirs.Write([]byte{5, 2})
					b := make([]byte, len(tt.want))
					_, _ = io.ReadFull(theirs, b)
					came <- string(b)
				}()
				return ours, nil
			}})
			if _, err := s.Get(t.Context(), example); err == nil {
				t.Error("no error")
			}
			if got := <-came; got != tt.want {
				t.Errorf("%s: %q, want %q", fmt.Sprintf("%.40s", tt.url), got, tt.want)
			}
			_ = s.Close()
		})
	}
}
