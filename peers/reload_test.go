package peers_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/mien-http/mien"
)

const reloadingConf = `daemon off;
%[1]s
worker_processes 1;
pid %[2]s/nginx.pid;
error_log stderr notice;
events { worker_connections 1024; }
http {
	access_log off;
	ssl_certificate %[2]s/cert.pem;
	ssl_certificate_key %[2]s/key.pem;
	server {
		listen 127.0.0.1:%[4]s ssl http2;
		location / { proxy_pass %[3]s; proxy_http_version 1.1; proxy_request_buffering off; proxy_buffering off; }
	}
}
`

// TestLiveReload has nginx read its configuration again and again while POSTs
// are under way over HTTP/2: the old workers say GOAWAY and end. No request
// fails, and none comes twice.
func TestLiveReload(t *testing.T) {
	path, id := installed(t, "nginx"), made(t, ecdsaIdentity)
	const callers, reloads = 20, 5
	var mu sync.Mutex
	seen := map[string]int{} // guarded by mu; how often a request came
	application := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		seen[string(b)]++
		mu.Unlock()
		_, _ = w.Write(b)
	}))
	t.Cleanup(application.Close)
	dir, as := id.folder(t), ""
	if u, err := user.Current(); err == nil && u.Uid == "0" {
		as = "user " + u.Username + ";"
	}
	ports, p := serveProcess(t, 1, func(ports []string) *exec.Cmd {
		conf := write(t, dir, "nginx.conf", fmt.Appendf(nil, reloadingConf, as, dir, application.URL, ports[0]))
		return exec.Command(path, "-p", dir, "-e", "stderr", "-c", conf)
	})
	t.Cleanup(func() { // a master that is killed would leave its workers behind
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		p.until(t, func() bool { return false })
	})

	c := newClient(t, mien.Config{TLS: id.trust(), Resolver: loopback{}})
	c.fetch(http.MethodPost, "https://localhost:"+ports[0], strings.NewReader("first"))
	var sent atomic.Int64
	sent.Add(1)
	enough := make(chan struct{})
	var all sync.WaitGroup
	for caller := range callers {
		all.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-enough:
					return
				default:
				}
				sent.Add(1)
				text := strconv.Itoa(caller) + "/" + strconv.Itoa(i)
				resp, err := c.send(http.MethodPost, "https://localhost:"+ports[0], strings.NewReader(text))
				if err != nil {
					t.Error(err)
					return
				}
				b, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || string(b) != text || resp.ProtoMajor != 2 {
					t.Errorf("%s of %s over %s: %q, %v", resp.Status, text, resp.Proto, b, err)
				}
			}
		})
	}
	for range reloads {
		before := c.opened.Load()
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Error(err)
			break
		}
		if !p.until(t, func() bool { return c.opened.Load() > before || t.Failed() }) {
			t.Error("nginx ended")
			break
		}
	}
	close(enough)
	all.Wait()
	mu.Lock()
	defer mu.Unlock()
	if int64(len(seen)) != sent.Load() {
		t.Errorf("%d of %d requests came", len(seen), sent.Load())
	}
	for text, n := range seen {
		if n != 1 {
			t.Errorf("%s came %d times", text, n)
		}
	}
	t.Logf("%d requests on %d connections", sent.Load(), c.opened.Load())
}
