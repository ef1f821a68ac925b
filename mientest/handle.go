package mientest

import (
	"context"
	"encoding/binary"
	"net/http"
	"strconv"
	"time"
)

// exchangeKey is the context key of a request's *exchange, connKey that of the
// connection.
type (
	exchangeKey struct{}
	connKey     struct{}
)

// serveHTTP is the handler of both HTTP servers.
func (o *Origin) serveHTTP(w http.ResponseWriter, r *http.Request) {
	if !o.work.enter() {
		panic(http.ErrAbortHandler)
	}
	defer o.work.leave()
	c, _ := r.Context().Value(connKey{}).(*conn)
	ex, key := c.take(r)
	if c.h1 != nil {
		res := &responder{ResponseWriter: w, conn: c, key: key}
		defer res.end()
		w = res
	}
	if ex != nil {
		r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, ex))
		c.ignoreAfterGoAway(ex.req.Stream)
		if script := o.cfg.Faults.Request.Script; script != nil && c.apply(ex, w, r, script(ex.req.Number, r)) {
			return
		}
	}
	o.handler.ServeHTTP(w, r)
}

// apply does what a script wants and reports whether that was the answer.
func (c *conn) apply(ex *exchange, w http.ResponseWriter, r *http.Request, a RequestAction) bool {
	if a.Delay > 0 {
		timer := time.NewTimer(a.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
		case <-c.origin.done:
		}
	}
	h2 := c.wr != nil
	switch {
	case a.End == RST, a.Reset && !h2:
		c.abort(RST)
	case a.End != "", a.GoAway != nil && !h2:
		c.abort(FIN)
	case a.GoAway != nil:
		c.sendGoAway(*a.GoAway)
		c.ignoreAfterGoAway(ex.req.Stream)
		return false
	case a.Reset:
		c.wr.reset(ex.req.Stream, a.ResetCode)
		panic(http.ErrAbortHandler) // http2.Server sends RST_STREAM, h2Writer puts the code in
	case a.Status != 0:
		w.Header().Set("Content-Length", strconv.Itoa(0))
		w.WriteHeader(a.Status)
	default:
		return false
	}
	return true
}

// abort ends the connection and the handler that runs on it.
func (c *conn) abort(e Ending) {
	c.kill(e)
	panic(http.ErrAbortHandler)
}

// sendGoAway has a GOAWAY frame written with the next frames of the connection.
func (c *conn) sendGoAway(g GoAway) {
	payload := binary.BigEndian.AppendUint32(nil, g.LastStream)
	payload = binary.BigEndian.AppendUint32(payload, g.Code)
	payload = append(payload, g.Debug...)
	c.wr.add(appendFrame(nil, frameGoAway, 0, 0, payload))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.goAway = &g
}

// ignoreAfterGoAway ends the handler of a stream that a GOAWAY left out,
// without a word to the client.
func (c *conn) ignoreAfterGoAway(stream uint32) {
	c.mu.Lock()
	left := c.goAway != nil && stream > c.goAway.LastStream
	c.mu.Unlock()
	if left {
		c.wr.ignore(stream)
		panic(http.ErrAbortHandler)
	}
}

// EndConnection ends the connection of a request at once, by FIN or RST, with
// whatever of the response has been written so far; a handler flushes first
// what is to arrive; over HTTP/2 that may be lost all the same, because the server
// below writes it a moment after Flush has returned. The handler should return
// then. It reports false if r is not a request of an [Origin].
func EndConnection(r *http.Request, how Ending) bool {
	ex, ok := r.Context().Value(exchangeKey{}).(*exchange)
	if !ok || how != FIN && how != RST {
		return false
	}
	ex.conn.kill(how)
	return true
}
