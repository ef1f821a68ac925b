package mien_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// field is the value of a field that the origin saw last.
func field(t *testing.T, origin *mientest.Origin, name string) string {
	t.Helper()
	all := origin.Requests()
	if len(all) == 0 {
		t.Fatal("no request came")
	}
	for _, f := range all[len(all)-1].Fields {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

func TestInvalidOptions(t *testing.T) {
	origin := newOrigin(t, mientest.Config{})
	s := newSession(t, mien.Config{})
	for name, o := range map[string]mien.Options{
		"Mode":        {Mode: "cors\r\nInjected: 1"},
		"Destination": {Destination: "empty\r\nInjected: 1"},
		"Initiator":   {Initiator: "https://exa mple.test/"},
	} {
		req := request(t, http.MethodGet, origin.URL, nil)
		_, err := s.Do(req.WithContext(options(t, o)))
		var e *mien.Error
		if !errors.As(err, &e) || e.Class != retry.Invalid || !strings.Contains(err.Error(), "Options."+name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := origin.Counters().Connections; n != 0 {
		t.Errorf("%d connections", n)
	}
}

// A length that no body stands behind fails before anything is opened.
func TestLengthWithoutBody(t *testing.T) {
	origin := newOrigin(t, mientest.Config{})
	s := newSession(t, mien.Config{})
	req := request(t, http.MethodPost, origin.URL, nil)
	req.ContentLength = 5
	_, err := s.Do(req)
	var e *mien.Error
	if !errors.As(err, &e) || e.Class != retry.Invalid || origin.Counters().Connections != 0 {
		t.Error(err)
	}
}

func TestLargestLimits(t *testing.T) {
	for _, p := range protocols {
		origin := newOrigin(t, mientest.Config{Protocols: p.alpn, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "ok")
		})})
		s := newSession(t, mien.Config{Limits: mien.Limits{BodyBytes: math.MaxInt64, HeaderBytes: math.MaxInt}})
		if _, body := get(t, s, origin.URL); body != "ok" {
			t.Errorf("%s: %q", p.name, body)
		}
	}
}

// Hooks hold up the request that calls them and nothing else: they may ask for
// Stats.
func TestHooksHoldNoLock(t *testing.T) {
	origin := newOrigin(t, mientest.Config{Faults: mientest.Faults{Handshake: mientest.HandshakeFaults{First: 2}}})
	var s *mien.Session
	ask := func() { s.Stats() }
	s = newSession(t, mien.Config{Hooks: mien.Hooks{
		Retry:     func(mien.RetryInfo) { ask() },
		Handshake: func(mien.HandshakeInfo) { ask() },
		Phase:     func(mien.PhaseInfo) { ask() },
		Done:      func(mien.RequestInfo) { ask() },
	}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_ = mustGet(t, ctx, s, origin.URL).Body.Close()
}

// hosts is a DialContext that finds origin behind every name.
func hosts(origin *mientest.Origin) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, origin.Addr().String())
	}
}

// Host, Origin and Referer are written as a browser writes them, however the
// caller wrote the URL.
func TestNamesOnTheWire(t *testing.T) {
	origin := newOrigin(t, mientest.Config{Plain: true})
	s := newSession(t, mien.Config{DialContext: hosts(origin)})
	for _, tt := range []struct{ url, host, origin string }{
		{"http://bücher.test/", "xn--bcher-kva.test", "http://xn--bcher-kva.test"},
		{"http://EXAMPLE.test:80/", "example.test", "http://example.test"},
		{"http://BÜCHER.test:8080/", "xn--bcher-kva.test:8080", "http://xn--bcher-kva.test:8080"},
		{"http://[::1]:80/", "[::1]", "http://[::1]"},
		{"http://[fe80::1%25lo]:81/", "[fe80::1]:81", "http://[fe80::1]:81"},
		{"http://user:secret@example.test/", "example.test", "http://example.test"},
	} {
		resp, err := s.Do(request(t, http.MethodPost, tt.url, strings.NewReader("{}")))
		if err != nil {
			t.Error(err)
			continue
		}
		readAll(t, resp)
		for name, want := range map[string]string{"Host": tt.host, "Origin": tt.origin, "Referer": tt.origin + "/"} {
			if got := field(t, origin, name); got != want {
				t.Errorf("%s: %s %q, want %q", tt.url, name, got, want)
			}
		}
	}
}

