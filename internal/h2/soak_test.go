package h2

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mien-http/mien/fingerprint"
)

// noise is content that differs everywhere, so that a byte out of place shows.
func noise(n int) []byte {
	p := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(p)
	return p
}

// slowReader reads a little at a time.
type slowReader struct{ r io.Reader }

func (s slowReader) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), 1000)]) }

// TestLargeBodies: 10 MiB down and up on one stream, 1 MiB on 64 at once, some
// of them read in small pieces.
func TestLargeBodies(t *testing.T) {
	for name, profile := range map[string]*fingerprint.HTTP2{"chromium": chromium(), "firefox": firefox()} {
		t.Run(name+" 1", func(t *testing.T) { testBodies(t, profile, 1, 10<<20) })
		t.Run(name+" 64", func(t *testing.T) { testBodies(t, profile, 64, 1<<20) })
	}
}

func testBodies(t *testing.T, profile *fingerprint.HTTP2, streams, size int) {
	if raceEnabled {
		size /= 4
	}
	content := noise(size)
	sum := fmt.Sprintf("%x", sha256.Sum256(content))
	c := serve(t, profile, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "GET" {
			w.Write(content)
			return
		}
		h := sha256.New()
		n, err := io.Copy(h, r.Body)
		fmt.Fprintf(w, "%x %d %v", h.Sum(nil), n, err)
	})
	var all sync.WaitGroup
	for i := range streams {
		all.Go(func() {
			req := newRequest(t, "GET", "https://example.com/", nil)
			resp, err := c.RoundTrip(req, headOf(req))
			if err != nil {
				t.Errorf("down: %v", err)
				return
			}
			var r io.Reader = resp.Body
			if i%4 == 0 {
				r = slowReader{r}
			}
			h := sha256.New()
			n, err := io.Copy(h, r)
			if got := fmt.Sprintf("%x", h.Sum(nil)); err != nil || got != sum {
				t.Errorf("down: %d bytes, %v", n, err)
			}
		})
		all.Go(func() {
			req := newRequest(t, "POST", "https://example.com/", bytes.NewReader(content))
			resp, err := c.RoundTrip(req, headOf(req))
			if err != nil {
				t.Errorf("up: %v", err)
				return
			}
			b, err := io.ReadAll(resp.Body)
			if want := fmt.Sprintf("%s %d <nil>", sum, size); err != nil || string(b) != want {
				t.Errorf("up: %q, %v", b, err)
			}
		})
	}
	all.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.recv.n+c.recv.owed != c.windows.conn || len(c.send.senders) != 0 || len(c.streams) != 0 || c.slots.open != 0 {
		t.Errorf("window %d, owed %d, of %d; %d senders, %d streams", c.recv.n, c.recv.owed, c.windows.conn, len(c.send.senders), len(c.streams))
	}
}

// TestCancellations: 64 goroutines whose requests are given up at random
// points: 10,000 under the race detector, or as many as MIEN_SOAK says.
func TestCancellations(t *testing.T) {
	requests, longest := 2000, 150
	if raceEnabled {
		// As many whole responses need more time under the race detector.
		requests, longest = 10_000, 600
	}
	if n, err := strconv.Atoi(os.Getenv("MIEN_SOAK")); err == nil {
		requests = n
	}
	content := noise(100 << 10)
	handler := func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(200)
		for i := 0; i < len(content); i += 10 << 10 {
			if _, err := w.Write(content[i : i+10<<10]); err != nil {
				return
			}
			w.(http.Flusher).Flush()
		}
	}
	var mu sync.Mutex
	conns := []*Conn{serve(t, chromium(), handler)}
	conn := func() *Conn {
		mu.Lock()
		defer mu.Unlock()
		c := conns[len(conns)-1]
		if c.Closing() { // too many cancelled at once
			c = serve(t, chromium(), handler)
			conns = append(conns, c)
		}
		return c
	}
	var left atomic.Int64
	left.Store(int64(requests))
	var whole, ended atomic.Int64
	var all sync.WaitGroup
	for g := range 64 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(g), 1))
			for left.Add(-1) >= 0 {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(random.IntN(longest))*time.Millisecond)
				var body io.Reader
				if random.IntN(2) == 0 {
					body = bytes.NewReader(content[:random.IntN(len(content))])
				}
				req, _ := http.NewRequestWithContext(ctx, "POST", "https://example.com/", body)
				resp, err := conn().RoundTrip(req, headOf(req))
				var got []byte
				if err == nil {
					if random.IntN(8) > 0 {
						got, err = io.ReadAll(resp.Body)
					}
					resp.Body.Close()
				}
				var e *Error
				switch {
				case err == nil && len(got) > 0:
					whole.Add(1)
					if !bytes.Equal(got, content) {
						t.Errorf("got %d bytes", len(got))
					}
				case err != nil && !errors.As(err, &e):
					t.Errorf("error %v", err)
				case err != nil:
					ended.Add(1)
				}
				cancel()
			}
		})
	}
	all.Wait()
	t.Logf("%d whole, %d given up, %d connections", whole.Load(), ended.Load(), len(conns))
	for _, c := range conns {
		c.Close()
		<-c.Done()
		c.mu.Lock()
		if len(c.streams) != 0 || c.slots.open != 0 || c.slots.granted != 0 || len(c.resets.waiting) != 0 {
			t.Errorf("%d streams, %+v, %d resets left", len(c.streams), c.slots, len(c.resets.waiting))
		}
		c.mu.Unlock()
	}
}
