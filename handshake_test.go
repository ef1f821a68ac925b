package mien_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

func caPool(t testing.TB) *x509.CertPool {
	t.Helper()
	o, err := mientest.New(mientest.Config{Plain: true})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	return o.CertPool()
}

// The case the project began with: the peer closes the connection after the
// ClientHello. Nothing was sent, so every method is tried again, and the origin
// gets the request once.
func TestSSLErrorSyscall(t *testing.T) {
	for _, p := range protocols {
		for _, how := range []mientest.Ending{mientest.FIN, mientest.RST} {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				t.Run(fmt.Sprintf("%s/%s/%s", p.name, how, method), func(t *testing.T) {
					var delivered atomic.Int32
					origin := newOrigin(t, mientest.Config{
						Protocols: p.alpn,
						Faults:    mientest.Faults{Handshake: mientest.HandshakeFaults{First: 3, How: how}},
						Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
							delivered.Add(1)
							_, _ = io.Copy(w, r.Body)
						}),
					})
					var retried []mien.RetryInfo
					s := newSession(t, mien.Config{Hooks: mien.Hooks{Retry: func(i mien.RetryInfo) { retried = append(retried, i) }}})
					var body io.Reader
					if method == http.MethodPost {
						body = io.LimitReader(strings.NewReader("once"), 4) // no GetBody
					}
					resp, err := s.Do(request(t, method, origin.URL+"/", body))
					if err != nil {
						t.Fatal(err)
					}
					if got := readAll(t, resp); method == http.MethodPost && got != "once" {
						t.Errorf("body %q", got)
					}
					if resp.Proto != p.wire {
						t.Errorf("answered over %s", resp.Proto)
					}
					if n := delivered.Load(); n != 1 {
						t.Errorf("delivered %d times", n)
					}
					if len(retried) != 3 || retried[0].Class != retry.HandshakeReset {
						t.Errorf("retries: %+v", retried)
					}
					st := s.Stats()
					if st.Handshakes != 4 || st.HandshakesFailed[retry.HandshakeReset] != 3 || st.HandshakeFailureRate != 0.75 || st.Retries != 3 {
						t.Errorf("stats: %+v", st)
					}
				})
				t.Run(fmt.Sprintf("%s/%s/%s/retry off", p.name, how, method), func(t *testing.T) {
					origin := newOrigin(t, mientest.Config{
						Protocols: p.alpn,
						Faults:    mientest.Faults{Handshake: mientest.HandshakeFaults{First: 1, How: how}},
					})
					s := newSession(t, mien.Config{Retry: retry.Policy{MaxAttempts: -1}})
					_, err := s.Do(request(t, method, origin.URL+"/", strings.NewReader("x")))
					var e *mien.Error
					if !errors.As(err, &e) {
						t.Fatalf("error %T: %v", err, err)
					}
					if e.Class != retry.HandshakeReset || e.Phase != retry.PhaseTLS || e.Sent || e.Attempt != 1 {
						t.Errorf("%+v", e)
					}
					cause := io.EOF
					if how == mientest.RST {
						cause = syscall.ECONNRESET
					}
					if !errors.Is(err, cause) {
						t.Errorf("cause is %v", e.Err)
					}
					if !strings.Contains(err.Error(), "SSL_ERROR_SYSCALL") {
						t.Errorf("text: %v", err)
					}
					if n := origin.Counters().Requests; n != 0 {
						t.Errorf("the origin got %d requests", n)
					}
				})
			}
		}
	}
}

// The origin never sees more at once than the limits allow.
func TestLimitsAsTheOriginSees(t *testing.T) {
	for _, p := range protocols {
		for _, width := range []int{1, 3, 256} {
			t.Run(fmt.Sprintf("%s/%d", p.name, width), func(t *testing.T) {
				const requests = 300
				release := make(chan struct{})
				var reached sync.Once
				var now, waiting atomic.Int64
				want := int64(min(width, requests))
				origin := newOrigin(t, mientest.Config{
					Protocols: p.alpn,
					Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if now.Add(1) == want {
							reached.Do(func() { close(release) })
						}
						defer now.Add(-1)
						waiting.Add(1)
						<-release // until as many are in flight as the limit allows
					}),
				})
				s := newSession(t, mien.Config{Limits: mien.Limits{InFlight: width, Handshakes: width}})
				var wg sync.WaitGroup
				for range requests {
					wg.Go(func() {
						resp, err := s.Get(context.Background(), origin.URL)
						if err != nil {
							t.Error(err)
							return
						}
						readAll(t, resp)
					})
				}
				wg.Wait()
				c := origin.Counters()
				if c.PeakRequests != want {
					t.Errorf("%d requests at once, limit %d", c.PeakRequests, want)
				}
				if c.PeakHandshakes > int64(width) || c.PeakHandshakes == 0 {
					t.Errorf("%d handshakes at once, limit %d", c.PeakHandshakes, width)
				}
				if c.Requests != requests {
					t.Errorf("%d requests", c.Requests)
				}
			})
		}
	}
}

// Every request looks like the capture that the profile is made from.
func TestLooksLikeTheCapture(t *testing.T) {
	for _, name := range []string{"chromium-156-linux", "chrome-156-linux", "firefox-153-linux"} {
		profile, err := fingerprint.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		want := captured[profile.Browser.Engine]
		for _, p := range protocols {
			t.Run(name+"/"+p.name, func(t *testing.T) {
				origin := newOrigin(t, mientest.Config{Protocols: p.alpn})
				s := newSession(t, mien.Config{Profile: profile})
				get(t, s, named(origin))
				c := origin.Connections()[0]
				if c.JA4 != want.ja4 {
					t.Errorf("JA4 %s, captured %s", c.JA4, want.ja4)
				}
				if p.name == "h2" && c.Akamai != want.akamai {
					t.Errorf("Akamai %s, captured %s", c.Akamai, want.akamai)
				}
				s.CloseIdleConnections()
				get(t, s, named(origin))
				if c = origin.Connections()[1]; !c.Resumed || c.JA4 != want.resumed {
					t.Errorf("second connection: resumed %v, JA4 %s, captured %s", c.Resumed, c.JA4, want.resumed)
				}
			})
		}
	}
}

// captured holds the digests recorded from the browsers.
var captured = map[string]struct{ ja4, resumed, akamai string }{
	"blink": {"t13d1517h2_8daaf6152771_cb7bf5808d99", "t13d1518h2_8daaf6152771_e2d80978ab2e",
		"1:65536;2:0;4:6291456;6:262144|15663105|0|m,a,s,p"},
	"gecko": {"t13d1617h2_86a278354501_3cbfd9057e0d", "t13d1617h2_86a278354501_e6dcd7ae0a9e",
		"1:65536;2:0;4:131072;5:16384|12517377|0|m,p,a,s"},
}
