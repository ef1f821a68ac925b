package mien_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/coder/websocket"
	"github.com/klauspost/compress/zstd"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// sdk knows nothing of mien.
func sdk(c *http.Client, base string) (string, error) {
	req, err := http.NewRequest(http.MethodPost, base+"/v1/things", strings.NewReader(`{"name":"x"}`))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer secret")
	resp, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return fmt.Sprint(resp.StatusCode, " ", string(b)), err
}

func TestThroughHTTPClient(t *testing.T) {
	for _, p := range protocols {
		origin := newOrigin(t, mientest.Config{
			Protocols: p.alpn,
			Faults:    mientest.Faults{Handshake: mientest.HandshakeFaults{First: 2}},
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				fmt.Fprintf(w, "%s %s %s", r.Method, r.Header.Get("Authorization"), b)
			}),
		})
		s := newSession(t, mien.Config{})
		for name, c := range map[string]*http.Client{"Session.Client": s.Client(), "http.Client": {Transport: s}} {
			t.Run(p.name+"/"+name, func(t *testing.T) {
				got, err := sdk(c, origin.URL)
				if want := `200 POST Bearer secret {"name":"x"}`; got != want || err != nil {
					t.Errorf("%q, %v", got, err)
				}
			})
		}
	}
}

// Five connections that the server closes as the next request comes: every
// delivery is an attempt that the caller can see, and net/http adds none.
func TestStaleConnections(t *testing.T) {
	for _, tt := range []struct {
		method string
		key    bool
		retry  bool
	}{
		{http.MethodGet, false, true},
		{http.MethodPost, true, true},
		{http.MethodPost, false, false},
	} {
		t.Run(fmt.Sprintf("%s/key %v", tt.method, tt.key), func(t *testing.T) {
			var delivered, warming atomic.Int32
			warm := make(chan struct{})
			origin := newOrigin(t, mientest.Config{
				Protocols: []string{"http/1.1"},
				Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/warm" {
						if warming.Add(1) == 5 {
							close(warm)
						}
						<-warm
						return
					}
					if report, _ := mientest.ReportOf(r); delivered.Add(1) <= 3 && report.Request > 1 {
						mientest.EndConnection(r, mientest.FIN)
					}
				}),
			})
			var hooks atomic.Int32
			s := newSession(t, mien.Config{Hooks: mien.Hooks{Retry: func(i mien.RetryInfo) {
				if i.Class != retry.StaleConnection {
					t.Errorf("retry for %v", i.Class)
				}
				hooks.Add(1)
			}}})
			var wg sync.WaitGroup
			for range 5 {
				wg.Go(func() { get(t, s, origin.URL+"/warm") })
			}
			wg.Wait()
			req := request(t, tt.method, origin.URL+"/x", nil)
			if tt.key {
				req.Header["X-Idempotency-Key"] = nil
			}
			resp, err := s.Do(req)
			if !tt.retry {
				var e *mien.Error
				if !errors.As(err, &e) || e.Class != retry.StaleConnection || !e.Sent || delivered.Load() != 1 {
					t.Errorf("delivered %d, %v", delivered.Load(), err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			readAll(t, resp)
			if d, h := delivered.Load(), hooks.Load(); d != 4 || h != 3 {
				t.Errorf("delivered %d times with %d visible retries", d, h)
			}
		})
	}
}

// What accept-encoding announces is decoded while it streams.
func TestEncodings(t *testing.T) {
	const text = "the quick brown fox "
	plain := strings.Repeat(text, 500)
	encoders := map[string]func(io.Writer) io.WriteCloser{
		"gzip":    func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
		"deflate": func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) },
		"br":      func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) },
		"zstd":    func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z },
	}
	for _, p := range protocols {
		for coding, encoder := range encoders {
			t.Run(p.name+"/"+coding, func(t *testing.T) {
				var coded bytes.Buffer
				w := encoder(&coded)
				_, _ = io.WriteString(w, plain)
				_ = w.Close()
				origin := newOrigin(t, mientest.Config{Protocols: p.alpn, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if !strings.Contains(r.Header.Get("Accept-Encoding"), coding) {
						t.Errorf("Accept-Encoding %q", r.Header.Get("Accept-Encoding"))
					}
					w.Header().Set("Content-Encoding", coding)
					b := coded.Bytes()
					if r.URL.Path == "/cut" {
						b = b[:len(b)-9]
					}
					_, _ = w.Write(b)
				})})
				s := newSession(t, mien.Config{})
				resp, body := get(t, s, origin.URL)
				if body != plain || !resp.Uncompressed || resp.ContentLength != -1 || resp.Header.Get("Content-Encoding") != "" {
					t.Errorf("%d bytes, %+v", len(body), resp.Header)
				}
				req := request(t, http.MethodGet, origin.URL, nil)
				req.Header.Set("Accept-Encoding", coding)
				resp, err := s.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				if raw := readAll(t, resp); raw != coded.String() {
					t.Error("a caller's own Accept-Encoding does not give the raw body")
				}
				resp, err = s.Get(t.Context(), origin.URL+"/cut")
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				_, err = io.ReadAll(resp.Body)
				var e *mien.Error
				if !errors.As(err, &e) || e.Class != retry.Encoding || e.Phase != retry.PhaseBody {
					t.Errorf("cut body: %v", err)
				}
			})
		}
	}
}

