package prometheus_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	prom "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/observe/prometheus"
	"github.com/mien-http/mien/retry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// watch serves c's metrics and returns a function that scrapes them: values by
// series, as the text format writes it.
func watch(t *testing.T, c *prometheus.Collector) func() map[string]float64 {
	t.Helper()
	registry := prom.NewPedanticRegistry()
	registry.MustRegister(c)
	server := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry}))
	client := server.Client()
	t.Cleanup(func() {
		client.CloseIdleConnections()
		server.Close()
	})
	return func() map[string]float64 {
		resp, err := client.Get(server.URL)
		if err != nil {
			t.Error(err)
			return nil
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			body, _ := io.ReadAll(resp.Body)
			t.Errorf("scrape: %s: %s", resp.Status, body)
		}
		series := make(map[string]float64)
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			line := lines.Text()
			if !strings.HasPrefix(line, "mien_") {
				continue
			}
			at := strings.LastIndexByte(line, ' ')
			v, err := strconv.ParseFloat(line[at+1:], 64)
			if err != nil {
				t.Errorf("scrape: %q: %v", line, err)
			}
			series[line[:at]] = v
		}
		return series
	}
}

func newOrigin(t *testing.T, cfg mientest.Config) *mientest.Origin {
	t.Helper()
	origin, err := mientest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(origin.Close)
	return origin
}

func newSession(t *testing.T, cfg mien.Config) *mien.Session {
	t.Helper()
	s, err := mien.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// get reads the whole response and returns its status.
func get(ctx context.Context, s *mien.Session, url string) (int, error) {
	resp, err := s.Get(ctx, url)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

func want(t *testing.T, series map[string]float64, name string, value float64) {
	t.Helper()
	if got, ok := series[name]; !ok || got != value {
		t.Errorf("%s = %v (there: %v), want %v", name, got, ok, value)
	}
}

const answer = "0123456789"

func answering(status int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	})
}

