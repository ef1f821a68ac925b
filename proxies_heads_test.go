package mien_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/retry"
)

// proxiedPage asks for one of each that TestLiveConnect compares.
const proxiedPage = `<!doctype html><link rel=icon href=data:,><title>mien</title><script>
fetch("/fetch"); new Image().src = "/image"; fetch("/post", {method: "POST", body: "x=1"});
fetch("https://secure.test/", {mode: "no-cors"}).catch(() => {});
new WebSocket("ws://plain.test/ws"); new WebSocket("wss://socket.test/ws");
</script>`

// proxiedKinds are the first lines of the heads that follow from proxiedPage.
var proxiedKinds = []string{
	"GET http://plain.test/visit", "GET http://plain.test/fetch", "GET http://plain.test/image", "POST http://plain.test/post",
	"CONNECT secure.test:443", "CONNECT socket.test:443", "CONNECT plain.test:80",
}

// recorder is an HTTP proxy that keeps request heads byte for byte and has
// nothing behind it: tunnels end at once, what is to be forwarded gets proxiedPage.
type recorder struct {
	addr string
	auth bool          // wants Proxy-Authorization
	all  chan struct{} // closed when each of proxiedKinds has come

	mu    sync.Mutex
	heads map[string]string     // guarded by mu; the first that was not answered by 407, by method and target
	open  map[net.Conn]struct{} // guarded by mu
}

// record starts a recorder, which speaks TLS if config is not nil.
func record(t *testing.T, config *tls.Config, auth bool) *recorder {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{addr: l.Addr().String(), auth: auth, all: make(chan struct{}), heads: make(map[string]string), open: make(map[net.Conn]struct{})}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.mu.Lock()
			r.open[c] = struct{}{}
			r.mu.Unlock()
			wg.Go(func() {
				defer c.Close()
				if config == nil {
					r.serve(c)
				} else {
					r.serve(tls.Server(c, config))
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		r.mu.Lock()
		for c := range r.open {
			_ = c.Close()
		}
		r.mu.Unlock()
		wg.Wait()
	})
	return r
}

func (r *recorder) serve(c net.Conn) {
	br := bufio.NewReader(c)
	for {
		var head bytes.Buffer
		for !bytes.HasSuffix(head.Bytes(), []byte("\r\n\r\n")) {
			line, err := br.ReadBytes('\n')
			if err != nil {
				return
			}
			head.Write(line)
		}
		req, err := http.ReadRequest(bufio.NewReader(io.MultiReader(bytes.NewReader(head.Bytes()), br)))
		if err != nil {
			return
		}
		_, _ = io.CopyN(io.Discard, br, req.ContentLength)
		answer := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nCache-Control: no-store\r\nContent-Length: %d\r\n\r\n%s", len(proxiedPage), proxiedPage)
		switch {
		case r.auth && req.Header.Get("Proxy-Authorization") == "":
			answer = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"mien\"\r\nContent-Length: 0\r\n\r\n"
		case req.Method == http.MethodConnect:
			r.keep(req, head.String())
			_, _ = io.WriteString(c, "HTTP/1.1 200 Connection established\r\n\r\n")
			return
		default:
			r.keep(req, head.String())
		}
		if _, err := io.WriteString(c, answer); err != nil {
			return
		}
	}
}

func (r *recorder) keep(req *http.Request, head string) {
	kind := req.Method + " " + req.RequestURI
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.heads[kind]; known || !slices.Contains(proxiedKinds, kind) {
		return
	}
	if r.heads[kind] = head; len(r.heads) == len(proxiedKinds) {
		close(r.all)
	}
}

// got gives what came, without the word that a browser without a window adds.
func (r *recorder) got() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	heads := make(map[string]string)
	for kind, head := range r.heads {
		heads[kind] = headless.ReplaceAllString(head, "$1")
	}
	return heads
}

// askAll has a session with profile ask for what proxiedPage asks for.
func askAll(t *testing.T, profile *fingerprint.Profile, r *recorder, config *tls.Config) {
	t.Helper()
	proxy := &url.URL{Scheme: "http", Host: r.addr}
	if config != nil {
		proxy.Scheme = "https"
	}
	if r.auth {
		proxy.User = url.UserPassword("Aladdin", "open sesame")
	}
	s := newSession(t, mien.Config{Profile: profile, Proxy: http.ProxyURL(proxy), ProxyTLS: config, Retry: retry.Policy{MaxAttempts: -1}})
	const page = "http://plain.test/visit"
	for _, ask := range []struct {
		url     string
		options mien.Options
	}{
		{page, mien.Options{}},
		{"http://plain.test/fetch", mien.Options{Destination: fingerprint.Empty, Initiator: page}},
		{"http://plain.test/image", mien.Options{Destination: fingerprint.Image, Mode: "no-cors", Initiator: page}},
		{"http://plain.test/post", mien.Options{Destination: fingerprint.Empty, Initiator: page}},
		{"https://secure.test/", mien.Options{}},
		{"https://socket.test/ws", mien.Options{}},
		{"http://plain.test/ws", mien.Options{}},
	} {
		req := request(t, http.MethodGet, ask.url, nil)
		if strings.HasSuffix(ask.url, "/post") {
			req = request(t, http.MethodPost, ask.url, strings.NewReader("x=1"))
			req.Header.Set("Content-Type", "text/plain;charset=UTF-8")
		}
		if strings.HasSuffix(ask.url, "/ws") {
			req.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="}}
		}
		resp, err := s.Do(req.WithContext(mien.WithOptions(t.Context(), ask.options)))
		if err == nil {
			readAll(t, resp)
		}
	}
}

// captures are the captured heads of a browser: by kind, and by kind and " with
// credentials".
func captures(t *testing.T, name string) map[string]string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "proxied", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	heads := make(map[string]string)
	for _, f := range txtar.Parse(b).Files {
		heads[f.Name] = strings.ReplaceAll(string(f.Data), "\n", "\r\n")
	}
	return heads
}

// What a proxy sees is what it sees of the browser, byte for byte: the heads of
// CONNECT and of requests in absolute form, with and without credentials.
func TestProxiedHeads(t *testing.T) {
	for _, name := range []string{"chromium-156", "firefox-153"} {
		want := captures(t, name)
		profile, err := fingerprint.Lookup(name + "-linux")
		if err != nil {
			t.Fatal(err)
		}
		for _, scheme := range []string{"http", "https"} {
			for _, auth := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/credentials %v", name, scheme, auth), func(t *testing.T) {
					var server, client *tls.Config
					if scheme == "https" {
						server, client = peerTLS(t, []string{"http/1.1"}, &x509.Certificate{})
					}
					r := record(t, server, auth)
					askAll(t, profile, r, client)
					got := r.got()
					for _, kind := range proxiedKinds {
						key := kind
						if auth {
							key += " with credentials"
						}
						// Firefox's navigation with credentials is captured as the one that a
						// 407 came to; we send ours unasked.
						if key == "GET http://plain.test/visit with credentials" {
							continue
						}
						if want[key] == "" || got[kind] != want[key] {
							t.Errorf("%s:\n%swant\n%s", key, got[kind], want[key])
						}
					}
				})
			}
		}
	}
}
