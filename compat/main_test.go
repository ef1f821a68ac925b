package compat_test

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wires are the ways a browser speaks to an origin.
var wires = []struct {
	name   string
	proto  string // as the origin names it
	origin mientest.Config
}{
	{"h2", "h2", mientest.Config{}}, // and http/1.1 for upgrades
	{"h1", "http/1.1", mientest.Config{Protocols: []string{"http/1.1"}}},
	{"cleartext", "http/1.1", mientest.Config{Plain: true}},
}

// onEachWire runs test against h on each of wires, with a session of its own.
func onEachWire(t *testing.T, h http.Handler, test func(t *testing.T, s *mien.Session, o *mientest.Origin)) {
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			cfg := w.origin
			cfg.Handler = h
			o := newOrigin(t, cfg)
			test(t, newSession(t, mien.Config{}), o)
			if c := o.Connections(); len(c) > 0 && c[0].Protocol != w.proto {
				t.Errorf("the origin was not spoken to by %s", w.proto)
			}
		})
	}
}

// newOrigin starts an origin that the test's end closes.
func newOrigin(t testing.TB, cfg mientest.Config) *mientest.Origin {
	t.Helper()
	o, err := mientest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

// newSession makes a session that trusts mientest's origins. At the end of the
// test nothing of it may be in use, then it is closed.
func newSession(t testing.TB, cfg mien.Config) *mien.Session {
	t.Helper()
	if cfg.TLS == nil {
		o, err := mientest.New(mientest.Config{Plain: true})
		check(t, err)
		cfg.TLS = &tls.Config{RootCAs: o.CertPool()}
		o.Close()
	}
	s, err := mien.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		eventually(t, "no request is in flight", func() bool { return s.Stats().InFlight == 0 })
		_ = s.Close()
		if n := s.Stats().Sockets; n != 0 {
			t.Errorf("%d sockets are open after Close", n)
		}
	})
	return s
}

// eventually waits for what other goroutines are about to do.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	limit := time.After(time.Minute)
	for !done() {
		select {
		case <-tick.C:
		case <-limit:
			t.Errorf("not within a minute: %s", what)
			return
		}
	}
}

// timeout is a context that only a test that hangs comes to the end of.
func timeout(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// named is the origin's URL by name, as people write it.
func named(o *mientest.Origin) string {
	return strings.Replace(o.URL, "127.0.0.1", "localhost", 1)
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func readAll(t testing.TB, resp *http.Response) string {
	t.Helper()
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	check(t, err)
	return string(b)
}

// junk are n bytes that do not compress into nothing and tell their place.
func junk(n int) []byte {
	b := make([]byte, n)
	x := uint32(2463534242)
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = byte(x)
	}
	return b
}

// browserFields takes away the fields that a library sets by itself, so that
// the profile's are sent. It goes between the library and the session.
type browserFields struct{ next http.RoundTripper }

func (b browserFields) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	for _, name := range []string{"User-Agent", "Accept-Encoding"} {
		req.Header.Del(name)
	}
	if req.Header.Get("Accept") == "*/*" { // which makes a fetch of a page
		req.Header.Del("Accept")
	}
	return b.next.RoundTrip(req)
}

// asBrowser is the session's client with browserFields.
func asBrowser(s *mien.Session) *http.Client {
	c := s.Client()
	c.Transport = browserFields{c.Transport}
	return c
}
