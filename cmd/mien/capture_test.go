package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
)

// sent is one request that mien sends as the browser's page did.
type sent struct {
	host, method, path string
	from               string // the page: its path, or host and path; "": typed
	options            mien.Options
	header             http.Header
	body               string
}

const (
	home  = "www.shop.test"
	other = "www.other.test"
)

// imitated are the requests that the options of a request can describe.
var imitated = []sent{
	{host: home, method: "GET", path: "/"},
	{host: home, method: "GET", path: "/k/page.css", from: "/", options: mien.Options{Destination: fingerprint.Style}},
	{host: home, method: "GET", path: "/k/sync.js", from: "/", options: mien.Options{Destination: fingerprint.Script}},
	{host: home, method: "GET", path: "/k/img1.png", from: "/", options: mien.Options{Destination: fingerprint.Image}},
	{host: home, method: "GET", path: "/k/iframe", from: "/", options: mien.Options{Destination: fingerprint.Iframe}},
	{host: home, method: "GET", path: "/k/fetch-get", from: "/", options: mien.Options{Destination: fingerprint.Empty}},
	{host: home, method: "POST", path: "/k/fetch-post-json", from: "/", header: http.Header{"Content-Type": {"application/json"}}, body: `{"a":1}`},
	{
		host: home, method: "POST", path: "/k/fetch-post-json-accept", from: "/", body: "{}",
		header: http.Header{"Accept": {"application/json"}, "Content-Type": {"application/json"}, "X-Custom-Header": {"v"}, "Authorization": {"Bearer tok"}},
	},
	{host: home, method: "DELETE", path: "/k/fetch-delete", from: "/"},
	{host: "api.shop.test", method: "GET", path: "/k/samesite-fetch", from: "/", options: mien.Options{Destination: fingerprint.Empty}},
	{host: "api.other.test", method: "GET", path: "/k/x-fetch-cors", from: "/", options: mien.Options{Destination: fingerprint.Empty}},
	{host: home, method: "GET", path: "/k/ws", from: "/", options: mien.Options{Destination: fingerprint.WebSocket}},
	{host: home, method: "GET", path: "/k/preload.png", from: "/", options: mien.Options{Destination: fingerprint.Image, Variant: fingerprint.Preload}},
	{host: home, method: "GET", path: "/k/async.js", from: "/", options: mien.Options{Destination: fingerprint.Script, Variant: fingerprint.Async}},
	{host: home, method: "GET", path: "/k/module.js", from: "/", options: mien.Options{Destination: fingerprint.Script, Variant: fingerprint.Module}},
	{host: home, method: "GET", path: "/k/font.woff2", from: "/k/page.css", options: mien.Options{Destination: fingerprint.Font}},
	{host: home, method: "GET", path: "/k/v.mp4", from: "/", options: mien.Options{Destination: fingerprint.Video}},
	{host: home, method: "GET", path: "/k/xhr-get", from: "/", options: mien.Options{Destination: fingerprint.Empty, Variant: fingerprint.XHR}},
	{
		host: home, method: "POST", path: "/k/xhr-post-json", from: "/", body: `{"a":1}`,
		options: mien.Options{Variant: fingerprint.XHR}, header: http.Header{"Content-Type": {"application/json"}},
	},
	{host: home, method: "GET", path: "/k/sse", from: "/", options: mien.Options{Destination: fingerprint.Empty, Variant: fingerprint.EventSource}},
	{
		host: home, method: "POST", path: "/k/beacon", from: "/", body: "x=1",
		options: mien.Options{Variant: fingerprint.Beacon, Mode: "no-cors"}, header: http.Header{"Content-Type": {"text/plain;charset=UTF-8"}},
	},
	{
		host: home, method: "POST", path: "/k/keepalive", from: "/", body: "k",
		options: mien.Options{Variant: fingerprint.Keepalive}, header: http.Header{"Content-Type": {"text/plain;charset=UTF-8"}},
	},
	{host: home, method: "GET", path: "/k/prio-high", from: "/", options: mien.Options{Destination: fingerprint.Empty, Variant: fingerprint.HighPriority}},
	{host: home, method: "GET", path: "/k/prio-low", from: "/", options: mien.Options{Destination: fingerprint.Empty, Variant: fingerprint.LowPriority}},
	{host: home, method: "POST", path: "/k/fetch-post-empty", from: "/"},
	{host: "cdn.other.test", method: "GET", path: "/k/x-script.js", from: "/", options: mien.Options{Destination: fingerprint.Script, Variant: fingerprint.Async}},
	{host: "api.other.test", method: "GET", path: "/k/x-fetch-nocors", from: "/", options: mien.Options{Destination: fingerprint.Empty, Mode: "no-cors"}},
	{host: home, method: "GET", path: "/k/nav-b", from: "/k/nav-a"},
	{
		host: home, method: "POST", path: "/k/form-cross", from: other + "/k/link-click", body: "a=1",
		header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
	},
	{
		host: home, method: "POST", path: "/k/form-urlenc", from: "/k/nav-b", body: "a=1+2&b=%26%3Dx",
		header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
	},
	{host: home, method: "GET", path: "/k/redir302-nav", from: "/k/after-redir307-form"},
	{host: other, method: "GET", path: "/k/link-click", from: home + "/k/from-cross?x=1"},
}

