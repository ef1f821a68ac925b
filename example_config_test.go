package mien_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// The profile's fields are sent by themselves; these replace or join them.
func ExampleConfig_header() {
	origin := exampleOrigin(mientest.Config{})
	defer origin.Close()
	s := exampleSession(origin, mien.Config{Header: http.Header{
		"Accept-Language": {"de-DE,de;q=0.9"},
		"X-Api-Key":       {"secret"},
		"Dnt":             nil, // nothing is sent, even if the profile had one
	}})
	defer s.Close()

	exampleText(context.Background(), s, origin.URL)
	for _, f := range origin.Requests()[0].Fields {
		if f.Name == "accept-language" || f.Name == "x-api-key" {
			fmt.Println(f.Name+":", f.Value)
		}
	}
	// Output:
	// accept-language: de-DE,de;q=0.9
	// x-api-key: secret
}

// A name is connected to at an address of your choice, as curl's --resolve has
// it; TLS and Host know nothing of that.
func ExampleConfig_hosts() {
	origin := exampleOrigin(mientest.Config{}) // its certificate is for example.com too
	defer origin.Close()
	s := exampleSession(origin, mien.Config{Hosts: map[string][]netip.Addr{
		"example.com": {netip.MustParseAddr("127.0.0.1")},
	}})
	defer s.Close()

	_, port, err := net.SplitHostPort(origin.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	exampleText(context.Background(), s, "https://example.com:"+port+"/")
	fmt.Println(origin.Connections()[0].ServerName)
	// Output: example.com
}

// exampleProxy carries CONNECT tunnels and says so.
func exampleProxy() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _, _ := (&http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth()
		if user != "anna" {
			w.Header().Set("Proxy-Authenticate", "Basic")
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		server, err := net.Dial("tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer server.Close()
		client, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer client.Close()
		fmt.Fprint(client, "HTTP/1.1 200 OK\r\n\r\n")
		done := make(chan struct{})
		go func() {
			_, _ = io.Copy(server, client)
			server.Close()
			close(done)
		}()
		_, _ = io.Copy(client, server)
		client.Close()
		<-done
	}))
}

// Everything goes through the proxy or fails; what a proxy refuses, the error tells.
func ExampleConfig_proxy() {
	origin := exampleOrigin(mientest.Config{})
	defer origin.Close()
	p := exampleProxy()
	defer p.Close()
	proxy, err := url.Parse(p.URL)
	if err != nil {
		log.Fatal(err)
	}

	for _, user := range []string{"anna", "ben"} {
		proxy.User = url.UserPassword(user, "secret")
		s := exampleSession(origin, mien.Config{
			Proxy: http.ProxyURL(proxy),
			Hooks: mien.Hooks{Done: func(i mien.RequestInfo) {
				fmt.Println(user, i.Status, "by the proxy:", i.Proxy == proxy.Host)
			}},
		})
		resp, err := s.Get(context.Background(), origin.URL)
		var e *mien.Error
		if errors.As(err, &e) {
			status, _ := e.ProxyStatus()
			fmt.Println(user, e.Class, status)
		} else {
			resp.Body.Close()
		}
		s.Close()
	}
	// Output:
	// anna 200 by the proxy: true
	// ben 0 by the proxy: true
	// ben ProxyRefused 407
}

// In memory nothing is open to the network, and tests run in a bubble of
// testing/synctest, whose clock stands still meanwhile.
func ExampleConfig_dialContext() {
	var network mientest.Network
	listener, err := network.Listen("example.com:443")
	if err != nil {
		log.Fatal(err)
	}
	origin := exampleOrigin(mientest.Config{Listener: listener})
	defer origin.Close()
	s := exampleSession(origin, mien.Config{DialContext: network.DialContext})
	defer s.Close()

	resp, err := s.Get(context.Background(), "https://example.com/")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)
	// Output: 200 OK
}

