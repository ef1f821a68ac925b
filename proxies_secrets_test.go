package mien_test

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// showing is everything that a session shows to who watches it.
type showing struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (s *showing) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

// add adds what things may be printed as.
func (s *showing) add(things ...any) {
	for _, thing := range things {
		_, _ = fmt.Fprintf(s, "%v\n%+v\n%q\n", thing, thing, thing)
	}
}

// watch puts a logger and every hook on cfg. The caller's own request is left
// out of what they are told.
func (s *showing) watch(cfg mien.Config) mien.Config {
	cfg.Logger = slog.New(slog.NewTextHandler(s, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg.Hooks = mien.Hooks{
		Handshake: func(i mien.HandshakeInfo) { s.add(i) },
		Retry:     func(i mien.RetryInfo) { i.Request = nil; s.add(i) },
		Phase:     func(i mien.PhaseInfo) { i.Request = nil; s.add(i) },
		Done:      func(i mien.RequestInfo) { i.Request = nil; s.add(i) },
	}
	return cfg
}

// check looks for credentials in all that was shown.
func (s *showing) check(t *testing.T, more ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range append(more, proxyPassword, url.QueryEscape(proxyPassword), url.PathEscape(proxyPassword), proxyBasic, proxyUser) {
		if i := strings.Index(s.text.String(), secret); i >= 0 {
			text := s.text.String()
			t.Errorf("%q is shown: …%s…", secret, text[max(0, i-200):min(len(text), i+100)])
		}
	}
}

// Credentials of proxies are seen by their proxy alone: by no origin, no other
// proxy, and nobody who watches the session.
func TestProxyCredentialsStay(t *testing.T) {
	for _, scheme := range []string{"http", "https", "socks5"} {
		for _, plain := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/plain %v", scheme, plain), func(t *testing.T) {
				alpn := []string{"http/1.1"}
				origin := newOrigin(t, mientest.Config{Plain: plain, Protocols: alpn})
				told := new(showing)
				cfg := told.watch(mien.Config{Retry: retry.Policy{MaxConnectAttempts: 2}})
				if scheme == "socks5" || !plain {
					throughProxy(t, place{protocol: protocols[1]}, scheme, &cfg, nil)
				} else {
					forwarding(t, scheme, &cfg)
				}
				proxy, err := cfg.Proxy(nil)
				if err != nil {
					t.Fatal(err)
				}
				proxy.User = url.UserPassword(proxyUser, proxyPassword)
				cfg.Proxy = http.ProxyURL(proxy)
				s := newSession(t, cfg)
				get(t, s, origin.URL)
				for _, r := range origin.Requests() {
					told.add(r)
				}
				scheme, _, _ := strings.Cut(origin.URL, ":")
				resp, err := s.Get(t.Context(), scheme+"://127.0.0.1:1/")
				if err == nil {
					readAll(t, resp)
				}
				told.add(err, s.Stats())
				for _, o := range s.Stats().Origins {
					if o.Proxy != proxy.Host {
						t.Errorf("Stats name the proxy %q, want %q", o.Proxy, proxy.Host)
					}
				}
				told.check(t)
			})
		}
	}
}

// forwarding has cfg's session go through a proxy that forwards requests and
// keeps what is for it alone.
func forwarding(t *testing.T, scheme string, cfg *mien.Config) {
	t.Helper()
	transport := new(http.Transport)
	proxy := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Proxy-Authorization"); got != "Basic "+proxyBasic {
			t.Errorf("the proxy got the credentials %q", got)
		}
		out := r.Clone(r.Context())
		out.RequestURI = ""
		out.Header.Del("Proxy-Authorization")
		resp, err := transport.RoundTrip(out)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
	}))
	if scheme == "https" {
		server, client := peerTLS(t, []string{"http/1.1"}, &x509.Certificate{})
		proxy.TLS, cfg.ProxyTLS = server, client
		proxy.StartTLS()
	} else {
		proxy.Start()
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		proxy.Close()
	})
	cfg.Proxy = http.ProxyURL(&url.URL{Scheme: scheme, Host: proxy.Listener.Addr().String()})
}