// request makes the request to the origin at base. extensions are what a WebSocket
// offers, which is up to its caller.
func (r *sent) request(ctx context.Context, base *url.URL, extensions string) (*http.Request, error) {
	at := func(host, path string) string {
		return base.Scheme + "://" + net.JoinHostPort(host, base.Port()) + path
	}
	o := r.options
	if r.from != "" {
		host, path, _ := strings.Cut(r.from, "/")
		if host == "" {
			host = home
		}
		o.Initiator = at(host, "/"+path)
	}
	var body io.Reader
	if r.body != "" {
		body = strings.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(mien.WithOptions(ctx, o), r.method, at(r.host, r.path), body)
	if err != nil {
		return nil, err
	}
	if r.header != nil {
		req.Header = r.header.Clone()
	}
	if o.Destination == fingerprint.WebSocket {
		req.Header = http.Header{
			"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
			"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}, "Sec-Websocket-Extensions": {extensions},
		}
	}
	return req, nil
}

// send sends the request and reads the answer.
func (r *sent) send(ctx context.Context, t *testing.T, s *mien.Session, base *url.URL, extensions string) {
	t.Helper()
	req, err := r.request(ctx, base, extensions)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.Do(req)
	if err != nil {
		if r.options.Destination != fingerprint.WebSocket { // over HTTP/2 the origin refuses it
			t.Errorf("%s %s: %v", r.method, req.URL, err)
		}
		return
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Errorf("%s %s: %v", r.method, req.URL, err)
	}
}

// allLoopback says that every name is this machine.
type allLoopback struct{}

func (allLoopback) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}, nil
}

// TestCaptureByHand opens the URLs that the command prints, one after the other,
// as a person would, with what a browser sends: the profile made of it is that
// browser's, kind for kind, and says what was never sent.
func TestCaptureByHand(t *testing.T) {
	for _, name := range []string{"chromium-156-linux", "firefox-153-linux"} {
		t.Run(name, func(t *testing.T) {
			profile, err := fingerprint.Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			out, ca, raw := filepath.Join(dir, "p.json"), filepath.Join(dir, "ca.pem"), filepath.Join(dir, "raw")
			printed, w := io.Pipe()
			done := make(chan error, 1)
			go func() {
				r := captureRun{o: captureOptions{out: out, ca: ca, raw: raw, name: "by-hand", timeout: time.Minute, fresh: 2}, stdout: w, stderr: io.Discard}
				done <- r.run(t.Context())
				_ = w.Close()
			}()
			for lines := bufio.NewScanner(printed); lines.Scan(); {
				byHand(t, profile, ca, lines.Text())
			}
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			p, err := profileOf(out)
			if err != nil || p.Name != "by-hand" || p.Browser.Engine != profile.Browser.Engine || p.HTTP2.Akamai() != profile.HTTP2.Akamai() {
				t.Fatalf("%+v, %v", p, err)
			}
			sse := fingerprint.HeadRequest{Wire: fingerprint.OverHTTP2, Method: "GET", Destination: fingerprint.Empty, Variant: fingerprint.EventSource}
			if err := p.Covers(sse); err == nil {
				t.Error("the profile has a list for an EventSource, which was never sent")
			}
			code, differences, errs := runMien("diff", out, raw)
			if code != exitDone {
				t.Errorf("%s%s", differences, errs)
			}
		})
	}
}

// byHand visits the part of a site that begins at the URL, and leaves out one kind.
func byHand(t *testing.T, p *fingerprint.Profile, ca, first string) {
	t.Helper()
	base, err := url.Parse(first)
	if err != nil {
		t.Fatal(err)
	}
	roots, err := readRoots(ca)
	if err != nil {
		t.Fatal(err)
	}
	s, err := mien.New(mien.Config{
		Profile: p, TLS: &tls.Config{RootCAs: roots}, Resolver: allLoopback{}, Limits: mien.Limits{BrowserConns: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, r := range append(slices.Clone(imitated), sent{host: home, method: "GET", path: "/k/done", from: "/"}) {
		if r.path != "/k/sse" {
			r.send(t.Context(), t, s, base, "permessage-deflate")
		}
	}
}
