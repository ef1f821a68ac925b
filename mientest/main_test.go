package mientest

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/net/http2"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newOrigin starts an origin that ends with the test.
func newOrigin(t testing.TB, cfg Config) *Origin {
	t.Helper()
	o, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

// h1Client returns a net/http client that speaks HTTP/1.1.
func h1Client(t testing.TB, o *Origin) *http.Client {
	tr := &http.Transport{TLSClientConfig: o.ClientTLS(), TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// h2Client returns a client over golang.org/x/net/http2's transport.
func h2Client(t testing.TB, o *Origin) *http.Client {
	tr := &http2.Transport{TLSClientConfig: o.ClientTLS()}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// get returns status and body of a GET.
func get(t testing.TB, c *http.Client, url string) (int, string) {
	t.Helper()
	res, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// dial does one handshake with crypto/tls and closes the connection, once the
// origin is known to have finished the handshake as well.
func dial(o *Origin, cfg *tls.Config) error {
	nc, err := net.Dial("tcp", o.Addr().String())
	if err != nil {
		return err
	}
	if cfg == nil {
		cfg = o.ClientTLS()
		cfg.ServerName = "example.com"
	}
	c := tls.Client(nc, cfg)
	defer c.Close()
	if err := c.Handshake(); err != nil {
		return err
	}
	if err := c.CloseWrite(); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, c)
	return err
}
