package peers_test

import (
	"os/user"
	"path/filepath"
	"testing"

	"github.com/mien-http/mien"
)

// wires are the ways to speak to a server: HTTP/2, HTTP/1.1 and HTTP/1.1
// without TLS.
var wires = []struct{ name, scheme, proto string }{
	{"h2", "https", "HTTP/2.0"},
	{"h1", "https", "HTTP/1.1"},
	{"cleartext", "http", "HTTP/1.1"},
}

// site is what a server needs to begin with.
type site struct {
	dir     string // holds the identity and www/small and www/large
	backend string // URL of the application, for /app
	user    string // who runs this
}

// server is a kind of server.
type server struct {
	name string
	// start starts it and returns the port for each wire, "" for one that it
	// does not speak.
	start func(t *testing.T, s site) []string
	// streams is how many requests it takes on one HTTP/2 connection.
	streams int
	// echoes: it sends back what is posted anywhere, and has no application.
	echoes bool
	// sockets: it passes WebSockets on to the application.
	sockets bool
	// trailer of every response over HTTP/2, if not "".
	trailer string
	// moves: it ends each connection after a few requests, so that how many
	// there are says nothing.
	moves bool
	// once: it gives no ticket to who comes with one.
	once bool
	// retries: it accepts P-256 alone, of which Chromium sends no key at first.
	// After the HelloRetryRequest uTLS cannot resume.
	retries bool
}

func TestLiveServers(t *testing.T) {
	for _, s := range []server{
		{name: "nginx", start: startNginx, streams: 128, sockets: true},
		{name: "nginx that closes", start: startClosingNginx, streams: 128, sockets: true, moves: true},
		{name: "haproxy", start: startHAProxy, streams: 100, sockets: true},
		{name: "caddy", start: startCaddy, streams: 250, sockets: true},
		{name: "h2o", start: startH2O, streams: 100, sockets: true, once: true},
		{name: "nghttpd", start: startNghttpd, streams: 100, echoes: true, trailer: "done", retries: true},
		{name: "node", start: startNode, streams: 100, once: true},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			id := made(t, ecdsaIdentity)
			here := site{dir: id.folder(t), backend: newApplication().plain(t)}
			write(t, here.dir, filepath.Join("www", "small"), []byte(smallText))
			write(t, here.dir, filepath.Join("www", "large"), large())
			if u, err := user.Current(); err == nil {
				here.user = u.Username
			}
			ports := s.start(t, here)
			for i, w := range wires {
				if ports[i] == "" {
					continue
				}
				for _, browser := range chosen() {
					t.Run(w.name+"/"+browser, func(t *testing.T) {
						x := exchange{
							server: s,
							config: mien.Config{Profile: profile(t, browser), TLS: id.trust(), Resolver: loopback{}},
							url:    w.scheme + "://localhost:" + ports[i],
							proto:  w.proto,
							secure: w.scheme == "https",
						}
						t.Run("methods", x.methods)
						t.Run("reuse", x.reuse)
						t.Run("large", x.large)
						t.Run("abandon", x.abandon)
						t.Run("together", x.together)
						if x.secure {
							t.Run("resume", x.resume)
						}
						if s.sockets {
							t.Run("websocket", x.websocket)
						}
					})
				}
			}
		})
	}
}
