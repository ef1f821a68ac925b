package h2

import (
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
)

// ping looks after a peer that has gone silent, if Config.PingAfter asks for
// it. Its owner is the connection's mutex, but for last.
type ping struct {
	last    atomic.Int64 // when something was received, in nanoseconds since epoch
	epoch   time.Time    // written once
	timer   *time.Timer
	waiting bool // for an answer
}

// start is called before anybody else knows the connection.
func (p *ping) start(c *Conn) {
	if c.cfg.PingAfter <= 0 {
		return
	}
	p.epoch = time.Now()
	p.timer = time.AfterFunc(c.cfg.PingAfter, c.checkPeer)
}

func (p *ping) stop() {
	if p.timer != nil {
		p.timer.Stop()
	}
}

// seen notes that the peer lives.
func (p *ping) seen(c *Conn) {
	if c.cfg.PingAfter > 0 {
		p.last.Store(int64(time.Since(p.epoch)))
	}
}

// checkPeer sends a PING where nothing came for PingAfter, and fails the
// connection where nothing came for PingTimeout after that.
func (c *Conn) checkPeer() {
	c.mu.Lock()
	defer c.unlock()
	p := &c.ping
	silent := time.Since(p.epoch) - time.Duration(p.last.Load())
	switch {
	case c.err != nil:
		return
	case silent < c.cfg.PingAfter:
		p.waiting = false
		p.timer.Reset(c.cfg.PingAfter - silent)
	case !p.waiting:
		p.waiting = true
		if !c.out.held {
			c.out.queue = appendPing(c.out.queue, 0, [8]byte{})
			c.queued()
		}
		p.timer.Reset(c.cfg.PingTimeout)
	case c.out.held:
		p.timer.Reset(c.cfg.PingAfter) // nothing was asked of the peer yet
	default:
		c.fail(&Error{Remote: true, Err: errPingTimeout})
	}
}

// onPing handles PING (RFC 9113 §6.7).
func (c *Conn) onPing(f *http2.PingFrame) *Error {
	c.mu.Lock()
	defer c.unlock()
	if e := c.flood.count(f.FrameHeader); e != nil {
		return e
	}
	if f.IsAck() {
		return nil
	}
	return c.reply(func(b []byte) []byte { return appendPing(b, http2.FlagPingAck, f.Data) })
}
