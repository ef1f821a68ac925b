package compat_test

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/mccutchen/go-httpbin/v2/httpbin"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
)

// binCases are requests to go-httpbin: method and target, then fields, then
// after an empty line the content.
var binCases = []string{
	"GET /", "GET /encoding/utf8", "GET /forms/post", "GET /get?a=1&a=2&b=%C3%BC+x", "HEAD /head", "GET /html", "GET /json", "GET /xml",
	"GET /robots.txt", "GET /deny", "GET /hostname", "GET /version", "GET /env", "GET /ip?format=text", "GET /ip", "GET /nowhere",
	"HEAD /get", "HEAD /html", "HEAD /bytes/1000?seed=1", "HEAD /gzip",
	"GET /headers\nX-Custom: one\nX-Custom: two", "GET /user-agent\nUser-Agent: mine/1.0",
	"DELETE /delete", "DELETE /delete\n\nwhy not", "PUT /put\nContent-Type: application/json\n\n{\"a\":[1,2]}", "PATCH /patch\nContent-Type: text/plain\n\npatch",
	"POST /post\nContent-Type: application/x-www-form-urlencoded\n\na=1&b=%26", "POST /post\nContent-Type: text/plain\n\ntext", "POST /post",
	"POST /post\nContent-Type: multipart/form-data; boundary=b\n\n--b\r\nContent-Disposition: form-data; name=f; filename=n\r\n\r\nfile\r\n--b--\r\n",
	"POST /upload\nContent-Type: application/octet-stream\n\n" + strings.Repeat("0123456789abcdef", 1<<14), "PUT /upload\n\nx", "PATCH /upload\n\nx",
	"GET /anything/with/path?q=1", "OPTIONS /anything", "POST /anything\n\nx", "TRACE /anything", "PURGE /anything", "GET /anything\n\nwith content",
	"PUT /anything\nExpect: 100-continue\n\nexpected", "OPTIONS /get\nAccess-Control-Request-Method: PUT",
	"POST /get", "GET /post", // 405 with Allow
	"GET /base64/SGVsbG8", "GET /base64/encode/x%20y", "GET /base64/%21", "GET /bytes/0", "GET /bytes/1024?seed=7", "GET /bytes/99999999", "GET /stream-bytes/100000?seed=7&chunk_size=777",
	"GET /stream/5", "GET /jsonl?count=5", "GET /drip?numbytes=5&duration=20ms&delay=5ms", "GET /drip?numbytes=3&duration=0s&delay=0s&code=418", "GET /delay/0.01", "GET /delay/nonsense",
	"GET /range/1000", "GET /range/1000\nRange: bytes=10-19", "GET /range/1000\nRange: bytes=-5", "GET /range/1000\nRange: bytes=2000-", "HEAD /range/1000\nRange: bytes=0-0",
	"GET /cache\nIf-None-Match: x", "GET /cache\nIf-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT", "GET /cache/60", "GET /etag/e\nIf-None-Match: \"e\"", "GET /etag/e\nIf-Match: \"f\"", "GET /etag/e",
	"GET /gzip", "GET /brotli", "GET /image/png", "GET /image/jpeg", "GET /image/webp", "GET /image/svg", "GET /image/avif", "GET /image/none", "GET /image\nAccept: image/svg+xml", "GET /image\nAccept: text/plain",
	"GET /response-headers?X-One=1&X-One=2&Set-Cookie=r%3D1", "GET /response-headers?Content-Type=text/html&X=%3Cb%3E",
	"GET /basic-auth/user/pass", "GET /basic-auth/user/pass\nAuthorization: Basic dXNlcjpwYXNz", "GET /hidden-basic-auth/user/pass", "GET /hidden-basic-auth/user/pass\nAuthorization: Basic dXNlcjpwYXNz",
	"GET /bearer", "GET /bearer\nAuthorization: Bearer t",
	"GET /redirect/5", "GET /redirect/3?absolute=true", "GET /relative-redirect/2", "GET /absolute-redirect/2", "HEAD /redirect/2", "GET /links/3", "GET /links/3/1",
	"GET /redirect-to?url=/get&status_code=307", "POST /redirect-to?url=/anything&status_code=307\n\nkept", "POST /redirect-to?url=/anything&status_code=308\n\nkept",
	"POST /redirect-to?url=/anything&status_code=301\nContent-Type: text/plain\n\nlost", "POST /redirect-to?url=/anything&status_code=302\n\nlost", "PUT /redirect-to?url=/anything&status_code=303\n\nlost",
	"GET /cookies/set?a=1&b=two", "GET /cookies", "GET /cookies/delete?a=", "GET /cookies/delete?b=&r=", "GET /cookies\nCookie: own=1",
	"GET /trailers?X-One=1&X-Two=2", "POST /trailers?X-One=1\n\nx", "GET /sse?count=3&duration=10ms", "GET /unstable?seed=1&failure_rate=0.5", "GET /unstable?failure_rate=1", "GET /dump/request\nX-Only: 1",
	"GET /status/200", "GET /status/204", "GET /status/304", "GET /status/300", "GET /status/301", "GET /status/305", "GET /status/308", "GET /status/401", "GET /status/402", "GET /status/406", "GET /status/407",
	"GET /status/418", "GET /status/421", "GET /status/425", "GET /status/429", "GET /status/451", "GET /status/500", "GET /status/503", "GET /status/599", "POST /status/408", "GET /status/one", "GET /uuid",
}

