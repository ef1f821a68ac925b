package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mien-http/mien"
	origin "github.com/mien-http/mien/cmd/mien/internal/capture"
	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/fingerprint/capture"
	"github.com/mien-http/mien/internal/livetest"
)

// TestLiveCapture records an installed browser, of whatever version, makes a
// profile of the recording, sends the same requests to the same origins with it,
// and looks for a difference.
func TestLiveCapture(t *testing.T) {
	if os.Getenv(livetest.Whole) == "" {
		t.Skipf("it takes half a minute for each browser; %s=1 runs it", livetest.Whole)
	}
	for _, name := range []string{"chromium", "firefox-esr"} {
		t.Run(name, func(t *testing.T) {
			path := livetest.Program(t, name)
			site := visited(t, path)
			defer site.Close()
			theirs := recording(t, site)
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
			defer cancel()
			if missing := site.Missing(); len(missing) > 0 {
				t.Errorf("the browser did not send: %s", origin.Summary(missing))
			}
			p := learned(t, theirs)
			if len(p.Absent) > 0 {
				t.Errorf("kinds without a list: %v", p.Absent)
			}
			for _, d := range capture.DiffCapture(p, theirs) {
				t.Errorf("the profile and its own recording: %v", d)
			}
			m := mimic{t: t, site: site, browser: theirs, profile: p}
			m.sendAll(ctx)
			ours := without(recording(t, site), theirs)
			for _, d := range capture.DiffCapture(p, ours) {
				t.Errorf("the profile and what mien sent: %v", d)
			}
			m.compare(ours)
		})
	}
}

// visited is a site that the browser has been to. A browser that hangs as it
// starts says nothing of mien: it gets two more tries, each at a site of its own.
func visited(t *testing.T, path string) *origin.Site {
	t.Helper()
	for tries := 1; ; tries++ {
		site, err := origin.New(origin.Options{Fresh: 16, Resumed: 4})
		if err != nil {
			t.Fatal(err)
		}
		if err = visitAll(t, path, site); err == nil {
			return site
		}
		site.Close()
		if t.Log(err); tries == 3 {
			t.Fatal("the browser did not visit the site")
		}
	}
}

func visitAll(t *testing.T, path string, site *origin.Site) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	browser, err := origin.Find(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(browser.Version)
	for _, part := range site.Parts() {
		if err := browser.Visit(ctx, site, part); err != nil {
			return fmt.Errorf("%w; not sent: %s", err, origin.Summary(site.Missing()))
		}
	}
	return nil
}

