package capture

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/fingerprint/capture"
	"github.com/mien-http/mien/mientest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newSite(t *testing.T) *Site {
	t.Helper()
	s, err := New(Options{Fresh: 3, Resumed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

type loopback struct{}

func (loopback) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
}

func newSession(t *testing.T, s *Site) *mien.Session {
	t.Helper()
	p, err := fingerprint.Lookup("firefox-153-linux")
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.CertPEM())
	session, err := mien.New(mien.Config{Profile: p, TLS: &tls.Config{RootCAs: pool}, Resolver: loopback{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}

func get(t *testing.T, s *mien.Session, url string) (*http.Response, string) {
	t.Helper()
	resp, err := s.Get(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// What a recording holds is what was sent, on the connection that it was sent on.
func TestWriteRaw(t *testing.T) {
	site := newSite(t)
	session := newSession(t, site)
	for _, p := range site.Parts() {
		get(t, session, p.URL)
		get(t, session, strings.TrimSuffix(p.URL, "/")+"/k/fetch-get")
	}
	for _, u := range site.Connections() {
		for range 2 {
			get(t, session, u.String()+"/k/connection")
		}
	}
	dir := t.TempDir()
	if err := site.WriteRaw(dir); err != nil {
		t.Fatal(err)
	}
	c, err := capture.Read(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	profile, err := fingerprint.Lookup("firefox-153-linux")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range capture.DiffCapture(profile, c) {
		// The session had these requests typed, not made by a page.
		t.Error(d)
	}
	got := map[string]int{}
	for _, r := range c.Requests {
		got[fmt.Sprintf("%s %s %s", r.Run, r.Wire, r.Path)]++
		if r.Wire == fingerprint.OverHTTP2 {
			d := fingerprint.HPACKDecoder{MaxTableSize: 65536}
			if fields, err := d.Decode(r.Block); r.Path == "/" && (err != nil || len(fields) != len(r.Fields)) {
				t.Errorf("%s: %d fields in the block, %v", r.Path, len(fields), err)
			}
		}
	}
	for _, want := range []string{"h2-full h2 /", "h1-full http/1.1 /k/fetch-get", "cleartext cleartext /"} {
		if got[want] != 1 {
			t.Errorf("%d of %q: %v", got[want], want, got)
		}
	}
	kinds := map[string]int{}
	for _, h := range c.Hellos {
		switch {
		case h.AfterRetry:
			kinds["after-hrr"]++
		case h.Hello.HasPSK():
			kinds["resumed"]++
		default:
			kinds["fresh"]++
		}
	}
	if kinds["after-hrr"] != 2 || kinds["resumed"] == 0 || kinds["fresh"] < 6 {
		t.Errorf("hellos: %v", kinds)
	}
	if len(c.Frames) == 0 {
		t.Error("no frame was recorded")
	}
}

// Missing names what did not come, and a part ends with its last request.
func TestMissing(t *testing.T) {
	site := newSite(t)
	all := []string{"h2: everything", "http/1.1: everything", "cleartext: everything", "connections: resumed", "connections: after a HelloRetryRequest", "connections: fresh"}
	if got := site.Missing(); !slices.Equal(got, all) {
		t.Errorf("at first: %q", got)
	}
	session := newSession(t, site)
	first := site.Parts()[0]
	select {
	case <-first.Ended():
		t.Error("the part has ended before it began")
	default:
	}
	for range 2 { // twice: whoever reloads the page is no reason to panic
		get(t, session, strings.TrimSuffix(first.URL, "/")+"/k/done")
	}
	select {
	case <-first.Ended():
	case <-time.After(time.Minute):
		t.Fatal("the part did not end with its last request")
	}
	get(t, session, first.URL)
	got := Summary(site.Missing())
	if !strings.HasPrefix(got, "h2: document, by a link, ") || strings.Contains(got, "h2: everything") || strings.Contains(got, "typed") ||
		!strings.HasSuffix(got, "; connections: resumed, after a HelloRetryRequest, fresh") {
		t.Error(got)
	}
}

// The answers that the pages are built on.
func TestAnswers(t *testing.T) {
	site := newSite(t)
	session := newSession(t, site)
	base := strings.TrimSuffix(site.Parts()[0].URL, "/")
	for _, c := range []struct {
		path        string
		status      int
		contentType string
		last        string // path of the last hop
	}{
		{"/", 200, "text/html; charset=utf-8", "/"},
		{"/k/page.css", 200, "text/css", "/k/page.css"},
		{"/k/flow.js", 200, "text/javascript", "/k/flow.js"},
		{"/k/img1.png", 200, "image/png", "/k/img1.png"},
		{"/k/font.woff2", 404, "text/plain; charset=utf-8", "/k/font.woff2"},
		{"/k/sse", 200, "text/event-stream", "/k/sse"},
		{"/k/redir302-nav", 200, "text/html; charset=utf-8", "/k/after-redir302-nav"},
		{"/k/redir307-form", 200, "text/html; charset=utf-8", "/k/after-redir307-form"},
		{"/k/xredir-nav", 200, "text/html; charset=utf-8", "/k/after-xredir-nav"},
		{"/k/redir", 404, "text/plain; charset=utf-8", "/k/redir"},
		{"/k/redir200-x", 404, "text/plain; charset=utf-8", "/k/redir200-x"},
		{"/k/anything", 200, "application/json", "/k/anything"},
	} {
		resp, body := get(t, session, base+c.path)
		if resp.StatusCode != c.status || resp.Header.Get("Content-Type") != c.contentType || resp.Request == nil {
			t.Errorf("%s: %s, %q", c.path, resp.Status, resp.Header.Get("Content-Type"))
		}
		if c.status == 200 && body == "" {
			t.Errorf("%s: empty", c.path)
		}
	}
	if _, body := get(t, session, base+"/k/big"); len(body) != download {
		t.Errorf("the download has %d bytes", len(body))
	}
}

// A header block is put together from its frames, without padding and priority.
func TestBlock(t *testing.T) {
	frames := []mientest.Frame{
		{Type: frameHeaders, Stream: 1, Flags: flagEndHeaders, Payload: []byte("other")},
		{Type: frameHeaders, Stream: 3, Flags: flagPadded | flagPriority, Payload: []byte("\x02\x00\x00\x00\x00\xffab\x00\x00")},
		{Type: frameContinuation, Stream: 3, Flags: flagEndHeaders, Payload: []byte("cd")},
		{Type: frameHeaders, Stream: 3, Flags: flagEndHeaders, Payload: []byte("trailers")},
	}
	if got := string(block(frames, 3)); got != "abcd" {
		t.Errorf("%q", got)
	}
	for _, payload := range []string{"", "\xff", "\x09ab"} { // what is too short is no reason to panic
		block([]mientest.Frame{{Type: frameHeaders, Stream: 3, Flags: flagPadded | flagPriority | flagEndHeaders, Payload: []byte(payload)}}, 3)
	}
}

// A path cannot leave the folder that it names a file in.
func TestKindFile(t *testing.T) {
	for path, want := range map[string]string{
		"/": "navigate-initial", "/k/iframe": "iframe", "/k/etag.png?2": "etag.png", `/k/..\..\x`: ".._.._x",
		"/k/a:b\x00": "a_b_", "/k/" + strings.Repeat("a", 300): strings.Repeat("a", 60),
	} {
		if got := kindFile(path); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}

// What a browser prints is kept by its end.
func TestTail(t *testing.T) {
	var said tail
	for range 100 {
		fmt.Fprintln(&said, strings.Repeat("x", 100))
	}
	fmt.Fprintln(&said, "the end")
	if s := said.String(); len(s) > maxTail+2 || !strings.HasSuffix(s, "the end") {
		t.Errorf("%d bytes: %q", len(s), s[max(0, len(s)-50):])
	}
}