func binRequest(t testing.TB, base, text string) *http.Request {
	t.Helper()
	head, content, has := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	method, target, _ := strings.Cut(lines[0], " ")
	var body io.Reader
	if has {
		body = strings.NewReader(content)
	}
	req, err := http.NewRequestWithContext(timeout(t), method, base+target, body)
	check(t, err)
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Add(name, value)
	}
	return req
}

// binAnswer is what must be alike under mien and under net/http.
type binAnswer struct {
	Status  int
	Path    string // of the last hop
	Header  http.Header
	Trailer http.Header
	Body    string
	Err     bool
}

// moving are the parts of answers that differ from request to request.
var moving = regexp.MustCompile(`"timestamp":\d+|"uuid": "[^"]+"`)

func askBin(t testing.TB, c *http.Client, base, text string) binAnswer {
	t.Helper()
	resp, err := c.Do(binRequest(t, base, text))
	if err != nil {
		if resp == nil {
			return binAnswer{Err: true}
		}
		return binAnswer{Status: resp.StatusCode, Err: true}
	}
	a := binAnswer{Status: resp.StatusCode, Path: resp.Request.URL.RequestURI(), Header: resp.Header, Trailer: resp.Trailer}
	b, err := io.ReadAll(resp.Body)
	a.Err = err != nil
	check(t, resp.Body.Close())
	a.Body = string(b)
	for _, name := range []string{"Date", "Server-Timing", "Last-Modified", "Access-Control-Allow-Origin"} { // the last tells the request's Origin
		a.Header.Del(name)
	}
	a.Trailer.Del("Server-Timing")
	if dump := strings.HasPrefix(text, "GET /dump"); dump || strings.Contains(a.Body, `"headers": {`) || strings.Contains(a.Body, `"headers":{`) {
		a.Header.Del("Content-Length") // with the request's fields
		a.Header.Del("ETag")
		a.Body = withoutRequestFields(a.Body, dump)
	} else if text == "HEAD /gzip" || text == "HEAD /get" {
		a.Header.Del("Content-Length")
	}
	a.Body = moving.ReplaceAllString(a.Body, "")
	return a
}

// withoutRequestFields takes the request's fields out of JSON documents, or out
// of a dumped request, but those that a test sets.
func withoutRequestFields(body string, dump bool) string {
	var out strings.Builder
	if dump {
		for line := range strings.Lines(body) {
			if strings.HasPrefix(line, "X-") || strings.HasPrefix(line, "Host") || strings.HasPrefix(line, "GET") {
				out.WriteString(line)
			}
		}
		return out.String()
	}
	for d := json.NewDecoder(strings.NewReader(body)); ; {
		var doc map[string]any
		if err := d.Decode(&doc); errors.Is(err, io.EOF) {
			return out.String()
		} else if err != nil {
			return err.Error() + out.String()
		}
		if h, ok := doc["headers"].(map[string]any); ok {
			doc["headers"] = h["X-Custom"]
		}
		b, _ := json.Marshal(doc)
		out.Write(append(b, '\n'))
	}
}

// TestHTTPBin: every end point of go-httpbin answers mien as it answers
// net/http's client.
func TestHTTPBin(t *testing.T) {
	onEachWire(t, httpbin.New(), func(t *testing.T, s *mien.Session, o *mientest.Origin) {
		jar, err := cookiejar.New(nil)
		check(t, err)
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: o.CertPool()}, ForceAttemptHTTP2: true}
		defer tr.CloseIdleConnections()
		std, ours := &http.Client{Transport: tr, Jar: jar}, s.Client()
		for _, text := range binCases {
			want, got := askBin(t, std, named(o), text), askBin(t, ours, named(o), text)
			w, g := reflect.ValueOf(want), reflect.ValueOf(got)
			for i := range w.NumField() {
				if w, g := w.Field(i).Interface(), g.Field(i).Interface(); !reflect.DeepEqual(w, g) {
					t.Errorf("%.90q: %s\n net/http: %.300s\n mien:     %.300s", text, reflect.TypeOf(want).Field(i).Name, fmt.Sprint(w), fmt.Sprint(g))
				}
			}
		}
	})
}