func recording(t *testing.T, site *origin.Site) *capture.Capture {
	t.Helper()
	dir := t.TempDir()
	if err := site.WriteRaw(dir); err != nil {
		t.Fatal(err)
	}
	c, err := capture.Read(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// learned makes a profile of the recording, by way of a file.
func learned(t *testing.T, c *capture.Capture) *fingerprint.Profile {
	t.Helper()
	p, err := capture.Import(c, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := capture.Format(p)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "p.json")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	p, err = fingerprint.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// without leaves of a recording what came behind an earlier one.
func without(all, before *capture.Capture) *capture.Capture {
	out := &capture.Capture{}
	files := map[string]bool{}
	for _, h := range before.Hellos {
		files[h.File] = true
	}
	for _, h := range all.Hellos {
		if !files[h.File] {
			out.Hellos = append(out.Hellos, h)
		}
	}
	type conn struct{ run, conn string }
	conns := map[conn]bool{}
	for _, r := range before.Requests {
		conns[conn{r.Run, r.Conn}] = true
	}
	for _, f := range before.Frames {
		conns[conn{f.Run, f.Conn}] = true
	}
	for _, r := range all.Requests {
		if !conns[conn{r.Run, r.Conn}] {
			out.Requests = append(out.Requests, r)
		}
	}
	for _, f := range all.Frames {
		if !conns[conn{f.Run, f.Conn}] {
			out.Frames = append(out.Frames, f)
		}
	}
	return out
}

// mimic sends to a site what a browser has sent to it.
type mimic struct {
	t       *testing.T
	site    *origin.Site
	browser *capture.Capture
	profile *fingerprint.Profile
}

func (m *mimic) sendAll(ctx context.Context) {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(m.site.CertPEM())
	for _, part := range m.site.Parts() {
		// Without a window Chromium calls itself another name; whoever wants that
		// can have it.
		s, err := mien.New(mien.Config{
			Profile: m.profile, TLS: &tls.Config{RootCAs: pool}, Resolver: allLoopback{},
			Header: http.Header{"User-Agent": {m.seen("User-Agent")}},
			Limits: mien.Limits{BrowserConns: true},
		})
		if err != nil {
			m.t.Fatal(err)
		}
		base, err := url.Parse(part.URL)
		if err != nil {
			m.t.Fatal(err)
		}
		if part.Name == "hello" {
			for _, o := range m.site.Connections() {
				for range 4 {
					r := sent{host: home, method: "GET", path: "/k/connection"}
					r.send(ctx, m.t, s, o, "")
				}
			}
		} else {
			for _, r := range imitated {
				r.send(ctx, m.t, s, base, m.seen("Sec-WebSocket-Extensions"))
			}
		}
		if err := s.Close(); err != nil {
			m.t.Error(err)
		}
	}
}

// seen is what the browser sent in a field.
func (m *mimic) seen(name string) string {
	for _, r := range m.browser.Requests {
		for _, f := range r.Fields {
			if strings.EqualFold(f.Name, name) {
				return f.Value
			}
		}
	}
	return ""
}

// compare holds each request of ours to the browser's of the same name.
func (m *mimic) compare(ours *capture.Capture) {
	for i := range ours.Requests {
		got := &ours.Requests[i]
		j := slices.IndexFunc(m.browser.Requests, func(r capture.Request) bool {
			return r.Run == got.Run && r.Host == got.Host && r.Method == got.Method && r.Path == got.Path
		})
		if got.Run == "h2-full" && got.Wire == fingerprint.OverHTTP1 {
			continue // the origin resets the WebSocket that it offers to take; mien then tries what always works
		}
		where := fmt.Sprintf("%s over %s: %s %s", got.Run, got.Wire, got.Method, got.Path)
		if j < 0 {
			m.t.Errorf("%s: the browser sent none", where)
			continue
		}
		want := &m.browser.Requests[j]
		if a, b := written(got), written(want); a != b {
			m.t.Errorf("%s\nmien:\n%s\nbrowser:\n%s", where, a, b)
		}
		if got.Path == "/" && got.Wire == fingerprint.OverHTTP2 && !bytes.Equal(fields(got.Block), fields(want.Block)) {
			m.t.Errorf("%s: the header blocks differ:\n%x\n%x", where, got.Block, want.Block)
		}
	}
	for _, wire := range []fingerprint.Wire{fingerprint.OverHTTP2, fingerprint.OverHTTP1, fingerprint.OverCleartext} {
		n := 0
		for _, r := range ours.Requests {
			if r.Wire == wire {
				n++
			}
		}
		if n < len(imitated)-1 { // the WebSocket over HTTP/2 may go over HTTP/1.1
			m.t.Errorf("%d requests over %s", n, wire)
		}
	}
	theirs := m.literals(m.browser)
	for field, how := range m.literals(ours) {
		if want, ok := theirs[field]; ok && how != want {
			m.t.Errorf("HPACK of %s: %s: mien %s, browser %s", field.Name, field.Value, how, want)
		}
	}
	if a, b := retried(ours), retried(m.browser); a != b {
		m.t.Errorf("after a HelloRetryRequest: mien %s, browser %s", a, b)
	}
	if !slices.ContainsFunc(ours.Hellos, func(h capture.Hello) bool { return h.Hello.HasPSK() && !h.AfterRetry }) {
		m.t.Error("mien resumed no session")
	}
}

// literals says how each field that a header block spells out is written.
func (m *mimic) literals(c *capture.Capture) map[fingerprint.HeaderField]string {
	requests := slices.Clone(c.Requests)
	slices.SortStableFunc(requests, func(a, b capture.Request) int {
		return cmp.Or(strings.Compare(a.Conn, b.Conn), cmp.Compare(a.Stream, b.Stream))
	})
	out := map[fingerprint.HeaderField]string{}
	decoders := map[string]*fingerprint.HPACKDecoder{}
	for _, r := range requests {
		if r.Wire != fingerprint.OverHTTP2 {
			continue
		}
		d := decoders[r.Conn]
		if d == nil {
			d = &fingerprint.HPACKDecoder{MaxTableSize: 1 << 20}
			decoders[r.Conn] = d
		}
		fields, err := d.Decode(r.Block)
		if err != nil {
			m.t.Errorf("%s %s: %v", r.Conn, r.Path, err)
			continue
		}
		for _, f := range fields {
			if f.Representation != fingerprint.HPACKIndexed {
				out[fingerprint.HeaderField{Name: f.Name, Value: f.Value}] = fmt.Sprintf("%s, huffman %t", f.Representation, f.ValueHuffman)
			}
		}
	}
	if len(out) < 10 {
		m.t.Errorf("%d fields are spelled out", len(out))
	}
	return out
}

// written is a request as it stands on the wire, with what is drawn at random or
// chosen by the caller left out.
func written(r *capture.Request) string {
	var b strings.Builder
	for _, f := range r.Fields {
		if strings.EqualFold(f.Name, "Sec-WebSocket-Key") {
			f.Value = ""
		}
		fmt.Fprintf(&b, "  %s: %s\n", f.Name, f.Value)
	}
	fmt.Fprintf(&b, "  (weight %d, exclusive %t)", r.Priority.Weight, r.Priority.Exclusive)
	return b.String()
}

// fields is a header block without the changes of the table's size before it: they
// answer SETTINGS, which come before the first request or behind it.
func fields(block []byte) []byte {
	for len(block) > 0 && block[0]&0xe0 == 0x20 {
		n := 1
		if block[0]&0x1f == 0x1f { // the integer goes on (RFC 7541 §5.1)
			for n < len(block) && block[n]&0x80 != 0 {
				n++
			}
			n++
		}
		block = block[min(n, len(block)):]
	}
	return block
}

// retried are the JA4 digests of hellos after a HelloRetryRequest, each once.
func retried(c *capture.Capture) string {
	var all []string
	for _, h := range c.Hellos {
		if h.AfterRetry && !slices.Contains(all, h.Hello.JA4()) {
			all = append(all, h.Hello.JA4())
		}
	}
	return strings.Join(all, " ")
}
