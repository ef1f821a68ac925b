package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mien-http/mien/mientest"
)

// sighting is a request as the origin saw it.
type sighting struct {
	mientest.Report
	body string
}

func (s *sighting) field(name string) string {
	var all []string
	for _, f := range s.Headers {
		if strings.EqualFold(f[0], name) {
			all = append(all, f[1])
		}
	}
	return strings.Join(all, " & ")
}

// recorder is a handler that keeps what it saw.
func recorder(into *[]sighting) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		rep, _ := mientest.ReportOf(r)
		*into = append(*into, sighting{rep, string(body)})
		switch r.URL.Path {
		case "/login":
			w.Header().Add("Set-Cookie", "sid=s3cret; Path=/; Secure; HttpOnly; Max-Age=1000")
			w.Header().Add("Set-Cookie", "theme=dark")
		case "/unavailable":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/old":
			http.Redirect(w, r, "/new", http.StatusFound)
		}
	})
}

func testFile(t *testing.T, name, text string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestGetSends has one line for each flag that changes what is sent.
func TestGetSends(t *testing.T) {
	var got []sighting
	url, ca := newOrigin(t, mientest.Config{Handler: recorder(&got)})
	lines := testFile(t, "lines.txt", "a=1\r\nb=2\n")
	fields := testFile(t, "fields.txt", "X-One: 1\r\nX-Two: 2\n")
	jar := testFile(t, "jar.txt", "# Netscape HTTP Cookie File\n#HttpOnly_127.0.0.1\tFALSE\t/\tFALSE\t0\tfrom\tfile\nother.example\tTRUE\t/\tTRUE\t0\tno\tno\n")
	own := testFile(t, "jar.json", `{"version":1,"cookies":[{"name":"own","value":"json","domain":"127.0.0.1","hostOnly":true}]}`)
	port := url[strings.LastIndexByte(url, ':')+1:]
	for _, c := range []struct {
		name string
		args []string
		path string // "": /
		want map[string]string
	}{
		{"get", nil, "", map[string]string{":method": "GET", "sec-fetch-dest": "document", "sec-fetch-site": "none"}},
		{"method", []string{"-X", "DELETE"}, "", map[string]string{":method": "DELETE"}},
		{"the longer name", []string{"--request", "PATCH", "-d", "x"}, "", map[string]string{":method": "PATCH", "body": "x"}},
		{"fields", []string{"-H", "X-A: 1", "-H", "x-a: 2", "-H", "Accept-Language:", "-H", "X-Empty;"}, "", map[string]string{"x-a": "1 & 2", "accept-language": "", "x-empty": ""}},
		{"fields of a file", []string{"-H", "@" + fields}, "", map[string]string{"x-one": "1", "x-two": "2"}},
		{"data", []string{"-d", "a=b", "--data-raw", "@c", "--data-ascii", "d"}, "", map[string]string{":method": "POST", "body": "a=b&@c&d", "content-type": "application/x-www-form-urlencoded", "sec-fetch-dest": "document"}},
		{"data of a file", []string{"-d", "@" + lines}, "", map[string]string{"body": "a=1b=2"}},
		{"data as it is", []string{"--data-binary", "@" + lines}, "", map[string]string{"body": "a=1\r\nb=2\n"}},
		{"no data", []string{"-d", ""}, "", map[string]string{":method": "POST", "content-length": "0"}},
		{"dash", []string{"-d", "-"}, "", map[string]string{"body": "-"}},
		{"encoded", []string{"--data-urlencode", "q=a b&ü", "--data-urlencode", "=x=y", "--data-urlencode", "1+1", "--data-urlencode", "f@" + lines}, "",
			map[string]string{"body": "q=a%20b%26%C3%BC&x%3Dy&1%2B1&f=a%3D1%0D%0Ab%3D2%0A"}},
		{"json", []string{"--json", `{"a":1,`, "--json", `"b":2}`}, "", map[string]string{":method": "POST", "body": `{"a":1,"b":2}`, "content-type": "application/json", "accept": "application/json", "sec-fetch-dest": "empty"}},
		{"json and own fields", []string{"--json", "1", "-H", "Accept: text/x", "-H", "Content-Type: application/ld+json", "-X", "PUT"}, "", map[string]string{":method": "PUT", "content-type": "application/ld+json", "accept": "text/x"}},
		{"query", []string{"-G", "-d", "a=1", "--data-urlencode", "b=x y"}, "/p?q#f", map[string]string{":method": "GET", ":path": "/p?q&a=1&b=x%20y", "body": ""}},
		{"head with a query", []string{"-I", "-G", "-d", "a=1"}, "", map[string]string{":method": "HEAD", ":path": "/?a=1"}},
		{"upload", []string{"-T", lines}, "/dir/", map[string]string{":method": "PUT", ":path": "/dir/lines.txt", "body": "a=1\r\nb=2\n", "content-type": "", "content-length": "9"}},
		{"upload by name", []string{"-T", lines}, "/dir/x", map[string]string{":method": "PUT", ":path": "/dir/x"}},
		{"agent", []string{"-A", "me"}, "", map[string]string{"user-agent": "me"}},
		{"no agent", []string{"-A", ""}, "", map[string]string{"user-agent": ""}},
		{"referer", []string{"-e", "https://other.example/page?q"}, "", map[string]string{"referer": "https://other.example/", "sec-fetch-site": "cross-site", "sec-fetch-user": "?1"}},
		{"exact referer", []string{"-H", "Referer: https://other.example/page?q"}, "", map[string]string{"referer": "https://other.example/page?q"}},
		{"user", []string{"-u", "me:pass:word", "--basic"}, "", map[string]string{"authorization": "Basic bWU6cGFzczp3b3Jk"}},
		{"bearer", []string{"--oauth2-bearer", "tok"}, "", map[string]string{"authorization": "Bearer tok"}},
		{"range", []string{"-r", "0-4,9-"}, "", map[string]string{"range": "bytes=0-4,9-", "accept-encoding": "identity"}},
		{"cookies", []string{"-b", "a=1; b=x=y", "-b", ""}, "", map[string]string{"cookie": "a=1 & b=x=y"}},
		{"cookies after a redirect", []string{"-b", "a=1"}, "/old", map[string]string{":path": "/new", "cookie": "a=1"}},
		{"cookie file", []string{"-b", jar}, "", map[string]string{"cookie": "from=file"}},
		{"own cookie file", []string{"-b", own}, "", map[string]string{"cookie": "own=json"}},
		{"destination", []string{"--dest", "image"}, "", map[string]string{"sec-fetch-dest": "image", "sec-fetch-mode": "no-cors"}},
		{"fetch", []string{"--dest", "empty"}, "", map[string]string{"sec-fetch-dest": "empty", "sec-fetch-mode": "cors", "accept": "*/*"}},
		{"http1.1", []string{"--http1.1"}, "", map[string]string{"protocol": "http/1.1", "Host": "127.0.0.1:" + port}},
		{"http2", []string{"--http2", "--compressed", "-L"}, "", map[string]string{"protocol": "h2", "accept-encoding": "gzip, deflate, br, zstd"}},
		{"ipv4", []string{"-4", "--connect-timeout", "20", "--interface", "127.0.0.1"}, "", map[string]string{":method": "GET"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got = nil
			path := c.path
			if path == "" {
				path = "/"
			}
			code, _, stderr := mienCommand(append([]string{"get", url + path, "--cacert", ca}, c.args...)...)
			if code != exitDone || stderr != "" || len(got) == 0 {
				t.Fatalf("exit code %d, %d requests: %s", code, len(got), stderr)
			}
			last := &got[len(got)-1]
			for name, want := range c.want {
				have := last.field(name)
				switch name {
				case "body":
					have = last.body
				case "protocol":
					have = last.Protocol
				}
				if have != want {
					t.Errorf("%s is %q, want %q", name, have, want)
				}
			}
		})
	}
}

// TestGetHTTP1Hello: the hello of --http1.1 names no protocol.
func TestGetHTTP1Hello(t *testing.T) {
	for _, profile := range []string{"chrome", "firefox"} {
		var got []sighting
		url, ca := newOrigin(t, mientest.Config{Handler: recorder(&got)})
		code, _, stderr := mienCommand("get", url, "--cacert", ca, "--http1.1", "--profile", profile)
		if code != exitDone || len(got) != 1 {
			t.Fatalf("%s: exit code %d: %s", profile, code, stderr)
		}
		if r := got[0]; r.Protocol != "http/1.1" || !strings.Contains(r.JA4, "00_") || strings.Contains(r.JA4R, "44cd") || strings.Contains(r.JA4R, "4469") {
			t.Errorf("%s: %s, %s", profile, r.Protocol, r.JA4R)
		}
	}
}

// TestGetForm compares with what the captured browsers sent for this form.
func TestGetForm(t *testing.T) {
	hello := testFile(t, "h.txt", "hello")
	for profile, c := range map[string]struct {
		boundary string // as captured: ----WebKitFormBoundaryZ5c3BSdv3kFFgBBX, ----geckoformboundary4fa785d7a912089ce02cb1032c6b99dc
		length   string
	}{
		"chrome":  {`----WebKitFormBoundary[0-9A-Za-z]{16}`, "272"},
		"firefox": {`----geckoformboundary[0-9a-f]{20,32}`, ""},
	} {
		var got []sighting
		url, ca := newOrigin(t, mientest.Config{Handler: recorder(&got)})
		code, _, stderr := mienCommand("get", url, "--cacert", ca, "--profile", profile, "-F", "a=1 2", "-F", "f=@"+hello)
		if code != exitDone || len(got) != 1 {
			t.Fatalf("%s: exit code %d: %s", profile, code, stderr)
		}
		kind := regexp.MustCompile(`^multipart/form-data; boundary=(` + c.boundary + `)$`).FindStringSubmatch(got[0].field("content-type"))
		if kind == nil {
			t.Fatalf("%s: Content-Type is %q", profile, got[0].field("content-type"))
		}
		want := strings.ReplaceAll("--@\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1 2\r\n--@\r\nContent-Disposition: form-data; name=\"f\"; filename=\"h.txt\"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--@--\r\n", "@", kind[1])
		if got[0].body != want {
			t.Errorf("%s sent\n%q, want\n%q", profile, got[0].body, want)
		}
		if n := got[0].field("content-length"); c.length != "" && n != c.length || n != fmt.Sprint(len(want)) {
			t.Errorf("%s: Content-Length is %s", profile, n)
		}
		if d := got[0].field("sec-fetch-dest"); d != "document" {
			t.Errorf("%s: destination %s", profile, d)
		}
	}
}

func TestGetFormParts(t *testing.T) {
	file := testFile(t, "data.bin-none", "x")
	for arg, want := range map[string]string{
		`a=b;type=text/html;charset=utf-8`: "form-data; name=\"a\"\r\nContent-Type: text/html;charset=utf-8\r\n\r\nb\r\n",
		`a="b;c"`:                          "form-data; name=\"a\"\r\n\r\nb;c\r\n",
		"a\"\n=b":                          "form-data; name=\"a%22%0A\"\r\n\r\nb\r\n",
		`f=@` + file + `;filename="q\".x";type=a/b`: "form-data; name=\"f\"; filename=\"q%22.x\"\r\nContent-Type: a/b\r\n\r\nx\r\n",
		`f=@` + file: "form-data; name=\"f\"; filename=\"data.bin-none\"\r\nContent-Type: application/octet-stream\r\n\r\nx\r\n",
		`f=<` + file: "form-data; name=\"f\"\r\n\r\nx\r\n",
	} {
		var all []formField
		if err := (&formFlag{into: &all}).Set(arg); err != nil {
			t.Errorf("%s: %v", arg, err)
			continue
		}
		g := oneGet{o: getOptions{form: all}}
		c, err := g.multipart("B")
		if err != nil {
			t.Errorf("%s: %v", arg, err)
			continue
		}
		req := httptest.NewRequest("POST", "/", nil)
		c.attach(req)
		for range 2 { // again, as a second attempt would
			text, err := io.ReadAll(req.Body)
			if want := "--B\r\nContent-Disposition: " + want + "--B--\r\n"; err != nil || string(text) != want || req.ContentLength != int64(len(want)) {
				t.Errorf("%s: %q, %v; want %q", arg, text, err, want)
			}
			_ = req.Body.Close()
			req.Body, _ = req.GetBody()
		}
	}
}

// TestGetCookieJar: what one run wrote, in either format, the next one sends.
func TestGetCookieJar(t *testing.T) {
	for _, name := range []string{"jar.txt", "jar.json"} {
		var got []sighting
		url, ca := newOrigin(t, mientest.Config{Handler: recorder(&got)})
		jar := filepath.Join(t.TempDir(), name)
		for _, args := range [][]string{{url + "/login", "-c", jar}, {url, "-b", jar}} {
			if code, _, stderr := mienCommand(append([]string{"get", "--cacert", ca}, args...)...); code != exitDone || stderr != "" {
				t.Fatalf("exit code %d: %s", code, stderr)
			}
		}
		if c := got[1].field("cookie"); c != "sid=s3cret & theme=dark" {
			t.Errorf("%s: cookies %q", name, c)
		}
		text, err := os.ReadFile(jar)
		if err != nil {
			t.Fatal(err)
		}
		line := regexp.MustCompile(`(?m)^#HttpOnly_127\.0\.0\.1\tFALSE\t/\tTRUE\t\d{10}\tsid\ts3cret$`)
		if name == "jar.txt" && !line.Match(text) {
			t.Errorf("the file is\n%s", text)
		}
	}
}

// TestGetSeveral asks two URLs over one connection, each with its own file.
func TestGetSeveral(t *testing.T) {
	var got []sighting
	url, ca := newOrigin(t, mientest.Config{Handler: recorder(&got)})
	t.Chdir(t.TempDir())
	code, stdout, stderr := mienCommand("get", "--cacert", ca, url+"/login", url+"/a/b.txt?q", "-o", "one", "-O", "-D", "heads", "-w", `%{http_code} %{num_connects} %{http_version} %{method} %{size_download} %{header{Set-Cookie}}\n`)
	if code != exitDone || stderr != "" {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if want := "200 1 2 GET 0 sid=s3cret; Path=/; Secure; HttpOnly; Max-Age=1000\n200 0 2 GET 0 \n"; stdout != want {
		t.Errorf("--write-out gave %q, want %q", stdout, want)
	}
	if len(got) != 2 || got[0].Connection != got[1].Connection || got[1].field("cookie") != "sid=s3cret & theme=dark" {
		t.Errorf("the origin saw %+v", got)
	}
	for _, name := range []string{"one", "b.txt"} {
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
	heads, _ := os.ReadFile("heads")
	if n := strings.Count(string(heads), "HTTP/2 200\r\n"); n != 2 {
		t.Errorf("%d heads: %s", n, heads)
	}
}

// TestGetBrokenFile keeps what came of a body.
func TestGetBrokenFile(t *testing.T) {
	url, ca := newOrigin(t, mientest.Config{Handler: answers()})
	file := filepath.Join(t.TempDir(), "part")
	code, _, stderr := mienCommand("get", "--cacert", ca, url+"/cut", "-o", file)
	text, _ := os.ReadFile(file)
	if code != exitFailed || string(text) != "12345" || !strings.HasSuffix(stderr, "(5 bytes of the body are in "+file+")\n") {
		t.Errorf("exit code %d, %q: %s", code, text, stderr)
	}
}

// TestGetRetry: statuses are tried again only when asked for, and no POST.
func TestGetRetry(t *testing.T) {
	for _, c := range []struct {
		args []string
		want int
	}{
		{nil, 1},
		{[]string{"--retry", "0"}, 1},
		{[]string{"--retry", "1"}, 2},
		{[]string{"--retry", "1", "-d", "x"}, 1},
	} {
		var got []sighting
		url, ca := newOrigin(t, mientest.Config{Handler: recorder(&got)})
		code, _, stderr := mienCommand(append([]string{"get", "--cacert", ca, url + "/unavailable"}, c.args...)...)
		if code != exitDone || len(got) != c.want {
			t.Errorf("%q: exit code %d, %d requests, want %d; %s", c.args, code, len(got), c.want, stderr)
		}
	}
}

// TestGetVerbose: the lines with > are what the origin saw, in its order and
// spelling, but for secrets.
func TestGetVerbose(t *testing.T) {
	for _, protocol := range []string{"h2", "http/1.1"} {
		for _, secrets := range []bool{false, true} {
			var got []sighting
			url, ca := newOrigin(t, mientest.Config{Handler: recorder(&got), Protocols: []string{protocol}})
			args := []string{"get", "-v", "--cacert", ca, url + "/login", "-u", "me:pass", "-b", "a=12345", "-d", "x=y"}
			if secrets {
				args = append(args, "--show-secrets")
			}
			code, _, stderr := mienCommand(args...)
			if code != exitDone || len(got) != 1 {
				t.Fatalf("exit code %d: %s", code, stderr)
			}
			var sent []string
			for line := range strings.Lines(stderr) {
				if line, ok := strings.CutPrefix(line, "> "); ok {
					sent = append(sent, strings.TrimSpace(line))
				}
			}
			var want []string
			if protocol == "http/1.1" {
				want = []string{"POST /login HTTP/1.1"}
			}
			for _, f := range got[0].Headers {
				line := f[0] + ": " + f[1]
				if !secrets {
					line = strings.NewReplacer("bWU6cGFzcw==", "(12 bytes hidden)", "a=12345", "a=(5 bytes hidden)").Replace(line)
				}
				want = append(want, line)
			}
			if !slices.Equal(sent, want) {
				t.Errorf("%s: told\n%s\nthe origin saw\n%s", protocol, strings.Join(sent, "\n"), strings.Join(want, "\n"))
			}
			if strings.Contains(stderr, "s3cret") != secrets || strings.Contains(stderr, "bWU6cGFzcw") != secrets {
				t.Errorf("secrets %v:\n%s", secrets, stderr)
			}
			if !strings.Contains(stderr, "\n* the profile's hello: JA4 ") || protocol == "h2" && !strings.Contains(stderr, "pseudo-header fields: "+got[0].Akamai) {
				t.Error(stderr)
			}
			if !strings.Contains(strings.ToLower(stderr), "\n< set-cookie: theme=") {
				t.Errorf("no response in\n%s", stderr)
			}
		}
	}
}

// TestGetProxy goes through a proxy that forwards, with credentials, and past it.
func TestGetProxy(t *testing.T) {
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.RequestURI+" "+r.Header.Get("Proxy-Authorization"))
	}))
	t.Cleanup(proxy.Close)
	addr := strings.TrimPrefix(proxy.URL, "http://")
	code, _, stderr := mienCommand("get", "-v", "http://far.example/x", "-x", addr, "-U", "me:p@ss")
	if want := "http://far.example/x Basic bWU6cEBzcw=="; code != exitDone || len(asked) != 1 || asked[0] != want {
		t.Fatalf("exit code %d, the proxy was asked %q; %s", code, asked, stderr)
	}
	for _, line := range []string{"> GET http://far.example/x HTTP/1.1\n", "> Proxy-Authorization: Basic (12 bytes hidden)\n", "* through the proxy " + addr} {
		if !strings.Contains(stderr, line) {
			t.Errorf("%q is not in\n%s", line, stderr)
		}
	}
	plain, _ := newOrigin(t, mientest.Config{Plain: true})
	if code, _, stderr := mienCommand("get", plain, "-x", addr, "--noproxy", "localhost,127.0.0.0/8"); code != exitDone || len(asked) != 1 {
		t.Errorf("exit code %d, the proxy was asked %q; %s", code, asked, stderr)
	}
}