func TestBodyLimit(t *testing.T) {
	origin := newOrigin(t, mientest.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", 100))
	})})
	for limit, ok := range map[int64]bool{100: true, 99: false} {
		s := newSession(t, mien.Config{Limits: mien.Limits{BodyBytes: limit}})
		resp, err := s.Get(t.Context(), origin.URL)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if int64(len(b)) != limit {
			t.Errorf("limit %d: %d bytes", limit, len(b))
		}
		var e *mien.Error
		if ok != (err == nil) || (!ok && (!errors.As(err, &e) || e.Class != retry.Encoding)) {
			t.Errorf("limit %d: %v", limit, err)
		}
	}
}

func TestWebSocket(t *testing.T) {
	origin := newOrigin(t, mientest.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			return
		}
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = c.CloseNow() }()
		typ, msg, err := c.Read(r.Context())
		if err == nil {
			_ = c.Write(r.Context(), typ, msg)
		}
		_ = c.Close(websocket.StatusNormalClosure, "")
	})})
	s := newSession(t, mien.Config{})
	get(t, s, origin.URL+"/404") // an HTTP/2 connection stands by
	c, _, err := websocket.Dial(t.Context(), strings.Replace(origin.URL, "https", "wss", 1), &websocket.DialOptions{HTTPClient: s.Client()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.CloseNow() }()
	if err := c.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, msg, err := c.Read(t.Context()); err != nil || string(msg) != "hello" {
		t.Errorf("%q, %v", msg, err)
	}
	last := origin.Connections()[len(origin.Connections())-1]
	if last.Protocol != "http/1.1" {
		t.Errorf("over %s", last.Protocol)
	}
	if s.Stats().InFlight != 0 {
		t.Error("an upgraded connection holds a slot")
	}
}

func TestTraceAndTLSState(t *testing.T) {
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			origin := newOrigin(t, mientest.Config{Protocols: p.alpn})
			s := newSession(t, mien.Config{})
			var mu sync.Mutex
			var events []string
			note := func(e string) { mu.Lock(); events = append(events, e); mu.Unlock() }
			trace := &httptrace.ClientTrace{
				GetConn:              func(string) { note("GetConn") },
				ConnectDone:          func(_, _ string, err error) { note("ConnectDone") },
				TLSHandshakeStart:    func() { note("TLSHandshakeStart") },
				GotConn:              func(i httptrace.GotConnInfo) { note(fmt.Sprint("GotConn reused=", i.Reused)) },
				WroteRequest:         func(httptrace.WroteRequestInfo) { note("WroteRequest") },
				GotFirstResponseByte: func() { note("GotFirstResponseByte") },
			}
			for range 2 {
				req := request(t, http.MethodGet, origin.URL, nil)
				req = req.WithContext(httptrace.WithClientTrace(context.Background(), trace))
				resp, err := s.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				readAll(t, resp)
				if resp.TLS == nil || len(resp.TLS.VerifiedChains) == 0 || resp.TLS.NegotiatedProtocol != p.alpn[0] {
					t.Errorf("resp.TLS: %+v", resp.TLS)
				}
				if resp.Request != req {
					t.Error("resp.Request is not the caller's")
				}
			}
			want := "GetConn ConnectDone TLSHandshakeStart GotConn reused=false WroteRequest GotFirstResponseByte GetConn GotConn reused=true WroteRequest GotFirstResponseByte"
			if got := strings.Join(events, " "); got != want {
				t.Errorf("events\n%s\nwant\n%s", got, want)
			}
		})
	}
}
