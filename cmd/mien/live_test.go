package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mien-http/mien/internal/livetest"
)

// liveProfiles are tried with every server.
var liveProfiles = []string{"chrome-156-linux", "firefox-153-linux", "utls:HelloChrome_131"}

// nginxConf has a server for each protocol.
const nginxConf = livetest.NginxHead + `	root %[1]s/www;
	default_type text/plain;
	gzip on;
	gzip_types text/plain;
	server {
		listen %[2]s ssl http2;
		location /saw { return 200 "$server_protocol $request_method $http_user_agent"; }
	}
	server {
		listen %[3]s ssl;
		location /saw { return 200 "$server_protocol $request_method $http_user_agent"; }
	}
}
`

// TestLiveNginx sends to nginx over HTTP/2 and HTTP/1.1.
func TestLiveNginx(t *testing.T) {
	nginx := livetest.Program(t, "nginx")
	files := livetest.NewFiles(t)
	big := strings.Repeat("0123456789abcdef", 1<<16)
	if err := os.Mkdir(filepath.Join(files.Dir, "www"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(files.Dir, "www", "big"), []byte(big), 0o600); err != nil {
		t.Fatal(err)
	}
	addrs := [2]string{livetest.FreeAddr(t), livetest.FreeAddr(t)}
	conf := filepath.Join(files.Dir, "nginx.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, nginxConf, filepath.ToSlash(files.Dir), addrs[0], addrs[1]), 0o600); err != nil {
		t.Fatal(err)
	}
	livetest.Start(t, exec.Command(nginx, "-p", files.Dir, "-e", "stderr", "-c", conf))
	livetest.WaitFor(t, addrs[1])

	for i, protocol := range []string{"HTTP/2.0", "HTTP/1.1"} {
		_, port, _ := net.SplitHostPort(addrs[i])
		url := "https://localhost:" + port
		for _, profile := range liveProfiles {
			t.Run(protocol+" "+profile, func(t *testing.T) {
				get := func(args ...string) string {
					t.Helper()
					code, stdout, stderr := mienCommand(append([]string{"get", "--cacert", files.CA, "--profile", profile, "--timeout", "20s"}, args...)...)
					if code != exitDone {
						t.Fatalf("exit code %d: %s", code, stderr)
					}
					return stdout
				}
				if got := get(url + "/saw"); !strings.HasPrefix(got, protocol+" GET Mozilla/5.0 (X11; Linux x86_64") {
					t.Errorf("nginx saw %q", got)
				}
				if got := get(url+"/saw", "-d", "a=b"); !strings.HasPrefix(got, protocol+" POST ") {
					t.Errorf("nginx saw %q", got)
				}
				if got := get(url + "/big"); got != big {
					t.Errorf("%d bytes of the big file, want %d", len(got), len(big))
				}
				// HTTP/2 has no reason phrase, and says its version as curl does.
				want := map[string]string{"HTTP/2.0": "HTTP/2 200\r\n", "HTTP/1.1": "HTTP/1.1 200 OK\r\n"}[protocol]
				if got := get(url+"/big", "-I"); !strings.HasPrefix(got, want) {
					t.Errorf("HEAD got %q", got)
				}
			})
		}
	}
}

// nodeServer answers with what Node's http2 and https modules saw.
const nodeServer = `
const fs = require('fs'), [key, cert] = [fs.readFileSync('key.pem'), fs.readFileSync('cert.pem')];
const saw = (req, res) => {
  let n = 0;
  req.on('data', d => n += d.length).on('end', () => {
    res.setHeader('content-type', 'application/json');
    res.end(JSON.stringify({version: req.httpVersion, method: req.method, alpn: (req.socket || req.stream.session.socket).alpnProtocol, length: n, raw: req.rawHeaders}));
  });
};
const h2 = require('http2').createSecureServer({key, cert, allowHTTP1: true}, saw);
const h1 = require('https').createServer({key, cert}, saw);
h2.listen(0, '127.0.0.1', () => h1.listen(0, '127.0.0.1', () => console.log(h2.address().port + ' ' + h1.address().port)));
`

// TestLiveNode sends to Node's http2 server over HTTP/2 and HTTP/1.1.
func TestLiveNode(t *testing.T) {
	node := livetest.Program(t, "node")
	files := livetest.NewFiles(t)
	cmd := exec.Command(node, "-e", nodeServer)
	cmd.Dir = files.Dir
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	livetest.Start(t, cmd)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("node printed no ports: %v", err)
	}
	ports := strings.Fields(line)
	// The last one offers no ALPN, so that the http2 server speaks HTTP/1.1 too.
	for _, c := range []struct {
		port, version string
		profiles      []string
		agent         string
	}{
		{ports[0], "2.0", liveProfiles, "Mozilla/5.0 (X11; Linux x86_64"},
		{ports[1], "1.1", liveProfiles, "Mozilla/5.0 (X11; Linux x86_64"},
		{ports[0], "1.1", []string{"utls:HelloAndroid_11_OkHttp"}, "okhttp/"},
	} {
		url, version := "https://localhost:"+c.port, c.version
		for _, profile := range c.profiles {
			t.Run(version+" "+profile, func(t *testing.T) {
				for _, data := range []string{"", "a=b", strings.Repeat("x", 1<<18)} {
					args := []string{"get", url, "--cacert", files.CA, "--profile", profile, "--timeout", "20s"}
					method := "GET"
					if data != "" {
						file := filepath.Join(t.TempDir(), "data")
						if err := os.WriteFile(file, []byte(data), 0o600); err != nil {
							t.Fatal(err)
						}
						args, method = append(args, "-d", "@"+file), "POST"
					}
					code, stdout, stderr := mienCommand(args...)
					var saw struct {
						Version, Method string
						Length          int
						Raw             []string
					}
					if err := json.Unmarshal([]byte(stdout), &saw); code != exitDone || err != nil {
						t.Fatalf("exit code %d, %v: %s%s", code, err, stdout, stderr)
					}
					if saw.Version != version || saw.Method != method || saw.Length != len(data) {
						t.Errorf("node saw %s %s with %d bytes, want %s %s with %d", saw.Version, saw.Method, saw.Length, version, method, len(data))
					}
					if !slices.ContainsFunc(saw.Raw, func(s string) bool { return strings.HasPrefix(s, c.agent) }) {
						t.Errorf("node saw the fields %q", saw.Raw)
					}
				}
			})
		}
	}
}