// TestGetResolve reaches a name that nobody knows.
func TestGetResolve(t *testing.T) {
	var got []sighting
	url, ca := newOrigin(t, mientest.Config{Handler: recorder(&got), Hosts: []string{"far.example"}})
	port := url[strings.LastIndexByte(url, ':')+1:]
	code, _, stderr := mienCommand("get", "--cacert", ca, "https://far.example:"+port+"/", "--resolve", "Far.example:"+port+":127.0.0.1,[::1]")
	if code != exitDone || len(got) != 1 || got[0].ServerName != "far.example" {
		t.Errorf("exit code %d, %+v; %s", code, got, stderr)
	}
	// Without a scheme it is https.
	if code, _, stderr = mienCommand("get", "-v", "--cacert", ca, "far.example:"+port, "--resolve", "far.example:"+port+":127.0.0.1"); code != exitDone || !strings.Contains(stderr, "* no scheme: https://far.example:"+port+" is taken\n") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// TestGetClientCertificate shows a certificate to an origin that wants one.
func TestGetClientCertificate(t *testing.T) {
	url, ca := newOrigin(t, mientest.Config{RequireClientCert: true})
	cert, key := clientPair(t)
	if code, _, stderr := mienCommand("get", url, "--cacert", ca, "--cert", cert, "--key", key); code != exitDone {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
