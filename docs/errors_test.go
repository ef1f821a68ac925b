package docs_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

const errorsPage = "docs/errors.md"

// TestErrorsAreAllNamed: the page has a row for each phase, class and reason.
func TestErrorsAreAllNamed(t *testing.T) {
	page := readFile(t, errorsPage)
	want := []string{"Unknown"}
	for _, c := range retry.Classes() {
		want = append(want, c.String())
	}
	for _, p := range []retry.Phase{
		retry.PhaseQueue, retry.PhaseDNS, retry.PhaseDial, retry.PhaseProxy,
		retry.PhaseTLS, retry.PhaseWrite, retry.PhaseHeaders, retry.PhaseBody,
	} {
		want = append(want, string(p))
	}
	for _, name := range want {
		if !strings.Contains(page, "| `"+name+"` |") {
			t.Errorf("%s has no row for %s", errorsPage, name)
		}
	}
	for _, r := range []retry.Reason{
		retry.NotIdempotent, retry.NotReplayable, retry.AttemptsSpent, retry.OriginDown,
		retry.BudgetSpent, retry.DeadlineNear, retry.WaitTooLong, retry.Vetoed,
	} {
		if !strings.Contains(page, string(r)) {
			t.Errorf("%s does not say %q", errorsPage, r)
		}
	}
	// Nothing was added to package retry that the lists above do not know.
	imp, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := imp.Import(module + "/retry")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range pkg.Scope().Names() {
		switch kind := pkg.Scope().Lookup(name).Type().String(); kind {
		case module + "/retry.Class", module + "/retry.Phase", module + "/retry.Reason":
			short := strings.ToLower(strings.TrimPrefix(name, "Phase"))
			if name != "Off" && name != "NotRetryable" && !strings.Contains(strings.ToLower(page), short) && !strings.HasSuffix(kind, "Reason") {
				t.Errorf("%s does not speak of retry.%s", errorsPage, name)
			}
		}
	}
}

var attemptNumber = regexp.MustCompile(`attempt \d+`)

// TestErrorTexts: the texts on the page are those that errors have. Each is caused
// here at an origin that stands for example.com, without any retry.
func TestErrorTexts(t *testing.T) {
	page := attemptNumber.ReplaceAllString(readFile(t, errorsPage), "attempt 1")
	for name, cause := range troubles() {
		t.Run(name, func(t *testing.T) {
			err := cause(t)
			if err == nil {
				t.Fatal("it succeeded")
			}
			var e *mien.Error
			if !errors.As(err, &e) {
				t.Fatalf("it is a %T", err)
			}
			text := attemptNumber.ReplaceAllString(err.Error(), "attempt 1")
			if row := "| `" + text + "` | `" + e.Class.String() + "` |"; !strings.Contains(page, row) {
				t.Errorf("%s has no row\n\t%s", errorsPage, row)
			}
		})
	}
}

