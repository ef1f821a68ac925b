package mien_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
)

// doer sends one request, as http.Client.Do does.
type doer struct {
	name string
	do   func(*http.Request) (*http.Response, error)
}

// everyClient is net/http's own client, which sets the standard, and the three
// ways to send a request through a session.
func everyClient(t testing.TB, cfg mien.Config) []doer {
	t.Helper()
	s := newSession(t, cfg)
	return append([]doer{{"net/http", standard(t).Do}}, ways(s)...)
}

// ways are the three ways to send a request through s with redirects.
func ways(s *mien.Session) []doer {
	return []doer{
		{"Do", s.Do},
		{"Client", s.Client().Do},
		{"RoundTripper", (&http.Client{Transport: s}).Do},
	}
}

// standard is a client of net/http alone.
func standard(t testing.TB) *http.Client {
	tlsConfig := newOrigin(t, mientest.Config{}).ClientTLS()
	transport := &http.Transport{TLSClientConfig: tlsConfig, ForceAttemptHTTP2: true, ExpectContinueTimeout: time.Minute}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// watchedBody knows whether it was read and closed.
type watchedBody struct {
	io.Reader
	reads  atomic.Int32
	once   sync.Once
	closed chan struct{}
}

func watch(r io.Reader) *watchedBody { return &watchedBody{Reader: r, closed: make(chan struct{})} }

func (b *watchedBody) Read(p []byte) (int, error) {
	b.reads.Add(1)
	return b.Reader.Read(p)
}

func (b *watchedBody) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}

// mustClose waits for the Close that net/http may leave to another goroutine.
func (b *watchedBody) mustClose(t testing.TB) {
	t.Helper()
	select {
	case <-b.closed:
	case <-time.After(time.Minute):
		t.Error("the request body was not closed")
	}
}

func parityHandler(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	switch r.URL.Path {
	case "/authorization":
		_, _ = io.WriteString(w, r.Header.Get("Authorization"))
	case "/host":
		_, _ = io.WriteString(w, r.Host)
	case "/framing":
		b, _ := io.ReadAll(r.Body)
		// A length that is absent and one of 0 are the same on HTTP/2 when the
		// stream ends with the head.
		fmt.Fprintf(w, "%s %d bytes, chunked %v", r.Method, len(b), len(r.TransferEncoding) > 0)
	case "/echo":
		_, _ = io.Copy(w, r.Body)
	case "/after":
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	case "/refuse":
		w.WriteHeader(http.StatusExpectationFailed)
	case "/length":
		h.Set("Content-Length", "11")
		_, _ = io.WriteString(w, "hello world")
	case "/unknown":
		_, _ = io.WriteString(w, "hello ")
		_ = http.NewResponseController(w).Flush()
		_, _ = io.WriteString(w, "world")
	case "/204":
		w.WriteHeader(http.StatusNoContent)
	case "/304":
		h.Set("Etag", `"x"`)
		w.WriteHeader(http.StatusNotModified)
	case "/500":
		http.Error(w, "broken", http.StatusInternalServerError)
	case "/599":
		w.WriteHeader(599)
	case "/close":
		h.Set("Connection", "close")
		_, _ = io.WriteString(w, "bye")
	case "/empty":
	case "/gzip":
		h.Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, "hello world")
		_ = z.Close()
	case "/trailers":
		b, _ := io.ReadAll(r.Body)
		h.Set("Trailer", "X-Declared")
		fmt.Fprintf(w, "%s %v", b, r.Trailer)
		h.Set("X-Declared", "yes")
		h.Set(http.TrailerPrefix+"X-Late", "too")
	case "/early":
		h.Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		h.Set("Link", "</other.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		h.Del("Link")
		_, _ = io.WriteString(w, "done")
	case "/early/refused":
		// Not a word after the hint: x/net's server reads the header map after a reset, while the handler goes on.
		w.WriteHeader(http.StatusEarlyHints)
		<-r.Context().Done()
	case "/large":
		h.Set("X-Large", r.Header.Get("X-Large"))
	case "/many":
		h["X-Multi"] = []string{"a", "b", "c"}
	default:
		http.NotFound(w, r)
	}
}

// forEach runs f for both protocols and every client.
func forEach(t *testing.T, f func(t *testing.T, origin *mientest.Origin, do func(*http.Request) (*http.Response, error))) {
	t.Helper()
	for _, p := range protocols {
		origin := newOrigin(t, mientest.Config{Protocols: p.alpn, Handler: http.HandlerFunc(parityHandler)})
		for _, c := range everyClient(t, mien.Config{}) {
			t.Run(p.name+"/"+c.name, func(t *testing.T) { f(t, origin, c.do) })
		}
	}
}

