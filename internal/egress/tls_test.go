package egress

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mien-http/mien/retry"
)

func proxyRoots(pool *x509.CertPool) *tls.Config { return &tls.Config{RootCAs: pool} }

func TestHTTPSProxy(t *testing.T) {
	for _, tt := range []struct {
		name   string
		proxy  string
		config func(pool *x509.CertPool) *tls.Config
		sni    string
		class  retry.Class // "": it works
	}{
		{"right", "https://proxy.test", proxyRoots, "proxy.test", ""},
		{"an address that is not in the certificate", "https://127.0.0.1", proxyRoots, "", retry.Certificate},
		{"system roots", "https://proxy.test", func(*x509.CertPool) *tls.Config { return nil }, "proxy.test", retry.Certificate},
		{"other name", "https://other.test", proxyRoots, "other.test", retry.Certificate},
		{"other name on purpose", "https://other.test", func(pool *x509.CertPool) *tls.Config {
			return &tls.Config{RootCAs: pool, ServerName: "proxy.test"}
		}, "proxy.test", ""},
		{"only http/1.1 is offered, no tickets", "https://proxy.test", func(pool *x509.CertPool) *tls.Config {
			return &tls.Config{RootCAs: pool, NextProtos: []string{"h2"}, ClientSessionCache: tls.NewLRUClientSessionCache(0)}
		}, "proxy.test", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, Config{})
				defer w.close()
				config, pool := certificates(t, "proxy.test")
				config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
					if hello.ServerName != tt.sni || len(hello.SupportedProtos) != 1 || hello.SupportedProtos[0] != "http/1.1" {
						t.Errorf("hello for %q with ALPN %q", hello.ServerName, hello.SupportedProtos)
					}
					return nil, nil
				}
				log := make(chan asked, 8)
				w.serve(":443", overTLS(config, func(c net.Conn) {
					if c.(*tls.Conn).ConnectionState().DidResume {
						t.Error("the session was resumed")
					}
					w.httpProxy(log)(c)
				}))
				w.serve("origin.test:9", echo)
				route := routeOf(t, tt.proxy)
				route.TLS = tt.config(pool)
				for range 2 {
					c, err := w.dialer.Dial(t.Context(), route, "origin.test", "9")
					if tt.class == "" {
						if err != nil {
							t.Fatal(err)
						}
						checkEcho(t, c)
						_ = c.Close()
						continue
					}
					if err == nil {
						t.Fatal("it was accepted")
					}
					if f := failureOf(t, err); retry.Classify(f) != tt.class || f.Phase != retry.PhaseProxy {
						t.Errorf("%q in phase %q: %v", retry.Classify(f), f.Phase, err)
					}
					select {
					case a := <-log:
						t.Errorf("an unverified proxy was asked for %q", a)
					default:
					}
				}
			})
		})
	}
}

// A connection to an https proxy closes at once, also when the peer takes no
// more bytes.
func TestHTTPSProxyClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		defer w.close()
		config, pool := certificates(t, "proxy.test")
		full := make(chan struct{})
		w.serve("proxy.test:443", overTLS(config, func(c net.Conn) {
			read(c, 1)
			io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
			<-full
		}))
		defer close(full)
		route := routeOf(t, "https://proxy.test")
		route.TLS = proxyRoots(pool)
		c, err := w.dialer.Dial(t.Context(), route, "origin.test", "443")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = c.(*tlsLeg).NetConn().Write(make([]byte, 1<<20))
		}()
		synctest.Wait()
		start := time.Now()
		_ = c.Close()
		<-done
		if took := time.Since(start); took != 0 {
			t.Errorf("Close took %v", took)
		}
	})
}

func TestDialProxy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		defer w.close()
		config, pool := certificates(t, "proxy.test")
		log := make(chan asked, 8)
		forward := func(c net.Conn) {
			if req, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				log <- asked{req.Method + " " + req.RequestURI, req.Header.Get("Proxy-Authorization")}
			}
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
		w.serve("proxy.test:80", forward)
		w.serve("proxy.test:443", overTLS(config, forward))
		w.serve("socks.test:1080", w.socksProxy(log))
		for _, proxies := range [][]string{
			{"http://u:p@proxy.test"},
			{"https://u:p@proxy.test"},
			{"socks5://socks.test", "http://u:p@proxy.test"},
		} {
			route := routeOf(t, proxies...)
			route.TLS = proxyRoots(pool)
			if !route.Forwards() {
				t.Errorf("%q does not forward", proxies)
			}
			c, err := w.dialer.DialProxy(t.Context(), route)
			if err != nil {
				t.Fatal(err)
			}
			if n := w.registry.Len(); n != 1 {
				t.Errorf("%d sockets in the registry", n)
			}
			io.WriteString(c, "GET http://origin.test/ HTTP/1.1\r\nHost: origin.test\r\nProxy-Authorization: "+route.ProxyAuthorization()+"\r\n\r\n")
			if len(proxies) == 2 {
				if a := <-log; a.target != "proxy.test:80" {
					t.Errorf("the nearer proxy was asked for %q", a.target)
				}
			}
			if a := <-log; a.target != "GET http://origin.test/" || a.auth != "Basic dTpw" {
				t.Errorf("the proxy got %q", a)
			}
			_ = c.Close()
		}
	})
}

func TestDialProxyRefuses(t *testing.T) {
	d := New(Config{Registry: &Registry{}, DialContext: func(context.Context, string, string) (net.Conn, error) {
		t.Error("something was dialled")
		return nil, io.EOF
	}})
	for _, proxies := range [][]string{nil, {"socks5://u:p@p"}, {"http://p", "socks4://u@p"}, {"ftp://p"}, {"ftp://p", "http://p"}} {
		route := routeOf(t, proxies...)
		if route.ProxyAuthorization() != "" && !route.Forwards() {
			t.Errorf("%q: credentials for a proxy that does not forward", proxies)
		}
		_, err := d.DialProxy(t.Context(), route)
		if err == nil {
			t.Fatalf("%q was dialled", proxies)
		}
		if class := retry.Classify(failureOf(t, err)); class != retry.Invalid {
			t.Errorf("%q: class %q: %v", proxies, class, err)
		}
	}
}
