package peers_test

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
)

const (
	smallText = "a small answer\n"
	// together is how many requests the application holds until all have come.
	together = 200
)

// largeBytes is the length of what is called large.
var largeBytes = func() int {
	if os.Getenv(liveEnv) != "" {
		return 8 << 20
	}
	return 1 << 20
}()

// large is a body that no coding makes smaller.
var large = sync.OnceValue(func() []byte {
	b := make([]byte, largeBytes)
	rand.NewChaCha8([32]byte{8}).Read(b)
	return b
})

// digest is how sums of bodies are told.
func digest(b []byte) string { return fmt.Sprintf("%x %d", sha256.Sum256(b), len(b)) }

// application is what servers have behind them and proxies before them:
//
//	/small, /large  constant content
//	/app/sum        the sum of what was sent, and its length
//	/app/hold       answered when as many as together are waiting for it
//	/app/who        the address that the request came from, its protocol and Via
//	/app/ws         a WebSocket that sends one message back
type application struct {
	mux http.ServeMux

	mu      sync.Mutex
	waiting []chan struct{} // guarded by mu; requests for /app/hold
}

func newApplication() *application {
	a := &application{}
	a.mux.HandleFunc("/small", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, smallText)
	})
	a.mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", fmt.Sprint(largeBytes))
		_, _ = w.Write(large())
	})
	a.mux.HandleFunc("/app/sum", func(w http.ResponseWriter, r *http.Request) {
		h := sha256.New()
		n, err := io.Copy(h, r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, "%x %d", h.Sum(nil), n)
	})
	a.mux.HandleFunc("/app/hold", a.hold)
	a.mux.HandleFunc("/app/who", func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		fmt.Fprintf(w, "%s %s %s", host, r.Proto, strings.Join(r.Header.Values("Via"), ", "))
	})
	a.mux.HandleFunc("/app/ws", echoMessage)
	return a
}

func (a *application) hold(_ http.ResponseWriter, r *http.Request) {
	mine := make(chan struct{})
	a.mu.Lock()
	a.waiting = append(a.waiting, mine)
	if len(a.waiting) == together {
		for _, w := range a.waiting {
			close(w)
		}
		a.waiting = nil
	}
	a.mu.Unlock()
	select {
	case <-mine:
	case <-r.Context().Done():
	}
}

func echoMessage(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true}) // a proxy may change Host
	if err != nil {
		return // answered
	}
	defer func() { _ = c.CloseNow() }()
	if typ, msg, err := c.Read(r.Context()); err == nil {
		_ = c.Write(r.Context(), typ, msg)
	}
	_ = c.Close(websocket.StatusNormalClosure, "")
}

// plain serves the application without TLS and returns its URL.
func (a *application) plain(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(&a.mux)
	t.Cleanup(s.Close)
	return s.URL
}

// secure serves it with TLS and HTTP/2 and returns its URL.
func (a *application) secure(t *testing.T, id *identity) string {
	t.Helper()
	s := httptest.NewUnstartedServer(&a.mux)
	s.EnableHTTP2 = true
	s.TLS = &tls.Config{Certificates: []tls.Certificate{id.Certificate}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}