func troubles() map[string]func(*testing.T) error {
	fault := func(f mientest.Faults) func(*testing.T) error {
		return func(t *testing.T) error { return ask(t, mientest.Config{Faults: f}, nil) }
	}
	request := func(a mientest.RequestAction) func(*testing.T) error {
		return fault(mientest.Faults{Request: mientest.RequestFaults{Script: func(int, *http.Request) mientest.RequestAction { return a }}})
	}
	return map[string]func(*testing.T) error{
		"reset": fault(mientest.Faults{Handshake: mientest.HandshakeFaults{First: 1 << 20, How: mientest.FIN}}),
		"alert": func(t *testing.T) error {
			return ask(t, mientest.Config{TLS: &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_RC4_128_SHA}}}, nil)
		},
		"expired": func(t *testing.T) error {
			return ask(t, mientest.Config{Cert: mientest.CertExpired}, func(c *mien.Config) {
				c.TLS.Time = func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
			})
		},
		"wrong host":    func(t *testing.T) error { return ask(t, mientest.Config{Cert: mientest.CertWrongHost}, nil) },
		"untrusted":     func(t *testing.T) error { return ask(t, mientest.Config{Cert: mientest.CertUntrusted}, nil) },
		"not processed": request(mientest.RequestAction{Reset: true, ResetCode: 7}),
		"stream reset":  request(mientest.RequestAction{Reset: true, ResetCode: 11}),
		"lost":          request(mientest.RequestAction{End: mientest.FIN}),
		"slow": func(t *testing.T) error {
			return ask(t, mientest.Config{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				<-r.Context().Done()
			})}, func(c *mien.Config) { c.Timeouts.Headers = 50 * time.Millisecond })
		},
		"cut": func(t *testing.T) error {
			return ask(t, mientest.Config{Protocols: []string{"http/1.1"}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", "10")
				_, _ = io.WriteString(w, "half")
				_ = http.NewResponseController(w).Flush()
				mientest.EndConnection(r, mientest.FIN)
			})}, nil)
		},
		"redirects": func(t *testing.T) error {
			return ask(t, mientest.Config{Handler: http.RedirectHandler("/again", http.StatusFound)}, nil)
		},
		"refused": func(t *testing.T) error {
			if runtime.GOOS == "windows" {
				t.Skip("Windows says it in words of its own")
			}
			return ask(t, mientest.Config{}, func(c *mien.Config) {
				c.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
					l, err := net.Listen("tcp", "127.0.0.1:0")
					if err != nil {
						return nil, err
					}
					_ = l.Close()
					_, err = new(net.Dialer).DialContext(ctx, network, l.Addr().String())
					return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 443}, Err: err.(*net.OpError).Err}
				}
			})
		},
		"no name": func(t *testing.T) error {
			return ask(t, mientest.Config{}, func(c *mien.Config) {
				c.DialContext, c.Resolver = nil, noNames{}
			})
		},
		"not tls": func(t *testing.T) error {
			return ask(t, mientest.Config{}, answering(nil, "HTTP/1.1 400 Bad Request\r\n\r\n"))
		},
		"proxy 407": func(t *testing.T) error {
			return ask(t, mientest.Config{}, answering(httpProxy, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"))
		},
		"proxy 502": func(t *testing.T) error {
			return ask(t, mientest.Config{}, answering(httpProxy, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"))
		},
		"proxy gone": func(t *testing.T) error { return ask(t, mientest.Config{}, answering(httpProxy)) },
		"socks": func(t *testing.T) error {
			return ask(t, mientest.Config{}, answering(socksProxy, "\x05\x00", "\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00"))
		},
		"invalid": func(t *testing.T) error {
			req, _ := http.NewRequest(http.MethodGet, "https://example.com/", nil)
			req.Header["X-A"] = []string{"a\nb"}
			return send(t, mien.Config{}, req)
		},
		"no scheme": func(t *testing.T) error {
			return send(t, mien.Config{}, &http.Request{URL: &url.URL{Path: "example.com/"}})
		},
		"canceled": func(t *testing.T) error {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "https://example.com/", nil)
			return send(t, mien.Config{}, req)
		},
		"closed": func(t *testing.T) error {
			s, err := mien.New(mien.Config{})
			if err != nil {
				t.Fatal(err)
			}
			_ = s.Close()
			_, err = s.Get(t.Context(), "https://example.com/")
			return err
		},
	}
}

func httpProxy(c *mien.Config) {
	c.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.example:3128"})
}
func socksProxy(c *mien.Config) {
	c.Proxy = http.ProxyURL(&url.URL{Scheme: "socks5", Host: "proxy.example:1080"})
}

type noNames struct{}

func (noNames) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// answering puts a peer in place of what is connected to that reads once before
// each thing that it says. With nothing to say it closes after the first read.
func answering(with func(*mien.Config), says ...string) func(*mien.Config) {
	return func(c *mien.Config) {
		if with != nil {
			with(c)
		}
		var network mientest.Network
		c.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			l, err := network.Listen("peer.example:1")
			if err != nil {
				return nil, err
			}
			go func() {
				defer func() { _ = l.Close() }()
				peer, err := l.Accept()
				if err != nil {
					return
				}
				defer func() { _ = peer.Close() }()
				heard := make([]byte, 16<<10)
				for _, s := range says {
					_, _ = peer.Read(heard)
					_, _ = io.WriteString(peer, s)
				}
				if len(says) > 0 {
					_, _ = io.Copy(io.Discard, peer)
					return
				}
				_, _ = peer.Read(heard)
			}()
			return network.DialContext(ctx, "tcp", "peer.example:1")
		}
	}
}

// ask sends a GET to an origin that is example.com as far as the session can tell,
// and returns what it or the body came to.
func ask(t *testing.T, origin mientest.Config, with func(*mien.Config)) error {
	t.Helper()
	o, err := mientest.New(origin)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	cfg := mien.Config{TLS: o.ClientTLS(), DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, o.Addr().String())
	}}
	if with != nil {
		with(&cfg)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://example.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	return send(t, cfg, req)
}

func send(t *testing.T, cfg mien.Config, req *http.Request) error {
	t.Helper()
	cfg.Retry.MaxAttempts = -1
	s, err := mien.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	resp, err := s.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return err
}
