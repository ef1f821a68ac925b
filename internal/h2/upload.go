package h2

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"

	"github.com/mien-http/mien/fingerprint"
)

// upload sends a request's content and trailers, in a goroutine of its own.
type upload struct {
	s     *stream
	body  io.ReadCloser // nil: trailers alone
	trace *httptrace.ClientTrace
	wake  chan struct{} // capacity 1: something below has changed
	left  int64         // declared bytes still to come, -1: not declared; owned by run
	once  sync.Once     // closes body

	// Guarded by the connection's mutex.

	stopped bool // the stream has no use for more
	reading bool // run is in the body's Read
	queued  bool // among the connection's senders
	waits   bool // for 100 Continue
}

// hasContent reports whether the request has anything after its header section.
func hasContent(req *http.Request) bool {
	return req.Body != nil && req.Body != http.NoBody || len(req.Trailer) > 0
}

func newUpload(s *stream, head *fingerprint.Head, trace *httptrace.ClientTrace) *upload {
	u := &upload{s: s, trace: trace, wake: make(chan struct{}, 1)}
	if s.req.Body != nil && s.req.Body != http.NoBody {
		u.body = s.req.Body
		if u.left = s.req.ContentLength; u.left == 0 {
			u.left = -1
		}
		for _, f := range head.Fields {
			if f.Name == "expect" && strings.EqualFold(f.Value, "100-continue") {
				u.waits = true
			}
		}
	}
	return u
}

// signal wakes run. The connection's mutex is held.
func (u *upload) signal() {
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

func (u *upload) closeBody() {
	if u.body != nil {
		u.once.Do(func() { u.body.Close() })
	}
}

// stopUpload ends the upload of s, if it runs. A Read that blocks in the body
// is interrupted by closing it. mu is held.
func (c *Conn) stopUpload(s *stream) {
	u := s.upload
	if u == nil || u.stopped {
		return
	}
	u.stopped = true
	c.send.removeSender(u)
	c.nextSender()
	u.signal()
	if u.reading {
		go u.closeBody()
	}
}

// run sends everything, or stops when the stream does.
func (u *upload) run() {
	defer u.closeBody()
	err := u.awaitContinue()
	if err == nil && u.body != nil {
		err = u.sendBody()
	}
	if err == nil {
		err = u.finish()
	}
	if err == errStopped {
		wroteRequest(u.trace, nil)
		return
	}
	if err != nil {
		c := u.s.c
		c.mu.Lock()
		c.abort(u.s, &Error{Stream: true, Err: err})
		c.unlock()
	}
	wroteRequest(u.trace, err)
}

// errStopped ends run without an error of its own.
var errStopped = errors.New("upload stopped")

// awaitContinue holds the content back until the peer asks for it, or does not
// answer.
func (u *upload) awaitContinue() error {
	c := u.s.c
	c.mu.Lock()
	waits := u.waits
	c.mu.Unlock()
	if !waits {
		return nil
	}
	if u.trace != nil && u.trace.Wait100Continue != nil {
		u.trace.Wait100Continue()
	}
	timer := time.NewTimer(c.cfg.ContinueTimeout)
	defer timer.Stop()
	for {
		var late bool
		select {
		case <-u.wake:
		case <-timer.C:
			late = true
		}
		c.mu.Lock()
		stopped, waits := u.stopped, u.waits
		c.mu.Unlock()
		switch {
		case stopped:
			return errStopped
		case late || !waits:
			return nil
		}
	}
}

// sendBody copies the body into DATA frames. The last of a body with a
// declared length ends the stream.
func (u *upload) sendBody() error {
	k := newChunk()
	defer k.free()
	for {
		n, err := u.read(k.data[:])
		if u.left >= 0 && int64(n) > u.left {
			return errBodyTooLong
		}
		if u.left > 0 {
			u.left -= int64(n)
		}
		if err == nil && u.left == 0 {
			// All that was declared is here: see whether it is the end before
			// the frame that says so is sent.
			var more [1]byte
			var extra int
			if extra, err = u.read(more[:]); extra > 0 {
				return errBodyTooLong
			}
		}
		if err != nil && err != io.EOF {
			return err
		}
		if err == io.EOF && u.left > 0 {
			return errBodyTooShort
		}
		last := err == io.EOF && len(u.s.req.Trailer) == 0
		if e := u.write(k.data[:n], last); e != nil {
			return e
		}
		if err == io.EOF {
			return nil
		}
	}
}

// read reads from the body, which another goroutine closes if the upload is
// stopped meanwhile.
func (u *upload) read(p []byte) (int, error) {
	c := u.s.c
	c.mu.Lock()
	stopped := u.stopped
	u.reading = !stopped
	c.mu.Unlock()
	if stopped {
		return 0, errStopped
	}
	n, err := u.body.Read(p)
	c.mu.Lock()
	u.reading = false
	stopped = u.stopped
	c.mu.Unlock()
	if stopped {
		return 0, errStopped
	}
	return n, err
}

// write queues p as DATA, as the windows allow. With last it ends the stream,
// for which an empty frame is sent if need be.
func (u *upload) write(p []byte, last bool) error {
	c, s := u.s.c, u.s
	for len(p) > 0 || last {
		c.mu.Lock()
		if u.stopped {
			c.mu.Unlock()
			return errStopped
		}
		room := int64(0)
		if s.send > 0 && c.send.myTurn(u) {
			room = min(s.send, c.sendable(), int64(c.peer.frameSize))
		}
		if room <= 0 && len(p) > 0 {
			if s.send > 0 {
				c.send.queueSender(u)
			} else {
				c.send.removeSender(u)
				c.nextSender()
			}
			c.mu.Unlock()
			<-u.wake
			continue
		}
		n := int(max(0, min(int64(len(p)), room)))
		ends := last && n == len(p)
		c.queueData(s, p[:n], ends)
		p = p[n:]
		c.send.removeSender(u)
		c.nextSender()
		c.unlock()
		if ends {
			return nil
		}
	}
	return nil
}

// queueData queues one DATA frame. mu is held.
func (c *Conn) queueData(s *stream, p []byte, ends bool) {
	var flags http2.Flags
	if ends {
		flags = http2.FlagDataEndStream
	}
	c.out.queue = appendFrame(c.out.queue, len(p), http2.FrameData, flags, s.id)
	c.out.queue = append(c.out.queue, p...)
	s.send -= int64(len(p))
	c.send.n -= int64(len(p))
	c.flood.sent()
	if ends {
		c.endLocal(s)
	}
	c.out.kick()
}

// finish sends the trailers, if the request has any.
func (u *upload) finish() error {
	if len(u.s.req.Trailer) == 0 {
		return nil
	}
	c := u.s.c
	c.mu.Lock()
	defer c.unlock()
	if u.stopped {
		return errStopped
	}
	c.queueTrailer(u.s)
	c.endLocal(u.s)
	c.queued()
	return nil
}
