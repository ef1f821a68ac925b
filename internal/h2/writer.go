package h2

import (
	"net"
	"runtime"
	"time"

	"golang.org/x/net/http2"
)

const (
	// uploadRoom is how many queued bytes stop uploads from adding to them.
	uploadRoom = 128 << 10
	// maxQueued is how many bytes may wait for a peer that does not read.
	maxQueued = 4 << 20
	// maxReplies is how many answers to the peer's PING and SETTINGS may wait.
	maxReplies = 1000
	// keepBuffer is the largest write buffer that an idle connection keeps.
	keepBuffer = 4 << 10
)

// output is the queue of frames to be written. Its owner is the connection's
// mutex; the writing goroutine takes all of it at once.
type output struct {
	queue   []byte
	spare   []byte        // the buffer that was written last
	wake    chan struct{} // capacity 1; sent to when busy becomes true
	busy    bool          // the writing goroutine has been woken
	held    bool          // nothing goes out before the first request or Flush
	taken   int64         // bytes handed to the net.Conn so far
	replies int           // PING and SETTINGS acknowledgements in queue
	final   bool          // close the net.Conn when the queue is empty
	linger  bool          // but leave that to the reading goroutine
	closer  *time.Timer   // closes the net.Conn of a connection that failed
}

func (o *output) init() {
	o.wake = make(chan struct{}, 1)
	o.held = true
}

// at is the position in the connection's output of the next byte queued.
func (o *output) at() int64 { return o.taken + int64(len(o.queue)) }

// kick has the queue written. It never waits.
func (o *output) kick() {
	if o.held || o.busy {
		return
	}
	o.busy = true
	o.wake <- struct{}{}
}

// release ends the wait for the first request.
func (o *output) release() {
	o.held = false
	o.kick()
}

// discard drops what is queued and was not handed to the net.Conn.
func (o *output) discard() { o.queue = nil }

// finish has the queue written and nc closed after it.
func (o *output) finish(nc net.Conn, linger bool) {
	o.final, o.linger, o.held = true, linger, false
	o.closer = time.AfterFunc(closeGrace, func() { nc.Close() })
	o.kick()
}

// writeLoop is the writing goroutine: it hands all that is queued to the
// net.Conn in one Write, and again while there is more.
func (c *Conn) writeLoop() {
	defer c.exited()
	for range c.out.wake {
		// Whoever is ready to run adds frames before the queue is taken.
		runtime.Gosched()
		if !c.writeQueue() {
			break
		}
	}
	c.mu.Lock()
	linger := c.out.linger
	c.unlock()
	if !linger {
		c.nc.Close()
	}
}

// writeQueue writes until the queue is empty and reports whether the
// connection goes on.
func (c *Conn) writeQueue() bool {
	for {
		c.mu.Lock()
		buf := c.out.queue
		if len(buf) == 0 {
			c.out.busy = false
			if cap(c.out.spare) > keepBuffer && len(c.streams) == 0 {
				c.out.spare = nil
			}
			final := c.out.final
			c.mu.Unlock()
			return !final
		}
		c.out.queue, c.out.spare = c.out.spare[:0], nil
		c.out.taken += int64(len(buf))
		c.out.replies = 0
		c.mu.Unlock()

		_, err := c.nc.Write(buf)

		c.mu.Lock()
		c.out.spare = buf[:0]
		if err != nil {
			c.fail(&Error{Remote: true, Err: err})
			c.out.discard()
			c.out.linger = false
			c.unlock()
			return false
		}
		c.nextSender()
		c.unlock()
	}
}

// queued has what was appended to the queue written, and ends the connection
// if the peer lets too much pile up. mu is held.
func (c *Conn) queued() {
	if len(c.out.queue) > maxQueued {
		c.fail(&Error{Err: errPeerStalled})
		return
	}
	c.out.kick()
}

// reply queues the answer to a frame of the peer's. mu is held.
func (c *Conn) reply(add func([]byte) []byte) *Error {
	if c.out.replies++; c.out.replies > maxReplies {
		return localFault(http2.ErrCodeEnhanceYourCalm, "%d answers wait for a peer that does not read them", maxReplies)
	}
	c.out.queue = add(c.out.queue)
	c.queued()
	return nil
}