func TestInitiatorOnTheWire(t *testing.T) {
	origin := newOrigin(t, mientest.Config{Protocols: []string{"h2"}})
	s := newSession(t, mien.Config{})
	long := strings.Repeat("x", 5000)
	for _, tt := range []struct{ initiator, site, referer string }{
		{"https://bücher.example:443/a#b", "cross-site", "https://xn--bcher-kva.example/"},
		{"https://127.7.0.1/", "cross-site", "https://127.7.0.1/"},
		{"https://8.0.0.1/", "cross-site", "https://8.0.0.1/"},
		{origin.URL + "/page?q=1#top", "same-origin", origin.URL + "/page?q=1"},
		{origin.URL, "same-origin", origin.URL + "/"},
		{origin.URL + "/" + long, "same-origin", origin.URL + "/"},
	} {
		ctx := options(t, mien.Options{Initiator: tt.initiator, Destination: fingerprint.Empty})
		_ = mustGet(t, ctx, s, origin.URL+"/").Body.Close()
		if site, referer := field(t, origin, "sec-fetch-site"), field(t, origin, "referer"); site != tt.site || referer != tt.referer {
			t.Errorf("%.50s: %q, %.80q", tt.initiator, site, referer)
		}
	}
}

// A POST that a foreign origin passed on to another does not say that it comes
// from here (Fetch standard, redirect-tainted origin).
func TestTaintedOrigin(t *testing.T) {
	origin := newOrigin(t, mientest.Config{Plain: true, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if to := r.URL.Query().Get("to"); to != "" {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusTemporaryRedirect)
		}
	})})
	s := newSession(t, mien.Config{DialContext: hosts(origin)})
	for _, tt := range []struct{ initiator, first, then, want string }{
		{"", "http://a.test/", "http://b.test/", "http://a.test"},
		{"http://c.test/", "http://a.test/", "http://b.test/", "null"},
		{"http://a.test/", "http://b.test/", "http://a.test/", "null"},
	} {
		req := request(t, http.MethodPost, tt.first+"?to="+url.QueryEscape(tt.then), strings.NewReader("{}"))
		resp, err := s.Do(req.WithContext(options(t, mien.Options{Initiator: tt.initiator})))
		if err != nil {
			t.Fatal(err)
		}
		readAll(t, resp)
		if got := field(t, origin, "Origin"); got != tt.want {
			t.Errorf("%+v: %q", tt, got)
		}
	}
}

// A Location is repaired as browsers repair it.
func TestLocationQuery(t *testing.T) {
	origin := newOrigin(t, mientest.Config{Plain: true, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			w.Header().Set("Location", "/a b?q=c d&e='ü'\"<>#f g")
			w.WriteHeader(http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, r.RequestURI)
	})})
	s := newSession(t, mien.Config{})
	if _, got := get(t, s, origin.URL+"/"); got != "/a%20b?q=c%20d&e=%27%C3%BC%27%22%3C%3E" {
		t.Error(got)
	}
}

// The rest of an answer that nobody will see is not waited for.
func TestRedirectWithHangingBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := mien.New(mien.Config{DialContext: func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			go func() {
				defer server.Close()
				buf := make([]byte, 8192)
				n, _ := server.Read(buf)
				if strings.HasPrefix(string(buf[:n]), "GET /then ") {
					_, _ = io.WriteString(server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				} else {
					_, _ = io.WriteString(server, "HTTP/1.1 302 Found\r\nLocation: /then\r\nContent-Length: 10\r\n\r\n")
				}
				_, _ = io.Copy(io.Discard, server)
			}()
			return client, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		start := time.Now()
		resp, err := s.Get(t.Context(), "http://example.test/")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// The clock of Timeouts.Headers does not start when the answer was there before
// the request had gone whole.
func TestHeadersTimeoutAfterEarlyAnswer(t *testing.T) {
	begun := make(chan struct{})
	origin := newOrigin(t, mientest.Config{Protocols: []string{"h2"}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "a")
		_ = http.NewResponseController(w).Flush()
		_, _ = io.Copy(io.Discard, r.Body)
		<-begun
		_, _ = io.WriteString(w, "b")
	})})
	const limit = 50 * time.Millisecond
	s := newSession(t, mien.Config{Timeouts: mien.Timeouts{Headers: limit}})
	body, upload := io.Pipe()
	resp, err := s.Do(request(t, http.MethodPost, origin.URL, body))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = fmt.Fprint(upload, "x")
	_ = upload.Close()
	timer := time.NewTimer(4 * limit)
	defer timer.Stop()
	<-timer.C
	close(begun)
	if got := readAll(t, resp); got != "ab" {
		t.Error(got)
	}
}

// The error of a body names the caller's request, not the copy with cookies.
func TestBodyErrorRequest(t *testing.T) {
	origin := newOrigin(t, mientest.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		_, _ = io.WriteString(w, "x")
		_ = http.NewResponseController(w).Flush()
		if r.URL.Path == "/cut" {
			panic(http.ErrAbortHandler)
		}
	})})
	s := newSession(t, mien.Config{})
	get(t, s, origin.URL)
	req := request(t, http.MethodGet, origin.URL+"/cut", nil)
	resp, err := s.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	_, err = io.ReadAll(resp.Body)
	var e *mien.Error
	if !errors.As(err, &e) || e.Request != req {
		t.Errorf("%v", err)
	}
}