// Statuses are the caller's business unless the policy names them.
func ExampleConfig_retry() {
	origin := exampleOrigin(mientest.Config{Faults: mientest.Faults{Request: mientest.RequestFaults{
		Script: func(n int, _ *http.Request) mientest.RequestAction {
			if n <= 2 {
				return mientest.RequestAction{Status: http.StatusServiceUnavailable}
			}
			return mientest.RequestAction{}
		},
	}}})
	defer origin.Close()
	s := exampleSession(origin, mien.Config{
		Retry: retry.Policy{
			Statuses: []int{http.StatusTooManyRequests, http.StatusServiceUnavailable},
			Base:     time.Millisecond,
		},
		Hooks: mien.Hooks{Retry: func(i mien.RetryInfo) { fmt.Println("attempt", i.Attempt, "was in vain") }},
	})
	defer s.Close()

	resp, err := s.Get(context.Background(), origin.URL)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)
	// Output:
	// attempt 1 was in vain
	// attempt 2 was in vain
	// 200 OK
}

// Four requests at once and no more, whoever sends them; the others queue.
func ExampleLimits() {
	origin := exampleOrigin(mientest.Config{})
	defer origin.Close()
	s := exampleSession(origin, mien.Config{Limits: mien.Limits{
		InFlight:       4,
		BodyBytes:      1 << 20,
		ConnsPerOrigin: 1,
	}})
	defer s.Close()

	var requests []*http.Request
	for range 40 {
		req, err := http.NewRequest(http.MethodGet, origin.URL, nil)
		if err != nil {
			log.Fatal(err)
		}
		requests = append(requests, req)
	}
	for resp, err := range s.All(context.Background(), slices.Values(requests)) {
		if err != nil {
			log.Fatal(err)
		}
		resp.Body.Close()
	}
	counters := origin.Counters()
	fmt.Println(counters.Requests, "requests over", counters.Connections, "connection")
	fmt.Println("more than 4 at once:", counters.PeakRequests > 4)
	// Output:
	// 40 requests over 1 connection
	// more than 4 at once: false
}

// Phases have bounds of their own; the whole has that of the context.
func ExampleTimeouts() {
	origin := exampleOrigin(mientest.Config{Faults: mientest.Faults{
		Handshake: mientest.HandshakeFaults{Share: 1, How: mientest.Stall},
	}})
	defer origin.Close()
	s := exampleSession(origin, mien.Config{
		Timeouts: mien.Timeouts{TLS: 10 * time.Millisecond},
		Retry:    retry.Policy{MaxConnectAttempts: -1}, // the first failure is final
	})
	defer s.Close()

	_, err := s.Get(context.Background(), origin.URL)
	var e *mien.Error
	if errors.As(err, &e) {
		fmt.Println(e.Class, e.Phase, e.Timeout())
	}
	// Output: HandshakeTimeout tls true
}

// A redirect that is not followed is the response.
func ExampleRedirect() {
	origin := exampleOrigin(mientest.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://ads.example.org/", http.StatusFound)
	})})
	defer origin.Close()
	s := exampleSession(origin, mien.Config{Redirect: mien.Redirect{
		Check: func(next *http.Request, via []*http.Request) error {
			if next.URL.Host != via[0].URL.Host {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}})
	defer s.Close()

	resp, err := s.Get(context.Background(), origin.URL)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.StatusCode, resp.Header.Get("Location"))
	// Output: 302 https://ads.example.org/
}

// A body that is longer than you care for ends in an error.
func ExampleLimits_bodyBytes() {
	origin := exampleOrigin(mientest.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, strings.Repeat("more ", 1000))
	})})
	defer origin.Close()
	s := exampleSession(origin, mien.Config{Limits: mien.Limits{BodyBytes: 100}})
	defer s.Close()

	resp, err := s.Get(context.Background(), origin.URL)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	var e *mien.Error
	if errors.As(err, &e) {
		fmt.Println(len(body), "bytes in phase", e.Phase, "then:", e.Err)
	}
	// Output: 100 bytes in phase body then: response body is longer than 100 bytes
}
