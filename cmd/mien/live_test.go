package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// requireLive makes a server program that is not installed a failure.
const requireLive = "MIEN_REQUIRE_LIVE"

// program is the path of a server program; without it the test is skipped.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv(requireLive) != "" {
		t.Fatalf("%s is not installed, and %s is set", name, requireLive)
	}
	t.Skipf("%s is not installed", name)
	return ""
}

// liveFiles are a CA and a certificate for localhost, in a directory of the test.
type liveFiles struct{ dir, ca, cert, key string }

func newLiveFiles(t *testing.T) liveFiles {
	t.Helper()
	dir := t.TempDir()
	f := liveFiles{dir, filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	now := time.Now()
	caKey, ca := certify(t, &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, nil)
	key, leaf := certify(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		DNSNames: []string{"localhost"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, ca, caKey)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, f.ca, "CERTIFICATE", ca.Raw)
	writePEM(t, f.cert, "CERTIFICATE", leaf.Raw)
	writePEM(t, f.key, "PRIVATE KEY", der)
	return f
}

// certify signs template with a new key; without a parent, with its own.
func certify(t *testing.T, template, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*ecdsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, cert
}

func writePEM(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// startLive starts cmd and ends it with the test.
func startLive(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s: %s", cmd.Path, &stderr)
		}
	})
}

// liveProfiles are tried with every server.
var liveProfiles = []string{"chrome-156-linux", "firefox-153-linux", "utls:HelloChrome_131"}

// nginxConf has a server for each protocol.
const nginxConf = `daemon off;
master_process off;
pid %[1]s/nginx.pid;
error_log stderr warn;
events {}
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	ssl_certificate %[1]s/cert.pem;
	ssl_certificate_key %[1]s/key.pem;
	root %[1]s/www;
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

// freeAddrs are two addresses on which nothing listens; nginx cannot say which
// port it got when it is given 0.
func freeAddrs(t *testing.T) (addrs [2]string) {
	t.Helper()
	for i := range addrs {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		addrs[i] = l.Addr().String()
	}
	return addrs
}

// waitFor returns when something listens on addr.
func waitFor(t *testing.T, addr string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); <-tick.C {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return
		}
	}
	t.Fatalf("nothing listens on %s", addr)
}

// TestLiveNginx sends to nginx over HTTP/2 and HTTP/1.1.
func TestLiveNginx(t *testing.T) {
	nginx := program(t, "nginx")
	files := newLiveFiles(t)
	big := strings.Repeat("0123456789abcdef", 1<<16)
	if err := os.Mkdir(filepath.Join(files.dir, "www"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(files.dir, "www", "big"), []byte(big), 0o600); err != nil {
		t.Fatal(err)
	}
	addrs := freeAddrs(t)
	conf := filepath.Join(files.dir, "nginx.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, nginxConf, filepath.ToSlash(files.dir), addrs[0], addrs[1]), 0o600); err != nil {
		t.Fatal(err)
	}
	startLive(t, exec.Command(nginx, "-p", files.dir, "-e", "stderr", "-c", conf))
	waitFor(t, addrs[1])

	for i, protocol := range []string{"HTTP/2.0", "HTTP/1.1"} {
		_, port, _ := net.SplitHostPort(addrs[i])
		url := "https://localhost:" + port
		for _, profile := range liveProfiles {
			t.Run(protocol+" "+profile, func(t *testing.T) {
				get := func(args ...string) string {
					t.Helper()
					code, stdout, stderr := mienCommand(append([]string{"get", "--cacert", files.ca, "--profile", profile, "--timeout", "20s"}, args...)...)
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
				if got := get(url+"/big", "-I"); !strings.HasPrefix(got, protocol+" 200 OK\r\n") {
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
	node := program(t, "node")
	files := newLiveFiles(t)
	cmd := exec.Command(node, "-e", nodeServer)
	cmd.Dir = files.dir
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	startLive(t, cmd)
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
					args := []string{"get", url, "--cacert", files.ca, "--profile", profile, "--timeout", "20s"}
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
