package mientest

import (
	"crypto/tls"
	"io"
	"time"

	"github.com/mien-http/mien/fingerprint"
)

// handshake takes c through TLS, or breaks it as the faults demand. It reports
// the protocol, and false if c carries no HTTP; c is closed then.
func (o *Origin) handshake(c *conn) (proto string, ok bool) {
	o.rec.count(func(n *Counters) { n.Handshakes++ })
	running := false
	stop := func() {
		if running {
			running = false
			o.rec.handshake(-1)
		}
	}
	defer stop()
	faults := o.cfg.Faults
	if faults.Handshake.When == BeforeHello {
		if e := o.killer.next(); e != "" {
			o.killed(c, Action{End: e}, stop)
			return "", false
		}
	}
	records, whole, err := readHello(c.raw, func() {
		running = true
		o.rec.handshake(1)
	})
	if err != nil {
		stop()
		o.failed(c, err)
		return "", false
	}
	var hello *fingerprint.ClientHello
	if whole {
		hello, _ = fingerprint.ParseClientHelloRecords(records) // crypto/tls is the judge of what is valid
	}
	c.digest = digestOf(hello)
	if whole {
		o.recordHello(c, hello, records)
	}
	if a := o.decide(hello, whole); a.End != "" || a.Delay > 0 || len(a.Write) > 0 {
		if o.sleep(a.Delay); a.End != "" || len(a.Write) > 0 {
			o.killed(c, a, stop)
			return "", false
		}
	}
	wire := &wireConn{Conn: c.raw, replay: records, tee: c.full, answered: stop}
	t := tls.Server(wire, o.tls)
	err = t.Handshake()
	stop()
	if err != nil {
		o.failed(c, err)
		return "", false
	}
	state := t.ConnectionState()
	second := []byte(nil)
	if state.HelloRetryRequest {
		second = secondHello(wire.read)
	}
	wire.established, wire.read = true, nil
	c.Conn, c.tls, c.resume, c.retry = t, t, state.DidResume, state.HelloRetryRequest
	if proto = state.NegotiatedProtocol; proto == "" {
		proto = protoH1
	}
	o.established(c, state, proto, second)
	if !o.speaks(proto) {
		c.kill(FIN)
		c.Close()
		return "", false
	}
	return proto, true
}

// speaks reports whether proto is among Config.Protocols.
func (o *Origin) speaks(proto string) bool {
	for _, p := range o.cfg.Protocols {
		if p == proto {
			return true
		}
	}
	return false
}

// decide asks the faults what becomes of a handshake whose hello has come.
func (o *Origin) decide(hello *fingerprint.ClientHello, whole bool) Action {
	faults := o.cfg.Faults
	if faults.Handshake.When == AfterHello && whole {
		if e := o.killer.next(); e != "" {
			return Action{End: e}
		}
	}
	a := Action{}
	if faults.Script != nil {
		o.mu.Lock()
		o.scripted++
		n := o.scripted
		o.mu.Unlock()
		a = faults.Script(n, hello)
	}
	a.Delay += faults.Delay
	return a
}

// killed ends a handshake as a says. stop takes it out of those in progress,
// before the client can notice that it has ended.
func (o *Origin) killed(c *conn, a Action, stop func()) {
	o.rec.count(func(n *Counters) { n.HandshakesKilled++ })
	o.rec.update(c.rec, func(rec *Connection) { rec.Killed, rec.Ending = true, a.End })
	if a.End == Stall {
		if len(a.Write) > 0 {
			_, _ = c.raw.Write(a.Write)
		}
		_, _ = io.Copy(io.Discard, c.raw) // until the client closes, or Close does
		c.Close()
		return
	}
	stop()
	if len(a.Write) > 0 {
		_, _ = c.raw.Write(a.Write)
	}
	if a.End == RST {
		c.kill(RST)
	} else {
		c.kill(FIN)
	}
	c.Close()
}

// failed records a handshake that failed by itself. The connection is closed
// such that an alert of crypto/tls reaches the client.
func (o *Origin) failed(c *conn, err error) {
	o.rec.count(func(n *Counters) { n.HandshakesFailed++ })
	o.rec.update(c.rec, func(rec *Connection) { rec.Err = err.Error() })
	closeWrite(c.raw)
	linger(c.raw)
	c.Close()
}

func (o *Origin) recordHello(c *conn, hello *fingerprint.ClientHello, records []byte) {
	d := c.digest
	if hello != nil {
		o.rec.count(func(n *Counters) { tally(n.JA4, d.JA4) })
	}
	o.rec.update(c.rec, func(rec *Connection) {
		rec.JA3Hash, rec.JA4, rec.ServerName = d.JA3Hash, d.JA4, d.ServerName
		if c.full {
			rec.JA3, rec.JA4R, rec.Hello = d.JA3, d.JA4R, records
		}
	})
}

func (o *Origin) established(c *conn, state tls.ConnectionState, proto string, second []byte) {
	o.rec.count(func(n *Counters) {
		n.Connections++
		if state.DidResume {
			n.Resumed++
		}
		if state.HelloRetryRequest {
			n.HelloRetries++
		}
	})
	o.rec.update(c.rec, func(rec *Connection) {
		rec.Protocol, rec.TLSVersion, rec.CipherSuite = proto, state.Version, state.CipherSuite
		rec.Resumed, rec.HelloRetry, rec.SecondHello = state.DidResume, state.HelloRetryRequest, second
	})
}

// sleep waits for d, or until the Origin closes.
func (o *Origin) sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-o.done:
	}
}