// TestScrape: what a scrape says is what the origin saw, while a fifth of the
// handshakes dies, and every scrape on the way is well-formed and never goes back.
func TestScrape(t *testing.T) {
	const requests = 100
	origin := newOrigin(t, mientest.Config{
		Handler: answering(200),
		Faults:  mientest.Faults{Handshake: mientest.HandshakeFaults{Share: 0.2}},
	})
	c := prometheus.New(prometheus.Options{})
	s := newSession(t, mien.Config{TLS: origin.ClientTLS(), Hooks: c.Hooks()})
	c.Bind(s)
	scrape := watch(t, c)

	stop := make(chan struct{})
	var scraper, callers sync.WaitGroup
	scraper.Go(func() {
		before := 0.0
		for {
			select {
			case <-stop:
				return
			default:
			}
			now := scrape()["mien_requests_total"]
			if now < before {
				t.Errorf("mien_requests_total went from %v to %v", before, now)
			}
			before = now
		}
	})
	ctx := mien.WithOptions(t.Context(), mien.Options{FreshConnection: true})
	for range requests {
		callers.Go(func() {
			if _, err := get(ctx, s, origin.URL+"/a/path?and=query"); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	close(stop)
	scraper.Wait()

	saw, got := origin.Counters(), scrape()
	killed, tried := float64(saw.HandshakesKilled), float64(saw.Handshakes)
	if killed == 0 {
		t.Fatal("the origin killed no handshake")
	}
	at := fmt.Sprintf("{origin=%q,proxy=\"\"", origin.URL)
	for name, value := range map[string]float64{
		"mien_requests_total":                                                   requests,
		"mien_requests_failed_total":                                            0,
		"mien_requests_in_flight":                                               0,
		"mien_requests_queued":                                                  0,
		"mien_oldest_request_age_seconds":                                       0,
		"mien_retries_total":                                                    killed,
		"mien_handshakes_total":                                                 tried,
		"mien_handshakes_resumed_total":                                         float64(saw.Resumed),
		"mien_handshake_failure_ratio":                                          killed / tried,
		`mien_handshakes_failed_total{class="HandshakeReset"}`:                  killed,
		`mien_handshakes_failed_total{class="Alert"}`:                           0,
		`mien_request_duration_seconds_count{protocol="HTTP/2.0",status="2xx"}`: requests,
		`mien_request_duration_seconds_bucket{protocol="HTTP/2.0",status="2xx",le="60"}`:                   requests,
		`mien_phase_duration_seconds_count{outcome="ok",phase="queue"}`:                                    requests,
		`mien_phase_duration_seconds_count{outcome="ok",phase="headers"}`:                                  requests,
		`mien_phase_duration_seconds_count{outcome="ok",phase="body"}`:                                     requests,
		`mien_phase_duration_seconds_count{outcome="ok",phase="tls"}`:                                      requests,
		`mien_phase_duration_seconds_count{outcome="failed",phase="tls"}`:                                  killed,
		`mien_response_body_bytes_count`:                                                                   requests,
		`mien_response_body_bytes_sum`:                                                                     requests * float64(len(answer)),
		`mien_retry_causes_total{class="HandshakeReset",of="connection"}`:                                  killed,
		"mien_origin_requests_total{" + `origin="` + origin.URL + `",outcome="ok",proxy=""}`:               requests,
		"mien_origin_handshakes_total{" + `origin="` + origin.URL + `",outcome="ok",proxy=""}`:             tried - killed,
		"mien_origin_handshakes_total{" + `origin="` + origin.URL + `",outcome="HandshakeReset",proxy=""}`: killed,
		"mien_origin_handshake_failure_ratio" + at + "}":                                                   killed / tried,
		"mien_origin_requests_waiting" + at + "}":                                                          0,
		"mien_origin_handshaking" + at + "}":                                                               0,
	} {
		want(t, got, name, value)
	}
	for _, phase := range []string{"dial", "tls", "first_byte"} {
		for _, percentile := range []string{"50", "99"} {
			name := fmt.Sprintf("mien_origin_latency_seconds{origin=%q,percentile=%q,phase=%q,proxy=\"\"}", origin.URL, percentile, phase)
			if got[name] <= 0 || got[name] > 60 {
				t.Errorf("%s = %v", name, got[name])
			}
		}
	}
	if got["mien_origin_handshake_width"+at+"}"] <= 0 {
		t.Errorf("width = %v", got["mien_origin_handshake_width"+at+"}"])
	}
	for name := range got {
		if strings.Contains(name, "path") || strings.Contains(name, "query=") {
			t.Errorf("%s tells of a URL's path or query", name)
		}
	}
	lint(t, c)
}

// lint asks the linter of Prometheus about names, units and help texts.
func lint(t *testing.T, c *prometheus.Collector) {
	t.Helper()
	registry := prom.NewPedanticRegistry()
	registry.MustRegister(c)
	problems, err := testutil.GatherAndLint(registry)
	if err != nil {
		t.Error(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// TestScrapeInFlight: what holds a slot and what waits for one is seen meanwhile.
func TestScrapeInFlight(t *testing.T) {
	held, free := make(chan struct{}), make(chan struct{})
	origin := newOrigin(t, mientest.Config{Handler: http.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request) {
		held <- struct{}{}
		<-free
	})})
	c := prometheus.New(prometheus.Options{})
	s := newSession(t, mien.Config{TLS: origin.ClientTLS(), Hooks: c.Hooks(), Limits: mien.Limits{InFlight: 1}})
	c.Bind(s)
	scrape := watch(t, c)
	var callers sync.WaitGroup
	for range 2 {
		callers.Go(func() {
			if _, err := get(t.Context(), s, origin.URL); err != nil {
				t.Error(err)
			}
		})
	}
	<-held
	for deadline := time.Now().Add(time.Minute); scrape()["mien_requests_queued"] != 1; {
		if time.Now().After(deadline) {
			t.Fatal("the second request never queued")
		}
	}
	got := scrape()
	at := fmt.Sprintf("{origin=%q,proxy=\"\"}", origin.URL)
	want(t, got, "mien_requests_in_flight", 1)
	want(t, got, "mien_sockets_open", 1)
	want(t, got, "mien_origin_connections"+at, 1)
	want(t, got, "mien_origin_requests_in_flight"+at, 1)
	if got["mien_oldest_request_age_seconds"] <= 0 {
		t.Error("the oldest request in flight has no age")
	}
	close(free)
	<-held
	callers.Wait()
	want(t, scrape(), "mien_requests_in_flight", 0)
}

// TestScrapeFailures: requests by status and class, and nothing of credentials.
func TestScrapeFailures(t *testing.T) {
	origin := newOrigin(t, mientest.Config{Handler: answering(404), Protocols: []string{"http/1.1"}})
	c := prometheus.New(prometheus.Options{})
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	s := newSession(t, mien.Config{
		TLS:   origin.ClientTLS(),
		Hooks: c.Hooks(),
		Retry: retry.Policy{MaxAttempts: -1},
		Proxy: func(req *http.Request) (*url.URL, error) {
			if req.URL.Path == "/proxied" {
				return &url.URL{Scheme: "http", Host: closed.Addr().String(), User: url.UserPassword("someone", "hunter2")}, nil
			}
			return nil, nil
		},
	})
	c.Bind(s)
	scrape := watch(t, c)
	if status, err := get(t.Context(), s, origin.URL); status != 404 || err != nil {
		t.Fatal(status, err)
	}
	_, err = get(t.Context(), s, "https://user:hunter2@"+origin.Addr().String()+"/proxied?hunter2")
	var e *mien.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	got := scrape()
	want(t, got, `mien_request_duration_seconds_count{protocol="HTTP/1.1",status="4xx"}`, 1)
	want(t, got, `mien_request_duration_seconds_count{protocol="none",status="none"}`, 1)
	want(t, got, "mien_requests_failed_total", 1)
	want(t, got, `mien_response_body_bytes_count`, 1)
	want(t, got, fmt.Sprintf("mien_origin_requests_total{origin=%q,outcome=%q,proxy=%q}", origin.URL, e.Class, closed.Addr()), 1)
	for name := range got {
		if strings.Contains(name, "hunter2") || strings.Contains(name, "someone") {
			t.Errorf("%s tells a credential", name)
		}
	}
	lint(t, c)
}

// TestOriginsBounded: with 500 origins a scrape names as many as it may, sums up
// the rest and keeps the names that it gave.
func TestOriginsBounded(t *testing.T) {
	const origins = 500
	origin := newOrigin(t, mientest.Config{Handler: answering(200), Plain: true})
	for _, limit := range []int{0, 7, -1} {
		t.Run(strconv.Itoa(limit), func(t *testing.T) {
			named := map[int]int{0: 100, 7: 7, -1: 0}[limit]
			c := prometheus.New(prometheus.Options{MaxOrigins: limit})
			s := newSession(t, mien.Config{Hooks: c.Hooks(), DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				var d net.Dialer
				return d.DialContext(ctx, network, origin.Addr().String())
			}})
			c.Bind(s)
			scrape := watch(t, c)
			var before map[string]float64
			for round := range 2 {
				var callers sync.WaitGroup
				for i := range origins {
					callers.Go(func() {
						if _, err := get(t.Context(), s, fmt.Sprintf("http://host%d.test/%d", i, i)); err != nil {
							t.Error(err)
						}
					})
				}
				callers.Wait()
				got := scrape()
				sum, seen := 0.0, map[string]float64{}
				for name, value := range got {
					if strings.HasPrefix(name, "mien_origin_requests_total") {
						seen[name] = value
						sum += value
					}
				}
				if len(seen) != named+1 {
					t.Errorf("round %d: %d origins, want %d and the rest", round, len(seen), named)
				}
				if total := float64(origins * (round + 1)); sum != total {
					t.Errorf("round %d: %v requests in all, want %v", round, sum, total)
				}
				want(t, got, `mien_origin_requests_total{origin="other",outcome="ok",proxy=""}`, float64((origins-named)*(round+1)))
				for name := range before {
					if _, ok := seen[name]; !ok {
						t.Errorf("%s is gone", name)
					}
				}
				before = seen
				for family, n := range families(got) {
					if n > named*6+60 {
						t.Errorf("%s has %d series", family, n)
					}
				}
				conns := 0.0
				for name, value := range got {
					if strings.HasPrefix(name, "mien_origin_connections") {
						conns += value
					}
				}
				if conns != got["mien_sockets_open"] || conns == 0 {
					t.Errorf("%v connections of origins, %v sockets", conns, got["mien_sockets_open"])
				}
			}
			lint(t, c)
		})
	}
}

// families counts series by metric name.
func families(series map[string]float64) map[string]int {
	n := make(map[string]int)
	for name := range maps.Keys(series) {
		family, _, _ := strings.Cut(name, "{")
		n[family]++
	}
	return n
}
