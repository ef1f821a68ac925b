package compat_test

import (
	"compress/zlib"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/go-resty/resty/v2"
	"github.com/mccutchen/go-httpbin/v2/httpbin"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
)

func onBin(t *testing.T, test func(t *testing.T, s *mien.Session, url string)) {
	onEachWire(t, httpbin.New(), func(t *testing.T, s *mien.Session, o *mientest.Origin) { test(t, s, named(o)) })
}

// TestHTTPBinDiffers has the answers that differ from net/http's by intent.
func TestHTTPBinDiffers(t *testing.T) {
	onBin(t, func(t *testing.T, s *mien.Session, url string) {
		c := s.Client()
		get := func(text string) (*http.Response, string) {
			resp, err := c.Do(binRequest(t, url, text))
			check(t, err)
			return resp, readAll(t, resp)
		}
		// A browser accepts deflate, so it is undone.
		resp, body := get("GET /deflate")
		var doc map[string]any
		if err := json.Unmarshal([]byte(body), &doc); err != nil || doc["deflated"] != true || !resp.Uncompressed || resp.Header.Get("Content-Encoding") != "" {
			t.Errorf("deflate: %v, %v, %v", err, resp.Header, doc)
		}
		// Who asks for a coding gets it as it came.
		resp, body = get("GET /deflate\nAccept-Encoding: deflate")
		if z, err := zlib.NewReader(strings.NewReader(body)); err != nil || z.Close() != nil || resp.Header.Get("Content-Encoding") != "deflate" {
			t.Errorf("deflate, asked for by the caller: %v, %v", err, resp.Header)
		}
		// A caller's Cookie replaces the jar's.
		get("GET /cookies/set?jar=1")
		if _, body = get("GET /cookies\nCookie: own=2"); strings.Contains(body, "jar") || !strings.Contains(body, "own") {
			t.Errorf("a caller's Cookie: %s", body)
		}
		// Browsers follow 20 redirects, net/http 10.
		if resp, _ = get("GET /redirect/20"); resp.StatusCode != 200 {
			t.Errorf("20 redirects: status %d", resp.StatusCode)
		}
		var e *mien.Error
		if _, err := c.Get(url + "/redirect/21"); !errors.As(err, &e) || !strings.HasSuffix(err.Error(), "stopped after 20 redirects") {
			t.Errorf("21 redirects: %v", err)
		}
	})
}

func TestHTTPBinStreams(t *testing.T) {
	onBin(t, func(t *testing.T, s *mien.Session, url string) {
		// Content of unknown length.
		r, w := io.Pipe()
		go func() {
			for range 16 {
				_, _ = w.Write(junk(1 << 15))
			}
			_ = w.Close()
		}()
		resp, err := s.Client().Post(url+"/upload", "application/octet-stream", r)
		check(t, err)
		if body := readAll(t, resp); !strings.Contains(body, `"bytes_received": 524288`) {
			t.Errorf("upload through a pipe: %s", body)
		}

		// Each line can be read when it has been written.
		resp, err = s.Client().Get(url + "/stream/3")
		check(t, err)
		n := 0
		for d := json.NewDecoder(resp.Body); ; n++ {
			var line struct{ ID int }
			if err := d.Decode(&line); err != nil || line.ID != n {
				break
			}
		}
		check(t, resp.Body.Close())
		if n != 3 {
			t.Errorf("%d lines of a stream", n)
		}

		conn, _, err := websocket.Dial(timeout(t), url+"/websocket/echo", &websocket.DialOptions{HTTPClient: s.Client()})
		check(t, err)
		defer conn.CloseNow()
		check(t, conn.Write(timeout(t), websocket.MessageText, []byte("echo")))
		if _, b, err := conn.Read(timeout(t)); err != nil || string(b) != "echo" {
			t.Errorf("websocket: %q, %v", b, err)
		}
		check(t, conn.Close(websocket.StatusNormalClosure, ""))
	})
}

// TestHTTPBinDigest: digest authentication by resty's transport, which sends
// the request again with what the 401 asked for.
func TestHTTPBinDigest(t *testing.T) {
	onBin(t, func(t *testing.T, s *mien.Session, url string) {
		for _, algorithm := range []string{"", "/SHA-256"} {
			c := resty.NewWithClient(s.Client()).SetDigestAuth("user", "pass")
			resp, err := c.R().SetContext(timeout(t)).Get(url + "/digest-auth/auth/user/pass" + algorithm)
			check(t, err)
			if resp.StatusCode() != 200 {
				t.Errorf("%s: status %d", algorithm, resp.StatusCode())
			}
		}
	})
}

// TestHTTPBinCancel: a context ends the wait for an answer, and the reading of
// one that drips.
func TestHTTPBinCancel(t *testing.T) {
	onBin(t, func(t *testing.T, s *mien.Session, url string) {
		ctx, cancel := context.WithCancel(timeout(t))
		req, err := http.NewRequestWithContext(ctx, "GET", url+"/drip?numbytes=100&duration=9s&delay=0s", nil)
		check(t, err)
		resp, err := s.Client().Do(req)
		check(t, err)
		_, err = io.ReadFull(resp.Body, make([]byte, 1))
		check(t, err)
		cancel()
		if _, err := io.ReadAll(resp.Body); !errors.Is(err, context.Canceled) {
			t.Errorf("a dripping body ended with %v", err)
		}
		check(t, resp.Body.Close())

		ctx, cancel = context.WithCancel(timeout(t))
		req, err = http.NewRequestWithContext(ctx, "GET", url+"/delay/9", nil)
		check(t, err)
		go func() {
			eventually(t, "the request is in flight", func() bool { return s.Stats().InFlight == 1 })
			cancel()
		}()
		if _, err := s.Client().Do(req); !errors.Is(err, context.Canceled) {
			t.Errorf("the wait for an answer ended with %v", err)
		}
	})
}

// TestRange: of an encoded body no part can be decoded, so parts are asked for
// without coding, as browsers do.
func TestRange(t *testing.T) {
	onEachWire(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get("Accept-Encoding")+"|"+r.Header.Get("Range"))
	}), func(t *testing.T, s *mien.Session, o *mientest.Origin) {
		for fields, want := range map[string]string{
			"\nRange: bytes=5-9":                         "identity|bytes=5-9",
			"\nRange: bytes=5-9\nAccept-Encoding: x-own": "x-own|bytes=5-9",
		} {
			resp, err := s.Do(binRequest(t, named(o), "GET /"+fields))
			check(t, err)
			if got := readAll(t, resp); got != want {
				t.Errorf("%q: the origin saw %q", fields, got)
			}
		}
	})
}
