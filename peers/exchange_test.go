package peers_test

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"sync"
	"testing"

	"github.com/mien-http/mien"
)

// exchange is what is done with a server over one wire.
type exchange struct {
	server
	config mien.Config
	url    string
	proto  string // of the responses
	secure bool
}

func (x *exchange) client(t *testing.T) *client { return newClient(t, x.config) }

// sum posts body to where its digest comes back, and returns it.
func (x *exchange) sum(c *client, body io.Reader) string {
	c.t.Helper()
	if x.echoes {
		_, b := c.fetch(http.MethodPost, x.url+"/small", body)
		return digest(b)
	}
	_, b := c.fetch(http.MethodPost, x.url+"/app/sum", body)
	return string(b)
}

func (x *exchange) methods(t *testing.T) {
	c := x.client(t)
	resp, b := c.fetch(http.MethodGet, x.url+"/small", nil)
	if string(b) != smallText || resp.Proto != x.proto {
		t.Errorf("GET over %s: %q", resp.Proto, b)
	}
	if x.secure && (resp.TLS == nil || len(resp.TLS.VerifiedChains) == 0 || resp.TLS.DidResume) {
		t.Errorf("TLS state %+v", resp.TLS)
	}
	if got := resp.Trailer.Get("X-Trailer"); got != x.trailer {
		t.Errorf("trailer %q, want %q", got, x.trailer)
	}
	resp, b = c.fetch(http.MethodHead, x.url+"/large", nil)
	if len(b) != 0 || resp.ContentLength != int64(largeBytes) {
		t.Errorf("HEAD: length %d with %d bytes", resp.ContentLength, len(b))
	}
	post := []byte("name=value&empty=")
	if got := x.sum(c, bytes.NewReader(post)); got != digest(post) {
		t.Errorf("POST: %s", got)
	}
	if got := x.sum(c, http.NoBody); got != digest(nil) {
		t.Errorf("POST of nothing: %s", got)
	}
}

func (x *exchange) reuse(t *testing.T) {
	c := x.client(t)
	const rounds = 40
	for i := range rounds {
		if _, b := c.fetch(http.MethodGet, x.url+"/small", nil); string(b) != smallText {
			t.Fatalf("round %d: %q", i, b)
		}
		body := []byte(strconv.Itoa(i))
		if got := x.sum(c, bytes.NewReader(body)); got != digest(body) {
			t.Fatalf("round %d: POST: %s", i, got)
		}
	}
	if n := c.opened.Load(); (n != 1) != x.moves {
		t.Errorf("%d connections for %d requests", n, 2*rounds)
	}
}

func (x *exchange) large(t *testing.T) {
	c := x.client(t)
	want := digest(large())
	if _, b := c.fetch(http.MethodGet, x.url+"/large", nil); digest(b) != want {
		t.Errorf("down: %s, want %s", digest(b), want)
	}
	if got := x.sum(c, bytes.NewReader(large())); got != want {
		t.Errorf("up: %s, want %s", got, want)
	}
	if got := x.sum(c, io.MultiReader(bytes.NewReader(large()))); got != want {
		t.Errorf("up, length not told: %s, want %s", got, want)
	}
}

// abandon leaves a download in its middle. The connection outlives that where
// the protocol can say so.
func (x *exchange) abandon(t *testing.T) {
	c := x.client(t)
	for range 3 {
		resp, err := c.send(http.MethodGet, x.url+"/large", nil)
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 64<<10)
		if _, err := io.ReadFull(resp.Body, b); err != nil || !bytes.Equal(b, large()[:len(b)]) {
			t.Fatalf("the beginning of the download: %v", err)
		}
		resp.Body.Close()
		if _, b := c.fetch(http.MethodGet, x.url+"/small", nil); string(b) != smallText {
			t.Fatalf("after it: %q", b)
		}
	}
	if n := c.opened.Load(); x.proto == "HTTP/2.0" && !x.moves && n != 1 {
		t.Errorf("%d connections", n)
	}
}

// together has many requests in flight at once, which the application shows by
// answering none before all have come.
func (x *exchange) together(t *testing.T) {
	c := x.client(t)
	path := "/app/hold"
	if x.echoes || x.moves {
		path = "/small" // what is held would keep those away that move
	}
	var all sync.WaitGroup
	for range together {
		all.Go(func() {
			resp, err := c.send(http.MethodGet, x.url+path, nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if b, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
				t.Errorf("status %s: %.200q, %v", resp.Status, b, err)
			}
		})
	}
	all.Wait()
	n := c.opened.Load()
	switch fewest := int64((together + x.streams - 1) / x.streams); {
	case x.moves || x.echoes:
		// Any number will do.
	case x.proto == "HTTP/2.0" && n != fewest:
		t.Errorf("%d connections of %d streams", n, x.streams)
	case x.proto != "HTTP/2.0" && n != together:
		t.Errorf("%d connections", n)
	}
	if st := c.Stats(); st.InFlight != 0 || st.Failed != 0 {
		t.Errorf("%d in flight, %d failed", st.InFlight, st.Failed)
	}
}

// resume comes back again and again, as a browser does. A server gives two
// tickets to who is new, and most give another one to who comes with a ticket.
func (x *exchange) resume(t *testing.T) {
	c := x.client(t)
	want := []bool{false, true, true, true, true}
	if x.once {
		want[3] = false
	}
	if x.retries && x.config.Profile.Browser.Engine == "blink" {
		want = make([]bool, 5)
	}
	for i, resumed := range want {
		resp, b := c.fetch(http.MethodGet, x.url+"/small", nil)
		if string(b) != smallText {
			t.Fatalf("%q", b)
		}
		if n := c.opened.Load(); resp.TLS.DidResume != resumed || n != int64(i+1) {
			t.Errorf("connection %d for request %d: resumed %v, want %v", n, i+1, resp.TLS.DidResume, resumed)
		}
		if len(resp.TLS.VerifiedChains) == 0 {
			t.Errorf("connection %d is not verified", i+1)
		}
		c.CloseIdleConnections()
	}
}
