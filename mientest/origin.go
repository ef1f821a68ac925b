package mientest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

// An Origin is a running server. Its methods may be used concurrently.
type Origin struct {
	// URL is "https://" or "http://" and the address, without a final slash.
	URL string

	cfg      Config // constant, as everything up to scripted
	tls      *tls.Config
	ca, leaf *x509.Certificate
	listener net.Listener
	handler  http.Handler
	h1       *http.Server
	h2       *http2.Server
	h1Conns  *handover
	rec      *recorder
	killer   *killer
	done     chan struct{} // closed by Close
	work     *group        // goroutines and handlers that Close waits for

	mu       sync.Mutex
	conns    map[*conn]struct{} // guarded by mu: open
	scripted int                // guarded by mu: handshakes that Script has seen
	closing  bool               // guarded by mu
}

// New starts an Origin. The caller closes it.
func New(cfg Config) (*Origin, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	o := &Origin{
		cfg: cfg, handler: cfg.Handler, rec: newRecorder(cfg.RecordFull, cfg.RecordMax),
		killer: &killer{faults: cfg.Faults.Handshake}, done: make(chan struct{}), work: newGroup(),
		conns: make(map[*conn]struct{}),
	}
	if o.handler == nil {
		o.handler = http.HandlerFunc(serveReport)
	}
	ca, err := trusted()
	if err != nil {
		return nil, fmt.Errorf("mientest: making the CA: %w", err)
	}
	o.ca = ca.cert
	if !cfg.Plain {
		if err := o.setTLS(); err != nil {
			return nil, err
		}
	}
	if o.listener = cfg.Listener; o.listener == nil {
		if o.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return nil, fmt.Errorf("mientest: %w", err)
		}
	}
	o.URL = "https://" + o.listener.Addr().String()
	if cfg.Plain {
		o.URL = "http://" + o.listener.Addr().String()
	}
	o.setHTTP()
	o.work.enter()
	go func() {
		defer o.work.leave()
		_ = o.h1.Serve(o.h1Conns) // http.ErrServerClosed, or net.ErrClosed from h1Conns
	}()
	o.work.enter()
	go o.accept()
	return o, nil
}

func (o *Origin) setTLS() error {
	o.tls = &tls.Config{}
	if o.cfg.TLS != nil {
		o.tls = o.cfg.TLS.Clone()
	}
	if o.tls.NextProtos == nil {
		o.tls.NextProtos = o.cfg.Protocols
	}
	if o.cfg.RequireClientCert && o.tls.ClientAuth == tls.NoClientCert {
		o.tls.ClientAuth = tls.RequireAnyClientCert
	}
	if len(o.tls.Certificates) == 0 && o.tls.GetCertificate == nil && o.tls.GetConfigForClient == nil {
		cert, err := issue(o.cfg.Cert, o.cfg.Hosts)
		if err != nil {
			return err
		}
		o.tls.Certificates = []tls.Certificate{cert}
	}
	if len(o.tls.Certificates) > 0 {
		o.leaf = o.tls.Certificates[0].Leaf
	}
	return nil
}

func (o *Origin) setHTTP() {
	errorLog := o.cfg.ErrorLog
	if errorLog == nil {
		errorLog = log.New(io.Discard, "", 0) // nil would be standard error
	}
	o.h1Conns = &handover{conns: make(chan net.Conn), done: o.done, addr: o.listener.Addr()}
	o.h1 = &http.Server{
		Handler:                      http.HandlerFunc(o.serveHTTP),
		ErrorLog:                     errorLog,
		DisableGeneralOptionsHandler: true, // OPTIONS * is a request like others
		TLSNextProto:                 map[string]func(*http.Server, *tls.Conn, http.Handler){},
		ConnContext: func(ctx context.Context, nc net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, connOf(nc))
		},
		ConnState: func(nc net.Conn, state http.ConnState) {
			switch state {
			case http.StateIdle:
				connOf(nc).idle()
			case http.StateClosed, http.StateHijacked:
				o.work.leave()
			}
		},
	}
	o.h2 = &http2.Server{MaxConcurrentStreams: o.cfg.MaxConcurrentStreams}
	_ = http2.ConfigureServer(new(http.Server), o.h2)
}

