package mien_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/internal/livetest"
)

const (
	// soakEnv asks for bodies of 1 GiB as well.
	soakEnv = "MIEN_SOAK"

	pieceBytes = 1 << 20
)

// bodyServer serves the same content again and again: GET /N is N pieces of it,
// POST answers with the sum and the length of what was sent.
type bodyServer struct {
	url  string
	pool *x509.CertPool
}

// TestLiveBodies moves bodies down from and up to real servers over HTTP/2, one
// at a time and 64 at once on one connection, some of them read slowly, and
// looks at every byte.
func TestLiveBodies(t *testing.T) {
	piece := make([]byte, pieceBytes)
	rand.NewChaCha8([32]byte{4}).Read(piece)
	type load struct{ streams, pieces int }
	loads := []load{{1, 10}, {64, 1}}
	if os.Getenv(livetest.Whole) != "" {
		loads = []load{{1, 10}, {64, 10}}
	}
	if os.Getenv(soakEnv) != "" {
		loads = append(loads, load{1, 1024})
	}
	most := 0
	for _, l := range loads {
		most = max(most, l.pieces)
	}
	for _, server := range []struct {
		name  string
		start func(t *testing.T, dir string, piece []byte, most int) string
	}{{"nginx", startBodiesNginx}, {"node", startBodiesNode}, {"go", startBodiesGo}} {
		t.Run(server.name, func(t *testing.T) {
			files := livetest.NewFiles(t)
			s := bodyServer{pool: files.Pool}
			s.url = server.start(t, files.Dir, piece, most)
			for _, name := range []string{"chromium-156-linux", "firefox-153-linux"} {
				for _, l := range loads {
					t.Run(fmt.Sprintf("%s %d of %d MiB", name, l.streams, l.pieces), func(t *testing.T) {
						start := time.Now()
						s.move(t, name, piece, l.streams, l.pieces)
						d := time.Since(start)
						t.Logf("%.0f MiB/s", float64(2*l.streams*l.pieces)/d.Seconds())
					})
				}
			}
		})
	}
}

func (s *bodyServer) move(t *testing.T, profile string, piece []byte, streams, pieces int) {
	p, err := fingerprint.Lookup(profile)
	if err != nil {
		t.Fatal(err)
	}
	session := newSession(t, mien.Config{
		Profile: p,
		TLS:     &tls.Config{RootCAs: s.pool},
		Limits:  mien.Limits{BrowserConns: true}, // all streams on one connection
	})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	whole := sha256.New()
	for range pieces {
		whole.Write(piece)
	}
	want := hex.EncodeToString(whole.Sum(nil))
	length := int64(pieces) * pieceBytes
	var all sync.WaitGroup
	for i := range streams {
		all.Go(func() {
			resp, err := session.Get(ctx, fmt.Sprintf("%s/%d", s.url, pieces))
			if err != nil {
				t.Errorf("down: %v", err)
				return
			}
			defer resp.Body.Close()
			var r io.Reader = resp.Body
			if i%4 == 1 {
				ticks := time.NewTicker(2 * time.Millisecond)
				defer ticks.Stop()
				r = &slowBody{r, ticks.C}
			}
			h := sha256.New()
			n, err := io.Copy(h, r)
			if got := hex.EncodeToString(h.Sum(nil)); err != nil || resp.StatusCode != 200 || resp.ProtoMajor != 2 || n != length || got != want {
				t.Errorf("down: status %d over %s, %d of %d bytes, sum %s, %v", resp.StatusCode, resp.Proto, n, length, got, err)
			}
		})
		all.Go(func() {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/sum", &pieceReader{piece: piece, left: pieces})
			if err != nil {
				t.Error(err)
				return
			}
			if i%2 == 0 {
				req.ContentLength = length // else it is not said before
			}
			resp, err := session.Do(req)
			if err != nil {
				t.Errorf("up: %v", err)
				return
			}
			defer resp.Body.Close()
			got, err := io.ReadAll(resp.Body)
			if wanted := fmt.Sprintf("%s %d", want, length); err != nil || string(got) != wanted {
				t.Errorf("up: status %d, %q, %v; want %s", resp.StatusCode, got, err, wanted)
			}
		})
	}
	all.Wait()
	if stats := session.Stats(); stats.InFlight != 0 {
		t.Errorf("%d requests in flight", stats.InFlight)
	}
}