func mustDo(t testing.TB, do func(*http.Request) (*http.Response, error), req *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := do(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp, readAll(t, resp)
}

// What a response tells is what net/http would have told of it.
func TestParityResponses(t *testing.T) {
	summary := func(t *testing.T, do func(*http.Request) (*http.Response, error), method, url string) string {
		resp, body := mustDo(t, do, request(t, method, url, nil))
		resp.Header.Del("Date")
		return fmt.Sprintf("%s|%d|%s|%d.%d|length %d|uncompressed %v|chunked %q|close %v|%v|trailer %v|%s",
			resp.Status, resp.StatusCode, resp.Proto, resp.ProtoMajor, resp.ProtoMinor, resp.ContentLength,
			resp.Uncompressed, resp.TransferEncoding, resp.Close, resp.Header, resp.Trailer, body)
	}
	for _, p := range protocols {
		origin := newOrigin(t, mientest.Config{Protocols: p.alpn, Handler: http.HandlerFunc(parityHandler)})
		clients := everyClient(t, mien.Config{})
		for _, what := range []string{
			"GET /length", "HEAD /length", "GET /unknown", "HEAD /unknown", "GET /204", "POST /204", "DELETE /204", "GET /304",
			"GET /500", "GET /599", "GET /close", "GET /empty", "HEAD /empty", "GET /gzip", "HEAD /gzip", "GET /trailers",
			"OPTIONS /length", "GET /many", "PATCH /echo", "GET /404",
		} {
			t.Run(p.name+"/"+what, func(t *testing.T) {
				method, path, _ := strings.Cut(what, " ")
				want := summary(t, clients[0].do, method, origin.URL+path)
				if !strings.Contains(want, p.wire) {
					t.Fatalf("net/http: %s", want)
				}
				for _, c := range clients[1:] {
					if got := summary(t, c.do, method, origin.URL+path); got != want {
						t.Errorf("%s\n     %s\nwant %s", c.name, got, want)
					}
				}
			})
		}
	}
}

func TestParityUserInfo(t *testing.T) {
	forEach(t, func(t *testing.T, origin *mientest.Origin, do func(*http.Request) (*http.Response, error)) {
		u := strings.Replace(origin.URL, "://", "://us%65r:pa%20ss@", 1) + "/authorization"
		if _, got := mustDo(t, do, request(t, http.MethodGet, u, nil)); got != "Basic dXNlcjpwYSBzcw==" {
			t.Errorf("user and password: %q", got)
		}
		u = strings.Replace(origin.URL, "://", "://user@", 1) + "/authorization"
		if _, got := mustDo(t, do, request(t, http.MethodGet, u, nil)); got != "Basic dXNlcjo=" {
			t.Errorf("user alone: %q", got)
		}
		req := request(t, http.MethodGet, u, nil)
		req.Header.Set("Authorization", "Bearer own")
		if _, got := mustDo(t, do, req); got != "Bearer own" {
			t.Errorf("with Authorization set: %q", got)
		}
	})
}

func TestParityRequestFields(t *testing.T) {
	forEach(t, func(t *testing.T, origin *mientest.Origin, do func(*http.Request) (*http.Response, error)) {
		u, err := url.Parse(origin.URL + "/host")
		if err != nil {
			t.Fatal(err)
		}
		// The least that a request can be.
		if resp, got := mustDo(t, do, &http.Request{URL: u}); resp.StatusCode != 200 || got != u.Host {
			t.Errorf("nil Header, no method: %d %q", resp.StatusCode, got)
		}
		req := request(t, http.MethodGet, u.String(), nil)
		req.Host = "other.test:8443"
		if _, got := mustDo(t, do, req); got != "other.test:8443" {
			t.Errorf("Host: %q", got)
		}
		req = request(t, http.MethodGet, u.String(), nil)
		resp, _ := mustDo(t, do, req)
		if resp.Request != req {
			t.Error("resp.Request is not the request")
		}
		if resp.TLS == nil || !resp.TLS.HandshakeComplete || len(resp.TLS.PeerCertificates) == 0 {
			t.Errorf("resp.TLS: %+v", resp.TLS)
		}
	})
}

func TestParityFraming(t *testing.T) {
	empty := func() io.Reader { return io.MultiReader() }
	for _, p := range protocols {
		origin := newOrigin(t, mientest.Config{Protocols: p.alpn, Handler: http.HandlerFunc(parityHandler)})
		for _, c := range everyClient(t, mien.Config{}) {
			for _, tt := range []struct {
				name, method string
				body         io.Reader
				length       int64
				want         string
			}{
				{"empty, length not given", http.MethodPost, empty(), 0, fmt.Sprintf("POST 0 bytes, chunked %v", p.name == "h1")},
				{"empty, length unknown", http.MethodGet, empty(), 0, "GET 0 bytes, chunked false"},
				{"nil", http.MethodPost, nil, 0, "POST 0 bytes, chunked false"},
				{"known", http.MethodPut, io.MultiReader(strings.NewReader("abc")), 3, "PUT 3 bytes, chunked false"},
				{"unknown", http.MethodPost, io.MultiReader(strings.NewReader("abc")), -1, fmt.Sprintf("POST 3 bytes, chunked %v", p.name == "h1")},
				{"GET with content", http.MethodGet, strings.NewReader("abc"), 3, "GET 3 bytes, chunked false"},
			} {
				t.Run(p.name+"/"+c.name+"/"+tt.name, func(t *testing.T) {
					req := request(t, tt.method, origin.URL+"/framing", tt.body)
					req.ContentLength = tt.length
					if _, got := mustDo(t, c.do, req); got != tt.want {
						t.Errorf("%q, want %q", got, tt.want)
					}
				})
			}
		}
	}
}

func TestParityInformational(t *testing.T) {
	forEach(t, func(t *testing.T, origin *mientest.Origin, do func(*http.Request) (*http.Response, error)) {
		var links []string
		trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
			links = append(links, fmt.Sprint(code, " ", header.Get("Link")))
			return nil
		}}
		req := request(t, http.MethodGet, origin.URL+"/early", nil)
		resp, got := mustDo(t, do, req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
		if want := []string{"103 </style.css>; rel=preload", "103 </other.css>; rel=preload"}; !slices.Equal(links, want) {
			t.Errorf("%q", links)
		}
		if resp.StatusCode != 200 || got != "done" {
			t.Errorf("%d %q", resp.StatusCode, got)
		}
		// An error of the hook ends the request.
		trace.Got1xxResponse = func(int, textproto.MIMEHeader) error { return errBroken }
		req = request(t, http.MethodGet, origin.URL+"/early/refused", nil)
		if _, err := do(req.WithContext(httptrace.WithClientTrace(req.Context(), trace))); err == nil {
			t.Error("an error of Got1xxResponse is lost")
		}
	})
}

