package mientest

import (
	"bufio"
	"net"
	"net/http"
	"strconv"
)

// responder is the ResponseWriter of an HTTP/1.1 request. It notices when the
// last byte of a response of known length is about to be written, because the
// client may then send its next request before the handler has returned.
type responder struct {
	http.ResponseWriter
	conn *conn
	key  uint32

	// Owned by the handler's goroutine.
	started bool
	left    int64 // bytes of content to come; negative: unknown
}

func (w *responder) start() {
	if w.started {
		return
	}
	w.started, w.left = true, -1
	if n, err := strconv.ParseInt(w.Header().Get("Content-Length"), 10, 63); err == nil {
		w.left = n
	}
}

func (w *responder) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.start()
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *responder) Write(p []byte) (int, error) {
	w.start()
	if w.left >= 0 {
		if w.left -= int64(len(p)); w.left <= 0 {
			w.end()
			w.left = -1
		}
	}
	return w.ResponseWriter.Write(p)
}

func (w *responder) Flush() {
	w.start()
	if f, ok := w.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}

// Hijack implements http.Hijacker. What is read from then on is not HTTP.
func (w *responder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	nc, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.conn.mu.Lock()
		w.conn.raws = true
		w.conn.mu.Unlock()
	}
	return nc, rw, err
}

// Unwrap serves http.ResponseController.
func (w *responder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *responder) end() { w.conn.end(w.key) }