// slowBody reads no more than 64 KiB a tick.
type slowBody struct {
	r    io.Reader
	tick <-chan time.Time
}

func (s *slowBody) Read(p []byte) (int, error) {
	<-s.tick
	return s.r.Read(p[:min(len(p), 64<<10)])
}

// pieceReader is a piece several times over.
type pieceReader struct {
	piece    []byte
	at, left int
}

func (r *pieceReader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.piece[r.at:])
	if r.at += n; r.at == len(r.piece) {
		r.at, r.left = 0, r.left-1
	}
	return n, nil
}

// serveBodies is the server in Go, itself or behind nginx.
func serveBodies(piece []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			h := sha256.New()
			n, err := io.Copy(h, r.Body)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			fmt.Fprintf(w, "%x %d", h.Sum(nil), n)
			return
		}
		var pieces int
		fmt.Sscan(strings.TrimPrefix(r.URL.Path, "/"), &pieces)
		for range pieces {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	})
}

func startBodiesGo(t *testing.T, dir string, piece []byte, _ int) string {
	cert, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(serveBodies(piece))
	server.EnableHTTP2 = true
	server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

const bodiesNginx = livetest.NginxHead + `	client_max_body_size 0;
	server {
		listen %[2]s ssl http2;
		root %[1]s/www;
		location /sum { proxy_pass %[3]s; proxy_http_version 1.1; proxy_request_buffering off; }
	}
}
`

func startBodiesNginx(t *testing.T, dir string, piece []byte, most int) string {
	nginx := installed(t, "nginx")
	sums := httptest.NewServer(serveBodies(piece)) // nginx itself says nothing of what it was sent
	t.Cleanup(sums.Close)
	www := filepath.Join(dir, "www")
	if err := os.Mkdir(www, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, pieces := range []int{1, 10, most} {
		f, err := os.Create(filepath.Join(www, fmt.Sprint(pieces)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(f, &pieceReader{piece: piece, left: pieces}); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	addr := livetest.FreeAddr(t)
	conf := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, bodiesNginx, filepath.ToSlash(dir), addr, sums.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	livetest.Start(t, exec.Command(nginx, "-p", dir, "-e", "stderr", "-c", conf))
	livetest.WaitFor(t, addr)
	return "https://" + addr
}

const bodiesNode = `
const fs = require('fs'), crypto = require('crypto');
const piece = fs.readFileSync('piece');
const server = require('http2').createSecureServer({maxSessionMemory: 2000, key: fs.readFileSync('key.pem'), cert: fs.readFileSync('cert.pem')}, (req, res) => {
  if (req.method === 'POST') {
    const sum = crypto.createHash('sha256');
    let n = 0;
    req.on('data', d => { n += d.length; sum.update(d); }).on('end', () => res.end(sum.digest('hex') + ' ' + n));
    return;
  }
  req.resume(); // or Node sends RST_STREAM in place of END_STREAM when end() finds nothing to send
  let left = +req.url.slice(1);
  const more = () => {
    while (left > 0) {
      left--;
      if (!res.write(piece)) { res.once('drain', more); return; }
    }
    res.end();
  };
  more();
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`

func startBodiesNode(t *testing.T, dir string, piece []byte, _ int) string {
	node := installed(t, "node")
	if err := os.WriteFile(filepath.Join(dir, "piece"), piece, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(node, "-e", bodiesNode)
	cmd.Dir = dir
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	livetest.Start(t, cmd)
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("node printed no port: %v", err)
	}
	return "https://127.0.0.1:" + strings.TrimSpace(port)
}
