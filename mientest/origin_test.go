package mientest

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestPeaks(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		var arrived sync.WaitGroup
		const n = 60
		arrived.Add(n)
		release := make(chan struct{})
		o := newOrigin(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/alone" {
				arrived.Done()
				<-release
			}
			w.Header().Set("Content-Length", "100000")
			w.Write(make([]byte, 100_000))
		})})
		client := h1Client(t, o)
		if h2 {
			client = h2Client(t, o)
		}
		for range 100 { // one at a time is never seen as two, though the handler may be slower than the client
			get(t, client, o.URL+"/alone")
		}
		if got := o.Counters().PeakRequests; got != 1 {
			t.Errorf("h2 %v: peak %d of one request at a time", h2, got)
		}
		var wg sync.WaitGroup
		for range n {
			wg.Go(func() { get(t, client, o.URL) })
		}
		arrived.Wait()
		close(release)
		wg.Wait()
		if got := o.Counters().PeakRequests; got != n {
			t.Errorf("h2 %v: peak %d, want %d", h2, got, n)
		}
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, share := range []float64{0, 0.5} {
			o := newOrigin(t, Config{
				TLS:    &tls.Config{MaxVersion: version, CurvePreferences: []tls.CurveID{tls.CurveP384}},
				Faults: Faults{Handshake: HandshakeFaults{Share: share}},
			})
			for range 40 {
				nc, err := net.Dial("tcp", o.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				cfg := o.ClientTLS()
				cfg.ServerName = "localhost"
				defer nc.Close()
				tls.Client(nc, cfg).Handshake() // and on at once to the next
			}
			if got := o.Counters().PeakHandshakes; got != 1 {
				t.Errorf("version %#x, share %v: peak %d of one handshake at a time", version, share, got)
			}
		}
	}
}

func TestUpgrade(t *testing.T) {
	o := newOrigin(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		nc, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer nc.Close()
		rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		rw.Flush()
		line, _ := rw.ReadString('\n')
		rw.WriteString(line)
		rw.Flush()
		io.Copy(io.Discard, rw)
	})})
	c, r := h1Dial(t, o)
	io.WriteString(c, "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	if res, err := http.ReadResponse(r, nil); err != nil || res.StatusCode != 101 {
		t.Fatal(res, err)
	}
	io.WriteString(c, "GET / HTTP/1.1\r\n")
	if line, err := r.ReadString('\n'); line != "GET / HTTP/1.1\r\n" {
		t.Errorf("echoed %q, %v", line, err)
	}
	io.WriteString(c, "\r\n")
	o.Close() // ends the hijacked connection and its handler
	if n := len(o.Requests()); n != 1 {
		t.Errorf("%d requests recorded, want the upgrade alone", n)
	}
}

func TestErrorLogAndClose(t *testing.T) {
	logged := make(chan string, 100)
	o := newOrigin(t, Config{
		ErrorLog: log.New(writerFunc(func(p []byte) (int, error) {
			logged <- string(p)
			return len(p), nil
		}), "", 0),
		Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a bug in a handler") }),
	})
	for _, client := range []*http.Client{h1Client(t, o), h2Client(t, o)} {
		if _, err := client.Get(o.URL); err == nil {
			t.Error("a handler that panicked answered")
		}
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(o.Close)
	}
	wg.Wait()
	for panics := 0; panics < 2; { // the servers log behind the connection's end
		select {
		case text := <-logged:
			panics += strings.Count(text, "a bug in a handler")
		case <-time.After(time.Minute):
			t.Fatalf("%d panics were logged", panics)
		}
	}
	if _, err := net.Dial("tcp", o.Addr().String()); err == nil {
		t.Error("a closed origin takes connections")
	}
}

// writerFunc is a function as an io.Writer.
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
