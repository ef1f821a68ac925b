package egress

import (
	"encoding/base64"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mien-http/mien/retry"
)

const (
	secretUser     = "u5er"
	secretPassword = "pa55word"
)

// answer is a peer that waits for the first byte, which mostly brings the whole
// of a step with it, and then says s.
func answer(s string) func(net.Conn) {
	return func(c net.Conn) {
		read(c, 1)
		io.WriteString(c, s)
		linger(c)
	}
}

// linger reads until the client goes away.
func linger(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// hangUp says s and ends its side after the client's first bytes.
func hangUp(s string) func(net.Conn) {
	return func(c net.Conn) {
		b := make([]byte, 4096)
		_, _ = c.Read(b)
		io.WriteString(c, s)
		c.(interface{ CloseWrite() error }).CloseWrite()
		linger(c)
	}
}

// reset resets the connection after the client's first bytes.
func reset(c net.Conn) {
	read(c, 1)
	_ = c.(interface{ SetLinger(int) error }).SetLinger(0)
}

// socks runs the opening with authentication, then sends reply to the request.
func socks(reply string) func(net.Conn) {
	return func(c net.Conn) {
		read(c, 4)
		io.WriteString(c, "\x05\x02")
		read(c, 3+len(secretUser)+len(secretPassword))
		io.WriteString(c, "\x01\x00")
		answer(reply)(c)
	}
}

var proxyFaults = []struct {
	name, scheme string
	handler      func(net.Conn)
	class        retry.Class
	decision     retry.Decision
}{
	{"closes before its status", "http", hangUp(""), retry.ProxyReset, retry.Any},
	{"resets before its status", "http", reset, retry.ProxyReset, retry.Any},
	{"closes inside its status line", "http", hangUp("HTTP/1"), retry.ProxyReset, retry.Any},
	{"closes inside its fields", "http", hangUp("HTTP/1.1 200 OK\r\nVia: "), retry.ProxyReset, retry.Any},
	{"closes after an interim answer", "http", hangUp("HTTP/1.1 100 Continue\r\n\r\n"), retry.ProxyReset, retry.Any},
	{"407", "http", answer("HTTP/1.1 407 Auth\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n"), retry.ProxyRefused, retry.Never},
	{"407 without a challenge", "http", answer("HTTP/1.0 407\r\n\r\n"), retry.ProxyRefused, retry.Never},
	{"403", "http", answer("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"), retry.ProxyRefused, retry.Never},
	{"429", "http", answer("HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"), retry.ProxyRefused, retry.Any},
	{"502", "http", answer("HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n"), retry.ProxyRefused, retry.Any},
	{"503", "http", answer("HTTP/1.1 503 Bad\r\nContent-Length: 0\r\n\r\n"), retry.ProxyRefused, retry.Any},
	{"504", "http", answer("HTTP/1.1 504 Bad\r\nContent-Length: 0\r\n\r\n"), retry.ProxyRefused, retry.Any},
	{"301", "http", answer("HTTP/1.1 301 Moved\r\nLocation: http://x/\r\nContent-Length: 0\r\n\r\n"), retry.ProxyRefused, retry.Never},
	{"101", "http", answer("HTTP/1.1 101 Switching\r\n\r\n"), retry.ProxyRefused, retry.Never},
	{"garbage", "http", answer("SSH-2.0-OpenSSH_9.2\r\n"), retry.Protocol, retry.Any},
	{"garbage of a few bytes", "http", answer("\x15\x03\x01"), retry.Protocol, retry.Any},
	{"status line without a code", "http", answer("HTTP/1.1 OK\r\n\r\n"), retry.Protocol, retry.Any},
	{"status code too low", "http", answer("HTTP/1.1 000 OK\r\n\r\n"), retry.Protocol, retry.Any},
	{"field without a colon", "http", answer("HTTP/1.1 200 OK\r\nnonsense\r\n\r\n"), retry.Protocol, retry.Any},
	{"head too long", "http", answer("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 70<<10) + "\r\n\r\n"), retry.Protocol, retry.Never},
	{"endless line", "http", answer("HTTP/1.1 200 " + strings.Repeat("x", 70<<10)), retry.Protocol, retry.Never},
	{"endless interim answers", "http", answer(strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 4000)), retry.Protocol, retry.Never},
	{"stalls", "http", linger, retry.HandshakeTimeout, retry.Any},
	{"stalls after a few bytes", "http", answer("HTTP/1.1 200 OK\r\n"), retry.HandshakeTimeout, retry.Any},

	{"http on the port of an https proxy", "https", answer("HTTP/1.1 400 Bad Request\r\n\r\n"), retry.NotTLS, retry.Never},
	{"closes in the handshake", "https", hangUp(""), retry.ProxyReset, retry.Any},
	{"resets in the handshake", "https", reset, retry.ProxyReset, retry.Any},
	{"alert", "https", answer("\x15\x03\x03\x00\x02\x02\x28"), retry.Alert, retry.Never},
	{"stalls in the handshake", "https", linger, retry.HandshakeTimeout, retry.Any},

	{"SOCKS closes at once", "socks5", hangUp(""), retry.ProxyReset, retry.Any},
	{"SOCKS closes inside its method", "socks5", hangUp("\x05"), retry.ProxyReset, retry.Any},
	{"SOCKS resets", "socks5", reset, retry.ProxyReset, retry.Any},
	{"SOCKS stalls", "socks5", linger, retry.HandshakeTimeout, retry.Any},
	{"SOCKS wants other authentication", "socks5", answer("\x05\xff"), retry.ProxyRefused, retry.Never},
	{"SOCKS takes a method not offered", "socks5", answer("\x05\x01"), retry.Protocol, retry.Any},
	{"SOCKS port is HTTP", "socks5", answer("HTTP/1.1 400 Bad Request\r\n\r\n"), retry.Protocol, retry.Any},
	{"SOCKS refuses the password", "socks5", func(c net.Conn) {
		read(c, 4)
		io.WriteString(c, "\x05\x02")
		read(c, 3+len(secretUser)+len(secretPassword))
		io.WriteString(c, "\x01\x01")
		linger(c)
	}, retry.ProxyRefused, retry.Never},
	{"SOCKS closes before its reply", "socks5", func(c net.Conn) {
		read(c, 4)
		io.WriteString(c, "\x05\x00")
		read(c, 1)
		hangUp("")(c)
	}, retry.ProxyReset, retry.Any},
	{"SOCKS closes inside its reply", "socks5", func(c net.Conn) {
		read(c, 4)
		io.WriteString(c, "\x05\x00")
		read(c, 1)
		hangUp("\x05\x00\x00\x01\x00")(c)
	}, retry.ProxyReset, retry.Any},
	{"SOCKS reply 1", "socks5", socks("\x05\x01\x00\x01\x00\x00\x00\x00\x00\x00"), retry.ProxyRefused, retry.Any},
	{"SOCKS reply 2", "socks5", socks("\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00"), retry.ProxyRefused, retry.Never},
	{"SOCKS reply 3", "socks5", socks("\x05\x03\x00\x01\x00\x00\x00\x00\x00\x00"), retry.ProxyRefused, retry.Any},
	{"SOCKS reply 4, nothing behind it", "socks5", socks("\x05\x04"), retry.ProxyRefused, retry.Any},
	{"SOCKS reply 5", "socks5h", socks("\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00"), retry.ProxyRefused, retry.Any},
	{"SOCKS reply 6", "socks5h", socks("\x05\x06\x00\x01\x00\x00\x00\x00\x00\x00"), retry.ProxyRefused, retry.Any},
	{"SOCKS reply 7", "socks5h", socks("\x05\x07\x00\x01\x00\x00\x00\x00\x00\x00"), retry.ProxyRefused, retry.Never},
	{"SOCKS reply 8", "socks5h", socks("\x05\x08\x00\x01\x00\x00\x00\x00\x00\x00"), retry.ProxyRefused, retry.Never},
	{"SOCKS address of no known type", "socks5", socks("\x05\x00\x00\x02\x00\x00"), retry.Protocol, retry.Any},

	{"SOCKS4 refuses", "socks4", answer("\x00\x5b\x00\x00\x00\x00\x00\x00"), retry.ProxyRefused, retry.Any},
	{"SOCKS4 wants another user", "socks4a", answer("\x00\x5d\x00\x00\x00\x00\x00\x00"), retry.ProxyRefused, retry.Never},
	{"SOCKS4 garbage", "socks4a", answer("HTTP/1.1 400 Bad Request\r\n\r\n"), retry.Protocol, retry.Any},
	{"SOCKS4 code 0", "socks4a", answer("\x00\x00"), retry.Protocol, retry.Any},
	{"SOCKS4 closes", "socks4a", hangUp("\x00"), retry.ProxyReset, retry.Any},
}

func TestProxyFaults(t *testing.T) {
	for _, tt := range proxyFaults {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, Config{ProxyTimeout: 30 * time.Second})
				defer w.close()
				w.serve("proxy.test:9", tt.handler)
				credentials := secretUser + ":" + secretPassword
				if strings.HasPrefix(tt.scheme, "socks4") {
					credentials = secretUser
				}
				start := time.Now()
				c, err := w.dial(tt.scheme + "://" + credentials + "@proxy.test:9")
				if err == nil {
					t.Fatal(c)
				}
				f := failureOf(t, err)
				if class := retry.Classify(f); class != tt.class || f.Phase != retry.PhaseProxy {
					t.Errorf("%q in phase %q, want %q in phase proxy: %v", class, f.Phase, tt.class, err)
				}
				if d := retry.Decide(tt.class, f); d != tt.decision {
					t.Errorf("decision %v, want %v", d, tt.decision)
				}
				if e := (*Error)(nil); !errors.As(err, &e) || e.Proxy != "proxy.test:9" {
					t.Errorf("the error does not name the proxy: %v", err)
				}
				if tt.class == retry.HandshakeTimeout != (time.Since(start) == 30*time.Second) {
					t.Errorf("took %v", time.Since(start))
				}
				for _, secret := range []string{secretUser, secretPassword, base64.StdEncoding.EncodeToString([]byte(secretUser + ":" + secretPassword))} {
					checkSecret(t, secret, err)
				}
				if n := w.registry.Len(); n != 0 {
					t.Errorf("%d sockets left open", n)
				}
			})
		})
	}
}

func TestProxyNotThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		defer w.close()
		_, err := w.dial("http://" + secretUser + ":" + secretPassword + "@proxy.test")
		f := failureOf(t, err)
		if class := retry.Classify(f); class != retry.Refused || f.Phase != retry.PhaseProxy {
			t.Errorf("%q in phase %q: %v", class, f.Phase, err)
		}
		if want := "proxy proxy.test:80: "; !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v does not begin with %q", err, want)
		}
		checkSecret(t, secretPassword, err)
		if _, nested := f.Err.(*Error); nested {
			t.Errorf("the cause is another *Error: %v", f.Err)
		}
	})
}

// An end before any answer is io.EOF; one inside of it is not.
func TestWhereTheAnswerEnded(t *testing.T) {
	for said, want := range map[string]error{
		"": io.EOF, "H": io.ErrUnexpectedEOF, "HTTP/1.1 200 OK\r\nVia": io.ErrUnexpectedEOF, "HTTP/1.1 100 \r\n\r\n": io.ErrUnexpectedEOF,
	} {
		legs, err := plan(routeOf(t, "http://p"), "h", "1")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := connect(&sliced{said: []byte(said), size: 9}, legs[0], nil); err != want {
			t.Errorf("%q: %v, want %v", said, err, want)
		}
	}
}

func TestSOCKSPasswordThatWeHaveNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		defer w.close()
		w.serve("p:1080", answer("\x05\x02"))
		_, err := w.dial("socks5://p")
		if e := (*AnswerError)(nil); !errors.As(err, &e) {
			t.Error(err)
		}
	})
}

func TestRefusal(t *testing.T) {
	credentials := base64.StdEncoding.EncodeToString([]byte(secretUser + ":" + secretPassword))
	for _, tt := range []struct {
		name, answer, body string
		wait               time.Duration
	}{
		{"length", "Content-Length: 4\r\n\r\nbody", "body", 0},
		{"chunked", "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n", "body", 0},
		{"body stalls", "Content-Length: 9\r\n\r\nbody", "body", bodyWait},
		{"until it closes", "\r\nbody", "body", bodyWait},
		{"long", "\r\n" + strings.Repeat("x", 100<<10), strings.Repeat("x", maxBodyPrefix), 0},
		{"behind a long head", "X: " + strings.Repeat("x", 65<<10-1200) + "\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1;"+strings.Repeat("x", 40)+"\r\nx\r\n", 2*maxBodyPrefix), strings.Repeat("x", maxBodyPrefix), 0},
		{"tells what it got", "Content-Length: 100\r\n\r\n" + credentials + " " + secretPassword, "*** ***", bodyWait},
		{"credentials on the edge", "\r\n" + strings.Repeat("x", maxBodyPrefix-2) + credentials + strings.Repeat("y", 4096), strings.Repeat("x", maxBodyPrefix-2) + "**", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, Config{})
				defer w.close()
				w.serve("proxy.test:8080", answer("HTTP/1.1 503 "+credentials+"\r\nRetry-After: 7\r\n"+tt.answer))
				start := time.Now()
				_, err := w.dial("http://" + secretUser + ":" + secretPassword + "@proxy.test:8080")
				var e *ProxyError
				if !errors.As(err, &e) {
					t.Fatal(err)
				}
				if e.Proxy != "proxy.test:8080" || e.Status != 503 || e.RetryAfter() != "7" || e.ProxyStatus() != 503 {
					t.Errorf("%+v", e)
				}
				if string(e.BodyPrefix) != tt.body {
					t.Errorf("body prefix %q, want %q", e.BodyPrefix, tt.body)
				}
				if want := "proxy proxy.test:8080: CONNECT was answered with status 503 (Service Unavailable)"; err.Error() != want {
					t.Errorf("%q, want %q", err, want)
				}
				if took := time.Since(start); took != tt.wait {
					t.Errorf("took %v, want %v", took, tt.wait)
				}
			})
		})
	}
}

// Time that runs out while the body of a refusal is awaited does not hide it.
func TestRefusalAtTheLastMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{ProxyTimeout: bodyWait / 2})
		defer w.close()
		w.serve("proxy.test:80", answer("HTTP/1.1 403 No\r\n\r\n"))
		_, err := w.dial("http://proxy.test")
		if e := (*ProxyError)(nil); !errors.As(err, &e) || e.Status != 403 {
			t.Error(err)
		}
	})
}

func TestSOCKSErrorText(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{&SOCKSError{Version: 5, Reply: 5}, "SOCKS5: connection refused (reply 5)"},
		{&SOCKSError{Version: 5, Reply: 77}, "SOCKS5: refused with reply 77"},
		{&SOCKSError{Version: 4, Reply: 91}, "SOCKS4: rejected or failed (reply 91)"},
		{&AnswerError{Reason: "is not HTTP", Prefix: []byte("SSH-2.0")}, `the answer is not HTTP: it begins with "SSH-2.0"; is the proxy's scheme right?`},
		{&ProxyError{Status: 799}, "CONNECT was answered with status 799"},
	} {
		if tt.err.Error() != tt.want {
			t.Errorf("%q, want %q", tt.err, tt.want)
		}
	}
}