// The request that a caller sends stays as it is, whatever becomes of it.
func TestParityRequestNotModified(t *testing.T) {
	forEach(t, func(t *testing.T, origin *mientest.Origin, do func(*http.Request) (*http.Response, error)) {
		for name, change := range map[string]func(*http.Request){
			"plain":       func(r *http.Request) {},
			"user info":   func(r *http.Request) { r.URL.User = url.UserPassword("a", "b") },
			"nil header":  func(r *http.Request) { r.Header = nil },
			"no method":   func(r *http.Request) { r.Method = "" },
			"host":        func(r *http.Request) { r.Host = "OTHER.test" },
			"upper host":  func(r *http.Request) { r.URL.Host = strings.Replace(r.URL.Host, "127.0.0.1", "LOCALHOST", 1) },
			"odd header":  func(r *http.Request) { r.Header["x-lower"] = []string{"1"} },
			"nil value":   func(r *http.Request) { r.Header["User-Agent"] = nil },
			"close":       func(r *http.Request) { r.Close = true },
			"bad":         func(r *http.Request) { r.Header.Set("X", "\n") },
			"no fragment": func(r *http.Request) { r.URL.Fragment = "f" },
		} {
			req := request(t, http.MethodGet, origin.URL+"/length", nil)
			change(req)
			before := req.Clone(req.Context())
			before.Header = req.Header.Clone()
			if resp, err := do(req); err == nil {
				readAll(t, resp)
			}
			if !reflect.DeepEqual(req, before) {
				t.Errorf("%s:\nwas %+v\nis  %+v", name, before, req)
			}
		}
	})
}

// One Header may serve many requests at once.
func TestParitySharedHeader(t *testing.T) {
	forEach(t, func(t *testing.T, origin *mientest.Origin, do func(*http.Request) (*http.Response, error)) {
		req := request(t, http.MethodGet, origin.URL+"/length", nil)
		req.Header.Set("X-Shared", "1")
		var wg sync.WaitGroup
		for range 30 {
			wg.Go(func() {
				resp, err := do(req.WithContext(t.Context()))
				if err != nil {
					t.Error(err)
					return
				}
				readAll(t, resp)
			})
		}
		wg.Wait()
	})
}

func TestParityLarge(t *testing.T) {
	forEach(t, func(t *testing.T, origin *mientest.Origin, do func(*http.Request) (*http.Response, error)) {
		for _, n := range []int{10 << 10, 100 << 10} {
			req := request(t, http.MethodGet, origin.URL+"/large", nil)
			large := strings.Repeat("x", n)
			req.Header.Set("X-Large", large)
			if resp, _ := mustDo(t, do, req); resp.Header.Get("X-Large") != large {
				t.Errorf("%d bytes of header field became %d", n, len(resp.Header.Get("X-Large")))
			}
		}
		content := bytes.Repeat([]byte("0123456789abcdef"), 10<<20/16)
		resp, got := mustDo(t, do, request(t, http.MethodPost, origin.URL+"/echo", bytes.NewReader(content)))
		if sha256.Sum256([]byte(got)) != sha256.Sum256(content) {
			t.Errorf("10 MiB became %d bytes, %s", len(got), resp.Status)
		}
	})
}