func connOf(nc net.Conn) *conn {
	c, _ := nc.(interface{ inner() *conn })
	return c.inner()
}

// Addr returns the address that the Origin listens on.
func (o *Origin) Addr() net.Addr { return o.listener.Addr() }

func (o *Origin) accept() {
	defer o.work.leave()
	for {
		raw, err := o.listener.Accept()
		if err != nil {
			select {
			case <-o.done:
				return
			case <-time.After(5 * time.Millisecond): // out of file descriptors, say: some may be freed
				continue
			}
		}
		c, ok := o.admit(raw)
		if !ok {
			raw.Close()
			return
		}
		go o.serve(c)
	}
}

// admit makes raw a connection, unless the Origin is closing.
func (o *Origin) admit(raw net.Conn) (*conn, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closing || !o.work.enter() {
		return nil, false
	}
	c := &conn{Conn: raw, raw: raw, origin: o}
	c.rec, c.id, c.full = o.rec.connection(raw.RemoteAddr().String())
	o.conns[c] = struct{}{}
	return c, true
}

func (o *Origin) forget(c *conn) {
	o.mu.Lock()
	_, ok := o.conns[c]
	delete(o.conns, c)
	o.mu.Unlock()
	if ok {
		o.rec.count(func(n *Counters) { n.Open-- })
	}
}

// serve carries one connection. Over HTTP/1.1 it hands its place in o.work on
// to net/http's goroutine.
func (o *Origin) serve(c *conn) {
	proto := o.cfg.Protocols[0]
	var nc net.Conn = c
	if o.cfg.Plain {
		o.rec.count(func(n *Counters) { n.Connections++ })
		o.rec.update(c.rec, func(rec *Connection) { rec.Protocol = proto })
	} else {
		var ok bool
		if proto, ok = o.handshake(c); !ok {
			o.work.leave()
			return
		}
		nc = tlsConn{c}
	}
	c.follow(proto)
	if proto == protoH1 {
		select {
		case o.h1Conns.conns <- nc:
		case <-o.done:
			c.Close()
			o.work.leave()
		}
		return
	}
	defer o.work.leave()
	defer c.Close()
	o.h2.ServeConn(nc, &http2.ServeConnOpts{
		Context:    context.WithValue(context.Background(), connKey{}, c),
		BaseConfig: o.h1,
		Handler:    http.HandlerFunc(o.serveHTTP),
	})
}

// CloseConnections ends every connection that is open now, by FIN or RST, as a
// server does that is restarted. The Origin goes on accepting new ones.
func (o *Origin) CloseConnections(how Ending) {
	o.mu.Lock()
	conns := make([]*conn, 0, len(o.conns))
	for c := range o.conns {
		conns = append(conns, c)
	}
	o.mu.Unlock()
	for _, c := range conns {
		if how == RST {
			c.kill(RST)
		} else {
			c.kill(FIN)
		}
	}
}

// Close stops the Origin, closes every connection, hijacked ones too, and waits
// for its goroutines and handlers. Calling it again does nothing.
func (o *Origin) Close() {
	o.mu.Lock()
	if o.closing {
		o.mu.Unlock()
		o.work.wait()
		return
	}
	o.closing = true
	conns := o.conns
	o.conns = map[*conn]struct{}{}
	o.mu.Unlock()
	close(o.done)
	o.listener.Close()
	for c := range conns {
		c.raw.Close()
		o.rec.count(func(n *Counters) { n.Open-- })
	}
	o.h1.Close()
	o.work.close()
	o.work.wait()
}
