package leak_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/mientest"
)

// site is one origin. The first label of the name that it is asked for tells
// what it does: reset-… ends the first handshake, dead-… every one.
type site struct {
	kind     string // h2, h1, plain or six
	listener *tapedListener
	origin   *mientest.Origin

	mu   sync.Mutex
	seen map[string]int // guarded by mu; handshakes, and requests for /lost, by name
	text []byte         // guarded by mu; contents, and what came behind an upgrade
}

// startSite listens at host.
func startSite(kind, host string) (*site, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, err
	}
	s := &site{kind: kind, listener: &tapedListener{Listener: l}, seen: make(map[string]int)}
	cfg := mientest.Config{
		Listener: s.listener, Plain: kind == "plain", Handler: http.HandlerFunc(s.answer),
		RecordFull: 1 << 20, RecordMax: 1 << 20,
	}
	switch kind {
	case "h2":
		cfg.Protocols = []string{"h2"}
	case "h1", "six":
		cfg.Protocols = []string{"http/1.1"}
	}
	if kind != "plain" {
		cfg.Hosts, cfg.Faults.Script = []string{host}, s.onHello
	}
	cfg.Faults.Request.Script = s.onRequest
	if s.origin, err = mientest.New(cfg); err != nil {
		l.Close()
		return nil, err
	}
	return s, nil
}

func (s *site) tapes() []*tape {
	s.listener.mu.Lock()
	defer s.listener.mu.Unlock()
	return slices.Clone(s.listener.tapes)
}

// first reports whether what is the first of its name.
func (s *site) first(what string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[what]++
	return s.seen[what] == 1
}

func (s *site) onHello(_ int, hello *fingerprint.ClientHello) mientest.Action {
	if hello == nil {
		return mientest.Action{}
	}
	name := hello.ServerName()
	if strings.HasPrefix(name, "dead-") || strings.HasPrefix(name, "reset-") && s.first(name) {
		return mientest.Action{End: mientest.RST}
	}
	return mientest.Action{}
}

// onRequest ends the connection of the first request of a host for /lost.
func (s *site) onRequest(_ int, r *http.Request) mientest.RequestAction {
	if r.URL.Path == "/lost" && s.first(r.Host+"/lost") {
		return mientest.RequestAction{End: mientest.FIN}
	}
	return mientest.RequestAction{}
}

// answer advertises HTTP/3, which would be UDP.
func (s *site) answer(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Alt-Svc", `h3=":443"; ma=86400`)
	switch r.URL.Path {
	case "/to":
		http.Redirect(w, r, r.URL.Query().Get("url"), http.StatusFound)
	case "/hang":
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	case "/echo":
		nc, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer nc.Close()
		fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_ = rw.Flush()
		_, _ = io.Copy(nc, io.TeeReader(rw, s))
	default:
		_, _ = io.Copy(s, r.Body)
		_, _ = io.WriteString(w, goodAnswer)
	}
}

// Write keeps what a client sent.
func (s *site) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text = append(s.text, p...)
	return len(p), nil
}

const goodAnswer = "of the origin"
