package mien_test

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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

// newSession makes a session that trusts mientest's origins.
func newSession(t testing.TB, cfg mien.Config) *mien.Session {
	t.Helper()
	if cfg.TLS == nil {
		cfg.TLS = &tls.Config{RootCAs: caPool(t)}
	}
	s, err := mien.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// get sends a GET and reads the whole answer.
func get(t testing.TB, s *mien.Session, url string) (*http.Response, string) {
	t.Helper()
	resp, err := s.Get(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	return resp, readAll(t, resp)
}

func readAll(t testing.TB, resp *http.Response) string {
	t.Helper()
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func request(t testing.TB, method, url string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// protocol is what the origins of a test speak.
type protocol struct {
	name string
	alpn []string
	wire string
}

var protocols = []protocol{
	{"h2", []string{"h2"}, "HTTP/2.0"},
	{"h1", []string{"http/1.1"}, "HTTP/1.1"},
}

// named is the origin's URL by name: browsers send no server_name for an address.
func named(origin *mientest.Origin) string {
	return strings.Replace(origin.URL, "127.0.0.1", "localhost", 1)
}
